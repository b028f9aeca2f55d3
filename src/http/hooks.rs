//! Webhooks: who may tell, the way of a delivery from its head to the [`Inbox`], and how many came to what.
//!
//! Whoever is not proved is told nothing but that: not whether there is such a source, nor what was wrong. The
//! log says it, once a minute for each source.

mod body;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use url::Url;

use self::body::{Bodies, Unread};
use super::Limits;
use super::answer::refusal;
use super::inbox::{Full, Inbox, Put};
use super::keys::{Fetch, Keys, over_tls};
use super::secrets::{Kept, SecretPlace};
use crate::hook::{Event, Head, Rejection, Sender, Source};
use crate::span::{self, span};

/// How often refusals of one source are told in the log.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// In how many seconds it is worth to try again when the inbox is full.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("60");

/// Whom counts name that are no source.
const NOBODY: &str = "";

/// All sources, and where what they tell is laid down. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hooks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    doors: RwLock<Arc<Doors>>,
    inbox: Arc<Inbox>,
    bodies: Bodies,
    keys: Keys,
    counts: Mutex<BTreeMap<(String, &'static str), u64>>,
    told: Mutex<BTreeMap<String, Instant>>,
}

type Doors = BTreeMap<String, Door>;

#[derive(Debug)]
struct Door {
    source: Source,
    secrets: Kept,
}

/// How many deliveries of a source came to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The source; `None` for strangers, who named none that there is.
    pub source: Option<String>,
    /// Its kind, where it is still there.
    pub sender: Option<Sender>,
    /// `taken`, `unwatched`, `nothing`, `unproved`, `no-key`, `stale`, `content-type`, `malformed`, `too-large`, `slow`,
    /// `interrupted`, `busy` or `full`.
    pub result: &'static str,
    /// How many.
    pub count: u64,
}

/// Why a source cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The source.
    pub source_name: String,
    /// Where its secret is, what is wrong with it, and how to mend it.
    pub message: String,
}

