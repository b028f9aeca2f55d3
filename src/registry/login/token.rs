//! The request for a token, and the answer of a token server. Sends nothing itself.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::Door;
use crate::host;
use crate::registry::error::Kind;
use crate::registry::keychain::Proof;
use crate::registry::told;
use crate::registry::transport::{Answer, Ask, Method};
use crate::secret::Secret;

/// How long a token lives when the server does not say; the distribution specification has it so.
const DEFAULT_LIFE: f64 = 60.0;

/// The longest life of a token that is believed, in seconds.
const MAX_LIFE: f64 = 12.0 * 60.0 * 60.0;

/// The largest answer of a token server, in bytes.
const TOKEN_LIMIT: usize = 1 << 20;

/// What a token server gave.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) authorization: Secret,
    /// How long it can be used from now on.
    pub(super) life: Duration,
}

/// The request for a token at `realm`, for `scope` and nothing more.
pub(super) fn request(
    at: Door<'_>,
    realm: &Url,
    service: Option<&str>,
    scope: &str,
    proof: Option<&Proof>,
) -> Result<Ask, Kind> {
    let mut url = realm.clone();
    // A registry on this machine may name a token server without TLS here, and none elsewhere.
    let is_local = || host::is_loopback(realm.host_str().unwrap_or_default());
    let is_safe = realm.scheme() == "https" || at.is_plain && (!at.repository.registry().is_loopback() || is_local());
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() || !is_safe {
        let problem = format!(
            "{} sends us for a token to {}://{}, and a credential goes over https only; mend the realm in the registry's settings",
            at.repository.registry(),
            url.scheme(),
            url.host_str().unwrap_or_default(),
        );
        return Err(Kind::Credential(problem));
    }
    let (mut authorization, mut form) = (None, None);
    if let Some(Proof::IdentityToken(token)) = proof {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("grant_type", "refresh_token").append_pair("client_id", "landwaiter");
        if let Some(service) = service {
            pairs.append_pair("service", service);
        }
        pairs.append_pair("scope", scope).append_pair("refresh_token", token.expose());
        form = Some(Secret::new(pairs.finish()));
    } else {
        let mut pairs = url.query_pairs_mut();
        if let Some(service) = service {
            pairs.append_pair("service", service);
        }
        pairs.append_pair("scope", scope);
        authorization = proof.and_then(basic);
    }
    let method = form.map_or(Method::Get, Method::Post);
    Ok(Ask { method, url, accept: "application/json", authorization, limit: TOKEN_LIMIT })
}

/// The whole `Authorization` for a password; `None` for what is none.
pub(super) fn basic(proof: &Proof) -> Option<Secret> {
    let Proof::Password { user, password } = proof else { return None };
    Some(Secret::basic(user, password))
}

/// The token in an answer.
pub(super) fn read(answer: &Answer) -> Result<Token, Kind> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<String>,
        access_token: Option<String>,
        #[serde(default, deserialize_with = "lenient_number")]
        expires_in: Option<f64>,
        #[serde(default, deserialize_with = "lenient_time")]
        issued_at: Option<Timestamp>,
    }
    let unusable = |problem: &str| Kind::Unusable { request: answer.request.clone(), problem: problem.to_owned() };
    let body: Body = serde_json::from_slice(&answer.body).map_err(|_| unusable("the token server sent no JSON"))?;
    let token = [body.token, body.access_token].into_iter().flatten().find(|token| !token.is_empty());
    let token = token.ok_or_else(|| unusable("the token server sent no `token` and no `access_token`"))?;
    // A token may have been made a while ago for somebody else who asked the same. How long ago is
    // known by their clock alone; ours says nothing about it.
    let age = match (body.issued_at, told::date(&answer.headers)) {
        (Some(issued), Some(now)) => now.duration_since(issued).as_secs_f64().max(0.0),
        _ => 0.0,
    };
    let life = body.expires_in.filter(|life| life.is_finite()).unwrap_or(DEFAULT_LIFE).clamp(0.0, MAX_LIFE);
    // A tenth early: a token must not run out on its way.
    let life = (life - age).max(0.0) * 0.9;
    Ok(Token { authorization: Secret::new(format!("Bearer {token}")), life: Duration::from_secs_f64(life) })
}

/// A number, or `None` for whatever else stands there.
fn lenient_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_f64())
}

