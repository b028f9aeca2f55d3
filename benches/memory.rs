//! What the daemon keeps in memory between passes, for each tracked container.
//!
//! Workload: 10,000 manifests, each a Deployment of one automated container with a pattern of its own
//! (`semver:~N.2`, or `regex:^main-[0-9a-f]+-([0-9]+)$` for all), in files of 1 kB, surveyed once. The
//! figure is how much the process has grown (resident memory, Linux), divided by the containers. Each
//! workload runs in a process of its own, so that none profits from memory that another one gave back.

use std::convert::Infallible;
use std::env;
use std::fs;
use std::hint::black_box;
use std::process::Command;

use landwaiter::manifest::Scope;
use landwaiter::path::RepoPath;
use landwaiter::plan::{Inventory, Memory, Source};

const MANIFESTS: usize = 10_000;
const PATTERNS: [&str; 3] = ["none", "semver", "regex"];

struct Made {
    pattern: String,
}

impl Source for Made {
    type Key = usize;
    type Error = Infallible;

    fn find(&self, _: &RepoPath) -> Result<Option<usize>, Infallible> {
        Ok(None)
    }

    fn read(&self, number: &usize, buffer: &mut Vec<u8>) -> Result<(), Infallible> {
        let pattern = match self.pattern.as_str() {
            "semver" => format!("    landwaiter/tag.app: semver:~{}.2\n", number % 100),
            "regex" => "    landwaiter/tag.app: regex:^main-[0-9a-f]+-([0-9]+)$\n".to_owned(),
            _ => String::new(),
        };
        *buffer = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team\n  annotations:\n    \
             landwaiter/automated: \"true\"\n{pattern}spec:\n  template:\n    spec:\n      containers:\n        - name: app\n          \
             image: registry.example.com/team/app-{number}:1.2.3\n{}",
            "          # a line of a manifest that is no business of ours\n".repeat(12)
        )
        .into_bytes();
        Ok(())
    }
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a figure");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("kB")
}

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() {
    if let Ok(pattern) = env::var("LANDWAITER_BENCH_PATTERN") {
        let path = |number| RepoPath::parse(&format!("team-{}/app-{number}.yaml", number / 100)).expect("a path");
        let files: Vec<_> = (0..MANIFESTS).map(|number| (path(number), number)).collect();
        let before = resident();
        let mut memory = Memory::default();
        let inventory = Inventory::survey(&files, &Made { pattern: pattern.clone() }, Scope::Annotated, &mut memory);
        let inventory = inventory.expect("an inventory");
        assert_eq!(black_box(&inventory).workloads().count(), MANIFESTS);
        let grown = resident() - before;
        println!("pattern {pattern}: {grown} kB for {MANIFESTS} containers, {} kB per 1,000", grown * 1000 / MANIFESTS);
        drop(memory);
        return;
    }
    let own = env::current_exe().expect("a path");
    for pattern in PATTERNS {
        assert!(Command::new(&own).env("LANDWAITER_BENCH_PATTERN", pattern).status().expect("a run").success());
    }
}
