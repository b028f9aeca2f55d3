//! Which credential a repository gets out of which files.

use std::fs;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Keychain, Proof, helper_server};
use crate::image::{Registry, Repository};
use crate::registry::{CredentialSource, Prefix, Site, Sites};

const PATIENCE: Duration = Duration::from_secs(10);

fn open(config: &str) -> (tempfile::TempDir, Result<Keychain, String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, config).unwrap();
    let keychain = Keychain::open(Some(path), &Sites::default(), Vec::new(), PATIENCE);
    (folder, keychain)
}

fn site(prefix: &str, source: CredentialSource) -> Site {
    Site { credential: Some(source), ..Site::new(prefix.parse().unwrap()) }
}

async fn find(keychain: &Keychain, image: &str) -> Option<String> {
    let credential = keychain.find(&Repository::parse(image).unwrap(), false).await.unwrap()?;
    Some(match credential.proof {
        Proof::Password { user, password } => format!("{user}:{}", password.expose()),
        Proof::IdentityToken(token) => format!("<token>:{}", token.expose()),
    })
}

fn auth(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

#[track_caller]
fn check_key(key: &str, expected: Option<&str>) {
    let found = key.parse::<Prefix>().ok().map(|prefix| prefix.to_string());
    assert_eq!(found.as_deref(), expected, "{key}");
}

#[test]
fn every_way_to_write_a_host() {
    check_key("host", Some("host"));
    check_key("gcr.io", Some("gcr.io"));
    check_key("localhost:5000/v2/", Some("localhost:5000"));
    check_key("192.168.99.100:5000", Some("192.168.99.100:5000"));
    check_key("https://192.168.99.100:5000/v2", Some("192.168.99.100:5000"));
    check_key("https://gcr.io/v1/", Some("gcr.io"));
    check_key("telnet://gcr.io/v1", Some("gcr.io"));
    check_key("http://GHCR.io", Some("ghcr.io"));
    check_key("https://index.docker.io/v1/", Some("docker.io"));
    check_key("docker.io", Some("docker.io"));
    check_key("registry-1.docker.io", Some("docker.io"));
    check_key("quay.io/team", Some("quay.io/team"));
    check_key("https://quay.io/team/app/", Some("quay.io/team/app"));
    check_key("quay.io/v2/app", Some("quay.io/v2/app"));
}

#[test]
fn what_names_no_host() {
    for key in ["", "https://", "^#invalid.io/v1/", "/var/user", "host:port"] {
        check_key(key, None);
    }
}

#[tokio::test]
async fn the_longest_match_on_a_path_boundary_wins() {
    let entry = |user: &str| format!(r#"{{"auth":"{}"}}"#, auth(&format!("{user}:pw")));
    let (_folder, keychain) = open(&format!(
        r#"{{"auths":{{"quay.io":{},"quay.io/team":{},"quay.io/team/app":{},"https://index.docker.io/v1/":{},"^#bad":{}}}}}"#,
        entry("host"),
        entry("team"),
        entry("app"),
        entry("hub"),
        entry("bad"),
    ));
    let keychain = keychain.unwrap();
    for (image, user) in [
        ("quay.io/other/app", Some("host:pw")),
        ("quay.io/team", Some("team:pw")),
        ("quay.io/team/web", Some("team:pw")),
        ("quay.io/teams/web", Some("host:pw")),
        ("quay.io/team/app", Some("app:pw")),
        ("quay.io/team/app/sub", Some("app:pw")),
        ("quay.io/team/app2", Some("team:pw")),
        ("nginx", Some("hub:pw")),
        ("docker.io/org/app", Some("hub:pw")),
        ("quay.io:443/team/app", None),
        ("evil-quay.io/team/app", None),
        ("ghcr.io/quay.io/team", None),
    ] {
        assert_eq!(find(&keychain, image).await.as_deref(), user, "{image}");
    }
}

#[tokio::test]
async fn every_form_of_an_entry() {
    for (entry, expected) in [
        (format!(r#"{{"auth":"{}"}}"#, auth("user:pass:with:colons")), Some("user:pass:with:colons")),
        (format!(r#"{{"auth":"{}"}}"#, auth("user:p").trim_end_matches('=')), Some("user:p")),
        (format!(r#"{{"auth":"{}"}}"#, auth("user:pw\0\0")), Some("user:pw")),
        (r#"{"username":"bob","password":"pw"}"#.to_owned(), Some("bob:pw")),
        (format!(r#"{{"auth":"{}","identitytoken":"refresh"}}"#, auth("0000:")), Some("<token>:refresh")),
        (r#"{"email":"a@b.example"}"#.to_owned(), None),
        ("{}".to_owned(), None),
    ] {
        let (_folder, keychain) = open(&format!(r#"{{"auths":{{"ghcr.io":{entry}}}}}"#));
        assert_eq!(find(&keychain.unwrap(), "ghcr.io/org/app").await.as_deref(), expected, "{entry}");
    }
}

#[test]
fn helpers_know_docker_hub_by_a_url() {
    for (host, server) in [("docker.io", "https://index.docker.io/v1/"), ("localhost:5000", "localhost:5000")] {
        assert_eq!(helper_server(&Registry::parse(host).unwrap()), server);
    }
}

#[test]
fn a_bad_file_is_named_without_its_secrets() {
    let (folder, keychain) = open("{\"auths\":\n {\"ghcr.io\": {\"auth\": hunter2}}}");
    let error = keychain.map(|_| ()).unwrap_err();
    assert!(error.contains("line 2") && error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let missing =
        Keychain::open(Some("/nowhere/config.json".into()), &Sites::default(), Vec::new(), PATIENCE).map(|_| ());
    assert!(missing.unwrap_err().contains("/nowhere/config.json cannot be read"));
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_holds_for_its_registry_alone() {
    for (entry, problem) in [
        (r#"{"auth":"hunter2!"}"#, "`auth` is not base64 of `user:password`"),
        (r#"{"auth":"aHVudGVyMg=="}"#, "`auth` is not base64 of `user:password`"),
        (r#"{"auth":2}"#, "it is no entry of Docker's"),
        (r#""hunter2""#, "it is no entry of Docker's"),
    ] {
        let good = format!(r#"{{"auth":"{}"}}"#, auth("bob:pw"));
        let (folder, keychain) = open(&format!(
            r#"{{"auths":{{"ghcr.io":{entry},"ghcr.io/ours":{good},"quay.io":{good}}},"credHelpers":{{"gcr.io":"gcr"}}}}"#
        ));
        let keychain = keychain.unwrap();
        let told = keychain.find(&Repository::parse("ghcr.io/org/app").unwrap(), false).await.unwrap_err();
        let path = folder.path().join("config.json");
        assert_eq!(told, format!("the credentials in {}: `auths` for ghcr.io: {problem}", path.display()));
        assert_eq!(find(&keychain, "ghcr.io/ours/app").await.as_deref(), Some("bob:pw"));
        assert_eq!(find(&keychain, "quay.io/org/app").await.as_deref(), Some("bob:pw"));
        assert_eq!(find(&keychain, "docker.io/org/app").await, None);
    }
}

#[tokio::test]
async fn files_given_by_name_come_first_and_hold_both_halves() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let named = |prefix: &str, path| site(prefix, CredentialSource::File(path));
    let config = file("config.json", &format!(r#"{{"auths":{{"ghcr.io/org":{{"auth":"{}"}}}}}}"#, auth("docker:pw")));
    let files =
        vec![named("ghcr.io", file("host", "host:pw\n")), named("https://ghcr.io/org/", file("org", "org:pw\r\n"))];
    let keychain = Keychain::open(Some(config), &Sites::new(files), Vec::new(), PATIENCE).unwrap();
    assert_eq!(find(&keychain, "ghcr.io/org/app").await.as_deref(), Some("org:pw"));
    assert_eq!(find(&keychain, "ghcr.io/other/app").await.as_deref(), Some("host:pw"));
    assert_eq!(find(&keychain, "quay.io/org/app").await, None);

    for bad in ["", "babayaga", "foo:", ":bar", ":", "a:b\nc:d"] {
        let sites = Sites::new(vec![named("ghcr.io", file("bad", bad))]);
        let error = Keychain::open(None, &sites, Vec::new(), PATIENCE).map(|_| ()).unwrap_err();
        assert!(error.contains("expected one line `user:password`"), "{bad:?}: {error}");
    }
}

#[tokio::test]
async fn a_rotated_file_is_read_again_and_a_broken_one_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "bob:old").unwrap();
    let sites = Sites::new(vec![site("ghcr.io", CredentialSource::File(path.clone()))]);
    let keychain = Keychain::open(None, &sites, Vec::new(), PATIENCE).unwrap();
    for (text, expected) in [("bob:newer", "bob:newer"), ("broken", "bob:newer"), ("bob:mended", "bob:mended")] {
        fs::write(&path, text).unwrap();
        assert_eq!(find(&keychain, "ghcr.io/org/app").await.as_deref(), Some(expected), "{text}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(find(&keychain, "ghcr.io/org/app").await.as_deref(), Some("bob:mended"));
}

#[tokio::test]
async fn a_credential_says_where_it_came_from_and_not_what_it_is() {
    let (folder, keychain) = open(&format!(r#"{{"auths":{{"ghcr.io":{{"auth":"{}"}}}}}}"#, auth("bob:hunter2")));
    let keychain = keychain.unwrap();
    let found = keychain.find(&Repository::parse("ghcr.io/org/app").unwrap(), false).await.unwrap().unwrap();
    let path = folder.path().join("config.json");
    assert_eq!(found.to_string(), format!("the credential from {} (user bob)", path.display()));
    assert!(!format!("{found:?}{keychain:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_pull_secret_is_read_as_kubernetes_mounts_it() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |name: &str, file: &str, text: String| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join(file), text).unwrap();
        path
    };
    let entry = format!(r#"{{"auth":"{}"}}"#, auth("bob:pw"));
    let modern = mount("modern", ".dockerconfigjson", format!(r#"{{"auths":{{"ghcr.io":{entry}}}}}"#));
    let old = mount("old", ".dockercfg", format!(r#"{{"https://quay.io":{entry}}}"#));
    let sites = Sites::new(vec![
        site("ghcr.io", CredentialSource::PullSecret(modern.clone())),
        site("quay.io", CredentialSource::PullSecret(old.join(".dockercfg"))),
        site("ghcr.io/public", CredentialSource::Anonymous),
    ]);
    let keychain = Keychain::open(None, &sites, Vec::new(), PATIENCE).unwrap();
    assert_eq!(find(&keychain, "ghcr.io/org/app").await.as_deref(), Some("bob:pw"));
    assert_eq!(find(&keychain, "quay.io/org/app").await.as_deref(), Some("bob:pw"));
    assert_eq!(find(&keychain, "ghcr.io/public/app").await, None);

    fs::remove_file(modern.join(".dockerconfigjson")).unwrap();
    let error = Keychain::open(None, &sites, Vec::new(), PATIENCE).map(|_| ()).unwrap_err();
    assert!(error.starts_with("there is neither .dockerconfigjson nor .dockercfg in "), "{error}");
}

#[test]
fn a_variable_that_is_not_set_is_known_at_the_start() {
    let source = CredentialSource::Environment { user: "NOBODY_SETS_THIS".into(), password: "NOR_THIS".into() };
    let error = Keychain::open(None, &Sites::new(vec![site("ghcr.io", source)]), Vec::new(), PATIENCE).map(|_| ());
    assert_eq!(error.unwrap_err(), "the variable NOBODY_SETS_THIS, which is to hold a credential, is not set");
}
