//! Each registry and repository: is it there, who are we, which tags, whose certificate, what is left, what
//! time is it there. One that is down or hangs keeps nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::report::{Report, State};
use crate::cli::Error;
use crate::cli::output::counted;
use crate::cli::progress::Progress;
use crate::image::{Registry, Repository};
use crate::registry::{Client, HostStatus, Options, Sites};
use crate::tls;

/// How many repositories are asked for at a time; the client has limits of its own for each host.
const AT_ONCE: usize = 32;

/// A certificate that ends so soon is worth a word.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A clock that is so far off makes tokens and dates wrong.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// What came of one repository.
struct Asked {
    who: Result<Option<String>, String>,
    tags: Result<usize, String>,
    doubt: Option<String>,
}

/// Checks them all, and registries that are configured and that no image comes from.
pub(super) async fn examine(
    options: Options,
    sites: &Sites,
    repositories: &BTreeSet<Repository>,
    timeout: Duration,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), Error> {
    let options = Options { timeout, connect_timeout: timeout.min(options.connect_timeout), ..options };
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => {
            report.add("registries", "settings", State::Failed, error.to_string());
            return Ok(());
        }
    };
    let (of, mut done) = (repositories.len(), 0);
    progress.show(&format!("asking for {of} repositories"));
    let client = &client;
    let ask = |repository: &Repository| {
        let repository = repository.clone();
        async move {
            let asked = ask(client, &repository, timeout).await;
            (repository, asked)
        }
    };
    let mut asked = BTreeMap::<Registry, BTreeMap<Repository, Asked>>::new();
    let mut answers = stream::iter(repositories.iter().map(ask).collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some((repository, found)) = answers.next().await {
        done += 1;
        progress.show(&format!("asked for {done} of {of} repositories: {repository}"));
        // One that its mirror cannot have is told of beside the others of its own registry.
        let place = client.asked_as(&repository).unwrap_or_else(|_| repository.clone());
        let registry = place.registry().clone();
        asked.entry(registry).or_default().insert(repository, found);
    }
    drop(answers);
    let configured: BTreeSet<Registry> = sites.iter().map(|site| site.prefix.registry().clone()).collect();
    // What has a mirror is not asked itself.
    let unused = configured.into_iter().filter(|registry| {
        let has_mirror = sites
            .iter()
            .any(|site| site.prefix.registry() == registry && site.prefix.path().is_empty() && site.mirror.is_some());
        !has_mirror && !asked.contains_key(registry)
    });
    let mut knocked = BTreeMap::new();
    for registry in unused.collect::<Vec<_>>() {
        progress.show(&format!("asking {registry}"));
        let knock = tokio::time::timeout(timeout, client.knock(&registry)).await;
        let knock = knock.map_or_else(|_| Err(late(timeout)), |knock| knock.map_err(|error| error.to_string()));
        knocked.insert(registry, knock);
    }
    let hosts = client.hosts();
    let all: BTreeSet<&Registry> = asked.keys().chain(knocked.keys()).collect();
    for registry in all {
        let about = format!("registry {registry}");
        if let Some(knock) = knocked.get(registry) {
            match knock {
                Ok(()) => report.add(&about, "reachable", State::Ok, "it is there; no image here comes from it".into()),
                Err(error) => report.add(&about, "reachable", State::Failed, error.clone()),
            };
        }
        tell_of_host(registry, &about, &hosts, report);
        for (repository, asked) in asked.get(registry).into_iter().flatten() {
            tell_of_repository(client, repository, asked, &about, report);
        }
    }
    Ok(())
}

async fn ask(client: &Client, repository: &Repository, timeout: Duration) -> Asked {
    let who = tokio::time::timeout(timeout, client.who(repository)).await;
    let who = who.map_or_else(|_| Err(late(timeout)), |who| who.map_err(|error| error.to_string()));
    let listed = tokio::time::timeout(timeout, client.tags(repository)).await;
    let listed = listed.map_or_else(|_| Err(late(timeout)), |listed| listed.map_err(|error| error.to_string()));
    let doubt = listed.as_ref().ok().and_then(|listing| listing.doubt()).map(str::to_owned);
    Asked { who, tags: listed.map(|listing| listing.tags().len()), doubt }
}

