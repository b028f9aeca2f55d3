//! Runs the real binary hermetically: no environment but what a test gives, no `git` on the PATH.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a test waits for something that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A command line of the binary, with an empty environment and `home` as home and working folder. A daemon waits
/// for nothing that may land together, unless the test says so.
pub(crate) fn landwaiter(home: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landwaiter"));
    command
        .env_clear()
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("PATH", "")
        .env("LANDWAITER_SETTLE", "0s")
        .current_dir(home)
        .args(args);
    command
}

/// The outcome of a run, with its output as text.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A daemon that runs until it is dropped, with its log: whatever it prints, wherever to.
pub(crate) struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    keepers: Vec<JoinHandle<()>>,
}

impl Daemon {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let keepers = vec![keep(child.stdout.take().unwrap(), &log), keep(child.stderr.take().unwrap(), &log)];
        Self { child, log, keepers }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds `text`.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} in the log"), || self.log().contains(text).then_some(()), || self.log());
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Ends it as the kernel would, and gives what it had said.
    pub(crate) fn kill(&mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.hear_out();
        self.log()
    }

    /// Waits until all is in the log that was printed before the end.
    fn hear_out(&mut self) {
        for keeper in self.keepers.drain(..) {
            keeper.join().unwrap();
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end and gives the exit code; `None` when a signal ended it.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let child = &mut self.child;
        let status =
            wait_until("the end of the daemon", || child.try_wait().unwrap(), || self.log.lock().unwrap().clone());
        self.hear_out();
        status.code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Adds what is printed there to the log, line by line.
fn keep(printed: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let (mut lines, log) = (BufReader::new(printed), Arc::clone(log));
    std::thread::spawn(move || {
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            log.lock().unwrap().push_str(&std::mem::take(&mut line));
        }
        let _ = lines.read_to_string(&mut line);
    })
}

/// Looks again and again until `look` finds what it waits for. The one place where a test waits for something that
/// does not tell by itself.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>, story: impl Fn() -> String) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "waited in vain for {what}:\n{}", story());
        std::thread::sleep(Duration::from_millis(10));
    }
}
