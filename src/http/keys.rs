//! Public keys of others, fetched when a delivery is signed with one that is not known yet, and kept for hours.
//! Knows where they lie and what is in them, and must not know what is signed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::{Client, redirect};
use tokio::time::Instant;
use url::Url;

use super::hooks::locked;
use crate::hook::{KeyName, PublicKey};
use crate::{plain, tls};

/// How long a key is good without another look.
const GOOD_FOR: Duration = Duration::from_hours(6);

/// How soon the same is asked for again that was not there.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes.
const LONGEST: usize = 256 * 1024;

/// The most keys that are kept.
const MOST: usize = 100;

/// Asks for a URL.
pub type Fetch = Arc<dyn Fn(Url) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync>;

/// The keys that are known, and the way to others.
pub(super) struct Keys {
    fetch: Fetch,
    known: Mutex<Known>,
    /// Held while somebody asks, so that the others do not ask too.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    keys: HashMap<KeyName, (PublicKey, Instant)>,
    /// When what was asked for last, in vain.
    missed: HashMap<KeyName, Instant>,
}

impl Keys {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self { fetch, known: Mutex::default(), asking: tokio::sync::Mutex::default() }
    }

    /// A key, if it is known.
    pub(super) fn known(&self, name: &KeyName) -> Option<PublicKey> {
        let known = self.locked();
        let (key, since) = known.keys.get(name)?;
        (since.elapsed() < GOOD_FOR).then(|| key.clone())
    }

    /// Looks for a key that is not known.
    pub(super) async fn look_for(&self, name: &KeyName) {
        let _asking = self.asking.lock().await;
        let was_missed = self.locked().missed.get(name).is_some_and(|since| since.elapsed() < AGAIN_AFTER);
        if was_missed || self.known(name).is_some() {
            return;
        }
        let found = match self.fetched(name).await {
            Ok(found) => found,
            Err(problem) => {
                tracing::warn!(url = name.url(), problem = plain::line(&problem, 300), "a public key cannot be had");
                Vec::new()
            }
        };
        let now = Instant::now();
        let mut known = self.locked();
        // Whoever comes this far knows a secret; there is an end to it all the same.
        if known.keys.len() + found.len() > MOST {
            known.keys.clear();
        }
        if known.missed.len() > MOST {
            known.missed.clear();
        }
        known.keys.extend(found.into_iter().take(MOST).map(|(name, key)| (name, (key, now))));
        if known.keys.contains_key(name) {
            known.missed.remove(name);
        } else {
            known.missed.insert(name.clone(), now);
        }
    }

    /// Asks for a URL for the sake of the asking.
    pub(super) async fn visit(&self, url: Url) -> Result<(), String> {
        (self.fetch)(url).await.map(drop)
    }

    async fn fetched(&self, name: &KeyName) -> Result<Vec<(KeyName, PublicKey)>, String> {
        let url = Url::parse(name.url()).map_err(|error| error.to_string())?;
        let text = (self.fetch)(url).await?;
        match name {
            KeyName::Google(_) => PublicKey::of_google(&text),
            KeyName::Sns(_) => {
                let (modulus, exponent) = tls::rsa_key(&text, Timestamp::now())?;
                Ok(vec![(name.clone(), PublicKey::new(&modulus, &exponent))])
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("known", &locked(&self.known).keys.len()).finish_non_exhaustive()
    }
}

/// Asks over TLS, as the machine's authorities and proxies have it, and follows no redirect.
pub(super) fn over_tls() -> Fetch {
    let client = std::sync::OnceLock::new();
    let client = Arc::new(client);
    Arc::new(move |url| {
        let client = Arc::clone(&client);
        Box::pin(async move {
            let client: Client = client.get_or_init(build).clone()?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let failed = |error: reqwest::Error| {
                tls::refusal(&error, &host, None).unwrap_or_else(|| plain::chain(&error.without_url()))
            };
            let mut answer = client.get(url).send().await.map_err(failed)?;
            if !answer.status().is_success() {
                return Err(format!("the answer was {}", answer.status()));
            }
            let mut text = Vec::new();
            while let Some(part) = answer.chunk().await.map_err(failed)? {
                text.extend_from_slice(&part);
                if text.len() > LONGEST {
                    return Err(format!("the answer is longer than {LONGEST} bytes"));
                }
            }
            Ok(text)
        })
    })
}

fn build() -> Result<Client, String> {
    let builder = Client::builder().user_agent(concat!("landwaiter/", env!("CARGO_PKG_VERSION")));
    let builder = builder.https_only(true).redirect(redirect::Policy::none()).timeout(PATIENCE);
    builder.tls_backend_preconfigured(tls::client_config()).build().map_err(|error| plain::chain(&error))
}
