//! What this process has used so far, as Linux counts it, and a line of a table: shared by the benchmarks.

use std::fs;
use std::time::Duration;

/// User and system time, in steps of 10 ms.
pub(crate) fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(ticks * 10)
}

/// What came to it since it was so much.
pub(crate) fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

/// A figure by its name in `/proc/self/status`: `VmRSS` is the memory now and `VmHWM` the most so far, both in kB.
pub(crate) fn status(name: &str) -> u32 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("a figure");
    line.split_whitespace().next().and_then(|figure| figure.parse().ok()).expect("kB")
}

#[expect(clippy::print_stdout, reason = "this is what a benchmark is for")]
pub(crate) fn println(line: &str) {
    println!("{line}");
}
