//! Servers that refuse, redirect, babble or say nothing.

use crate::git_server::Fault;
use crate::git_server::git;
use landwaiter::git::Credential;
use landwaiter::git::Mirror;
use landwaiter::git::Options;
use landwaiter::git::PushOutcome;
use landwaiter::secret::Secret;
use std::time::Duration;
use std::time::Instant;

use super::{FILES, Scene, lasting, one_pass, says, temporary, write};

#[test]
fn a_wrong_password_is_named_by_its_source() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:right");
    let url = scene.server.url("config.git");
    let file = scene.root.path().join("password");
    std::fs::write(&file, "bot:s3cret-wrong").unwrap();
    let given =
        Credential::Given { username: None, password: Secret::new("s3cret-wrong"), source: "LANDWAITER_X".into() };
    let sources = [
        (None, url.clone(), "no credential".to_owned()),
        (None, scene.server.url_as("bot:s3cret-wrong", "config.git"), "the git url".to_owned()),
        (Some(given), url.clone(), "LANDWAITER_X".to_owned()),
        (Some(Credential::File(file.clone())), url.clone(), file.display().to_string()),
    ];
    for (credential, url, source) in sources {
        let options = Options { credential, ..scene.options(&url) };
        assert!(!format!("{options:?}").contains("s3cret"), "{options:?}");
        let mirror = Mirror::open(options).unwrap();
        let error = says(mirror.fetch(), &["401", "config.git", &source, "give a credential"]);
        // The server repeats what it got; we do not.
        let everything = format!("{mirror:?} {error:?} {error}");
        assert!(!everything.contains("s3cret") && !everything.contains("s3cret-wrong"), "{everything}");
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "bot:s3cret-wrong");
        assert!(!everything.contains(&encoded), "{everything}");
    }
    // A rotated password is picked up without a restart.
    let mirror =
        Mirror::open(Options { credential: Some(Credential::File(file.clone())), ..scene.options(&url) }).unwrap();
    mirror.fetch().unwrap_err();
    std::fs::write(&file, "bot:right\n").unwrap();
    mirror.fetch().unwrap();
}

#[test]
fn half_a_password_at_the_end_of_a_long_answer_is_not_shown() {
    let scene = Scene::new(FILES);
    let mirror = Mirror::open(scene.options(&scene.server.url_as("bot:s3cret-token", "config.git"))).unwrap();
    let words = format!("{} s3cret-token", "x".repeat(290));
    scene.server.on(move |_| Some(Fault::Answer(500, "text/plain", words.clone())));
    let error = says(mirror.fetch(), &["500", "xxx …"]).to_string();
    assert!(!error.contains("s3c"), "{error}");
}

#[test]
fn a_password_does_not_travel_in_clear_text_or_to_strangers() {
    let scene = Scene::new(FILES);
    let options = scene.options("http://bot:s3cret@git.example.com/config.git");
    lasting(Mirror::open(options), &["clear text", "https", "git.example.com"]);

    let other = Scene::new(FILES);
    let there = other.server.url("config.git/info/refs?service=git-upload-pack");
    scene.server.on(move |_| Some(Fault::Redirect(there.clone())));
    let options = scene.options(&scene.server.url_as("bot:s3cret", "config.git"));
    lasting(
        Mirror::open(options).unwrap().fetch(),
        &[&format!("redirects to {},", other.server.url("config.git")), "credential"],
    );
    assert!(other.server.take_log().is_empty());
    // Without a credential there is nothing to lose.
    assert_eq!(scene.http().fetch().unwrap().commit().to_string(), other.repo.head());
}

#[test]
fn a_renamed_repository_is_followed_on_the_same_server() {
    let scene = Scene::new(FILES);
    scene.server.require("bot:pass");
    let old = scene.server.url_as("bot:pass", "old");
    let new = scene.server.url("config.git/info/refs?service=");
    scene.server.on(move |seen| {
        seen.path
            .starts_with("/old/")
            .then(|| Fault::Redirect(format!("{new}{}", seen.query.trim_start_matches("service="))))
    });
    one_pass(&scene, &Mirror::open(scene.options(&old)).unwrap());
    let there = scene.server.url("login");
    scene.server.on(move |_| Some(Fault::Redirect(there.clone())));
    let mirror = Mirror::open(scene.options(&scene.server.url_as("bot:pass", "else"))).unwrap();
    lasting(mirror.fetch(), &["redirects to", "/login", "sign in"]);
    scene.server.on(|seen| Some(Fault::Redirect(format!("{}?{}", seen.path, seen.query))));
    lasting(mirror.fetch(), &["one redirect after another"]);
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let scene = Scene::new(FILES);
    git(&scene.repo.bare, &["branch", "staging", "main"]);
    let open = |url: &str, branch: Option<&str>| {
        Mirror::open(Options { branch: branch.map(Into::into), ..scene.options(url) }).unwrap()
    };
    let url = scene.server.url("config.git");
    let bare = scene.repo.bare.to_str().unwrap();
    for place in [url.as_str(), bare] {
        assert_eq!(open(place, Some("staging")).fetch().unwrap().branch(), "staging");
        lasting(open(place, Some("prod")).fetch(), &[place, "\"prod\"", "main, staging"]);
        lasting(open(place, Some("stag")).fetch(), &["\"stag\"", "main, staging"]);
    }
    lasting(open(&scene.server.url("none.git"), None).fetch(), &["none.git", "404", "check the address"]);
    lasting(open("/nonexistent/x", None).fetch(), &["/nonexistent/x", "no such directory"]);
    lasting(open(scene.root.path().to_str().unwrap(), None).fetch(), &["open the repository"]);
    lasting(Mirror::open(Options { branch: Some("a..b".into()), ..scene.options(&url) }), &["a..b", "branch"]);
    git(&scene.repo.bare, &["symbolic-ref", "HEAD", "refs/heads/gone"]);
    for place in [url.as_str(), bare] {
        lasting(open(place, None).fetch(), &["\"gone\"", "main, staging"]);
    }
    git(&scene.repo.bare, &["update-ref", "--no-deref", "HEAD", "refs/heads/main"]);
    for place in [url.as_str(), bare] {
        lasting(open(place, None).fetch(), &["detached", "name the branch"]);
    }
}

