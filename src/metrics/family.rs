//! Every metric there is: its name, what its labels are, what it means; and how it is written. Knows no values.

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;

use crate::daemon::Times;

/// A metric with all its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name, as queries have it; histograms have it with `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// What its numbers do.
    pub kind: Kind,
    /// What tells its series from each other.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// What numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They grow until the restart.
    Counter,
    /// They are as they are now.
    Gauge,
    /// They are counted by how large they are.
    Histogram,
}

impl Kind {
    /// As in the text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $id: Family =
            Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*
        /// Every metric, in the order of the page.
        pub const FAMILIES: &[Family] = &[$($id),*];
    };
}

families! {
    BUILD = Gauge "landwaiter_build_info" ["version"]
        "Always 1, with the version that runs.";
    REPOSITORIES = Gauge "landwaiter_repositories" []
        "Config repositories that are followed.";
    PASSES = Counter "landwaiter_passes_total" ["repository", "result"]
        "Passes by what they came to: nothing-new, nothing-to-do, accepted, stale, refused or failed.";
    PASS_SECONDS = Histogram "landwaiter_pass_duration_seconds" ["repository"]
        "How long passes took that had something to decide, with the wait for tags that land together.";
    PASS_RUNNING = Gauge "landwaiter_pass_running_seconds" ["repository"]
        "For how long the present pass runs; 0 between passes.";
    LAST_GOOD = Gauge "landwaiter_last_good_pass_timestamp_seconds" ["repository"]
        "When a pass last came to a good end; not there before the first one.";
    FAILING_SINCE = Gauge "landwaiter_failing_since_timestamp_seconds" ["repository"]
        "Since when passes fail or are refused; not there while they do not.";
    CONTAINERS = Gauge "landwaiter_containers" ["repository", "decision"]
        "Containers with a policy by what the last pass decided: update, up-to-date, or why their image is held.";
    PROBLEMS = Gauge "landwaiter_problems" ["repository", "severity"]
        "Mistakes in the files of the config repository by severity: error, warning or hint.";
    PUSHES = Counter "landwaiter_pushes_total" ["repository", "outcome"]
        "Pushes by what the remote answered: accepted, stale (somebody else was first) or refused.";
    COMMITS = Counter "landwaiter_commits_pushed_total" ["repository"]
        "Commits that were pushed and accepted.";
    UPDATES = Counter "landwaiter_updates_pushed_total" ["repository"]
        "Updates of a container's image in commits that were pushed and accepted.";
    TAG_TO_PUSH = Histogram "landwaiter_tag_to_push_seconds" ["repository"]
        "How long each update took from the registry's answer in which its tag was news to the accepted push; updates that followed from a change in Git, or from the first look, are not counted.";
    IMAGES = Gauge "landwaiter_image_repositories" ["registry", "state"]
        "Image repositories that are watched: known, failed (the last scan did) or unknown (no answer yet).";
    IMAGES_ASKED = Gauge "landwaiter_image_repositories_being_asked" ["registry"]
        "Image repositories that are being scanned now or wait for that.";
    TAGS = Gauge "landwaiter_tags" ["registry"]
        "Tags of the image repositories that are watched, as they are known.";
    SCAN_AGE = Gauge "landwaiter_scan_age_seconds" ["registry"]
        "Time since the last good scan of the image repository for which it is longest ago.";
    SCAN_LAG = Gauge "landwaiter_scan_lag_seconds" ["registry"]
        "For how long the image repository is due for a scan that has waited longest.";
    HOSTS = Gauge "landwaiter_registry_hosts" []
        "Hosts that were asked: registries, token servers and stores; the 200 that are asked most have series of their own.";
    REQUESTS = Counter "landwaiter_registry_requests_total" ["host", "code"]
        "Requests by what came back: 200, 304, 401, 403, 404, 429, the class of any other status, or none.";
    REQUESTS_RUNNING = Gauge "landwaiter_registry_requests_running" ["host"]
        "Requests that run now.";
    RATE_LEFT = Gauge "landwaiter_registry_rate_limit_remaining" ["host", "counted"]
        "Requests that the host still grants, where it says so, of those it counts: manifests or rest.";
    RATE_LIMIT = Gauge "landwaiter_registry_rate_limit" ["host", "counted"]
        "Requests that the host grants in all, where it says so.";
    DEAD = Gauge "landwaiter_registry_dead" ["host"]
        "1 while the host fails every time and gets no request but one from time to time, else 0.";
    QUIET = Gauge "landwaiter_registry_quiet_seconds" ["host"]
        "For how much longer the host wants no request (Retry-After).";
    CLOCK_SKEW = Gauge "landwaiter_registry_clock_skew_seconds" ["host"]
        "How far the clock of the host is ahead of ours.";
    WEBHOOKS = Counter "landwaiter_webhooks_total" ["source", "type", "result"]
        "Webhooks by source and what became of them; strangers have no source.";
    MEMORY = Gauge "process_resident_memory_bytes" []
        "Memory of the process that is in RAM.";
    OPEN_FDS = Gauge "process_open_fds" []
        "Open file descriptors of the process.";
    MAX_FDS = Gauge "process_max_fds" []
        "The most file descriptors that it may have open.";
    STARTED = Gauge "process_start_time_seconds" []
        "When the process began to answer here.";
}

