//! What is believed of a repository's tags, list by list. Pure: has no clock and asks nobody.
//!
//! Registries are caches, replicas and proxies, and a complete answer can still be a wrong one. A tag
//! that is there is believed at once. A tag that is *not* there any more may have been deleted, or may be
//! missing in the answer of a replica that lags behind: it stays known, and in doubt, until
//! [`LISTS`] lists in a row agree over at least [`OVER`] seconds. The same is asked of a tag that was
//! missing and is back. When most of the tags are gone at once, the answer may belong to something else
//! altogether, and what is new in it is in doubt as well.
//!
//! Whoever decides is told what is in doubt, and does nothing that depends on it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::image::Tag;

/// How many lists in a row have to agree before what is in doubt is believed.
pub(super) const LISTS: u32 = 3;

/// Over how many seconds they have to.
pub(super) const OVER: i64 = 5 * 60;

/// So many tags may be missing at once before the whole list is in doubt, if at least as many others are
/// there. When none is left it is in doubt however few there were.
const FEW: usize = 10;

/// For how many seconds a tag that is gone is remembered, so that one that comes back is known.
const REMEMBERED: i64 = 90 * 24 * 60 * 60;

/// How many tags that are gone are remembered, the latest: at least so many, and no more than there are tags.
const GONE: usize = 1000;

/// The tags of a repository, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Belief {
    /// When the first list came, in seconds since 1970. What was in it may be much older.
    pub(super) since: i64,
    /// In the order of the bytes: those that are there, and those that may be.
    pub(super) tags: Vec<Known>,
    /// Which of the tags may be there or not.
    pub(super) doubts: BTreeMap<Tag, Doubt>,
    /// Tags that are gone, and since when that was believed.
    pub(super) gone: BTreeMap<Tag, i64>,
}

/// A tag, and when it was in a list for the first time, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) tag: Tag,
    pub(super) first_seen: i64,
}

/// A tag of which lists did not say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Whether the last list had it.
    pub(super) is_listed: bool,
    /// Whether no list that was beyond doubt ever had it.
    pub(super) is_new: bool,
    /// Since when they have said what the last one said.
    pub(super) since: i64,
    /// How many lists in a row have said so.
    pub(super) lists: u32,
}

/// What a list changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// Tags that were never there before.
    pub(super) added: usize,
    /// Tags that were missing and are back.
    pub(super) returned: Vec<Tag>,
    /// Tags that are believed to be gone from now on.
    pub(super) vanished: Vec<Tag>,
    /// Whether anybody who decides by the tags would see a difference.
    pub(super) matters: bool,
    /// Whether there is anything to remember.
    pub(super) is_changed: bool,
}

impl Belief {
    /// What the first list says is believed: there is nothing to compare it with.
    pub(super) fn new(listed: &[Tag], now: i64) -> Self {
        let known = |tag: &Tag| Known { tag: tag.clone(), first_seen: now };
        Self { since: now, tags: listed.iter().map(known).collect(), doubts: BTreeMap::new(), gone: BTreeMap::new() }
    }

