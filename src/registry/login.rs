//! A `401` → an `Authorization` that is accepted. Knows the registries' two ways to log in, and
//! gives a credential only to the registry itself and to the token server that it names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header;
use serde::Deserialize;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

use super::challenge::{self, Way};
use super::error::{self, Kind};
use super::keychain::{Credential, Keychain, Proof};
use super::transport::{Answer, Ask, Transport};
use crate::image::Repository;
use crate::secret::Secret;

/// How long a token lives when the server does not say; the distribution specification has it so.
const DEFAULT_LIFE: f64 = 60.0;

/// The longest life of a token that is believed, in seconds.
const MAX_LIFE: f64 = 12.0 * 60.0 * 60.0;

/// The largest answer of a token server, in bytes.
const TOKEN_LIMIT: usize = 1 << 20;

/// Everything about who we are, per repository: tokens are made for one.
#[derive(Debug)]
pub(super) struct Login {
    keychain: Keychain,
    /// The lock of a grant is held while it is renewed, so that many requests fetch one token.
    grants: Mutex<HashMap<Repository, Arc<tokio::sync::Mutex<Grant>>>>,
}

/// The repository that we want to see, and whether its registry is spoken to without TLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Door<'a> {
    pub(super) repository: &'a Repository,
    pub(super) is_plain: bool,
}

/// What a registry has let us in with.
#[derive(Debug, Default)]
struct Grant {
    authorization: Option<Secret>,
    /// `None`: good until refused.
    expires: Option<Instant>,
    /// How to get the next one without being refused first.
    way: Option<Way>,
    /// Whose it is, for messages; `None` when we came without a name.
    holder: Option<String>,
}

impl Login {
    pub(super) fn new(keychain: Keychain) -> Self {
        Self { keychain, grants: Mutex::default() }
    }

    /// What to send with the next request: what was accepted before, renewed when its time is up,
    /// or nothing.
    pub(super) async fn current(&self, transport: &Transport, at: Door<'_>) -> Option<Secret> {
        let grant = self.grant(at.repository);
        let mut grant = grant.lock().await;
        if !grant.is_good() {
            let way = grant.way.take()?;
            match self.obtain(transport, at, way, false).await {
                Ok(renewed) => *grant = renewed?,
                // The request goes without, and the registry says anew how to log in.
                Err(kind) => {
                    tracing::debug!(repository = %at.repository, error = %kind, "the token was not renewed");
                    return None;
                }
            }
        }
        grant.authorization.clone()
    }

    /// What to send after `refusal`, a `401` to a request that carried `sent`.
    ///
    /// # Errors
    /// There is no way in: no challenge that we speak, no credential, or a refused one.
    pub(super) async fn after_refusal(
        &self,
        transport: &Transport,
        at: Door<'_>,
        refusal: &Answer,
        sent: Option<&Secret>,
    ) -> Result<Secret, Kind> {
        let grant = self.grant(at.repository);
        let mut grant = grant.lock().await;
        // Somebody else may have been refused and let in since that request was sent.
        if grant.is_good() && grant.authorization.as_ref() != sent {
            return grant.authorization.clone().ok_or_else(|| refused(refusal, log_in(at.repository)));
        }
        let headers = refusal.headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let Some(way) = challenge::way(headers, at.repository.path()) else {
            let mend =
                "it offers no way to log in that Landwaiter speaks (Basic, Bearer); check that this is a registry";
            return Err(refused(refusal, mend.to_owned()));
        };
        let Some(renewed) = self.obtain(transport, at, way, sent.is_some()).await? else {
            return Err(refused(refusal, log_in(at.repository)));
        };
        let authorization = renewed.authorization.clone().filter(|authorization| Some(authorization) != sent);
        let mend = advice(at.repository, renewed.holder.as_deref());
        *grant = renewed;
        authorization.ok_or_else(|| refused(refusal, mend))
    }