/// The values of the labels of a series, in the order of the family's.
pub(super) type Values<'a, const N: usize> = [&'a str; N];

/// Where metrics are written.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

/// The longest value of a label, in bytes; names of one's own are no longer.
const LONGEST: usize = 200;

impl Page<'_> {
    /// Writes the series of a gauge.
    pub(super) fn gauge<'a, const N: usize>(
        &mut self,
        family: &Family,
        series: impl IntoIterator<Item = (Values<'a, N>, f64)>,
    ) -> std::fmt::Result {
        self.each(family, series, |encoder, value| encoder.encode_gauge(&value))
    }

    /// Writes the series of a counter.
    pub(super) fn counter<'a, const N: usize>(
        &mut self,
        family: &Family,
        series: impl IntoIterator<Item = (Values<'a, N>, u64)>,
    ) -> std::fmt::Result {
        let exemplar = None::<&Exemplar<NoLabelSet, f64>>;
        self.each(family, series, |encoder, value| encoder.encode_counter(&value, exemplar))
    }

    /// Writes the series of a histogram.
    pub(super) fn histogram<'a, const N: usize>(
        &mut self,
        family: &Family,
        series: impl IntoIterator<Item = (Values<'a, N>, &'a Times)>,
    ) -> std::fmt::Result {
        self.each(family, series, |encoder, times| {
            let buckets: Vec<_> = times.buckets().collect();
            encoder.encode_histogram::<NoLabelSet>(times.sum(), times.count(), &buckets, None)
        })
    }

    /// A metric without series is not mentioned.
    fn each<'a, T, const N: usize>(
        &mut self,
        family: &Family,
        series: impl IntoIterator<Item = (Values<'a, N>, T)>,
        mut write: impl FnMut(&mut prometheus_client::encoding::MetricEncoder<'_>, T) -> std::fmt::Result,
    ) -> std::fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let (name, unit) = family.parts();
        let mut encoder = self.0.encode_descriptor(name, family.help, unit.as_ref(), family.metric_type())?;
        for (values, value) in series {
            if N == 0 {
                write(&mut encoder, value)?;
                continue;
            }
            let cut = |value: &'a str| &value[..value.floor_char_boundary(LONGEST)];
            let labels: Vec<_> = family.labels.iter().copied().zip(values.map(cut)).collect();
            let labels = labels.as_slice();
            write(&mut encoder.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}

impl Family {
    /// The name without what the format puts behind it, and the unit.
    fn parts(&self) -> (&'static str, Option<Unit>) {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        if let Some(name) = name.strip_suffix("_seconds") {
            return (name, Some(Unit::Seconds));
        }
        match name.strip_suffix("_bytes") {
            Some(name) => (name, Some(Unit::Bytes)),
            None => (name, None),
        }
    }

    fn metric_type(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
    }
}
