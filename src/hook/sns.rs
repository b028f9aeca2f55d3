//! Amazon SNS with events of ECR in its messages. Each message is signed with a certificate of theirs.
//!
//! The signature says that it was SNS, and not whose topic it was: everybody can have one. So the topic is part of
//! the configuration.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use super::proof::{Hash, Way, is_signed_by, unbase64, within};
use super::sender::parsed;
use super::{Event, KeyName, PublicKey, Rejection, Source, ecr};

pub(super) const WAY: Way = Way::PATH;
pub(super) const PROOF: &str =
    "the secret at the end of the URL, the signature of SNS by its certificate, the topic, and at most an hour of age";

/// SNS tries again for that long.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    #[serde(rename = "Type")]
    kind: String,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate: String,
    #[serde(rename = "SubscribeURL")]
    subscribe: Option<String>,
    token: Option<String>,
}

pub(super) fn event(
    source: &Source,
    body: &[u8],
    key: &dyn Fn(&KeyName) -> Option<PublicKey>,
    now: Timestamp,
) -> Result<Event, Rejection> {
    // SNS says `text/plain`, and sends JSON.
    let body: Body = parsed(body)?;
    if !source.topics.contains(&body.topic_arn) {
        return Err(Rejection::Unproved("the topic is not the one of this source"));
    }
    let url = of_sns(&body.certificate).filter(|url| url.path().split('.').next_back() == Some("pem"));
    let url = url.ok_or(Rejection::Unproved("the certificate does not lie with SNS"))?;
    let hash = match body.signature_version.as_str() {
        "1" => Hash::Sha1,
        "2" => Hash::Sha256,
        _ => return Err(Rejection::Unproved("the signature has another form")),
    };
    let signature = unbase64(&body.signature).ok_or(Rejection::Unproved("the signature has another form"))?;
    let name = KeyName::Sns(url);
    let public = key(&name).ok_or(Rejection::KeyWanted(name))?;
    if !is_signed_by(&public, hash, body.signed().as_bytes(), &signature) {
        return Err(Rejection::Unproved("the signature is not that of SNS"));
    }
    let moment = body.timestamp.parse().map_err(|_| Rejection::Malformed("`Timestamp` is no moment".into()))?;
    within(WINDOW, moment, now)?;
    match body.kind.as_str() {
        "SubscriptionConfirmation" => {
            let url = body.subscribe.as_deref().and_then(of_sns);
            url.map(Event::Confirm).ok_or_else(|| Rejection::Malformed("`SubscribeURL` is none of SNS".into()))
        }
        "Notification" => match parsed::<ecr::Body>(body.message.as_bytes()) {
            Ok(told) => ecr::told(source, &told),
            Err(Rejection::Malformed(_)) => Ok(Event::Nothing("the message is no event of EventBridge")),
            Err(other) => Err(other),
        },
        _ => Ok(Event::Nothing("no message")),
    }
}

impl Body {
    /// What is signed: lines of names and values.
    fn signed(&self) -> String {
        let is_message = self.kind == "Notification";
        let lines = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(self.message_id.as_str())),
            ("Subject", self.subject.as_deref().filter(|_| is_message)),
            ("SubscribeURL", self.subscribe.as_deref().filter(|_| !is_message)),
            ("Timestamp", Some(self.timestamp.as_str())),
            ("Token", self.token.as_deref().filter(|_| !is_message)),
            ("TopicArn", Some(self.topic_arn.as_str())),
            ("Type", Some(self.kind.as_str())),
        ];
        lines.into_iter().filter_map(|(name, value)| Some(format!("{name}\n{}\n", value?))).collect::<Vec<_>>().concat()
    }
}

/// A URL that only SNS itself can answer: `https://sns.<region>.amazonaws.com/…`.
fn of_sns(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let rest = host.strip_prefix("sns.")?;
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    let is_region = region.len() >= 3 && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    (url.scheme() == "https" && is_region && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::of_sns;

    #[test]
    fn only_what_sns_itself_answers() {
        for (text, expected) in [
            ("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123.pem", true),
            ("https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0123.pem", true),
            ("https://SNS.us-east-1.AMAZONAWS.com/x.pem", true),
            ("http://sns.eu-west-1.amazonaws.com/x.pem", false),
            ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", false),
            ("https://bob@sns.eu-west-1.amazonaws.com/x.pem", false),
            ("https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", false),
            ("https://sns.evil.example/x.amazonaws.com", false),
            ("https://sns.a.b.amazonaws.com/x.pem", false),
            ("https://bucket.s3.amazonaws.com/x.pem", false),
            ("https://sns.amazonaws.com/x.pem", false),
            ("https://evil.example/https://sns.eu-west-1.amazonaws.com/x.pem", false),
            ("file:///etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(of_sns(text).is_some(), expected, "{text}");
        }
    }
}
