//! Webhooks: what senders send, by the files in `fixtures/hooks`, and the server that takes it.

mod payloads;
mod proofs;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use landwaiter::hook::{Event, Head, KeyName, PublicKey, Rejection, Secrets, Sender, Source};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

/// The secret of every source here.
pub(crate) const SECRET: &str = "hunter2-hunter2-hunter2";

pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:images";
pub(crate) const AUDIENCE: &str = "https://landwaiter.example.com";
pub(crate) const EMAIL: &str = "pusher@my-project.iam.gserviceaccount.com";

/// By which everything is signed that is signed with a key: that of the certificate `fixtures/keys/hooks.cert.pem`.
pub(crate) static KEY: LazyLock<KeyPair> = LazyLock::new(|| {
    let text = fs::read_to_string(fixtures().join("keys/hooks.key.pem")).unwrap();
    let lines: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    KeyPair::from_pkcs8(&BASE64_STANDARD.decode(lines).unwrap()).unwrap()
});

/// The time at which everything is read that reaches no socket.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T18:00:00Z".parse().unwrap()
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A delivery: `fixtures/hooks/SENDER/NAME.http` is lines of what it says (`> …`) and of what is set for its source
/// (`< …`), headers, and after an empty line the body.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) source: Source,
    pub(crate) says: Vec<String>,
    pub(crate) path_secret: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Delivery {
    pub(crate) fn load(sender: &str, name: &str) -> Self {
        let path = fixtures().join(format!("hooks/{sender}/{name}.http"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, body) = text.split_once("\n\n").unwrap();
        let marked = |mark: &str| head.lines().filter_map(|line| line.strip_prefix(mark)).map(str::to_owned).collect();
        let headers =
            head.lines().filter(|line| !line.starts_with(['>', '<'])).map(|line| line.split_once(": ").unwrap());
        let mut source = Source::new(&format!("{sender}--{name}"), sender.parse().unwrap());
        let set: Vec<String> = marked("< images: ");
        source.images = set.first().map(|images| images.parse().unwrap());
        match source.sender {
            Sender::Sns => source.topics = vec!["arn:aws:sns:eu-west-1:1:other".to_owned(), TOPIC.to_owned()],
            Sender::PubSub => (source.audience, source.email) = (Some(AUDIENCE.to_owned()), Some(EMAIL.to_owned())),
            _ => {}
        }
        Self {
            source,
            says: marked("> "),
            path_secret: None,
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.strip_suffix('\n').unwrap_or(body).into(),
        }
    }

    /// All there are, by name.
    pub(crate) fn all() -> Vec<(String, Self)> {
        let mut all = Vec::new();
        for folder in fs::read_dir(fixtures().join("hooks")).unwrap().map(|entry| entry.unwrap().path()) {
            for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let (sender, name) = (folder.file_name().unwrap(), file.file_stem().unwrap());
                let (sender, name) = (sender.to_str().unwrap(), name.to_str().unwrap());
                all.push((format!("{sender}/{name}"), Self::load(sender, name)));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    /// What its sender would add to prove it with this secret at this time.
    pub(crate) fn proved(mut self, secret: &str, now: Timestamp) -> Self {
        let nexus = now.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string();
        let text = String::from_utf8(self.body.clone()).map(|text| {
            let text = text.replace("@now@", &now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
            text.replace("@nexus@", &nexus).into_bytes()
        });
        self.body = text.unwrap_or(self.body);
        let mac = mac(secret, &self.body);
        match self.source.sender {
            Sender::GitHub => self.set("x-hub-signature-256", &format!("sha256={mac}")),
            Sender::Bitbucket => self.set("x-hub-signature", &format!("sha256={mac}")),
            Sender::JFrog => self.set("x-jfrog-event-auth", &mac),
            Sender::Gitea if self.header("x-forgejo-event").is_some() => self.set("x-forgejo-signature", &mac),
            Sender::Gitea => self.set("x-gitea-signature", &mac),
            Sender::Nexus => {
                let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
                mac.update(&self.body);
                self.set("x-nexus-webhook-signature", &hex(&mac.finalize().into_bytes()));
            }
            Sender::GitLab if self.header("x-gitlab-event").is_some() => self.set("x-gitlab-token", secret),
            Sender::AzureDevOps => {
                self.set("authorization", &format!("Basic {}", BASE64_STANDARD.encode(format!("any:{secret}"))));
            }
            Sender::Ecr => self.set("x-api-key", secret),
            Sender::Acr | Sender::Distribution => self.set("authorization", &format!("Bearer {secret}")),
            Sender::Harbor | Sender::GitLab | Sender::CloudEvents | Sender::Generic => {
                self.set("authorization", secret);
            }
            Sender::DockerHub | Sender::Quay | Sender::Aliyun => self.path_secret = Some(secret.to_owned()),
            Sender::Sns => {
                self.path_secret = Some(secret.to_owned());
                self.body = sns_signed(&self.body);
            }
            Sender::PubSub => {
                self.path_secret = Some(secret.to_owned());
                self.set("authorization", &format!("Bearer {}", token(&claims(now))));
            }
        }
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn read(&self, now: Timestamp) -> Result<Event, Rejection> {
        self.read_with(SECRET, now)
    }

    pub(crate) fn read_with(&self, secrets: &str, now: Timestamp) -> Result<Event, Rejection> {
        let secrets = Secrets::parse(secrets, self.source.sender.shows_secret()).unwrap();
        let header = |name: &str| self.header(name);
        let head = Head { path_secret: self.path_secret.as_deref(), header: &header };
        self.source.admit(&secrets, &head)?;
        self.source.read(&secrets, &head, &self.body, &public_key, now)
    }
}

/// The key that Google and SNS publish.
pub(crate) fn public_key(name: &KeyName) -> Option<PublicKey> {
    let parts = PublicKeyComponents::<Vec<u8>>::from(KEY.public_key());
    let is_published = matches!(name, KeyName::Google(id) if id == "key-1")
        || matches!(name, KeyName::Sns(url) if url.path().starts_with("/SimpleNotificationService-"));
    is_published.then(|| PublicKey::new(&parts.n, &parts.e))
}

/// A message of SNS with its signature; as it is, where it is none.
pub(crate) fn sns_signed(body: &[u8]) -> Vec<u8> {
    let Ok(mut message) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    if !message.is_object() {
        return body.to_vec();
    }
    let names = match message["Type"].as_str() {
        Some("Notification") => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"][..],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"][..],
    };
    let lines = names.iter().filter_map(|name| Some(format!("{name}\n{}\n", message[name].as_str()?)));
    let text: String = lines.collect();
    message["Signature"] = json!(BASE64_STANDARD.encode(signed(text.as_bytes())));
    message.to_string().into_bytes()
}

fn signed(text: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; KEY.public().modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
    signature
}

/// What Google says of the service account in a token for us.
pub(crate) fn claims(now: Timestamp) -> Value {
    json!({
        "aud": AUDIENCE, "azp": "113774264463038321964", "email": EMAIL, "email_verified": true, "sub": "1137",
        "iss": "https://accounts.google.com", "iat": now.as_second() - 10, "exp": now.as_second() + 3590,
    })
}

pub(crate) fn token(claims: &Value) -> String {
    token_of(&json!({"alg": "RS256", "kid": "key-1", "typ": "JWT"}), claims)
}

pub(crate) fn token_of(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signed(text.as_bytes()));
    format!("{text}.{signature}")
}

/// HMAC-SHA256 in hexadecimal digits.
pub(crate) fn mac(secret: &str, body: &[u8]) -> String {
    hex(&mac_bytes(secret.as_bytes(), body))
}

pub(crate) fn mac_bytes(secret: &[u8], body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