    /// Whether a credential is configured for the repository.
    pub(super) async fn has_credential(&self, repository: &Repository) -> Result<bool, Kind> {
        Ok(self.keychain.find(repository, false).await.map_err(Kind::Credential)?.is_some())
    }

    /// What a person can do about a refusal of what we sent last.
    pub(super) async fn advice(&self, repository: &Repository) -> String {
        advice(repository, self.grant(repository).lock().await.holder.as_deref())
    }

    /// Goes the way; `None` when it needs a credential and there is none. `anew` asks the
    /// credential helpers again, because what they said last was refused.
    async fn obtain(&self, transport: &Transport, at: Door<'_>, way: Way, anew: bool) -> Result<Option<Grant>, Kind> {
        let credential = self.keychain.find(at.repository, anew).await.map_err(Kind::Credential)?;
        let holder = credential.as_ref().map(Credential::to_string);
        let Way::Token { realm, service, metadata } = &way else {
            let Some(credential) = credential else { return Ok(None) };
            let Some(basic) = basic(&credential.proof) else {
                let registry = at.repository.registry();
                let problem =
                    format!("{credential} is for a token server, and {registry} has none: give user and password");
                return Err(Kind::Credential(problem));
            };
            return Ok(Some(Grant { authorization: Some(basic), expires: None, way: None, holder }));
        };
        let ask =
            token_request(at, realm, service.as_deref(), *metadata, credential.map(|credential| credential.proof))?;
        let answer = transport.send(&ask).await?;
        if answer.status.as_u16() != 200 {
            return Err(refused(&answer, advice(at.repository, holder.as_deref())));
        }
        let token = read_token(&answer)?;
        let expires = Instant::now() + token.life;
        Ok(Some(Grant { authorization: Some(token.authorization), expires: Some(expires), way: Some(way), holder }))
    }

    fn grant(&self, repository: &Repository) -> Arc<tokio::sync::Mutex<Grant>> {
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(grants.entry(repository.clone()).or_default())
    }
}

impl Grant {
    fn is_good(&self) -> bool {
        self.authorization.is_some() && self.expires.is_none_or(|expires| expires > Instant::now())
    }
}

/// The request for a token to pull this repository, and nothing more.
fn token_request(
    at: Door<'_>,
    realm: &Url,
    service: Option<&str>,
    metadata: bool,
    proof: Option<Proof>,
) -> Result<Ask, Kind> {
    let mut url = realm.clone();
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() || !(url.scheme() == "https" || at.is_plain)
    {
        let problem = format!(
            "{} sends us for a token to {}://{}, and a credential goes over https only; mend the realm in the registry's settings",
            at.repository.registry(),
            url.scheme(),
            url.host_str().unwrap_or_default(),
        );
        return Err(Kind::Credential(problem));
    }
    let actions = if metadata { "pull,metadata_read" } else { "pull" };
    let scope = format!("repository:{}:{actions}", at.repository.path());
    let (mut authorization, mut form) = (None, None);
    match proof {
        Some(Proof::IdentityToken(token)) => {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            pairs.append_pair("grant_type", "refresh_token").append_pair("client_id", "landwaiter");
            if let Some(service) = service {
                pairs.append_pair("service", service);
            }
            pairs.append_pair("scope", &scope).append_pair("refresh_token", token.expose());
            form = Some(Secret::new(pairs.finish()));
        }
        proof => {
            let mut pairs = url.query_pairs_mut();
            if let Some(service) = service {
                pairs.append_pair("service", service);
            }
            pairs.append_pair("scope", &scope);
            authorization = proof.as_ref().and_then(basic);
        }
    }
    Ok(Ask { url, accept: "application/json", authorization, form, limit: TOKEN_LIMIT })
}

struct Token {
    authorization: Secret,
    life: Duration,
}