impl Hooks {
    /// Reads the secrets of all sources.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn open(sources: Vec<(Source, SecretPlace)>, inbox: Arc<Inbox>, limits: Limits) -> Result<Self, Vec<Problem>> {
        Self::open_with(sources, inbox, limits, over_tls())
    }

    /// The same with a way of one's own to the keys that others publish.
    ///
    /// # Errors
    /// All that is wrong with the secrets.
    pub fn open_with(
        sources: Vec<(Source, SecretPlace)>,
        inbox: Arc<Inbox>,
        limits: Limits,
        fetch: Fetch,
    ) -> Result<Self, Vec<Problem>> {
        Ok(Self(Arc::new(Inner {
            doors: RwLock::new(Arc::new(doors(sources)?)),
            inbox,
            bodies: Bodies::new(limits),
            keys: Keys::new(fetch),
            counts: Mutex::default(),
            told: Mutex::default(),
        })))
    }

    /// From now on there are these sources and no others.
    ///
    /// # Errors
    /// All that is wrong with them; then everything stays as it was.
    pub fn replace(&self, sources: Vec<(Source, SecretPlace)>) -> Result<(), Vec<Problem>> {
        let doors = Arc::new(doors(sources)?);
        *self.0.doors.write().unwrap_or_else(PoisonError::into_inner) = doors;
        Ok(())
    }

    /// Where sources send to: `/hooks/NAME` and `/hooks/NAME/SECRET`.
    pub fn routes(&self) -> Router {
        let by_name = |State(hooks): State<Self>, Path(name): Path<String>, headers: HeaderMap, body: Body| async move {
            hooks.deliver(&name, None, &headers, body).await
        };
        let by_secret =
            |State(hooks): State<Self>,
             Path((name, secret)): Path<(String, String)>,
             headers: HeaderMap,
             body: Body| { async move { hooks.deliver(&name, Some(&secret), &headers, body).await } };
        let asked_by_name = |State(hooks): State<Self>, Path(name): Path<String>, headers: HeaderMap| async move {
            hooks.allow(&name, None, &headers)
        };
        let asked_by_secret =
            |State(hooks): State<Self>, Path((name, secret)): Path<(String, String)>, headers: HeaderMap| async move {
                hooks.allow(&name, Some(&secret), &headers)
            };
        Router::new()
            .route("/hooks/{name}", post(by_name).options(asked_by_name))
            .route("/hooks/{name}/{secret}", post(by_secret).options(asked_by_secret))
            .with_state(self.clone())
    }

    /// How many deliveries came to what since the start.
    #[must_use]
    pub fn counts(&self) -> Vec<Count> {
        let doors = self.doors();
        let count = |((source, result), count): (&(String, &'static str), &u64)| Count {
            source: (source != NOBODY).then(|| source.clone()),
            sender: doors.get(source).map(|door| door.source.sender),
            result,
            count: *count,
        };
        locked(&self.0.counts).iter().map(count).collect()
    }

    async fn deliver(&self, name: &str, path_secret: Option<&str>, headers: &HeaderMap, body: Body) -> Response {
        let sender = self.doors().get(name).map(|door| door.source.sender);
        let judged = self.judge(name, path_secret, headers, body);
        // What strangers say they are is nobody's business.
        let Some(sender) = sender else { return judged.await };
        let span = span!(
            "webhook",
            otel.name = "POST /hooks/{name}",
            otel.kind = "server",
            http.request.method = "POST",
            http.route = "/hooks/{name}",
            http.response.status_code = Empty,
            landwaiter.webhook.source = name,
            landwaiter.webhook.type = sender.name(),
            landwaiter.webhook.result = Empty,
        );
        let answer = judged.instrument(span.clone()).await;
        span.record("http.response.status_code", span::number(answer.status().as_u16()));
        answer
    }

    async fn judge(&self, name: &str, path_secret: Option<&str>, headers: &HeaderMap, body: Body) -> Response {
        let doors = self.doors();
        let Some(door) = doors.get(name) else {
            self.count(NOBODY, "unproved");
            self.tell(NOBODY, &"there is no source of this name");
            return unproved();
        };
        let header = |name: &str| only(headers, name);
        let head = Head { path_secret, header: &header };
        let secrets = door.secrets.now();
        let judged = async {
            door.source.admit(&secrets, &head).map_err(Trouble::Rejected)?;
            let body = self.0.bodies.read(headers, body).await.map_err(Trouble::Unread)?;
            let read = || door.source.read(&secrets, &head, &body, &|name| self.0.keys.known(name), Timestamp::now());
            let mut event = read();
            if let Err(Rejection::KeyWanted(name)) = &event {
                self.0.keys.look_for(name).await;
                event = read();
            }
            event.map_err(Trouble::Rejected)
        };
        match judged.await {
            Ok(Event::News(hint)) => self.put(name, self.0.inbox.put(hint)),
            Ok(Event::Nothing(reason)) => {
                self.count(name, "nothing");
                tracing::debug!(source = name, reason, "a webhook that changes nothing");
                answer(StatusCode::OK, &json!({"taken": 0, "reason": reason}))
            }
            Ok(Event::Validation(code)) => {
                self.count(name, "nothing");
                tracing::info!(source = name, "a webhook was validated");
                answer(StatusCode::OK, &json!({"validationResponse": code}))
            }
            Ok(Event::Confirm(url)) => self.confirm(name, url).await,
            Err(Trouble::Rejected(rejection)) => {
                self.count(name, rejection.word());
                self.tell(name, &rejection);
                rejected(&rejection)
            }
            Err(Trouble::Unread(unread)) => {
                self.count(name, unread.word());
                self.tell(name, &unread);
                refusal(unread.status(), &unread.to_string())
            }
        }
    }

    /// Says that a sender of CloudEvents may send: some ask before they do (Event Grid, by the specification of
    /// webhooks for CloudEvents).
    fn allow(&self, name: &str, path_secret: Option<&str>, headers: &HeaderMap) -> Response {
        let doors = self.doors();
        let header = |name: &str| only(headers, name);
        let head = Head { path_secret, header: &header };
        let door = doors.get(name).filter(|door| door.source.admit(&door.secrets.now(), &head).is_ok());
        let (Some(_), Some(origin)) = (door, headers.get("webhook-request-origin")) else {
            self.count(door.map_or(NOBODY, |_| name), "unproved");
            return unproved();
        };
        self.count(name, "nothing");
        let mut answer = answer(StatusCode::OK, &json!({"taken": 0, "reason": "asked whether it may send"}));
        answer.headers_mut().insert("webhook-allowed-origin", origin.clone());
        answer.headers_mut().insert("webhook-allowed-rate", HeaderValue::from_static("*"));
        answer
    }

    /// Says that we want what the source sends.
    async fn confirm(&self, name: &str, url: Url) -> Response {
        self.count(name, "nothing");
        match self.0.keys.visit(url).await {
            Ok(()) => {
                tracing::info!(source = name, "the subscription is confirmed");
                answer(StatusCode::OK, &json!({"taken": 0, "reason": "the subscription is confirmed"}))
            }
            Err(problem) => {
                let problem = crate::plain::line(&problem, 300);
                tracing::warn!(source = name, problem, "the subscription could not be confirmed");
                refusal(StatusCode::BAD_GATEWAY, "the subscription could not be confirmed")
            }
        }
    }

    fn put(&self, name: &str, put: Result<Put, Full>) -> Response {
        let Ok(Put { taken, unwatched }) = put else {
            self.count(name, "full");
            let why = "more waits to be looked at than there is room for";
            self.tell(name, &format!("{why}; the next poll finds it"));
            let mut answer = refusal(StatusCode::TOO_MANY_REQUESTS, why);
            answer.headers_mut().insert(header::RETRY_AFTER, TRY_AGAIN);
            return answer;
        };
        self.count(name, if taken > 0 { "taken" } else { "unwatched" });
        tracing::debug!(source = name, taken, unwatched, "a webhook");
        answer(StatusCode::ACCEPTED, &json!({"taken": taken, "unwatched": unwatched}))
    }

    fn doors(&self) -> Arc<Doors> {
        Arc::clone(&self.0.doors.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts what a delivery came to; in a trace that stands in its span.
    fn count(&self, source: &str, result: &'static str) {
        Span::current().record("landwaiter.webhook.result", result);
        *locked(&self.0.counts).entry((source.to_owned(), result)).or_default() += 1;
    }

    /// Tells the log that something was refused, unless it was told that of this source a moment ago.
    fn tell(&self, source: &str, reason: &dyn std::fmt::Display) {
        let now = Instant::now();
        let mut told = locked(&self.0.told);
        let is_news = told.get(source).is_none_or(|last| now.duration_since(*last) >= TOLD_EVERY);
        if is_news {
            told.insert(source.to_owned(), now);
            drop(told);
            tracing::warn!(source, %reason, "a webhook was refused");
        } else {
            drop(told);
            tracing::debug!(source, %reason, "a webhook was refused");
        }
    }
}

/// Why a delivery came to nothing.
enum Trouble {
    Rejected(Rejection),
    Unread(Unread),
}

/// All that is wrong with the secrets of these sources.
#[must_use]
pub fn faults(sources: Vec<(Source, SecretPlace)>) -> Vec<Problem> {
    doors(sources).err().unwrap_or_default()
}

fn doors(sources: Vec<(Source, SecretPlace)>) -> Result<Doors, Vec<Problem>> {
    let (mut doors, mut problems) = (Doors::new(), Vec::new());
    for (source, place) in sources {
        match Kept::open(&place, source.sender.shows_secret()) {
            Ok(secrets) => drop(doors.insert(source.name.clone(), Door { source, secrets })),
            Err(message) => problems.push(Problem { source_name: source.name, message }),
        }
    }
    if problems.is_empty() { Ok(doors) } else { Err(problems) }
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// Whoever is proved is told what is wrong; a stranger is not.
fn rejected(rejection: &Rejection) -> Response {
    match rejection {
        Rejection::Unproved(_) => unproved(),
        Rejection::Stale(_) => refusal(StatusCode::UNAUTHORIZED, &rejection.to_string()),
        Rejection::KeyWanted(_) => {
            refusal(StatusCode::SERVICE_UNAVAILABLE, "the key by which it is proved cannot be had at the moment")
        }
        Rejection::ContentType(_) => refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, &rejection.to_string()),
        Rejection::Malformed(_) => refusal(StatusCode::BAD_REQUEST, &rejection.to_string()),
    }
}

fn unproved() -> Response {
    let mut answer = refusal(StatusCode::UNAUTHORIZED, "it is not proved who sends this; the log says more");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, axum::Json(body)).into_response()
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