#[test]
fn an_empty_repository_wants_a_first_commit() {
    let scene = Scene::new(&[]);
    for version in [2, 0] {
        if version == 0 {
            scene.server.speak_version_0();
        }
        lasting(scene.http().fetch(), &["config.git", "no commit yet", "push a first commit"]);
        let options = Options { branch: Some("main".into()), ..scene.options(&scene.server.url("config.git")) };
        lasting(Mirror::open(options).unwrap().fetch(), &["no commit yet"]);
    }
    lasting(scene.local().fetch(), &["no commit yet"]);
    let mirror = scene.http();
    mirror.fetch().unwrap_err();
    scene.repo.push(FILES, "first");
    mirror.fetch().unwrap();
}

#[test]
fn a_server_that_is_no_git_server_is_told_apart() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let page = "<html>Welcome</html>";
    for (status, kind, body, is_temporary, words) in [
        (200, "text/html; charset=utf-8", page, false, &["no Git repository", "a web page", "git clone"][..]),
        (200, "application/json", "{}", false, &["no Git repository", "application/json"]),
        (503, "text/plain", "try later", true, &["503", "try later"]),
        (429, "text/plain", "slow down", true, &["429", "slow down"]),
        (404, "text/html", page, false, &["no repository", "404"]),
        (400, "text/plain", "what?\x1b[2J", false, &["400", "what? [2J"]),
        (200, "application/x-git-upload-pack-advertisement", "junk", true, &["reading the repository"]),
        (200, "application/x-git-upload-pack-advertisement", "", true, &["reading the repository"]),
    ] {
        scene.server.on(move |_| Some(Fault::Answer(status, kind, body.into())));
        let error = says(mirror.fetch(), words);
        assert_eq!(error.is_temporary(), is_temporary, "{error}");
    }
    scene.server.heal();
    mirror.fetch().unwrap();
}

#[test]
fn nobody_there_is_temporary() {
    let scene = Scene::new(FILES);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirror = Mirror::open(scene.options(&format!("http://{closed}/a"))).unwrap();
    temporary(mirror.fetch(), &[&closed.to_string(), "cannot reach", "refused"]);
    let mirror = Mirror::open(scene.options("https://does-not-exist.invalid/a")).unwrap();
    temporary(mirror.fetch(), &["cannot reach https://does-not-exist.invalid/a"]);
}

#[test]
fn every_call_ends_in_time() {
    let scene = Scene::new(FILES);
    let options = Options { timeout: Duration::from_millis(900), ..scene.options(&scene.server.url("config.git")) };
    for (place, asked) in [("/info/refs", 1), ("/git-upload-pack", 2), ("/git-receive-pack", 0)] {
        for fault in [|| Fault::Stall, || Fault::Drip] {
            let mirror = Mirror::open(options.clone()).unwrap();
            if asked != 1 {
                mirror.fetch().unwrap();
            }
            scene.repo.push(&[("more.yaml", place)], "more");
            let base = (asked == 0).then(|| mirror.fetch().unwrap());
            scene.server.on(move |seen| seen.path.ends_with(place).then(fault));
            let start = Instant::now();
            match base {
                None => temporary(mirror.fetch(), &["0.9 s", "raise the timeout"]),
                Some(base) => {
                    let commit = write(&mirror, &base, "README.md", &format!("{}\n", fastrand::u64(..)));
                    match mirror.push(&base, commit) {
                        // A slow answer is as good as none, but then the branch is looked at.
                        Ok(PushOutcome::Accepted { .. }) => assert_eq!(scene.repo.head(), commit.to_string()),
                        other => temporary(other, &["0.9 s", "next fetch will tell"]),
                    }
                }
            }
            assert!(start.elapsed() < Duration::from_secs(4), "{place} {:?}", start.elapsed());
            scene.server.heal();
            git(&scene.repo.work, &["pull", "-q", "--rebase", "origin", "main"]);
        }
    }
}
