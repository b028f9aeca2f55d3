//! Which connections lead to which host: those of everybody, those of this machine, and those of hosts
//! with authorities, certificates or a proxy of their own. Knows hosts and files, and asks nobody.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::redirect;
use url::Url;

use super::site::{Proxy, Site, Sites};
use super::transport::host_and_port;
use crate::image::Registry;
use crate::{host, tls};

/// How long a connection without a request is kept: from one scan to the next, at the usual interval.
const IDLE: Duration = Duration::from_secs(90);

/// How often a connection that is waited for is asked whether it is still alive, and for how long it
/// may think about that.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What holds for the connections of every host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// The time for a connection to be made.
    pub(super) connect_timeout: Duration,
    /// How many connections of one host are kept while nothing is asked.
    pub(super) idle: usize,
}

/// The pools of connections. A connection of one host is never used for another.
#[derive(Debug)]
pub(super) struct Wires {
    everybody: reqwest::Client,
    /// For this machine: as everywhere else, a proxy for the outside is no way to the inside.
    local: reqwest::Client,
    /// By `host` or `host:port`, as requests name it.
    own: HashMap<String, Own>,
}

/// The connections of a host with settings of its own. Its files may be renewed at any time.
#[derive(Debug)]
struct Own {
    site: Site,
    habits: Habits,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    stamps: Vec<Stamp>,
    client: reqwest::Client,
    /// What is wrong with the files since, as it was told.
    problem: Option<String>,
}

/// What tells one version of a file from the next.
type Stamp = Option<(SystemTime, u64)>;

impl Wires {
    /// Opens the files of every host with settings of its own, so that a wrong one is known at the start.
    ///
    /// # Errors
    /// A text that names the file and what is wrong with it, or why there is no TLS.
    pub(super) fn new(sites: &Sites, habits: Habits) -> Result<Self, String> {
        let tls = tls::client_config;
        let setup = |error: reqwest::Error| error.to_string();
        let everybody = builder(habits).tls_backend_preconfigured(tls()).build().map_err(setup)?;
        let local = builder(habits).tls_backend_preconfigured(tls()).no_proxy().build().map_err(setup)?;
        let plain = sites.iter().filter(|site| site.plain_http).map(|site| site.prefix.registry());
        for registry in plain.filter(|registry| !registry.is_loopback()) {
            tracing::warn!(
                %registry,
                "this registry is spoken to without TLS: whoever is on the way reads what is sent, and chooses what is \
                 deployed by changing the answers; give it a certificate"
            );
        }
        let mut own = HashMap::new();
        for site in sites.iter().filter(|site| has_own(site)) {
            let last = Mutex::new(Last::open(site, habits)?);
            let host = site.prefix.registry().api_host().to_owned();
            own.insert(host, Own { site: site.clone(), habits, last });
        }
        Ok(Self { everybody, local, own })
    }

    /// The connections for this URL, which is asked for the sake of the registry `home`. What is set for a
    /// registry holds for the token server and the stores that it sends us to, unless they have an entry too.
    pub(super) fn to(&self, url: &Url, home: &Registry) -> reqwest::Client {
        match self.own.get(&host_and_port(url)) {
            Some(own) => own.client(),
            None if is_local(url) => self.local.clone(),
            None => self.own.get(home.api_host()).map_or_else(|| self.everybody.clone(), Own::client),
        }
    }
}

impl Own {
    /// The connections with the files as they are now. While those cannot be read (they are being renewed, or
    /// somebody made a mistake) the last good ones hold, with one warning.
    fn client(&self) -> reqwest::Client {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps(&self.site) != last.stamps {
            match Last::open(&self.site, self.habits) {
                Ok(renewed) => *last = renewed,
                Err(problem) if last.problem.as_ref() == Some(&problem) => {}
                Err(problem) => {
                    tracing::warn!("{problem}; the last good ones are still in use");
                    last.problem = Some(problem);
                }
            }
        }
        last.client.clone()
    }
}

impl Last {
    fn open(site: &Site, habits: Habits) -> Result<Self, String> {
        // The stamps first: a change in between is then seen the next time.
        let stamps = stamps(site);
        let wrong = |path: &Path, problem: String| format!("{} for {}: {problem}", path.display(), site.prefix);
        let read = |path: &PathBuf| fs::read(path).map_err(|error| wrong(path, format!("cannot be read: {error}")));
        let authorities = site.ca_bundle.as_ref().map(read).transpose()?;
        let identity = match &site.client_certificate {
            Some(own) => Some((read(&own.certificate)?, read(&own.key)?)),
            None => None,
        };
        let blamed = site.client_certificate.as_ref().map(|own| &own.certificate).filter(|_| authorities.is_none());
        let blamed = blamed.or(site.ca_bundle.as_ref()).cloned().unwrap_or_default();
        let tls = tls::client_config_with(&tls::Extra { authorities, identity });
        let tls = tls.map_err(|problem| wrong(&blamed, problem))?;
        let mut builder = builder(habits).tls_backend_preconfigured(tls);
        match &site.proxy {
            None if host::is_loopback(site.prefix.registry().as_str()) => builder = builder.no_proxy(),
            None => {}
            Some(Proxy::Direct) => builder = builder.no_proxy(),
            Some(Proxy::Through(url)) => {
                let proxy = reqwest::Proxy::all(url.clone());
                builder = builder.proxy(proxy.map_err(|error| format!("the proxy for {}: {error}", site.prefix))?);
            }
        }
        let client = builder.build().map_err(|error| format!("{}: {error}", site.prefix))?;
        Ok(Self { stamps, client, problem: None })
    }
}

fn is_local(url: &Url) -> bool {
    host::is_loopback(url.host_str().unwrap_or_default())
}

/// Whether a host has connections of its own.
fn has_own(site: &Site) -> bool {
    site.ca_bundle.is_some() || site.client_certificate.is_some() || site.proxy.is_some()
}

fn stamps(site: &Site) -> Vec<Stamp> {
    let own = site.client_certificate.iter().flat_map(|own| [&own.certificate, &own.key]);
    let stamp = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    site.ca_bundle.iter().chain(own).map(stamp).collect()
}

fn builder(habits: Habits) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("landwaiter/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(habits.connect_timeout)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(habits.idle)
        .tcp_keepalive(KEEP_ALIVE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        // Redirects are followed where the credential and the throttle are known.
        .redirect(redirect::Policy::none())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::is_local;

    #[test]
    fn this_machine_is_not_behind_a_proxy() {
        for (url, local) in [
            ("http://localhost:5000/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:1/", true),
            ("http://10.0.0.1/", false),
            ("https://ghcr.io/", false),
        ] {
            assert_eq!(is_local(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}
