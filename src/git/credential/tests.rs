//! Credentials are read from where they are kept, and no secret ever comes out again.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use tempfile::TempDir;

use super::{Credential, RemoteUrl, Secret};

fn url(text: &str) -> RemoteUrl {
    RemoteUrl::parse(text).unwrap()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

fn token(claims: &str) -> String {
    format!("eyJhbGciOiJub25lIn0.{}.c2lnbmF0dXJl", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

struct Folder(TempDir);

impl Folder {
    fn file(&self, text: &str) -> std::path::PathBuf {
        let path = self.0.path().join(format!("credential-{}", fastrand::u64(..)));
        std::fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn credentials_from_each_source() {
    let folder = Folder(TempDir::new().unwrap());
    let file = |text: &str| Credential::File(folder.file(text));
    let bearer = |text: &str| Credential::BearerFile(folder.file(text));
    let plain = url("https://host/a");
    let named = url("https://bot@host/a");
    let encoded = url("https://b%40t:p%3Ass@host/a");
    let given = Credential::Given { username: None, password: Secret::new("t0ken"), source: "X".into() };
    // Something that is set wherever this runs.
    let here = std::env::var("CARGO_PKG_NAME").unwrap();
    let environment =
        |user: Option<&str>| Credential::Environment { user: user.map(Into::into), password: "CARGO_PKG_NAME".into() };
    for (credential, url, header) in [
        (file("bot:p:ss\n"), &plain, basic("bot:p:ss")),
        (file("t0ken\r\n"), &plain, basic("x-access-token:t0ken")),
        (file("t0ken"), &named, basic("bot:t0ken")),
        (given, &plain, basic("x-access-token:t0ken")),
        (encoded.credential().unwrap(), &encoded, basic("b@t:p:ss")),
        (named.credential().unwrap(), &named, basic("bot:")),
        (environment(None), &plain, basic(&format!("x-access-token:{here}"))),
        (environment(Some("CARGO_PKG_NAME")), &plain, basic(&format!("{here}:{here}"))),
        (bearer("t0ken\n"), &named, "Bearer t0ken".into()),
        (Credential::BearerEnvironment("CARGO_PKG_NAME".into()), &plain, format!("Bearer {here}")),
    ] {
        assert_eq!(credential.login(url).unwrap().header().expose(), header);
    }
}

#[test]
fn what_is_no_credential_is_told_by_its_source() {
    let folder = Folder(TempDir::new().unwrap());
    let none = folder.0.path().join("none");
    let unset = "LANDWAITER_NEVER_SET";
    for (credential, words) in [
        (Credential::File(folder.file("")), "expected one line"),
        (Credential::File(folder.file("\n")), "expected one line"),
        (Credential::File(folder.file("a:s3cret\nc:d")), "expected one line, `user:password` or a token"),
        (Credential::File(none.clone()), "No such file"),
        (Credential::BearerFile(none), "No such file"),
        (Credential::BearerFile(folder.file("s3cret\ns3cret")), "expected one line with the token"),
        (Credential::BearerFile(folder.file("Bearer s3cret")), "expected the token alone"),
        (Credential::BearerFile(folder.file("s3crét")), "expected the token alone"),
        (Credential::BearerEnvironment(unset.into()), "the variable LANDWAITER_NEVER_SET is not set"),
        (Credential::Environment { user: None, password: unset.into() }, "the variable LANDWAITER_NEVER_SET is not"),
    ] {
        let told = credential.login(&url("https://host/a")).err().unwrap().to_string();
        let source = credential.source();
        assert!(told.starts_with(&format!("credential for https://host/a from {source}: ")), "{told}");
        assert!(told.contains(words) && !told.contains("s3c"), "{told}");
    }
}

#[test]
fn a_token_that_says_when_it_ends_is_heard() {
    let folder = Folder(TempDir::new().unwrap());
    let now = "2026-05-06T07:08:09Z".parse().unwrap();
    for (text, until, told) in [
        (token(r#"{"exp":1778051288}"#), Some("2026-05-06T07:08:08Z"), ", which ended at 2026-05-06T07:08:08Z"),
        (token(r#"{"exp":1778051290}"#), Some("2026-05-06T07:08:10Z"), ""),
        (token(r#"{"exp":"soon"}"#), None, ""),
        (token("{}"), None, ""),
        ("a.b.c".into(), None, ""),
        ("glpat-abcdefgh".into(), None, ""),
    ] {
        for credential in [Credential::BearerFile(folder.file(&text)), Credential::File(folder.file(&text))] {
            let login = credential.login(&url("https://host/a")).unwrap();
            assert_eq!(login.introduction().until, until.map(|until| until.parse().unwrap()), "{text}");
            assert_eq!(login.told(now), format!("the credential from {}{told}", credential.source()));
        }
    }
}

#[test]
fn a_secret_is_never_printed() {
    let folder = Folder(TempDir::new().unwrap());
    let of_url = url("https://bot:s3cret@host/a");
    let credentials = [
        of_url.credential().unwrap(),
        url("https://s3cret@host/a").credential().unwrap(),
        Credential::BearerFile(folder.file("s3cret")),
    ];
    for credential in credentials {
        let login = credential.login(&of_url).unwrap();
        let header = login.header().expose();
        let echoed = login.scrub(&format!("bad password s3cret, header {header}"));
        let introduction = login.introduction();
        for text in [format!("{of_url:?} {of_url}"), format!("{credential:?} {introduction:?}"), echoed] {
            assert!(!text.contains("s3cret") && !text.contains(&header[7..]), "{text}");
        }
    }
}
