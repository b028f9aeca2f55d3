//! What is known of one image repository, for whoever wants to see it. Asks nobody.

use jiff::Timestamp;

use super::Lookout;
use crate::image::Repository;
use crate::plan::Finding;
use crate::policy::Candidate;
use crate::reconcile::scan;
use crate::registry::Listing;

/// What is known of an image repository that somebody watches.
#[derive(Debug)]
pub struct Known {
    /// Its tags; `None` while there was no list of them.
    pub listing: Option<Listing>,
    /// The same as policies see them, with the times that are known.
    pub candidates: Vec<Candidate>,
    /// Why the last look came to nothing, if it did.
    pub failure: Option<String>,
    /// Whether it is being asked now.
    pub is_asked: bool,
    /// When it is asked next; `None` for at once.
    pub due: Option<Timestamp>,
}

impl Lookout {
    /// What is known of a repository, without asking its registry; `None` when nobody watches it.
    pub async fn known(&self, repository: &Repository, now: Timestamp) -> Option<Known> {
        let (finding, pace, is_asked) = self.state().known(repository)?;
        let failure = match finding {
            Finding::Failed(reason) => Some(reason),
            Finding::Rulings(_) | Finding::Asked => None,
        };
        let due = self.registry.due(repository, pace, now);
        let (candidates, listing) = match self.registry.listing(repository).await {
            Ok(listing) => (scan::known(&self.registry, repository, &listing).await, Some(listing)),
            Err(_) => (Vec::new(), None),
        };
        Some(Known { listing, candidates, failure, is_asked, due })
    }
}
