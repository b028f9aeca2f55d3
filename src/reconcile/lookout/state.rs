//! What is watched for whom, what is known of it, and who waits for what. Asks nobody and knows no time but
//! what it is told.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Span;

use super::post::{Asked, Post, is_for, is_same};
use super::status::RegistryStatus;
use super::{Heard, Patience};
use crate::image::{Registry, Repository};
use crate::plan::{Finding, Findings, Rulings, Watch, Watches};
use crate::registry::Pace;

/// How many repositories of one registry are asked at a time; the client has limits of its own. Other
/// registries do not wait for that.
const AT_ONCE: usize = 8;

/// Everything that is watched.
#[derive(Debug, Default)]
pub(super) struct State {
    posts: BTreeMap<Repository, Post>,
    hosts: HashMap<Registry, Host>,
    seats: BTreeMap<Seat, Seated>,
    seated: Seat,
}

/// A number for whoever watches.
pub(super) type Seat = u64;

/// Somebody who watches.
#[derive(Debug)]
struct Seated {
    /// What the posts were told.
    watches: Arc<Watches>,
    locked: Arc<BTreeSet<Repository>>,
    /// Looks so far.
    looks: u64,
    /// Of those that are asked for the present look, how many have not answered.
    awaited: HashMap<Registry, usize>,
    heard: watch::Sender<Heard>,
}

#[derive(Debug)]
struct Host {
    queue: VecDeque<Repository>,
    running: usize,
    answered: Instant,
    /// Whether the last look gave up waiting for it.
    is_stuck: bool,
}

/// What is to be asked of a registry: a repository, with what is wished of it and known.
pub(super) struct Question {
    pub(super) repository: Repository,
    pub(super) watch: Watch,
    pub(super) pace: Pace,
    pub(super) known: Option<(u64, Arc<Rulings>)>,
    pub(super) is_hinted: bool,
    pub(super) now: Timestamp,
    /// What it stands under in a trace; nothing for what somebody told us to ask.
    pub(super) under: Span,
}

impl State {
    /// One more who watches, and so far nothing.
    pub(super) fn sit(&mut self, heard: watch::Sender<Heard>) -> Seat {
        self.seated += 1;
        let seated =
            Seated { watches: Arc::default(), locked: Arc::default(), looks: 0, awaited: HashMap::new(), heard };
        self.seats.insert(self.seated, seated);
        self.seated
    }

