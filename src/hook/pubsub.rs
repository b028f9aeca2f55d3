//! Google's registries (Artifact Registry, GCR) by a push subscription of Pub/Sub, which shows an OIDC token that
//! Google signed for a service account.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::names::Names;
use super::proof::{Hash, Way, is_signed_by, unbase64, unbase64_url};
use super::sender::{json, parsed};
use super::{Event, Head, KeyName, PublicKey, Rejection, Source};

pub(super) const WAY: Way = Way::PATH;
pub(super) const PROOF: &str =
    "the secret at the end of the URL, and Google's signature of a token for this audience and service account";

/// How much clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

#[derive(Deserialize)]
struct Body {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Told {
    action: Option<String>,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct TokenHead {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    email: String,
    #[serde(default)]
    email_verified: bool,
    exp: i64,
    iat: i64,
}

pub(super) fn event(
    source: &Source,
    head: &Head<'_>,
    body: &[u8],
    key: &dyn Fn(&KeyName) -> Option<PublicKey>,
    now: Timestamp,
) -> Result<Event, Rejection> {
    prove(source, head, key, now)?;
    let Body { message } = json(head, body)?;
    let data = unbase64(&message.data).ok_or_else(|| Rejection::Malformed("`message.data` is no base64".into()))?;
    let Told { action, tag } = parsed(&data)?;
    if action.as_deref() != Some("INSERT") {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let Some(tag) = tag else { return Ok(Event::Nothing("nothing was pushed to a tag")) };
    let mut names = Names::new(source.images.as_ref());
    names.add_image(&tag).ok_or_else(|| Rejection::no_repository(&tag))?;
    names.event("nothing was pushed to a tag")
}

/// Whether Google says that it was the service account, to us, and now.
fn prove(
    source: &Source,
    head: &Head<'_>,
    key: &dyn Fn(&KeyName) -> Option<PublicKey>,
    now: Timestamp,
) -> Result<(), Rejection> {
    let form = || Rejection::Unproved("the token has another form");
    let header = head
        .get("authorization")
        .ok_or(Rejection::Unproved("there is no token; switch authentication on in the push subscription"))?;
    let token = header.strip_prefix("Bearer ").ok_or_else(form)?;
    let (signed, signature) = token.rsplit_once('.').ok_or_else(form)?;
    let (token_head, claims) = signed.split_once('.').ok_or_else(form)?;
    let part = |text: &str| unbase64_url(text).ok_or_else(form);
    let token_head: TokenHead = serde_json::from_slice(&part(token_head)?).map_err(|_| form())?;
    if token_head.alg != "RS256" {
        return Err(Rejection::Unproved("the token is not signed with RS256"));
    }
    let name = KeyName::Google(token_head.kid);
    let public = key(&name).ok_or(Rejection::KeyWanted(name))?;
    if !is_signed_by(&public, Hash::Sha256, signed.as_bytes(), &part(signature)?) {
        return Err(Rejection::Unproved("the token is not signed by Google"));
    }
    let claims: Claims = serde_json::from_slice(&part(claims)?).map_err(|_| form())?;
    if !matches!(claims.iss.as_str(), "https://accounts.google.com" | "accounts.google.com") {
        return Err(Rejection::Unproved("the token is of another issuer"));
    }
    if source.audience.as_ref() != Some(&claims.aud) {
        return Err(Rejection::Unproved("the token is for another audience"));
    }
    if source.email.as_ref() != Some(&claims.email) || !claims.email_verified {
        return Err(Rejection::Unproved("the token is that of another service account"));
    }
    let (until, since) = (Timestamp::from_second(claims.exp), Timestamp::from_second(claims.iat));
    let (Ok(until), Ok(since)) = (until, since) else { return Err(form()) };
    if now.duration_since(until) > SKEW {
        return Err(Rejection::Stale(format!("the token was good until {until}: a recorded one may be sent again")));
    }
    if since.duration_since(now) > SKEW {
        return Err(Rejection::Stale(format!("the token is good from {since}: one of the clocks is wrong")));
    }
    Ok(())
}
