//! What the daemon needs goes away for a while and comes back: the others go on, it recovers by itself, and health
//! says so meanwhile.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::StatusCode;
use tempfile::TempDir;

use super::listen::Listening;
use super::{SEMVER, deployment, wait};
use crate::binary::wait_until;
use crate::git_server::{Fault, GitServer, Repo, git};
use crate::registry_server::{Act, Server, say};

/// A registry and a config repository that follows it, either of which can go away.
pub(super) struct Side {
    pub(super) registry: Server,
    is_closed: Arc<AtomicBool>,
    repo: Repo,
    pub(super) server: GitServer,
    released: usize,
}

impl Side {
    pub(super) fn new(root: &TempDir, name: &str) -> Self {
        Self::called(root, name, "127.0.0.1")
    }

    /// The same with another name of this machine in the place of the registry's address. Connections end with each
    /// answer, so that a name is looked up each time.
    pub(super) fn called(root: &TempDir, name: &str, host: &str) -> Self {
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let registry = wait(Server::start(move |_, _| {
            if closed.load(Ordering::SeqCst) { say(503, &[], "closed for repairs") } else { Act::Close }
        }));
        registry.fill("app", &["1.0.0"]);
        let text = deployment("app", &SEMVER, &format!("{host}:{}/app:1.0.0", registry.address.port()));
        let repo = Repo::with(root.path(), &format!("{name}.git"), &[("a.yaml", &text)]);
        Self { registry, is_closed, repo, server: GitServer::start(root.path()), released: 0 }
    }

    /// Releases one more version, and gives how many commits there are when it has landed.
    pub(super) fn release(&mut self) -> usize {
        self.released += 1;
        let tags: Vec<_> = (0..=self.released).map(|minor| format!("1.{minor}.0")).collect();
        self.registry.fill("app", &tags.iter().map(String::as_str).collect::<Vec<_>>());
        self.commits() + 1
    }

    pub(super) fn commits(&self) -> usize {
        git(&self.repo.bare, &["rev-list", "--count", "main"]).parse().unwrap()
    }

    #[track_caller]
    pub(super) fn lands(&self, commits: usize, listening: &Listening) {
        wait_until("the commit", || (self.commits() == commits).then_some(()), || listening.daemon.log());
    }
}

#[test]
fn what_goes_away_comes_back_and_the_others_go_on() {
    let root = TempDir::new().unwrap();
    let (mut one, mut two) = (Side::new(&root, "one"), Side::new(&root, "two"));
    let config = format!("repositories:\n- url: {}\n- url: {}\n", one.server.url("one.git"), two.server.url("two.git"));
    fs::write(root.path().join("landwaiter.yaml"), config).unwrap();
    let args = "run --config landwaiter.yaml --data-dir data --git-poll-interval 1s --registry-poll-interval 1s";
    let listening = Listening::run(root.path(), args.split(' ').map(str::to_owned).collect());
    let ready = || listening.get("/readyz");
    let state = |name: &str, state: &str| format!(r#""name":"{name}","state":"{state}""#);
    let is = |name: &str, wanted: &str| {
        let there = || ready().1.contains(&state(name, wanted)).then_some(());
        wait_until(&format!("{name} to be {wanted}"), there, || listening.daemon.log());
    };
    is("one", "good");
    is("two", "good");

    // A registry: what it has waits, and nothing else does.
    one.is_closed.store(true, Ordering::SeqCst);
    let (late, soon) = (one.release(), two.release());
    two.lands(soon, &listening);
    listening.daemon.wait_for_log("the registry answered 503");
    assert_eq!((ready().0, one.commits()), (StatusCode::OK, late - 1));
    one.is_closed.store(false, Ordering::SeqCst);
    one.lands(late, &listening);

    // A Git server: its repository is said to fail, and the other one is ready.
    one.server.on(|_| Some(Fault::Answer(502, "text/plain", "out to lunch".to_owned())));
    let (late, soon) = (one.release(), two.release());
    two.lands(soon, &listening);
    is("one", "failing");
    assert_eq!((ready().0, listening.get("/livez").0), (StatusCode::OK, StatusCode::OK));
    assert_eq!(one.commits(), late - 1);
    one.server.heal();
    one.lands(late, &listening);
    is("one", "good");
    listening.daemon.wait_for_log("the config repository can be read and written again");

    // A hook that refuses: the same.
    one.repo.hook("pre-receive", "echo closed for the weekend; exit 1");
    let late = one.release();
    is("one", "failing");
    listening.daemon.wait_for_log("closed for the weekend");
    fs::remove_file(one.repo.bare.join("hooks/pre-receive")).unwrap();
    one.lands(late, &listening);
    is("one", "good");
}