    /// What nobody else watches is forgotten.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.take_up(seat, &Arc::default(), &Arc::default());
        self.seats.remove(&seat);
    }

    /// What somebody watches.
    pub(super) fn watched(&self) -> Vec<Repository> {
        self.posts.keys().cloned().collect()
    }

    pub(super) fn is_watched(&self, repository: &Repository) -> bool {
        self.posts.contains_key(repository)
    }

    /// Begins a look, and gives whether it is the first one.
    pub(super) fn begin(&mut self, seat: Seat) -> bool {
        let Some(seated) = self.seats.get_mut(&seat) else { return false };
        seated.looks += 1;
        seated.awaited.clear();
        seated.looks == 1
    }

    /// Notes what a seat watches now. Whether that is something else than before.
    pub(super) fn take_up(&mut self, seat: Seat, watches: &Arc<Watches>, locked: &Arc<BTreeSet<Repository>>) -> bool {
        let Some(seated) = self.seats.get_mut(&seat) else { return false };
        if Arc::ptr_eq(&seated.watches, watches) && Arc::ptr_eq(&seated.locked, locked) {
            return false;
        }
        let before = mem::replace(&mut seated.watches, Arc::clone(watches));
        let locked_before = mem::replace(&mut seated.locked, Arc::clone(locked));
        let is_wanted = |repository: &Repository| watches.contains_key(repository) || locked.contains(repository);
        for repository in before.keys().chain(locked_before.iter()).filter(|repository| !is_wanted(repository)) {
            let Some(post) = self.posts.get_mut(repository) else { continue };
            post.wanted.remove(&seat);
            if post.wanted.is_empty() {
                self.posts.remove(repository);
            } else {
                post.put_together();
            }
        }
        let idle = locked.iter().filter(|repository| !watches.contains_key(*repository));
        let idle = idle.map(|repository| (repository, None));
        for (repository, watch) in watches.iter().map(|(repository, watch)| (repository, Some(watch))).chain(idle) {
            if let Some(post) = self.posts.get_mut(repository) {
                if post.wanted.get(&seat).is_none_or(|before| before.as_ref() != watch) {
                    post.wanted.insert(seat, watch.cloned());
                    post.put_together();
                }
            } else {
                self.posts.insert(repository.clone(), Post::new(seat, watch.cloned()));
            }
        }
        true
    }

    /// Puts what is due of a seat's repositories among what is to be asked; `due` says whether the time of one
    /// has come. What it lacks and is being asked already, it waits for.
    pub(super) fn ask_what_is_due(
        &mut self,
        seat: Seat,
        now: Timestamp,
        under: &Span,
        due: impl Fn(&Repository, Pace) -> bool,
    ) {
        let Some(seated) = self.seats.get_mut(&seat) else { return };
        let look = (seat, seated.looks);
        let idle = seated.locked.iter().filter(|repository| !seated.watches.contains_key(*repository));
        let idle = idle.map(|repository| (repository, None));
        for (repository, watch) in seated.watches.iter().map(|(it, watch)| (it, Some(watch))).chain(idle) {
            let Some(post) = self.posts.get_mut(repository) else { continue };
            let is_missed = watch.is_some_and(|watch| !is_for(&post.finding, watch));
            if let Some(asked) = &mut post.asked_for {
                if !is_missed {
                    continue;
                }
                asked.awaited_by.push(look);
            // Where time alone has changed the rulings, what is known is enough for other ones.
            } else if post.is_echo_due(now) || post.is_new || post.is_over(now) || due(repository, post.pace) {
                post.asked_for = Some(Asked { now, under: under.clone(), awaited_by: vec![look] });
                queue(&mut self.hosts, repository);
            } else {
                continue;
            }
            *seated.awaited.entry(repository.registry().clone()).or_default() += 1;
        }
    }

    /// There is news of a repository, somebody says. Whether anybody watches it.
    pub(super) fn hint(&mut self, repository: &Repository, now: Timestamp) -> bool {
        let Some(post) = self.posts.get_mut(repository) else { return false };
        if post.tell(now) {
            queue(&mut self.hosts, repository);
        }
        true
    }

    /// Every repository is to be asked.
    pub(super) fn hint_all(&mut self, now: Timestamp) {
        for (repository, post) in &mut self.posts {
            if post.hint(now) {
                queue(&mut self.hosts, repository);
            }
        }
    }

    /// How many more may ask each registry now; they count as running from here on.
    pub(super) fn starts(&mut self) -> Vec<(Registry, usize)> {
        let free = |host: &Host| AT_ONCE.saturating_sub(host.running).min(host.queue.len());
        let mut starts = Vec::new();
        for (name, host) in &mut self.hosts {
            let count = free(host);
            host.running += count;
            if count > 0 {
                starts.push((name.clone(), count));
            }
        }
        starts
    }

    /// The next repository of a host that waits to be asked; whoever gets none is not running any more.
    pub(super) fn next(&mut self, host: &Registry) -> Option<Question> {
        loop {
            let host = self.hosts.get_mut(host)?;
            let Some(repository) = host.queue.pop_front() else {
                host.running = host.running.saturating_sub(1);
                return None;
            };
            // Else nobody watches it any more.
            if let Some(post) = self.posts.get_mut(&repository)
                && let Some(asked) = &post.asked_for
            {
                post.is_new = false;
                let known = match &post.finding {
                    Finding::Rulings(rulings) => Some((post.version, Arc::clone(rulings))),
                    Finding::Failed(_) | Finding::Asked => None,
                };
                let (watch, is_hinted) = (post.watch.clone(), mem::take(&mut post.is_hinted));
                let (now, under) = (asked.now, asked.under.clone());
                return Some(Question { repository, watch, pace: post.pace, known, is_hinted, now, under });
            }
        }
    }

    /// Takes in what was found, and tells it to those for whom it is news.
    pub(super) fn take_in(&mut self, asked: &Question, found: Result<(u64, Arc<Rulings>), String>) {
        let (repository, registry) = (&asked.repository, asked.repository.registry());
        if let Some(host) = self.hosts.get_mut(registry) {
            host.answered = Instant::now();
            host.is_stuck &= found.is_err();
        }
        let Some(post) = self.posts.get_mut(repository) else { return };
        let version = post.version;
        let finding = match found {
            // Somebody wishes for something else meanwhile; what is known now is enough for that.
            Ok(_) if post.watch != asked.watch => return queue(&mut self.hosts, repository),
            Ok((version, rulings)) => {
                post.version = version;
                post.answered_at = Some(Instant::now());
                Finding::Rulings(rulings)
            }
            Err(reason) => Finding::Failed(reason),
        };
        let before = mem::replace(&mut post.finding, finding);
        let awaited_by = post.asked_for.take().map(|asked| asked.awaited_by).unwrap_or_default();
        post.is_new |= post.watch != asked.watch;
        let is_echoed = !post.is_hinted
            && asked.is_hinted
            && matches!(post.finding, Finding::Rulings(_))
            && post.plan_echo(version != post.version, asked.now);
        if post.is_hinted {
            post.asked_for = Some(Asked { now: asked.now, under: Span::none(), awaited_by: Vec::new() });
            queue(&mut self.hosts, repository);
        }
        for (seat, look) in awaited_by {
            if let Some(seated) = self.seats.get_mut(&seat).filter(|seated| seated.looks == look)
                && let Some(awaited) = seated.awaited.get_mut(registry)
            {
                *awaited = awaited.saturating_sub(1);
            }
        }
        for (seat, watch) in &post.wanted {
            let Some(seated) = self.seats.get(seat) else { continue };
            let is_news = watch.as_ref().is_some_and(|watch| !is_same(&before, &post.finding, watch));
            // What the first list comes to follows from Git, as does all else that comes of the same one.
            if is_news && version != post.version && !matches!(before, Finding::Asked) {
                post.news_at = Some(Instant::now());
            }
            seated.heard.send_modify(|heard| {
                heard.answers += 1;
                heard.news += u64::from(is_news);
                heard.echoes += u64::from(is_echoed);
            });
        }
    }

    /// Until when a seat waits for what its look asked for; `None` when all of it is there, or is not waited for
    /// any more.
    pub(super) fn waits_until(&mut self, seat: Seat, began: Instant, patience: Option<Patience>) -> Option<Instant> {
        let seated = self.seats.get(&seat)?;
        let now = Instant::now();
        let mut until = None;
        for (registry, _) in seated.awaited.iter().filter(|(_, awaited)| **awaited > 0) {
            let Some(host) = self.hosts.get_mut(registry) else { continue };
            let end = match patience {
                Some(patience) => (host.answered.max(began) + patience.registry).min(began + patience.whole),
                // Every request has an end, and then this is asked again.
                None => now + std::time::Duration::from_hours(1),
            };
            host.is_stuck |= end <= now && end < began + patience.unwrap_or_default().whole;
            if !host.is_stuck {
                until = until.max(Some(end));
            }
        }
        until.filter(|until| *until > now)
    }

    /// What is known of everything that a seat watches.
    pub(super) fn findings(&self, seat: Seat) -> Findings {
        let Some(seated) = self.seats.get(&seat) else { return Findings::new() };
        let finding = |(repository, watch): (&Repository, &Watch)| {
            let finding = &self.posts.get(repository)?.finding;
            let is_for = is_for(finding, watch);
            Some((repository.clone(), if is_for { finding.clone() } else { Finding::Asked }))
        };
        seated.watches.iter().filter_map(finding).collect()
    }

    /// When an answer about a repository was last something else than what was known.
    pub(super) fn news_at(&self, repository: &Repository) -> Option<Instant> {
        self.posts.get(repository)?.news_at
    }

    /// How each registry stands. `due` says when the time of a repository comes, and `tags` how many it has.
    pub(super) fn registries(
        &self,
        now: Timestamp,
        due: impl Fn(&Repository, Pace) -> Timestamp,
        tags: impl Fn(&Repository) -> usize,
    ) -> Vec<RegistryStatus> {
        let mut registries = BTreeMap::<_, RegistryStatus>::new();
        for (repository, post) in &self.posts {
            let name = repository.registry().to_string();
            let status = registries.entry(name).or_insert_with_key(|name| RegistryStatus::new(name));
            match post.finding {
                Finding::Rulings(_) => status.known += 1,
                Finding::Failed(_) => status.failed += 1,
                Finding::Asked => status.unknown += 1,
            }
            status.tags += tags(repository);
            status.asked += usize::from(post.asked_for.is_some());
            status.age = status.age.max(post.answered_at.map(|at| at.elapsed()));
            let overdue = now.duration_since(due(repository, post.pace)).try_into().unwrap_or_default();
            status.overdue = status.overdue.max(overdue);
        }
        registries.into_values().collect()
    }

    /// Whether something that a seat watches is being asked, or waits for that.
    pub(super) fn is_asking(&self, seat: Seat) -> bool {
        let Some(seated) = self.seats.get(&seat) else { return false };
        let is_asked = |repository: &Repository| self.posts.get(repository).is_some_and(|it| it.asked_for.is_some());
        seated.watches.keys().any(is_asked)
    }

    /// What is known of a repository, how often it is asked, and whether it is being asked now; `None` when nobody
    /// watches it.
    pub(super) fn known(&self, repository: &Repository) -> Option<(Finding, Pace, bool)> {
        let post = self.posts.get(repository)?;
        Some((post.finding.clone(), post.pace, post.asked_for.is_some()))
    }

    /// When something of a seat's is due that is not being asked already; `None` when nothing is watched. `due`
    /// says when the time of one comes.
    pub(super) fn due(
        &self,
        seat: Seat,
        now: Timestamp,
        due: impl Fn(&Repository, Pace) -> Timestamp,
    ) -> Option<Timestamp> {
        let seated = self.seats.get(&seat)?;
        let watched = seated.watches.keys().chain(seated.locked.iter());
        let idle = watched.filter_map(|repository| {
            let post = self.posts.get(repository).filter(|post| post.asked_for.is_none())?;
            let due = if post.is_new { now } else { due(repository, post.pace) };
            Some(post.turn().map_or(due, |turn| turn.min(due)))
        });
        idle.min()
    }
}

fn queue(hosts: &mut HashMap<Registry, Host>, repository: &Repository) {
    let new = || Host { queue: VecDeque::new(), running: 0, answered: Instant::now(), is_stuck: false };
    hosts.entry(repository.registry().clone()).or_insert_with(new).queue.push_back(repository.clone());
}
