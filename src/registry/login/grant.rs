//! What a registry has let us in with. Holds secrets, and sends none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::token::Token;
use crate::registry::challenge::Way;
use crate::registry::keychain::Proof;
use crate::secret::Secret;

/// For how long a token that never opened anything is not fetched anew.
const HOPELESS: Duration = Duration::from_mins(5);

/// How we got into one repository.
#[derive(Debug, Default)]
pub(super) struct Grant {
    pub(super) pass: Option<Pass>,
    /// How to get the next one without being refused first.
    pub(super) way: Option<Arc<Way>>,
    /// Whether the repository was shown to us without any.
    pub(super) is_open: bool,
    /// Whose it is, for messages; `None` when we came without a name.
    pub(super) holder: Option<String>,
}

/// An `Authorization`.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) authorization: Secret,
    pub(super) is_basic: bool,
    /// What it was made of.
    pub(super) proof: Option<Proof>,
    made: Instant,
    /// `None`: good until refused.
    expires: Option<Instant>,
    /// Whether it has opened anything yet.
    is_accepted: Arc<AtomicBool>,
}

impl Grant {
    pub(super) fn new(way: &Arc<Way>, pass: Pass, holder: Option<String>) -> Self {
        Self { pass: Some(pass), way: Some(Arc::clone(way)), is_open: false, holder }
    }

    pub(super) fn is_good(&self) -> bool {
        self.pass.as_ref().is_some_and(Pass::is_good)
    }
}

impl Pass {
    pub(super) fn basic(authorization: Secret, proof: Proof) -> Self {
        Self::new(authorization, true, Some(proof), None)
    }

    pub(super) fn token(token: Token, proof: Option<Proof>) -> Self {
        Self::new(token.authorization, false, proof, Some(token.life))
    }

    fn new(authorization: Secret, is_basic: bool, proof: Option<Proof>, life: Option<Duration>) -> Self {
        let made = Instant::now();
        let expires = life.map(|life| made + life);
        Self { authorization, is_basic, proof, made, expires, is_accepted: Arc::default() }
    }

    pub(super) fn is_good(&self) -> bool {
        self.expires.is_none_or(|expires| expires > Instant::now())
    }

    pub(super) fn is_same(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| other.authorization == self.authorization)
    }

    pub(super) fn accept(&self) {
        self.is_accepted.store(true, Ordering::Relaxed);
    }

    /// Whether it is a token that was made lately and was never accepted: another one would not be either.
    pub(super) fn is_hopeless(&self) -> bool {
        !self.is_basic && !self.is_accepted.load(Ordering::Relaxed) && self.made.elapsed() < HOPELESS
    }
}
