//! `hooks:` of the configuration file: who may tell us something by webhook. Its form, and what it means.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::meaning::Reader;
use super::{Error, Mistake, Settings};
use crate::hook::{Prefix, Sender, Source};
use crate::http::{self, Problem, SecretPlace};

/// The longest name, which is a part of a URL.
const LONGEST_NAME: usize = 63;

/// Somebody who may tell us by webhook that something is new.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct HookEntry {
    /// What it is called here, and in its URL, `/hooks/<name>`: lower-case letters, digits and `-`. Default: none, it is
    /// required.
    #[schemars(with = "String", example = &"docker-hub")]
    name: Spanned<String>,
    /// Who sends. Default: none, it is required.
    #[schemars(with = "String", extend("enum" = Sender::names()), example = &"github")]
    sender: Spanned<String>,
    /// Where its secret is kept. While it is being changed there can be two, one to a line, and each of them
    /// counts. Default: none, it is required.
    #[schemars(with = "SecretEntry")]
    secret: Spanned<SecretEntry>,
    /// Where the images that it speaks of stand, as Git names them: a registry, and the beginning of a path if there is
    /// one. Default: what the event says.
    #[schemars(with = "Option<String>", example = "nexus.example.com:8082")]
    images: Option<Spanned<String>>,
    /// Of `sns`: the topics that it may speak of. Everybody can have a topic, and SNS signs for
    /// all of them; `sns` requires it. Default: none.
    #[schemars(with = "Vec<String>", example = serde_json::json!(["arn:aws:sns:eu-west-1:123456789012:images"]))]
    #[serde(default)]
    topics: Vec<Spanned<String>>,
    /// Of `pubsub`: the audience of the push subscription. Default: none, `pubsub` requires it.
    #[schemars(with = "Option<String>", example = "https://landwaiter.example.com")]
    audience: Option<Spanned<String>>,
    /// Of `pubsub`: the service account of the push subscription. Default: none, `pubsub` requires it.
    #[schemars(with = "Option<String>", example = "pusher@project.iam.gserviceaccount.com")]
    email: Option<Spanned<String>>,
}

/// Where a secret is kept, one of these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SecretEntry {
    /// A file with one secret to a line; a changed one is used at once.
    #[schemars(example = serde_json::json!({"file": "/run/secrets/hook-github"}))]
    File(PathBuf),
    /// A variable of the environment.
    #[schemars(example = serde_json::json!({"environment": "HOOK_GITHUB"}))]
    Environment(String),
}

/// A source as the file says it.
#[derive(Debug)]
pub(super) struct Told {
    source: Source,
    secret: SecretPlace,
    secret_at: Location,
}

impl Settings {
    /// Who may tell us something, and where their secrets are kept.
    #[must_use]
    pub fn hooks(&self) -> Vec<(Source, SecretPlace)> {
        self.hooks.iter().map(|told| (told.source.clone(), told.secret.clone())).collect()
    }

    /// Tries the secrets of all of them.
    ///
    /// # Errors
    /// All that is wrong, with its place.
    pub fn check_hooks(&self) -> Result<(), Error> {
        let problems = http::faults(self.hooks());
        if problems.is_empty() { Ok(()) } else { Err(self.hook_mistakes(problems)) }
    }

    /// What is wrong with secrets, with the place where they are named.
    #[must_use]
    pub fn hook_mistakes(&self, problems: Vec<Problem>) -> Error {
        let mistakes = problems.into_iter().map(|problem| {
            let told = self.hooks.iter().find(|told| told.source.name == problem.source_name);
            Mistake::at(&self.file, told.map(|told| &told.secret_at), problem.message)
        });
        Error::Mistakes(mistakes.collect())
    }
}

impl Reader<'_> {
    /// What an entry says; `None` where it cannot be used.
    pub(super) fn hook(&mut self, entry: HookEntry, earlier: &[Told]) -> Option<Told> {
        let HookEntry { name, sender, secret, images, topics, audience, email } = entry;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.value.is_empty() || name.value.len() > LONGEST_NAME || !name.value.bytes().all(is_name) {
            let expected = format!("expected 1 to {LONGEST_NAME} lower-case letters, digits or `-`");
            self.wrong(&name, format!("`{}` is no name of a source: {expected}", name.value));
        }
        if earlier.iter().any(|told| told.source.name == name.value) {
            self.wrong(&name, format!("{} has two entries; give each source a name of its own", name.value));
        }
        let secret_at = secret.referenced;
        let secret = match secret.value {
            SecretEntry::File(path) => SecretPlace::File(self.file(path)),
            SecretEntry::Environment(name) => SecretPlace::Environment(name),
        };
        let images = match &images {
            None => None,
            Some(text) => Some(text.value.parse::<Prefix>().map_err(|error| self.wrong(text, error.to_string())).ok()?),
        };
        let kind: Sender = sender.value.parse().map_err(|error| self.wrong(&sender, format!("{error}"))).ok()?;
        let own = [
            ("topics", Sender::Sns, topics.first()),
            ("audience", Sender::PubSub, audience.as_ref()),
            ("email", Sender::PubSub, email.as_ref()),
        ];
        for (key, owner, value) in own {
            match value {
                Some(value) if kind != owner => self.wrong(value, format!("`{key}` is for sources of `{owner}`")),
                None if kind == owner => self.wrong(&sender, format!("`{owner}` requires `{key}`")),
                _ => {}
            }
        }
        if kind == Sender::Nexus && images.is_none() {
            self.wrong(&sender, "`nexus` requires `images`: it does not say by which name its images are pulled");
        }
        for topic in topics.iter().filter(|topic| !topic.value.starts_with("arn:")) {
            self.wrong(topic, format!("`{}` is no topic: expected `arn:aws:sns:REGION:ACCOUNT:NAME`", topic.value));
        }
        let value = |value: Option<Spanned<String>>| value.map(|value| value.value);
        let source = Source {
            images,
            topics: topics.into_iter().map(|topic| topic.value).collect(),
            audience: value(audience),
            email: value(email),
            ..Source::new(&name.value, kind)
        };
        Some(Told { source, secret, secret_at })
    }
}
