//! The daemon under systemd, whose socket is here.

use std::os::unix::net::UnixDatagram;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, PATIENCE, landwaiter};
use crate::registry_server::Server;

struct Systemd(UnixDatagram);

impl Systemd {
    /// Waits for a word that begins like that, and gives it with those before it.
    #[track_caller]
    fn hear(&self, beginning: &str) -> Vec<String> {
        let (mut heard, mut bytes) = (Vec::new(), [0; 4096]);
        loop {
            let length =
                self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("{beginning}: {error}, after {heard:?}"));
            let words = String::from_utf8_lossy(&bytes[..length]).into_owned();
            heard.extend(words.lines().map(str::to_owned));
            if heard.last().is_some_and(|last| last.starts_with(beginning)) {
                return heard;
            }
        }
    }
}

#[test]
fn systemd_hears_that_it_is_up_how_it_stands_that_it_lives_and_that_it_ends() {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    let path = scene.home().join("notify");
    let systemd = Systemd(UnixDatagram::bind(&path).unwrap());
    systemd.0.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = landwaiter(scene.home(), scene.args(&[]));
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    let mut daemon = Daemon::start(&mut command);
    assert_eq!(systemd.hear("READY="), ["READY=1"]);
    systemd.hear("STATUS=config is followed, and its last pass was good");
    systemd.hear("WATCHDOG=1");
    systemd.hear("WATCHDOG=1");
    daemon.signal("TERM");
    systemd.hear("STOPPING=1");
    assert_eq!(daemon.wait(), Some(0), "{}", daemon.log());
}
