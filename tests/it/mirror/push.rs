//! What becomes of a push: accepted, lost to somebody else, refused.

use crate::git_server::Fault;
use crate::git_server::git;
use landwaiter::git::Mirror;
use landwaiter::git::PushOutcome;

use super::{FILES, Scene, accepted, lasting, refused, temporary, write};

#[test]
fn a_large_file_goes_out_with_its_length() {
    let noise: String = (0..3_000_000).map(|_| fastrand::alphanumeric()).collect();
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", &noise);
    scene.server.take_log();
    accepted(mirror.push(&base, commit));
    let log = scene.server.take_log();
    assert_eq!(log.len(), 2, "references, pack");
    assert!(log[1].body.len() > 2_000_000);
    assert_eq!(log[1].content_length, Some(log[1].body.len()));
    assert_eq!(git(&scene.repo.bare, &["show", "main:README.md"]), noise);
    scene.is_sound();
}

/// Someone else pushes between our fetch and our push.
fn lost_race(scene: &Scene, mirror: &Mirror) {
    let base = mirror.fetch().unwrap();
    let commit = write(mirror, &base, "README.md", "ours\n");
    let theirs = scene.repo.push(&[("apps/web.yaml", "theirs\n")], "theirs");
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Stale { actual } => assert_eq!(actual.unwrap().to_string(), theirs),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.repo.head(), theirs);
    let next = mirror.fetch().unwrap();
    let commit = write(mirror, &next, "README.md", "ours\n");
    accepted(mirror.push(&next, commit));
    assert_eq!(git(&scene.repo.bare, &["show", "main:apps/web.yaml"]), "theirs");
    assert_eq!(git(&scene.repo.bare, &["show", "main:README.md"]), "ours");

    git(&scene.repo.bare, &["update-ref", "-d", "refs/heads/main"]);
    let again = write(mirror, &next, "README.md", "once more\n");
    assert_eq!(mirror.push(&next, again).unwrap(), PushOutcome::Stale { actual: None });
    scene.is_sound();
}

#[test]
fn a_lost_race_over_http_loses_nothing() {
    let scene = Scene::new(FILES);
    lost_race(&scene, &scene.http());
}

#[test]
fn a_lost_race_on_a_local_path_loses_nothing() {
    let scene = Scene::new(FILES);
    lost_race(&scene, &scene.local());
}

#[test]
fn a_race_lost_after_the_references_were_shown_is_stale() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "ours\n");
    let work = scene.repo.work.clone();
    scene.repo.write(&[("apps/web.yaml", "theirs\n")]);
    git(&work, &["commit", "-q", "-a", "-m", "theirs"]);
    let theirs = git(&work, &["rev-parse", "HEAD"]);
    scene.server.on(move |seen| {
        if seen.path.ends_with("/git-receive-pack") {
            git(&work, &["push", "-q", "origin", "HEAD:main"]);
        }
        None
    });
    match mirror.push(&base, commit).unwrap() {
        PushOutcome::Stale { actual } => assert_eq!(actual.unwrap().to_string(), theirs),
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.repo.head(), theirs);
}

#[test]
fn a_commit_is_pushed_only_onto_its_parent() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let first = mirror.fetch().unwrap();
    let commit = write(&mirror, &first, "README.md", "x\n");
    scene.repo.push(&[], "second");
    let second = mirror.fetch().unwrap();
    lasting(mirror.push(&second, commit), &["not made from"]);
}

#[test]
fn a_hook_speaks_and_refuses() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    scene.repo.hook("pre-receive", "printf 'Images need a \\033[1mticket\\033[0m\\n' >&2; exit 1");
    let commit = write(&mirror, &base, "README.md", "x\n");
    let reason = refused(mirror.push(&base, commit));
    assert!(reason.starts_with("pre-receive hook declined | Images need a [1mticket"), "{reason:?}");
    assert_eq!(scene.repo.head(), base.commit().to_string());
    scene.repo.hook("pre-receive", "echo 'Build started' >&2");
    assert_eq!(accepted(mirror.push(&base, commit)), ["Build started"]);
}

#[test]
fn a_server_that_takes_no_pushes_refuses() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "x\n");
    git(&scene.repo.bare, &["config", "http.receivepack", "false"]);
    let reason = refused(mirror.push(&base, commit));
    assert!(reason.contains("403") && reason.contains("no credential"), "{reason}");
    git(&scene.repo.bare, &["config", "http.receivepack", "true"]);
    git(&scene.repo.bare, &["config", "receive.unpackLimit", "1"]);
    git(&scene.repo.bare, &["config", "transfer.fsckObjects", "true"]);
    accepted(mirror.push(&base, commit));
}

#[test]
fn a_push_whose_answer_is_lost_is_looked_up() {
    let scene = Scene::new(FILES);
    let mirror = scene.http();
    for (round, fault) in [|| Fault::Break, || Fault::Truncate(6), || Fault::Stall].into_iter().enumerate() {
        let base = mirror.fetch().unwrap();
        let commit = write(&mirror, &base, "README.md", &format!("{round}\n"));
        if round == 2 {
            break;
        }
        scene.server.on(move |seen| (seen.path.ends_with("/git-receive-pack")).then(fault));
        accepted(mirror.push(&base, commit));
        assert_eq!(scene.repo.head(), commit.to_string());
    }
    // It did not land, and nobody said so.
    let base = mirror.fetch().unwrap();
    let commit = write(&mirror, &base, "README.md", "3\n");
    scene.server.on(|seen| {
        seen.path.ends_with("/git-receive-pack").then(|| Fault::Answer(502, "text/html", "<h1>Bad</h1>".into()))
    });
    temporary(mirror.push(&base, commit), &[&commit.to_string(), "502", "next fetch will tell"]);
    // Nobody can be asked either.
    scene.server.on(|seen| {
        let pushing = seen.path.ends_with("/git-receive-pack") || seen.path.ends_with("/git-upload-pack");
        pushing.then(|| Fault::Answer(503, "text/plain", "later".into()))
    });
    temporary(mirror.push(&base, commit), &["503", "next fetch will tell"]);
    scene.server.heal();
    assert_eq!(mirror.fetch().unwrap().commit(), base.commit());
    accepted(mirror.push(&base, commit));
}
