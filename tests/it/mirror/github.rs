//! A repository of a GitHub App: its tokens are made, kept and renewed, and what is wrong is told to people.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use landwaiter::git::{Credential, GithubApp, Mirror, Options};

use super::{FILES, Scene, accepted, lasting, one_pass, says, write};
use crate::git_server::Fault;
use crate::github_api::{APP, CLIENT, Github, INSTALLATION, app_key, kept};

struct Forge {
    scene: Scene,
    github: Arc<Mutex<Github>>,
    key: PathBuf,
}

impl Forge {
    fn new(form: &str) -> Self {
        let scene = Scene::new(FILES);
        let key = app_key(&scene.root.path().join("app.pem"), form);
        let github = Github::at(&scene.server, scene.root.path(), &key);
        Self { scene, github, key }
    }

    fn app(&self) -> GithubApp {
        GithubApp { id: APP.into(), key: self.key.clone(), installation: None, api: None }
    }

    fn options(&self, app: GithubApp) -> Options {
        let credential = Some(Credential::GithubApp(app));
        Options { credential, ..self.scene.options(&self.scene.server.url("org/config.git")) }
    }

    fn open(&self, app: GithubApp) -> Mirror {
        Mirror::open(self.options(app)).unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Github)) {
        change(&mut self.github.lock().unwrap());
    }

    fn minted(&self) -> usize {
        self.github.lock().unwrap().minted
    }

    /// How often the API was asked, since the last time.
    fn asked(&self) -> usize {
        self.scene.server.take_log().iter().filter(|seen| seen.path.starts_with("/api/")).count()
    }
}

#[test]
fn a_pass_with_an_app() {
    for (form, id, installation) in [("PEM", APP, None), ("PKCS8", CLIENT, None), ("PKCS8", APP, Some(INSTALLATION))] {
        let forge = Forge::new(form);
        let mirror = forge.open(GithubApp { id: id.into(), installation, ..forge.app() });
        one_pass(&forge.scene, &mirror);
        assert_eq!(forge.minted(), 1, "the token is kept");
        assert_eq!(forge.asked(), if installation.is_some() { 1 } else { 2 });
        let who = mirror.introduction().unwrap().unwrap();
        let (key, called) =
            (forge.key.display(), if installation.is_some() { APP.into() } else { format!("landwaiter ({id})") });
        let of = if installation.is_some() { "" } else { " of org" };
        assert_eq!(who.shown, format!("GitHub App {called}, installation 99{of}, with the key from {key}"));
        assert!(who.until.is_some());
        kept(&forge.github, &forge.key, &format!("{mirror:?} {who:?}"));
    }
}

#[test]
fn a_token_is_renewed_before_it_ends_and_once_when_it_is_refused() {
    let forge = Forge::new("PEM");
    forge.change(|github| github.life = 500);
    let mirror = forge.open(forge.app());
    for minted in 1..=3 {
        mirror.fetch().unwrap();
        assert_eq!(forge.minted(), minted, "one that ends soon is not begun with");
    }
    assert_eq!(forge.asked(), 4, "the installation is known");
    forge.change(|github| github.life = 3600);
    mirror.fetch().unwrap();
    mirror.fetch().unwrap();
    assert_eq!(forge.minted(), 4);

    // Somebody took it back.
    forge.change(|github| github.tokens.clear());
    let base = mirror.fetch().unwrap();
    assert_eq!(forge.minted(), 5);
    forge.change(|github| github.tokens.clear());
    accepted(mirror.push(&base, write(&mirror, &base, "README.md", "changed\n")));
    assert_eq!(forge.minted(), 6);

    // The app was installed anew in between.
    forge.change(|github| {
        github.tokens.clear();
        github.installation = Some(100);
    });
    says(mirror.fetch(), &["there is no installation 99 of it any more"]);
    mirror.fetch().unwrap();

    // A server that wants none of them is asked twice and no more.
    let github = Arc::clone(&forge.github);
    let minted = forge.minted();
    forge.scene.server.on(move |seen| {
        let is_api = seen.path.starts_with("/api/");
        if is_api { github.lock().unwrap().answer(seen) } else { Some(Fault::Answer(401, "text/plain", "no".into())) }
    });
    let error = says(mirror.fetch(), &["401", "the credential from GitHub App 4711", "\"no\""]);
    assert_eq!(forge.minted(), minted + 1);
    kept(&forge.github, &forge.key, &format!("{error} {error:?}"));
}

