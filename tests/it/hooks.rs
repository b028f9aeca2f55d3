//! Webhooks: what senders send, by the files in `fixtures/hooks`, and the server that takes it.

mod payloads;
mod server;

use std::fs;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use landwaiter::hook::{Event, Head, Rejection, Secrets, Sender, Source};
use sha2::Sha256;

/// The secret of every source here.
pub(crate) const SECRET: &str = "hunter2-hunter2-hunter2";

/// A delivery: `fixtures/hooks/SENDER/NAME.http` is lines of what it says (`> …`), headers, and after an empty line
/// the body.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) sender: Sender,
    pub(crate) says: Vec<String>,
    pub(crate) path_secret: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    pub(crate) fn load(sender: &str, name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/hooks/{sender}/{name}.http"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, body) = text.split_once("\n\n").unwrap();
        let says = head.lines().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect();
        let headers = head.lines().filter(|line| !line.starts_with('>')).map(|line| line.split_once(": ").unwrap());
        Self {
            sender: sender.parse().unwrap(),
            says,
            path_secret: None,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.strip_suffix('\n').unwrap_or(body).into(),
        }
    }

    /// All there are.
    pub(crate) fn all() -> Vec<(String, Self)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hooks");
        let mut all = Vec::new();
        for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
            for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let (sender, name) = (folder.file_name().unwrap(), file.file_stem().unwrap());
                let (sender, name) = (sender.to_str().unwrap(), name.to_str().unwrap());
                all.push((format!("{sender}/{name}"), Self::load(sender, name)));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    pub(crate) fn source(&self) -> Source {
        Source { name: "source".to_owned(), sender: self.sender, images: None }
    }

    /// What its sender would add to prove it with this secret.
    pub(crate) fn proved(mut self, secret: &str) -> Self {
        match self.sender {
            Sender::GitHub => self.set("x-hub-signature-256", &format!("sha256={}", mac(secret, &self.body))),
            Sender::DockerHub => self.path_secret = Some(secret.to_owned()),
        }
        self
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn read(&self, now: Timestamp) -> Result<Event, Rejection> {
        self.read_as(&self.source(), now)
    }

    pub(crate) fn read_as(&self, source: &Source, now: Timestamp) -> Result<Event, Rejection> {
        let secrets = Secrets::parse(SECRET, true).unwrap();
        let header = |name: &str| self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let head = Head { path_secret: self.path_secret.as_deref(), header: &header };
        source.admit(&secrets, &head)?;
        source.read(&secrets, &head, &self.body, now)
    }
}

/// HMAC-SHA256 in hexadecimal digits.
pub(crate) fn mac(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
