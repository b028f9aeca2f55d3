//! The kinds of senders: what each is called, how it proves itself, and who reads what it sends.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::proof::Way;
use super::{Event, Head, KeyName, PublicKey, Rejection, Source};
use super::{
    acr, aliyun, azure_devops, bitbucket, cloud_events, distribution, docker_hub, ecr, generic, gitea, github, gitlab,
    harbor, jfrog, nexus, pubsub, quay, sns,
};

/// A kind of sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Docker Hub.
    DockerHub,
    /// GitHub: packages of GHCR, and pushes.
    GitHub,
    /// GitLab: pushes, and images of a registry of one's own.
    GitLab,
    /// Harbor.
    Harbor,
    /// Quay.
    Quay,
    /// Azure Container Registry.
    Acr,
    /// Amazon ECR by EventBridge.
    Ecr,
    /// Amazon ECR by SNS.
    Sns,
    /// Google's registries by Pub/Sub.
    PubSub,
    /// JFrog Artifactory.
    JFrog,
    /// Sonatype Nexus.
    Nexus,
    /// Gitea and Forgejo: packages and pushes.
    Gitea,
    /// Alibaba Cloud Container Registry.
    Aliyun,
    /// The distribution registry, and whoever tells as it does.
    Distribution,
    /// CloudEvents.
    CloudEvents,
    /// A form of our own, for scripts.
    Generic,
    /// Bitbucket: pushes.
    Bitbucket,
    /// Azure DevOps: pushes.
    AzureDevOps,
}

/// All of them, with their names.
const NAMES: &[(Sender, &str)] = &[
    (Sender::DockerHub, "docker-hub"),
    (Sender::GitHub, "github"),
    (Sender::GitLab, "gitlab"),
    (Sender::Harbor, "harbor"),
    (Sender::Quay, "quay"),
    (Sender::Acr, "acr"),
    (Sender::Ecr, "ecr"),
    (Sender::Sns, "sns"),
    (Sender::PubSub, "pubsub"),
    (Sender::JFrog, "jfrog"),
    (Sender::Nexus, "nexus"),
    (Sender::Gitea, "gitea"),
    (Sender::Aliyun, "aliyun"),
    (Sender::Distribution, "distribution"),
    (Sender::CloudEvents, "cloudevents"),
    (Sender::Generic, "generic"),
    (Sender::Bitbucket, "bitbucket"),
    (Sender::AzureDevOps, "azure-devops"),
];

/// A text that is no kind of sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no kind of sender: expected one of {}", Sender::names().join(", "))]
pub struct UnknownSender {
    text: String,
}

impl Sender {
    /// Its name in the configuration: `docker-hub`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(sender, _)| *sender == self).map_or("", |(_, name)| name)
    }

    /// The names of all kinds.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(_, name)| *name).collect()
    }

    /// How it is proved that it was this sender, for people.
    #[must_use]
    pub fn proof(self) -> &'static str {
        match self {
            Self::DockerHub => docker_hub::PROOF,
            Self::GitHub => github::PROOF,
            Self::GitLab => gitlab::PROOF,
            Self::Harbor => harbor::PROOF,
            Self::Quay => quay::PROOF,
            Self::Acr => acr::PROOF,
            Self::Ecr => ecr::PROOF,
            Self::Sns => sns::PROOF,
            Self::PubSub => pubsub::PROOF,
            Self::JFrog => jfrog::PROOF,
            Self::Nexus => nexus::PROOF,
            Self::Gitea => gitea::PROOF,
            Self::Aliyun => aliyun::PROOF,
            Self::Distribution => distribution::PROOF,
            Self::CloudEvents => cloud_events::PROOF,
            Self::Generic => generic::PROOF,
            Self::Bitbucket => bitbucket::PROOF,
            Self::AzureDevOps => azure_devops::PROOF,
        }
    }

    /// Whether its secret stands at the end of the URL, and nowhere else.
    #[must_use]
    pub fn shows_secret(self) -> bool {
        self.way().is_in_url()
    }

    pub(super) fn way(self) -> Way {
        match self {
            Self::DockerHub => docker_hub::WAY,
            Self::GitHub => github::WAY,
            Self::GitLab => gitlab::WAY,
            Self::Harbor => harbor::WAY,
            Self::Quay => quay::WAY,
            Self::Acr => acr::WAY,
            Self::Ecr => ecr::WAY,
            Self::Sns => sns::WAY,
            Self::PubSub => pubsub::WAY,
            Self::JFrog => jfrog::WAY,
            Self::Nexus => nexus::WAY,
            Self::Gitea => gitea::WAY,
            Self::Aliyun => aliyun::WAY,
            Self::Distribution => distribution::WAY,
            Self::CloudEvents => cloud_events::WAY,
            Self::Generic => generic::WAY,
            Self::Bitbucket => bitbucket::WAY,
            Self::AzureDevOps => azure_devops::WAY,
        }
    }

    pub(super) fn event(
        self,
        source: &Source,
        head: &Head<'_>,
        body: &[u8],
        key: &dyn Fn(&KeyName) -> Option<PublicKey>,
        now: Timestamp,
    ) -> Result<Event, Rejection> {
        match self {
            Self::DockerHub => docker_hub::event(source, head, body),
            Self::GitHub => github::event(source, head, body),
            Self::GitLab => gitlab::event(source, head, body),
            Self::Harbor => harbor::event(source, head, body),
            Self::Quay => quay::event(source, head, body),
            Self::Acr => acr::event(source, head, body),
            Self::Ecr => ecr::event(source, head, body),
            Self::Sns => sns::event(source, body, key, now),
            Self::PubSub => pubsub::event(source, head, body, key, now),
            Self::JFrog => jfrog::event(source, head, body),
            Self::Nexus => nexus::event(source, head, body, now),
            Self::Gitea => gitea::event(source, head, body),
            Self::Aliyun => aliyun::event(source, head, body),
            Self::Distribution => distribution::event(source, head, body),
            Self::CloudEvents => cloud_events::event(source, head, body),
            Self::Generic => generic::event(source, head, body),
            Self::Bitbucket => bitbucket::event(source, head, body),
            Self::AzureDevOps => azure_devops::event(source, head, body),
        }
    }
}

impl FromStr for Sender {
    type Err = UnknownSender;
    fn from_str(text: &str) -> Result<Self, UnknownSender> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found.map(|(sender, _)| *sender).ok_or_else(|| UnknownSender { text: text.chars().take(80).collect() })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A body of JSON, read into the few fields that are of interest.
pub(super) fn json<T: DeserializeOwned>(head: &Head<'_>, body: &[u8]) -> Result<T, Rejection> {
    if let Some(content_type) = head.get("content-type") {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media_type != "application/json" && !media_type.ends_with("+json") {
            return Err(Rejection::ContentType(media_type.chars().take(80).collect()));
        }
    }
    parsed(body)
}

/// The same without a look at the content type.
pub(super) fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|error| unlike(&error))
}

/// One event, or a list of them.
pub(super) fn one_or_many<T: DeserializeOwned>(body: Value) -> Result<Vec<T>, Rejection> {
    let all = match body {
        Value::Array(all) => all,
        one => vec![one],
    };
    all.into_iter().map(|one| serde_json::from_value(one).map_err(|error| unlike(&error))).collect()
}

fn unlike(error: &serde_json::Error) -> Rejection {
    Rejection::Malformed(format!("the body is not what this sender sends: {}", crate::plain::chain(error)))
}