/// A time, or `None` for whatever else stands there.
fn lenient_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_str().and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use reqwest::header::{DATE, HeaderMap, HeaderValue};
    use url::Url;

    use super::{Door, Method, Proof, Secret, read, request};
    use crate::image::Repository;
    use crate::registry::transport::Answer;

    #[track_caller]
    fn check_token(body: &str, expected: Option<(&str, u64)>) {
        let date = HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT");
        let answer = Answer {
            request: "GET https://auth.example/token".into(),
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(DATE, date)]),
            body: body.into(),
            shown: Vec::new(),
            is_foreign: false,
        };
        let token = read(&answer);
        let found = token.as_ref().ok().map(|token| (token.authorization.expose(), token.life));
        let expected = expected.map(|(token, life)| (token, Duration::from_secs(life)));
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn a_token_under_either_name() {
        check_token(r#"{"token":"t","expires_in":300}"#, Some(("Bearer t", 270)));
        check_token(r#"{"access_token":"t"}"#, Some(("Bearer t", 54)));
        check_token(r#"{"token":"","access_token":"t","expires_in":null}"#, Some(("Bearer t", 54)));
        check_token(r#"{"token":"a","access_token":"b","expires_in":"300"}"#, Some(("Bearer a", 54)));
        check_token(r#"{"token":"t","expires_in":-1}"#, Some(("Bearer t", 0)));
        check_token(r#"{"token":"t","expires_in":1e300}"#, Some(("Bearer t", 38_880)));
        check_token("{}", None);
        check_token("<html>", None);
    }

    #[test]
    fn a_token_that_was_made_a_while_ago_lives_for_the_rest() {
        check_token(r#"{"token":"t","expires_in":300,"issued_at":"2026-10-21T07:26:20Z"}"#, Some(("Bearer t", 180)));
        check_token(
            r#"{"token":"t","expires_in":300,"issued_at":"2026-10-21T09:28:00+02:00"}"#,
            Some(("Bearer t", 270)),
        );
        check_token(r#"{"token":"t","expires_in":300,"issued_at":"2026-10-21T05:00:00Z"}"#, Some(("Bearer t", 0)));
        check_token(r#"{"token":"t","expires_in":300,"issued_at":"2036-10-21T05:00:00Z"}"#, Some(("Bearer t", 270)));
        check_token(r#"{"token":"t","expires_in":300,"issued_at":"just now"}"#, Some(("Bearer t", 270)));
    }

    #[track_caller]
    fn check_realm(name: &str, realm: &str, is_plain: bool, proof: Option<&Proof>, expected: Result<&str, &str>) {
        let repository = Repository::parse(name).unwrap();
        let at = Door { repository: &repository, is_plain, is_trusted: is_plain };
        let ask = request(at, &Url::parse(realm).unwrap(), Some("ghcr.io"), "repository:org/app:pull", proof);
        match (ask, expected) {
            (Ok(ask), Ok(expected)) => assert_eq!(ask.url.as_str(), expected),
            (Err(kind), Err(expected)) => assert!(kind.to_string().contains(expected), "{kind}"),
            (ask, _) => panic!("{realm}: {ask:?}"),
        }
    }

    #[test]
    fn a_realm_is_asked_over_https_for_this_repository_only() {
        let query = "service=ghcr.io&scope=repository%3Aorg%2Fapp%3Apull";
        let password = Proof::Password { user: "bob".into(), password: Secret::new("hunter2") };
        check_realm(
            "ghcr.io/org/app",
            "https://ghcr.io/token",
            false,
            None,
            Ok(&format!("https://ghcr.io/token?{query}")),
        );
        check_realm(
            "ghcr.io/org/app",
            "https://a:b@ghcr.io/token?x=y",
            false,
            None,
            Ok(&format!("https://ghcr.io/token?x=y&{query}")),
        );
        check_realm(
            "ghcr.io/org/app",
            "http://ghcr.io/token",
            true,
            Some(&password),
            Ok(&format!("http://ghcr.io/token?{query}")),
        );
        check_realm("ghcr.io/org/app", "http://ghcr.io/token", false, Some(&password), Err("over https only"));
        check_realm("ghcr.io/org/app", "http://ghcr.io/token", false, None, Err("over https only"));
        let (here, query) = ("localhost:5000/app", "service=ghcr.io&scope=repository%3Aorg%2Fapp%3Apull");
        check_realm(here, "http://localhost:1/token", true, None, Ok(&format!("http://localhost:1/token?{query}")));
        check_realm(here, "https://ghcr.io/token", true, None, Ok(&format!("https://ghcr.io/token?{query}")));
        check_realm(here, "http://ghcr.io/token", true, None, Err("over https only"));
        let identity = Proof::IdentityToken(Secret::new("refresh"));
        check_realm("ghcr.io/org/app", "https://ghcr.io/token", false, Some(&identity), Ok("https://ghcr.io/token"));
    }

    #[test]
    fn an_identity_token_goes_into_a_form() {
        let repository = Repository::parse("ghcr.io/org/app").unwrap();
        let at = Door { repository: &repository, is_plain: false, is_trusted: true };
        let identity = Proof::IdentityToken(Secret::new("refresh me"));
        let ask = request(at, &Url::parse("https://ghcr.io/token").unwrap(), None, "aws", Some(&identity)).unwrap();
        let Method::Post(form) = &ask.method else { panic!("{ask:?}") };
        let expected = "grant_type=refresh_token&client_id=landwaiter&scope=aws&refresh_token=refresh+me";
        assert_eq!((form.expose(), ask.authorization.is_none()), (expected, true));
    }
}