fn read_token(answer: &Answer) -> Result<Token, Kind> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<String>,
        access_token: Option<String>,
        #[serde(default, deserialize_with = "lenient_number")]
        expires_in: Option<f64>,
    }
    let unusable = |problem: &str| Kind::Unusable { request: answer.request.clone(), problem: problem.to_owned() };
    let body: Body = serde_json::from_slice(&answer.body).map_err(|_| unusable("the token server sent no JSON"))?;
    let token = [body.token, body.access_token].into_iter().flatten().find(|token| !token.is_empty());
    let token = token.ok_or_else(|| unusable("the token server sent no `token` and no `access_token`"))?;
    // A tenth early: a token must not run out on its way.
    let life = body.expires_in.filter(|life| life.is_finite()).unwrap_or(DEFAULT_LIFE).clamp(0.0, MAX_LIFE) * 0.9;
    Ok(Token { authorization: Secret::new(format!("Bearer {token}")), life: Duration::from_secs_f64(life) })
}

/// A number, or `None` for whatever else stands there.
fn lenient_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_f64())
}

fn basic(proof: &Proof) -> Option<Secret> {
    let Proof::Password { user, password } = proof else { return None };
    Some(Secret::basic(user, password))
}

fn refused(answer: &Answer, mend: String) -> Kind {
    let (request, status, said) = (answer.request.clone(), answer.status.as_u16(), error::said(&answer.body));
    Kind::Refused { request, status, said, mend, retry_after: None }
}

fn advice(repository: &Repository, holder: Option<&str>) -> String {
    holder.map_or_else(
        || log_in(repository),
        |holder| format!("{holder} was refused: renew it, or give it the right to pull {repository}"),
    )
}

fn log_in(repository: &Repository) -> String {
    let (registry, path) = (repository.registry(), repository.path());
    format!(
        "log in: no credential for {registry} is configured, give --docker-config a file that has one; \
         or check the spelling of {path}, for some registries say this of a name that does not exist"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use url::Url;

    use super::{Door, Proof, Secret, read_token, token_request};
    use crate::image::Repository;
    use crate::registry::transport::Answer;

    #[track_caller]
    fn check_token(body: &str, expected: Option<(&str, u64)>) {
        let answer = Answer {
            request: "GET https://auth.example/token".into(),
            status: StatusCode::OK,
            headers: reqwest::header::HeaderMap::new(),
            body: body.into(),
            is_foreign: false,
        };
        let token = read_token(&answer);
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

    #[track_caller]
    fn check_realm(realm: &str, is_plain: bool, proof: Option<Proof>, expected: Result<&str, &str>) {
        let repository = Repository::parse("ghcr.io/org/app").unwrap();
        let at = Door { repository: &repository, is_plain };
        let ask = token_request(at, &Url::parse(realm).unwrap(), Some("ghcr.io"), false, proof);
        match (ask, expected) {
            (Ok(ask), Ok(expected)) => assert_eq!(ask.url.as_str(), expected),
            (Err(kind), Err(expected)) => assert!(kind.to_string().contains(expected), "{kind}"),
            (ask, _) => panic!("{realm}: {ask:?}"),
        }
    }

    #[test]
    fn a_realm_is_asked_over_https_for_this_repository_only() {
        let query = "service=ghcr.io&scope=repository%3Aorg%2Fapp%3Apull";
        let password = || Some(Proof::Password { user: "bob".into(), password: Secret::new("hunter2") });
        check_realm("https://ghcr.io/token", false, None, Ok(&format!("https://ghcr.io/token?{query}")));
        check_realm("https://a:b@ghcr.io/token?x=y", false, None, Ok(&format!("https://ghcr.io/token?x=y&{query}")));
        check_realm("http://ghcr.io/token", true, password(), Ok(&format!("http://ghcr.io/token?{query}")));
        check_realm("http://ghcr.io/token", false, password(), Err("over https only"));
        check_realm("http://ghcr.io/token", false, None, Err("over https only"));
        let identity = Some(Proof::IdentityToken(Secret::new("refresh")));
        check_realm("https://ghcr.io/token", false, identity, Ok("https://ghcr.io/token"));
    }
}
