//! What a daemon does not say: nothing when nothing happens, and of what stays as it is nothing a second time.

use std::fs;

use tempfile::TempDir;

use super::listen::Listening;
use super::{SEMVER, deployment, wait};
use crate::binary::wait_until;
use crate::git_server::{Fault, GitServer, Repo};
use crate::registry_server::{Act, Server, say};

/// How many passes were begun over a config repository.
fn passes(listening: &Listening, repository: &str) -> u64 {
    let page = listening.get("/metrics").1;
    let own = format!("landwaiter_passes_total{{repository=\"{repository}\",");
    let counts = page.lines().filter(|line| line.starts_with(&own));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn a_daemon_with_nothing_to_do_says_nothing_pass_after_pass() {
    let registry = wait(Server::start(|seen, _| match seen.path.as_str() {
        "/v2/forbidden/tags/list" => say(403, &[], "not for you"),
        _ => Act::Pass,
    }));
    registry.fill("app", &["1.0.0"]);
    let host = registry.address;
    let root = TempDir::new().unwrap();
    let app = |name: &str, more: &[&str]| deployment(name, &[&SEMVER, more].concat(), &format!("{host}/app:1.0.0"));
    let calm = [("a.yaml", app("calm", &[]))];
    // All that may be wrong for weeks.
    let troubled = [
        ("locked.yaml", app("locked", &["landwaiter/locked: \"true\"", "landwaiter/locked-by: Ada"])),
        ("typo.yaml", app("typo", &[]).replace("tag-semver", "tag-smever")),
        ("broken.yaml", "landwaiter: [\n".to_owned()),
        ("forbidden.yaml", deployment("forbidden", &SEMVER, &format!("{host}/forbidden:1.0.0"))),
        ("nowhere.yaml", deployment("nowhere", &SEMVER, &format!("{host}/nowhere:1.0.0"))),
    ];
    for (name, files) in [("calm", &calm[..]), ("troubled", &troubled), ("lost", &[])] {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        Repo::with(root.path(), &format!("{name}.git"), &files);
    }
    let server = GitServer::start(root.path());
    server.on(|seen| seen.path.contains("lost").then(|| Fault::Answer(403, "text/plain", "go away".to_owned())));
    let names = ["calm", "troubled", "lost"];
    let urls = names.map(|name| format!("- url: {}\n", server.url(&format!("{name}.git"))));
    fs::write(root.path().join("landwaiter.yaml"), format!("repositories:\n{}", urls.concat())).unwrap();
    let args = "run --config landwaiter.yaml --data-dir data --git-poll-interval 1s --registry-poll-interval 1s";
    let listening = Listening::run(root.path(), args.split(' ').map(str::to_owned).collect());

    let after = |more: u64, before: [u64; 3]| {
        let made = || names.map(|name| passes(&listening, name));
        let are_made = || made().iter().zip(before).all(|(made, before)| *made >= before + more).then(made);
        wait_until(&format!("{more} more passes"), are_made, || listening.daemon.log())
    };
    let before = after(3, [0; 3]);
    let told = listening.daemon.log();
    for words in ["locked by Ada", "tag-smever", "broken.yaml", "403", "go away", "nowhere"] {
        assert!(told.contains(words), "{words:?} is missing in:\n{told}");
    }
    after(6, before);
    let more = listening.daemon.log()[told.len()..].to_owned();
    assert!(more.is_empty(), "{more}");
}
