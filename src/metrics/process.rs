//! What the system says of this process, where it says it. Knows Linux's `/proc`.

use std::fs;

/// What the process takes of the machine.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Memory in RAM, in bytes.
    pub(super) memory: Option<f64>,
    pub(super) open_fds: Option<f64>,
    pub(super) max_fds: Option<f64>,
}

impl Process {
    pub(super) fn now() -> Self {
        let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        // The folder itself is open while it is read.
        let open = fs::read_dir("/proc/self/fd").ok().map(|folder| folder.count().saturating_sub(1));
        Self {
            open_fds: open.and_then(|open| u32::try_from(open).ok()).map(f64::from),
            ..read(&text("status"), &text("limits"))
        }
    }
}

fn read(status: &str, limits: &str) -> Process {
    let after = |text: &str, start: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    Process {
        memory: after(status, "VmRSS:").map(|kibibytes| kibibytes * 1024.0),
        open_fds: None,
        max_fds: after(limits, "Max open files"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, read};

    #[test]
    fn what_the_system_says_is_read() {
        let status = "Name:\tlandwaiter\nVmPeak:\t  9000 kB\nVmRSS:\t    2048 kB\n";
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        let found = read(status, limits);
        assert_eq!(found, Process { memory: Some(2_097_152.0), open_fds: None, max_fds: Some(1024.0) });
        assert_eq!(
            read("", "Max open files            unlimited            unlimited            files"),
            Process::default()
        );
    }
}
