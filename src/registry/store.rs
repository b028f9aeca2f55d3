//! What registries have told us already. Lives as long as the process, and asks nobody.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use tokio::time::Instant;

use super::client::Listing;
use super::error::Error;
use crate::image::{Digest, Tag};

/// How many image configurations are remembered by their digest.
const REMEMBERED_CONFIGS: usize = 100_000;

/// What is known of one repository. The locks are held while the registry is asked.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) listing: tokio::sync::Mutex<Listed>,
    /// The created time per tag, as long as the tag is in the list. A tag that is pushed again under
    /// the same name keeps the time first seen; choosing is by name, and what a moving tag points at
    /// is a question of digests.
    pub(super) created: tokio::sync::Mutex<HashMap<Tag, Created>>,
}

/// When an image was made; `Created(None)` when it is known to say nothing of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Created(pub(super) Option<Timestamp>);

#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) good: Option<(Instant, Listing)>,
    /// The last failure, for those alone who were waiting for that very answer.
    pub(super) failed: Option<(Instant, Error)>,
}

/// The created times of image configurations. A digest names one content for ever.
#[derive(Debug, Default)]
pub(super) struct Configs {
    created: HashMap<Digest, Created>,
    oldest_first: VecDeque<Digest>,
}

impl Configs {
    pub(super) fn created(&self, digest: &Digest) -> Option<Created> {
        self.created.get(digest).copied()
    }

    pub(super) fn remember(&mut self, digest: Digest, created: Created) {
        if self.created.insert(digest.clone(), created).is_none() {
            self.oldest_first.push_back(digest);
        }
        if self.oldest_first.len() > REMEMBERED_CONFIGS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.created.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Configs, Created, REMEMBERED_CONFIGS};
    use crate::image::Digest;

    #[test]
    fn the_oldest_configuration_is_forgotten_first() {
        let digest = |number: usize| Digest::parse(&format!("sha256:{number:064x}")).unwrap();
        let mut configs = Configs::default();
        for number in 0..=REMEMBERED_CONFIGS {
            configs.remember(digest(number), Created(None));
            configs.remember(digest(number), Created(None));
        }
        assert_eq!(configs.created(&digest(0)), None);
        assert_eq!(configs.created(&digest(1)), Some(Created(None)));
        assert_eq!(configs.created.len(), REMEMBERED_CONFIGS);
    }
}
