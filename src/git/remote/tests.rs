//! Addresses are read as people write them, and no secret ever comes out again.

use super::{Identity, RemoteUrl};

#[track_caller]
fn check(text: &str, shown: &str) {
    assert_eq!(RemoteUrl::parse(text).unwrap().to_string(), shown);
}

#[track_caller]
fn refused(text: &str, words: &[&str]) {
    let message = RemoteUrl::parse(text).unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
    assert!(!message.contains("s3cret"), "{message:?}");
}

#[test]
fn addresses_as_people_write_them() {
    check("https://git.example.com/team/config.git", "https://git.example.com/team/config.git");
    check("https://git.example.com/team/config/", "https://git.example.com/team/config");
    check(" HTTPS://Git.Example.com/a ", "https://git.example.com/a");
    check("https://bot:s3cret@git.example.com:8443/a", "https://git.example.com:8443/a");
    check("https://s3cret@git.example.com/a", "https://git.example.com/a");
    check("git@github.com:team/config.git", "git@github.com:team/config.git");
    check("git+ssh://git@github.com:22/team/config.git", "ssh://git@github.com/team/config.git");
    check("SSH://git.example.com:2222/a", "ssh://git@git.example.com:2222/a");
    check("file:///srv/config.git", "/srv/config.git");
    check("file:///srv/my%20config", "/srv/my config");
    check("/srv/config.git", "/srv/config.git");
    check("../config", "../config");
    check("./a:b", "./a:b");
}

#[test]
fn what_cannot_be_reached_is_refused_by_name() {
    refused("ssh://git:s3cret@github.com/team/config", &["holds no password", "expected https://"]);
    refused("git@github.com:", &["no path of a repository"]);
    refused("ftp://u:s3cret@host/a", &["unknown scheme", "ftp"]);
    refused("file://server/share", &["another machine", "file:///path"]);
    refused("https://u:s3cret@/a", &["expected https://"]);
    refused("https://u:s3cret@host/a?x", &["`?`"]);
    refused("https://u:s3cret%zz@host/a", &["%-escape"]);
    refused("", &["empty"]);
    refused("https://u:s3c\nret@host", &["control"]);
}

#[test]
fn only_a_loopback_may_see_a_password_in_clear_text() {
    for (text, exposes) in [
        ("http://git.example.com/a", true),
        ("http://10.0.0.1/a", true),
        ("http://localhost:3000/a", false),
        ("http://127.0.0.1/a", false),
        ("http://[::1]/a", false),
        ("http://localhost.example.com/a", true),
        ("https://git.example.com/a", false),
        ("/srv/a", false),
    ] {
        assert_eq!(RemoteUrl::parse(text).unwrap().exposes_credentials(), exposes, "{text}");
    }
}

#[test]
fn identities_that_a_commit_can_hold() {
    assert_eq!(Identity::new(" Land Waiter ", "bot@example.com").unwrap().name, "Land Waiter");
    for (name, email) in [("", "a@b"), ("a", " "), ("a<b", "a@b"), ("a", "a@b>"), ("a\nb", "a@b")] {
        assert!(Identity::new(name, email).is_err(), "{name:?} {email:?}");
    }
}
