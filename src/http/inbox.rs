//! What was told and not looked at yet: each repository once, however often it was told. Knows neither who tells
//! it nor who looks.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::hook::{Hint, Push, Remote};
use crate::image::Repository;

/// Where hints lie until somebody looks. It never grows beyond its capacity, nor beyond what is watched.
#[derive(Debug)]
pub struct Inbox {
    capacity: usize,
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    news: News,
    /// `None` while nobody has said what is watched.
    watched: Option<Watched>,
}

/// What somebody should look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Image repositories to be listed.
    pub repositories: BTreeSet<Repository>,
    /// Config repositories to be fetched.
    pub remotes: BTreeSet<Remote>,
}

/// What is watched: of anything else no news is kept.
#[derive(Debug, Default)]
pub struct Watched {
    /// The image repositories.
    pub repositories: HashSet<Repository>,
    /// The config repositories with the branch that is followed, where it is known.
    pub remotes: Vec<(Remote, Option<String>)>,
}

/// What became of a hint.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// How much of it is to be looked at.
    pub taken: usize,
    /// How much of it nobody watches.
    pub unwatched: usize,
}

/// There was no room for all of it; the next poll finds the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Inbox {
    /// Enough for a fleet, and a few megabytes.
    pub const CAPACITY: usize = 20_000;

    /// Room for so many repositories, and as many branches.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), arrived: Notify::new() }
    }

    /// Says what is watched from now on.
    pub fn watch(&self, watched: Watched) {
        let mut state = self.state();
        state.news.repositories.retain(|repository| watched.repositories.contains(repository));
        state.news.remotes.retain(|remote| watched.remotes.iter().any(|(own, _)| own == remote));
        state.watched = Some(watched);
    }

    /// Lays down what somebody told.
    ///
    /// # Errors
    /// [`Full`] when not all of it found room. What found room stays.
    pub fn put(&self, hint: Hint) -> Result<Put, Full> {
        let mut put = Put::default();
        let mut is_full = false;
        let mut state = self.state();
        let State { news, watched } = &mut *state;
        for repository in hint.repositories {
            if watched.as_ref().is_some_and(|watched| !watched.repositories.contains(&repository)) {
                put.unwatched += 1;
            } else if keep(&mut news.repositories, repository, self.capacity) {
                put.taken += 1;
            } else {
                is_full = true;
            }
        }
        for push in hint.pushes {
            let wanted: Vec<_> = match watched.as_ref() {
                Some(watched) => watched.concerned(&push).collect(),
                None => push.remotes.into_iter().collect(),
            };
            put.unwatched += usize::from(wanted.is_empty());
            for remote in wanted {
                if keep(&mut news.remotes, remote, self.capacity) {
                    put.taken += 1;
                } else {
                    is_full = true;
                }
            }
        }
        drop(state);
        if put.taken > 0 {
            self.arrived.notify_one();
        }
        if is_full { Err(Full) } else { Ok(put) }
    }

    /// Waits until something lies here, and takes all of it. For one who looks: two would share the news.
    pub async fn next(&self) -> News {
        loop {
            let news = std::mem::take(&mut self.state().news);
            if !news.repositories.is_empty() || !news.remotes.is_empty() {
                return news;
            }
            self.arrived.notified().await;
        }
    }

    /// How many repositories and branches wait to be looked at.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.state();
        state.news.repositories.len() + state.news.remotes.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// The config repositories whose branch moved.
    fn concerned<'a>(&'a self, push: &'a Push) -> impl Iterator<Item = Remote> + 'a {
        let is_same = |own: &Option<String>| match (own, &push.branch) {
            (Some(own), Some(moved)) => own == moved,
            _ => true,
        };
        let own = self.remotes.iter().filter(move |(remote, branch)| push.remotes.contains(remote) && is_same(branch));
        own.map(|(remote, _)| remote.clone())
    }
}

/// Whether it is among the others now.
fn keep<T: Ord>(all: &mut BTreeSet<T>, one: T, capacity: usize) -> bool {
    all.contains(&one) || (all.len() < capacity && all.insert(one))
}

#[cfg(test)]
mod tests {
    use super::{Full, Inbox, Put, Watched};
    use crate::hook::{Hint, Push, Remote};
    use crate::image::Repository;

    fn images(names: &[&str]) -> Hint {
        let repositories = names.iter().map(|name| Repository::parse(name).unwrap()).collect();
        Hint { repositories, ..Hint::default() }
    }

    fn push(address: &str, branch: &str) -> Hint {
        let push = Push { remotes: Remote::parse(address).into_iter().collect(), branch: Some(branch.to_owned()) };
        Hint { pushes: vec![push], ..Hint::default() }
    }

    #[tokio::test]
    async fn a_storm_is_one_look_at_each() {
        let inbox = Inbox::new(10);
        for _ in 0..1000 {
            assert_eq!(inbox.put(images(&["ghcr.io/a", "ghcr.io/b"])), Ok(Put { taken: 2, unwatched: 0 }));
        }
        let news = inbox.next().await;
        assert_eq!(news.repositories.len(), 2);
        assert!(inbox.is_empty());
        assert!(inbox.put(images(&["ghcr.io/a"])).is_ok(), "what is told after the look is looked at again");
        assert_eq!(inbox.next().await.repositories.len(), 1);
    }

    #[test]
    fn what_nobody_watches_is_dropped() {
        let inbox = Inbox::new(10);
        assert!(inbox.put(images(&["ghcr.io/a", "ghcr.io/old"])).is_ok(), "nobody has said yet what is watched");
        let remote = Remote::parse("https://git.example.com/org/config.git").unwrap();
        inbox.watch(Watched {
            repositories: images(&["ghcr.io/a", "ghcr.io/b"]).repositories.into_iter().collect(),
            remotes: vec![(remote, Some("main".to_owned()))],
        });
        assert_eq!(inbox.len(), 1);
        assert_eq!(inbox.put(images(&["ghcr.io/b", "ghcr.io/c"])), Ok(Put { taken: 1, unwatched: 1 }));
        for (address, branch, taken) in [
            ("git@git.example.com:org/config", "main", 1),
            ("git@git.example.com:org/config", "feature", 0),
            ("git@git.example.com:org/other", "main", 0),
        ] {
            let put = inbox.put(push(address, branch));
            assert_eq!(put, Ok(Put { taken, unwatched: 1 - taken }), "{address} {branch}");
        }
    }

    #[test]
    fn beyond_its_capacity_it_is_full() {
        let inbox = Inbox::new(2);
        assert_eq!(inbox.put(images(&["ghcr.io/a", "ghcr.io/b", "ghcr.io/c"])), Err(Full));
        assert_eq!(inbox.len(), 2);
        assert!(inbox.put(images(&["ghcr.io/a"])).is_ok(), "what lies there already needs no room");
    }
}
