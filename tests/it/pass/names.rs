//! The names of a registry and of a Git server resolve to nothing for a while: in a namespace of its own, where the
//! daemon sees the names that the test writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::StatusCode;
use tempfile::TempDir;

use super::listen::Listening;
use super::outage::Side;
use crate::binary::{landwaiter, wait_until};
use crate::deploy::skipped;
use crate::git_server::Fault;

const REGISTRY: &str = "registry.test";
const GIT: &str = "git.test";

/// A shell that sees other names than we do, and becomes the program it is given.
const SHELL: &str = "$MOUNT --bind \"$HOSTS\" /etc/hosts && $MOUNT --bind \"$RESOLV\" /etc/resolv.conf && exec \"$@\"";

/// The names that a daemon sees.
struct Names(PathBuf);

impl Names {
    fn new(home: &Path) -> Self {
        let names = Self(home.join("hosts"));
        names.say(&[]);
        // Nobody answers there, and says so at once.
        fs::write(home.join("resolv.conf"), "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n").unwrap();
        names
    }

    /// From now on these are this machine, and all others nothing.
    fn say(&self, names: &[&str]) {
        fs::write(&self.0, format!("127.0.0.1 localhost {}\n", names.join(" "))).unwrap();
    }

    /// The same command where these names count.
    fn within(&self, command: &Command) -> Command {
        let mut inner = Command::new("unshare");
        inner.args(["-rm", "/bin/sh", "-c", SHELL, "sh"]).arg(command.get_program()).args(command.get_args());
        inner.env_clear().current_dir(command.get_current_dir().unwrap());
        inner.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let search = std::env::var("PATH").unwrap_or_default();
        inner.env("PATH", search).env("MOUNT", "mount").env("HOSTS", &self.0);
        inner.env("RESOLV", self.0.with_file_name("resolv.conf"));
        inner
    }

    /// Why this machine has no such place.
    fn lack(&self) -> Option<String> {
        let mut probe = Command::new("true");
        let output = self.within(probe.current_dir("/")).output();
        match output {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Some(format!("unshare: {error}")),
        }
    }
}

#[test]
fn names_that_are_gone_stop_nobody_else_and_come_back() {
    let root = TempDir::new().unwrap();
    let names = Names::new(root.path());
    if let Some(why) = names.lack() {
        return skipped(&format!("names that are gone are not tested: {why}"));
    }
    let (mut one, mut two) = (Side::called(&root, "one", REGISTRY), Side::new(&root, "two"));
    one.server.on(|_| Some(Fault::Close));
    let registry = format!("{REGISTRY}:{}", one.registry.address.port());
    let config = format!(
        "repositories:\n- url: http://{GIT}:{}/one.git\n- url: {}\nregistries:\n- {{prefix: '{registry}', \
         insecure-plain-http: true}}\n",
        one.server.port(),
        two.server.url("two.git"),
    );
    fs::write(root.path().join("landwaiter.yaml"), config).unwrap();
    let args = "run --config landwaiter.yaml --data-dir data --git-poll-interval 1s --registry-poll-interval 1s --listen \
                127.0.0.1:0";
    let listening = Listening::of(&mut names.within(&landwaiter(root.path(), args.split(' '))));
    let log = || listening.daemon.log();
    let is = |name: &str, state: &str| {
        let words = format!(r#""name":"{name}","state":"{state}""#);
        wait_until(&words, || listening.get("/readyz").1.contains(&words).then_some(()), log);
    };
    let says = |series: &str, is_there: bool| {
        let found = || (listening.get("/metrics").1.contains(series) == is_there).then_some(());
        wait_until(&format!("{series}: {is_there}"), found, log);
    };
    let failing = "landwaiter_failing_since_timestamp_seconds{repository=\"one\"}";
    let unseen = format!("landwaiter_image_repositories{{registry=\"{registry}\",state=\"failed\"}} 1");

    // From the start.
    let soon = two.release();
    is("one", "failing");
    two.lands(soon, &listening);
    is("two", "good");
    says(failing, true);
    assert_eq!((listening.get("/readyz").0, listening.get("/livez").0), (StatusCode::OK, StatusCode::OK));
    let told = |host: &str| {
        let words = format!("cannot reach http://{host}");
        log().lines().any(|line| line.contains(&words) && line.contains("failed to lookup address information"))
    };
    wait_until("the name in the log", || told(GIT).then_some(()), log);
    let late = one.release();
    names.say(&[GIT, REGISTRY]);
    one.lands(late, &listening);
    is("one", "good");
    says(failing, false);

    // The registry's alone.
    names.say(&[GIT]);
    says(&unseen, true);
    let (late, soon) = (one.release(), two.release());
    two.lands(soon, &listening);
    is("one", "good");
    assert_eq!(one.commits(), late - 1);
    names.say(&[GIT, REGISTRY]);
    one.lands(late, &listening);
    says(&unseen, false);

    // That of Git alone.
    names.say(&[REGISTRY]);
    is("one", "failing");
    let (late, soon) = (one.release(), two.release());
    two.lands(soon, &listening);
    assert_eq!(one.commits(), late - 1);
    names.say(&[GIT, REGISTRY]);
    one.lands(late, &listening);
    is("one", "good");
    listening.daemon.wait_for_log("the config repository can be read and written again");
}