fn late(timeout: Duration) -> String {
    format!("no answer within {} s (--timeout)", timeout.as_secs_f32())
}

fn tell_of_repository(client: &Client, repository: &Repository, asked: &Asked, about: &str, report: &mut Report) {
    let name = repository.to_string();
    let place = client.asked_as(repository).unwrap_or_else(|_| repository.clone());
    let by_mirror = if place == *repository { String::new() } else { format!(", asked as {place}") };
    let who = match &asked.who {
        Ok(who) => who.as_deref().map_or_else(|| "without a name".to_owned(), |who| format!("with {who}")),
        Err(error) => {
            report.add(about, "login", State::Failed, error.clone()).with("repository", name.as_str());
            "without a name".to_owned()
        }
    };
    let check = match (&asked.tags, &asked.doubt) {
        (Ok(0), _) => {
            let message = format!("{name}{by_mirror}: it has no tags ({who}); check the name of the image");
            report.add(about, "tags", State::Warning, message)
        }
        (Ok(count), doubt) => {
            let mut message = format!("{name}{by_mirror}: {}, {who}", counted(*count, "tag"));
            let state = if doubt.is_some() { State::Warning } else { State::Ok };
            message.extend(doubt.iter().map(|doubt| format!("; {doubt}")));
            report.add(about, "tags", state, message).with("tags", *count)
        }
        (Err(error), _) => {
            // The message begins with the repository.
            let message = if error.starts_with(&name) { error.clone() } else { format!("{name}: {error}") };
            report.add(about, "tags", State::Failed, format!("{message}; asked {who}"))
        }
    };
    check.with("repository", name);
    if let Ok(Some(who)) = &asked.who {
        check.with("credential", who.as_str());
    }
}

/// What holds for all repositories of a registry.
fn tell_of_host(registry: &Registry, about: &str, hosts: &[HostStatus], report: &mut Report) {
    if let Some(certificate) = tls::certificate_of(registry.api_host()) {
        let left = certificate.until.duration_since(Timestamp::now());
        let days = left.as_hours() / 24;
        let shown = format!(
            "for {}, issued by {}, good until {:.0}",
            certificate.subject, certificate.issuer, certificate.until
        );
        let (state, message) = if left < SOON {
            (State::Warning, format!("{shown}: {days} days are left; have it renewed"))
        } else {
            (State::Ok, format!("{shown} ({days} days)"))
        };
        report.add(about, "certificate", state, message).with("expires", certificate.until.to_string());
    }
    let Some(host) = hosts.iter().find(|host| host.host == registry.api_host()) else { return };
    if let Some(skew) = host.clock_skew {
        let seconds = skew.as_secs();
        let direction = if seconds >= 0 { "ahead of" } else { "behind" };
        let (state, message) = if skew.abs() > SKEW {
            let mend = "set the clock of the one that is wrong; tokens and min-age go by it";
            (State::Warning, format!("its clock is {} s {direction} ours; {mend}", seconds.abs()))
        } else {
            (State::Ok, format!("{} s {direction} ours", seconds.abs()))
        };
        report.add(about, "clock", state, message).with("skew_seconds", seconds);
    }
    for quota in &host.quotas {
        let what = if quota.manifests { "manifest requests" } else { "requests" };
        let of = quota.limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
        let window = quota.window.map(|window| format!(" in {} s", window.as_secs())).unwrap_or_default();
        let message = format!("{}{of} {what}{window} are left", quota.left);
        let (state, message) = if quota.left <= quota.reserve {
            let mend = "nothing more is asked until they are granted anew; log in, or ask less often";
            (State::Warning, format!("{message}; {mend}"))
        } else {
            (State::Ok, message)
        };
        report.add(about, "rate", state, message).with("left", quota.left).with("limit", quota.limit);
    }
    if let Some(outage) = &host.outage {
        let message = format!("it failed {} times in a row: {}", outage.failures, outage.cause);
        report.add(about, "reachable", State::Failed, message);
    }
}
