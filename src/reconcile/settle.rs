//! The wait for tags that land together, between the plan and the commit. Must not know what is committed.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::lookout::Heard;
use super::{Drawn, Error, Reconciler};
use crate::span::{self, span};

/// While more and more tags land, a commit waits this many times as long as for one.
const LONGEST_SETTLE: u32 = 5;

/// While a commit waits, registries are asked for what is due no more often than that.
const GLANCE: Duration = Duration::from_millis(100);

impl Reconciler {
    /// Where this would make a commit for tags that are new, waits until no other ones have come for a while, and
    /// decides again for those that have.
    pub(super) async fn settle(&self, mut drawn: Drawn, now: Timestamp) -> Result<Drawn, Error> {
        let (settle, began) = (self.options.settle, Instant::now());
        let mut last_news = began;
        loop {
            let heard = self.seen().heard;
            let settled = self.seen().settled.replace(heard.news);
            let is_settled = settled.is_none_or(|settled| settled == heard.news) && last_news == began;
            let end = (last_news + settle).min(began + settle * LONGEST_SETTLE);
            if is_settled || end <= Instant::now() || drawn.plan.updates().next().is_none() {
                return Ok(drawn);
            }
            let time = || now.checked_add(began.elapsed()).unwrap_or(now);
            let span = span!("settle");
            while !self.something_comes(heard, time(), end).await {
                if end <= Instant::now() {
                    return Ok(drawn);
                }
                self.look(time()).await?;
            }
            span::ends(&span);
            last_news = Instant::now();
            let survey = self.look(time()).await?;
            self.is_new(&survey);
            drawn = self.decide(survey, time()).await?;
        }
    }

    /// Waits for news, until something is due or it is `end`. Whether there is news.
    async fn something_comes(&self, heard: Heard, now: Timestamp, end: Instant) -> bool {
        let rest = self.watcher.due(now).and_then(|due| Duration::try_from(due.duration_since(now)).ok());
        let rest = rest.unwrap_or(Duration::MAX).max(GLANCE).min(end.saturating_duration_since(Instant::now()));
        tokio::time::timeout(rest, self.watcher.news_since(heard)).await.is_ok()
    }
}