    /// Takes in the next list: each tag once, in the order of the bytes.
    pub(super) fn learn(&mut self, listed: &[Tag], now: i64) -> News {
        let mut news = News::default();
        let is_foreign = self.is_foreign(listed);
        let before = std::mem::take(&mut self.tags);
        self.tags.reserve(before.len().max(listed.len()));
        let (mut before, mut listed) = (before.into_iter().peekable(), listed.iter().peekable());
        loop {
            let order = match (before.peek(), listed.peek()) {
                (Some(known), Some(tag)) => known.tag.cmp(tag),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            if order.is_le() {
                let Some(known) = before.next() else { break };
                if order.is_eq() {
                    listed.next();
                }
                if self.is_still_known(&known, order.is_eq(), now, &mut news) {
                    self.tags.push(known);
                }
            } else if let Some(tag) = listed.next() {
                self.add(tag, is_foreign, now, &mut news);
            }
        }
        self.forget_what_is_long_gone(now);
        news
    }

    /// Takes in a list that is the same as the one before it. Costs something only while there are doubts.
    pub(super) fn learn_the_same(&mut self, now: i64) -> News {
        let mut news = News::default();
        if self.doubts.is_empty() {
            return news;
        }
        let said: Vec<_> = self.doubts.iter().map(|(tag, doubt)| (tag.clone(), doubt.is_listed)).collect();
        let mut dropped = Vec::new();
        for (tag, is_listed) in said {
            let Ok(place) = self.tags.binary_search_by(|known| known.tag.cmp(&tag)) else { continue };
            let known = self.tags[place].clone();
            if !self.is_still_known(&known, is_listed, now, &mut news) {
                dropped.push(tag);
            }
        }
        if !dropped.is_empty() {
            self.tags.retain(|known| dropped.binary_search(&known.tag).is_err());
        }
        news
    }

    /// What is in doubt, in words; `None` when nothing is.
    pub(super) fn in_doubt(&self) -> Option<InDoubt> {
        let (back, missing): (Vec<_>, Vec<_>) = self.doubts.iter().partition(|(_, doubt)| doubt.is_listed);
        let since = self.doubts.values().map(|doubt| doubt.since).min()?;
        let name = |tags: &[(&Tag, &Doubt)]| tags.iter().take(3).map(|(tag, _)| (*tag).clone()).collect();
        Some(InDoubt {
            missing: missing.len(),
            missing_first: name(&missing),
            back: back.len(),
            back_first: name(&back),
            of: self.tags.len(),
            since,
        })
    }

    /// Whether so much is missing in this list that it may not be a list of these tags at all.
    fn is_foreign(&self, listed: &[Tag]) -> bool {
        let present = self.tags.iter().filter(|known| listed.binary_search(&known.tag).is_ok()).count();
        let missing = self.tags.len() - present;
        missing > 0 && (present == 0 || (missing >= FEW && missing > present))
    }

    fn add(&mut self, tag: &Tag, is_foreign: bool, now: i64, news: &mut News) {
        (news.matters, news.is_changed) = (true, true);
        let gone = self.gone.remove(tag);
        if gone.is_some() {
            news.returned.push(tag.clone());
        } else {
            news.added += 1;
        }
        if is_foreign || gone.is_some() {
            let doubt = Doubt { is_listed: true, is_new: gone.is_none(), since: now, lists: 1 };
            self.doubts.insert(tag.clone(), doubt);
        }
        // One that comes back may be another image: its age begins anew.
        self.tags.push(Known { tag: tag.clone(), first_seen: now });
    }

    /// What one more list says about a tag that is known; `false` when the tag is believed to be gone.
    fn is_still_known(&mut self, known: &Known, is_listed: bool, now: i64, news: &mut News) -> bool {
        let tag = &known.tag;
        let Some(doubt) = self.doubts.get_mut(tag) else {
            if !is_listed {
                (news.matters, news.is_changed) = (true, true);
                self.doubts.insert(tag.clone(), Doubt { is_listed, is_new: false, since: now, lists: 1 });
            }
            return true;
        };
        news.is_changed = true;
        if doubt.is_listed != is_listed {
            news.matters = true;
            if doubt.is_new {
                self.doubts.remove(tag);
                return false;
            }
            *doubt = Doubt { is_listed, is_new: false, since: now, lists: 1 };
            if is_listed {
                news.returned.push(tag.clone());
            }
            return true;
        }
        doubt.lists = doubt.lists.saturating_add(1);
        // A clock that was set back must not make a doubt last for ever.
        doubt.since = doubt.since.min(now);
        if doubt.lists < LISTS || now - doubt.since < OVER {
            return true;
        }
        news.matters = true;
        self.doubts.remove(tag);
        if !is_listed {
            self.gone.insert(tag.clone(), now);
            news.vanished.push(tag.clone());
        }
        is_listed
    }

    fn forget_what_is_long_gone(&mut self, now: i64) {
        self.gone.retain(|_, since| now - *since < REMEMBERED);
        let most = self.tags.len().max(GONE);
        if self.gone.len() > most {
            let mut times: Vec<_> = self.gone.values().copied().collect();
            let (_, oldest_kept, _) = times.select_nth_unstable_by(most, |a, b| b.cmp(a));
            let oldest_kept = *oldest_kept;
            self.gone.retain(|_, since| *since > oldest_kept);
        }
    }
}

/// What is in doubt about a list. [`Display`](fmt::Display) is the beginning of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InDoubt {
    missing: usize,
    missing_first: Vec<Tag>,
    back: usize,
    back_first: Vec<Tag>,
    of: usize,
    since: i64,
}

impl fmt::Display for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, count: usize, first: &[Tag]| {
            let names: Vec<_> = first.iter().map(|tag| format!("`{tag}`")).collect();
            write!(f, " ({}{})", names.join(", "), if count > names.len() { ", …" } else { "" })
        };
        let of = self.of;
        if self.missing > 0 {
            write!(f, "{} of {of} tags are missing in the registry's list", self.missing)?;
            named(f, self.missing, &self.missing_first)?;
        }
        if self.back > 0 {
            f.write_str(if self.missing > 0 { ", and " } else { "" })?;
            write!(f, "{} of {of} tags came with a list that had lost others, or came back", self.back)?;
            named(f, self.back, &self.back_first)?;
        }
        if let Ok(since) = Timestamp::from_second(self.since) {
            write!(f, " since {since}")?;
        }
        let minutes = OVER / 60;
        write!(f, ", which is believed when {LISTS} lists in a row say so over {minutes} minutes")
    }
}

#[cfg(test)]
mod tests;
