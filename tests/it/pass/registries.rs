//! Registries in trouble: told once each, and nobody else's trouble.

use tokio::net::TcpSocket;

use super::{SEMVER, Scene, deployment, wait};
use crate::registry_server::{Act, Server, say};

#[test]
fn a_dead_registry_and_a_wrong_clock_are_told_once_and_the_rest_goes_on() {
    const DEAD: usize = 30;
    let off = wait(Server::start(|seen, _| {
        let date = [("date", "Wed, 21 Oct 2015 07:28:00 GMT")];
        if seen.is_list() { say(200, &date, r#"{"tags":["1.0.0","1.1.0"]}"#) } else { Act::Pass }
    }));
    // Nobody listens there, and nobody else gets the port.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut files = Vec::new();
    for number in 0..DEAD {
        let image = format!("127.0.0.1:{port}/r{number}:1.0.0");
        files.push((format!("dead{number}.yaml"), deployment(&format!("dead{number}"), &SEMVER, &image)));
    }
    for name in ["one", "two"] {
        files.push((format!("{name}.yaml"), deployment(name, &SEMVER, &format!("{}/{name}:1.0.0", off.address))));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let scene = Scene::new(&files);

    let ran = scene.once(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = |words: &str| ran.stderr.lines().filter(|line| line.contains(words)).count();
    assert_eq!(told("the clock of this host is ahead of ours, or behind it"), 1, "{}", ran.stderr);
    assert_eq!(told("the host fails and gets no request for"), 1, "{}", ran.stderr);
    // The first ones may have met it themselves; all others are told of that.
    let by_hearsay = told(" times in a row and is tried again in ");
    assert!((DEAD - 5..=DEAD).contains(&by_hearsay), "{by_hearsay}: {}", ran.stderr);
    for name in ["one", "two"] {
        assert!(scene.file(&format!("{name}.yaml")).contains(":1.1.0"), "{name}");
    }
}
