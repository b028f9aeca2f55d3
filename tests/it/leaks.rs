//! Searches what was seen of a program for secrets: as they are, and in every form in which they go over a wire.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use memchr::memmem;
use url::Url;

use crate::hooks::hex;

/// What was seen of a program: where, and the bytes.
#[derive(Default)]
pub(crate) struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    pub(crate) fn add(&mut self, place: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.to_owned(), bytes.into()));
    }

    /// Every file in a folder.
    pub(crate) fn add_files(&mut self, folder: &Path) {
        let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
        for file in files.filter(|entry| entry.file_type().is_file()) {
            self.add(&file.path().display().to_string(), fs::read(file.path()).unwrap());
        }
    }

    /// Whether this stands in something that was seen.
    pub(crate) fn has(&self, words: &str) -> bool {
        self.0.iter().any(|(_, bytes)| memmem::find(bytes, words.as_bytes()).is_some())
    }

    /// Each secret that is in it: its name, its form, where, and what stands around it.
    pub(crate) fn leaks(&self, secrets: &[(&str, &str)]) -> Vec<String> {
        let mut leaks = Vec::new();
        for (name, secret) in secrets {
            for (form, text) in forms(secret) {
                let finder = memmem::Finder::new(&text);
                for (place, bytes) in &self.0 {
                    let Some(at) = finder.find(bytes) else { continue };
                    let around = &bytes[at.saturating_sub(300)..bytes.len().min(at + text.len() + 100)];
                    leaks.push(format!("{name}, {form}, in {place}: …{}…", String::from_utf8_lossy(around)));
                }
            }
        }
        leaks
    }
}

/// How a secret may be written, each with a name.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let every = |digits: fn(u8) -> String| secret.bytes().map(digits).collect::<String>();
    let reserved = |digits: fn(u8) -> String| {
        let one = |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { digits(byte) };
        secret.bytes().map(one).collect::<String>()
    };
    let mut url = Url::parse("http://x/").unwrap();
    url.set_password(Some(secret)).unwrap();
    url.path_segments_mut().unwrap().push(secret);
    url.query_pairs_mut().append_key_only(secret);
    let quoted = serde_json::to_string(secret).unwrap();
    let numbers: Vec<_> = secret.bytes().map(|byte| byte.to_string()).collect();
    let mut forms = vec![
        ("as it is", secret.to_owned()),
        ("in quotes", quoted.trim_matches('"').to_owned()),
        ("in hexadecimal digits", hex(secret.as_bytes())),
        ("in hexadecimal digits", hex(secret.as_bytes()).to_uppercase()),
        ("in numbers", numbers.join(", ")),
        ("in a URL", every(|byte| format!("%{byte:02X}"))),
        ("in a URL", reserved(|byte| format!("%{byte:02X}"))),
        ("in a URL", reserved(|byte| format!("%{byte:02x}"))),
        ("as password of a URL", url.password().unwrap().to_owned()),
        ("in the path of a URL", url.path()[1..].to_owned()),
        ("in the query of a URL", url.query().unwrap().to_owned()),
    ];
    for before in 0..3 {
        forms.push(("in base64", inside(&BASE64_STANDARD_NO_PAD, secret, before)));
        forms.push(("in base64 for URLs", inside(&BASE64_URL_SAFE_NO_PAD, secret, before)));
    }
    forms
}

/// What is always there of a secret in base64, whatever stands behind it, and before it if those are so many bytes
/// (counted in threes): a user, say.
fn inside(alphabet: &impl base64::Engine, secret: &str, before: usize) -> String {
    let bytes = [&b"xxx"[..before], secret.as_bytes()].concat();
    let text = alphabet.encode(&bytes);
    let shared = usize::from(bytes.len() % 3 != 0);
    text[[0, 2, 3][before]..text.len() - shared].to_owned()
}

#[test]
fn every_form_of_a_secret_is_found() {
    const SECRET: &str = "hunter2/and+more?=\"%~";
    #[track_caller]
    fn check(text: &str, form: Option<&str>) {
        let mut seen = Seen::default();
        seen.add("the log", format!("before {text} behind"));
        let leaks = seen.leaks(&[("it", SECRET)]);
        let found: Vec<_> = leaks.iter().map(|leak| leak.split(", ").nth(1).unwrap()).collect();
        assert_eq!(form.filter(|form| found.contains(form)), form, "{text}: {found:?}");
        assert_eq!(found.is_empty(), form.is_none(), "{text}: {found:?}");
    }
    check("hunter2", None);
    check(SECRET, Some("as it is"));
    check(&format!("{:?}", Some(SECRET)), Some("in quotes"));
    check(&format!("{:x?}", SECRET.as_bytes()).replace(", ", ""), Some("in hexadecimal digits"));
    check(&format!("{:?}", SECRET.as_bytes()), Some("in numbers"));
    check("hunter2%2Fand%2Bmore%3F%3D%22%25%7E", Some("in a URL"));
    check("hunter2%2fand%2bmore%3f%3d%22%25%7e", Some("in a URL"));
    let mut url = Url::parse("https://registry.example.com/a").unwrap();
    url.set_password(Some(SECRET)).unwrap();
    check(url.as_str(), Some("as password of a URL"));
    for user in ["", "bob", "alice", "x-access-token", "me"] {
        for behind in ["", "\n", "@registry"] {
            let text = format!("{user}:{SECRET}{behind}");
            check(&BASE64_STANDARD_NO_PAD.encode(&text), Some("in base64"));
            check(&base64::prelude::BASE64_STANDARD.encode(&text), Some("in base64"));
            check(&BASE64_URL_SAFE_NO_PAD.encode(&text), Some("in base64 for URLs"));
        }
    }
}
