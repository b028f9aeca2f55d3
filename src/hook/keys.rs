//! Public keys by which senders prove what they signed. Which one is needed is said here, and somebody else
//! fetches it.

use std::fmt;

use serde::Deserialize;
use url::Url;

use super::proof::unbase64_url;

/// Which public key is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// One of Google's, by its id.
    Google(String),
    /// That of a certificate of Amazon SNS, which lies at this URL: it is one of theirs, by https.
    Sns(Url),
}

/// A public key of RSA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// Where Google publishes its keys.
const GOOGLE: &str = "https://www.googleapis.com/oauth2/v3/certs";

impl KeyName {
    /// Where it is published.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Google(_) => GOOGLE,
            Self::Sns(url) => url.as_str(),
        }
    }
}

impl PublicKey {
    /// A key of two numbers, the highest byte first.
    #[must_use]
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().copied().skip_while(|&byte| byte == 0).collect();
        Self { modulus: number(modulus), exponent: number(exponent) }
    }

    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.modulus, &self.exponent)
    }

    /// Reads the keys that Google publishes (a JSON web key set). Those of other kinds are left out.
    ///
    /// # Errors
    /// Why it is no such set.
    pub fn of_google(text: &[u8]) -> Result<Vec<(KeyName, Self)>, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<WebKey>,
        }
        #[derive(Deserialize)]
        struct WebKey {
            kid: Option<String>,
            kty: String,
            n: Option<String>,
            e: Option<String>,
        }
        let set: Set = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let key = |key: WebKey| {
            let part = |text: Option<String>| unbase64_url(text?.trim_end_matches('='));
            let own = Self::new(&part(key.n)?, &part(key.e)?);
            (key.kty == "RSA").then_some((KeyName::Google(key.kid?), own))
        };
        Ok(set.keys.into_iter().filter_map(key).collect())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Google(id) => write!(f, "key {} of {GOOGLE}", crate::plain::line(id, 80)),
            Self::Sns(url) => write!(f, "the certificate at {url}"),
        }
    }
}