#[test]
fn what_is_wrong_with_an_app_is_told() {
    let forge = Forge::new("PEM");
    let other = app_key(&forge.scene.root.path().join("other.pem"), "PEM");
    let check = |app: GithubApp, change: fn(&mut Github), heal: fn(&mut Github), words: &[&str]| {
        forge.change(change);
        let mirror = forge.open(app);
        let error = says(mirror.fetch(), words);
        let text = format!("{error} {error:?}");
        assert!(text.contains(&forge.scene.server.url("org/config.git")) && text.contains("GitHub App "), "{text}");
        kept(&forge.github, &forge.key, &text);
        kept(&forge.github, &other, &text);
        forge.change(heal);
    };
    let nothing: fn(&mut Github) = |_| {};
    let app = || forge.app();
    check(GithubApp { id: "1".into(), ..app() }, nothing, nothing, &["there is no app \"1\" at http://127", "App ID"]);
    check(GithubApp { key: other.clone(), ..app() }, nothing, nothing, &["other.pem is not a key of it"]);
    let installed: fn(&mut Github) = |github| github.installation = Some(INSTALLATION);
    check(app(), |github| github.installation = None, installed, &["it is not installed for org/config"]);
    let gone = GithubApp { installation: Some(7), ..app() };
    check(gone, nothing, nothing, &["there is no installation 7 of it any more", "install the app for org/config"]);
    let known = || GithubApp { installation: Some(INSTALLATION), ..app() };
    for app in [app(), known()] {
        let awake: fn(&mut Github) = |github| github.is_suspended = false;
        check(app, |github| github.is_suspended = true, awake, &["its installation 99 is suspended"]);
    }
    let writes: fn(&mut Github) = |github| github.may_write = true;
    check(
        app(),
        |github| github.may_write = false,
        writes,
        &["it may not write to org/config", "Contents: Read and w"],
    );
    let has: fn(&mut Github) = |github| github.has_repository = true;
    check(app(), |github| github.has_repository = false, has, &["installation 99 has no org/config", "not accessible"]);
    let right: fn(&mut Github) = |github| github.ahead = 0;
    check(app(), |github| github.ahead = 900, right, &[" s behind that of 127.0.0.1", "set it"]);
    check(app(), |github| github.ahead = -300, right, &[" s ahead of that of 127.0.0.1", "set it"]);
    // A little is no matter.
    for ahead in [-40, 40] {
        forge.change(|github| github.ahead = ahead);
        forge.open(app()).fetch().unwrap();
    }
    forge.change(right);

    for (answer, words) in [
        (Fault::Answer(200, "text/html", "<html>s3cret</html>".into()), "does not answer as the API of GitHub does"),
        (Fault::Answer(201, "application/json", r#"{"token":"s3cret"}"#.into()), "does not answer as the API of"),
        (Fault::Answer(503, "text/html", "<html>".into()), "/api/v3/: asking for a token failed with HTTP status 503"),
        (Fault::Answer(401, "application/json", r#"{"message":"Bad day"}"#.into()), "it was not let in (\"Bad day\")"),
        (Fault::Redirect("https://api.example.com/".into()), "elsewhere, where we do not follow"),
        (Fault::Redirect("/api/v3/repos/org/config/installation".into()), "from one place to the next"),
    ] {
        let answer = Mutex::new(answer);
        forge.scene.server.on(move |_| match &*answer.lock().unwrap() {
            Fault::Answer(status, kind, body) => Some(Fault::Answer(*status, kind, body.clone())),
            Fault::Redirect(to) => Some(Fault::Redirect(to.clone())),
            _ => None,
        });
        let error = says(forge.open(app()).fetch(), &[words]);
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = GithubApp { api: Some(format!("http://{closed}/").parse().unwrap()), ..app() };
    says(forge.open(nowhere).fetch(), &[&format!("cannot reach http://{closed}/"), "refused"]);
}

#[test]
fn an_app_that_cannot_be_is_refused_at_the_start() {
    let forge = Forge::new("PEM");
    let url = forge.scene.server.url("org/config.git");
    let none = GithubApp { key: "/nonexistent/key".into(), ..forge.app() };
    lasting(Mirror::open(forge.options(none)), &[&url, "GitHub App 4711: /nonexistent/key: No such file"]);
    let deep = forge.scene.options(&forge.scene.server.url("a/b/c.git"));
    let credential = Some(Credential::GithubApp(forge.app()));
    lasting(
        Mirror::open(Options { credential: credential.clone(), ..deep }),
        &["GitHub App 4711: expected the address of a repository on GitHub"],
    );
    let by_ssh = forge.scene.options("git@github.com:org/config.git");
    lasting(Mirror::open(Options { credential, ..by_ssh }), &["GitHub App 4711", "over ssh a key proves who we are"]);
    // A key that is replaced is read again.
    let mirror = forge.open(forge.app());
    mirror.fetch().unwrap();
    forge.change(|github| github.tokens.clear());
    fs::remove_file(&forge.key).unwrap();
    lasting(mirror.fetch(), &["app.pem: No such file"]);
}
