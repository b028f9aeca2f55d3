//! The audit trail: what passes did is read back from the commits, and from nothing else.

use std::sync::Mutex;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Ran, landwaiter, run};
use crate::git_server::git;
use crate::registry_server::{Act, Server, say};

#[test]
fn who_ran_what_when_and_why() {
    static TAGS: Mutex<&str> = Mutex::new(r#"{"tags":["1.0.0","1.1.0"]}"#);
    let registry =
        wait(Server::start(|seen, _| if seen.is_list() { say(200, &[], *TAGS.lock().unwrap()) } else { Act::Pass }));
    let host = registry.address;
    let (web, api) = (
        deployment("web", &SEMVER, &format!("{host}/shop/web:1.0.0")),
        deployment("api", &SEMVER, &format!("{host}/shop/api:1.0.0")),
    );
    let scene = Scene::new(&[("web.yaml", &web), ("api.yaml", &api)]);
    let bare = scene.repo.bare.to_str().unwrap().to_owned();
    let history = |more: &[&str]| -> Ran { run(&mut landwaiter(scene.home(), [&["history", &bare], more].concat())) };
    assert_eq!(history(&[]).stdout, "No image changes of ours.\n");

    scene.passes();
    let first = scene.repo.head();
    *TAGS.lock().unwrap() = r#"{"tags":["1.0.0","1.1.0","1.2.0"]}"#;
    scene.passes();
    let second = scene.repo.head();
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    // Somebody else's commit, with words that look like ours but stand in no trailer.
    scene.repo.push(&[("README.md", "x\n")], "Note\n\nLandwaiter-Update: a b c d e\n\nnot a trailer");

    let all = history(&["--output", "json"]);
    assert_eq!(all.code, 0, "{all:?}");
    let changes = all.json()["changes"].as_array().unwrap().clone();
    let shown: Vec<_> = changes
        .iter()
        .map(|c| {
            let text = |key: &str| c[key].as_str().unwrap_or("-").to_owned();
            let words = ["commit", "file", "workload", "container", "image", "from", "to"].map(text);
            words.join(" ").replace(&host.to_string(), "HOST").replace(&first, "first").replace(&second, "second")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "second api.yaml shop/Deployment/api api HOST/shop/api 1.1.0 1.2.0",
            "second web.yaml shop/Deployment/web web HOST/shop/web 1.1.0 1.2.0",
            "first api.yaml shop/Deployment/api api HOST/shop/api 1.0.0 1.1.0",
            "first web.yaml shop/Deployment/web web HOST/shop/web 1.0.0 1.1.0",
        ]
    );
    assert_eq!(changes[0]["author"], "Landwaiter <landwaiter@localhost>");
    assert_eq!(changes[0]["reason"], "semver:1: highest version of 3 matching tags");

    let count =
        |more: &[&str]| history(&[&["--output", "json"], more].concat()).json()["changes"].as_array().unwrap().len();
    assert_eq!(count(&["--workload", "Deployment/web"]), 2);
    assert_eq!(count(&["--image", "shop/api", "--since", "1h"]), 2);
    assert_eq!(count(&["--since", "2199-01-01"]), 0);
    assert_eq!(count(&["--since", "2020-01-01T00:00:00Z", "--workload", "none"]), 0);
    assert_eq!(count(&["--commits", "2"]), 2, "the newest two, one of which is not ours");
    assert_eq!(history(&["--since", "yesterday"]).code, 2);

    let text = history(&["--image", "shop/web"]).stdout;
    for part in
        ["1.1.0 -> 1.2.0", &second[..10], "highest version of 2 matching tags", "Landwaiter <landwaiter@localhost>"]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let csv = history(&["--output", "csv"]).stdout;
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.starts_with("time,commit,author,file,workload,container,image,from,to,reason\n"), "{csv}");

    let nowhere = run(&mut landwaiter(scene.home(), ["history", "nowhere"]));
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stderr.contains("nowhere") && nowhere.stderr.contains("no such directory"), "{nowhere:?}");
}
