//! Which connections lead to which host: those of everybody, those of this machine, and those of hosts
//! with authorities, certificates or a proxy of their own. Knows hosts and files, and asks nobody.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::redirect;
use url::Url;

use super::site::{Site, Sites};
use super::standing::Setting;
use super::transport::host_and_port;
use crate::connection::{ConnectionOptions, Proxy};
use crate::image::Registry;
use crate::watched::Watched;
use crate::{host, tls};

/// How long a connection without a request is kept: from one scan to the next, at the usual interval.
const IDLE: Duration = Duration::from_secs(90);

/// How often a connection that is waited for is asked whether it is still alive, and for how long it
/// may think about that.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What holds for the connections of every host.
#[derive(Debug, Clone, Copy, Default)]
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

/// The connections of a host with settings of its own.
#[derive(Debug)]
struct Own {
    client: Watched<reqwest::Client>,
    bundle: Option<PathBuf>,
}

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
            own.insert(site.prefix.registry().api_host().to_owned(), self::own(site, habits)?);
        }
        Ok(Self { everybody, local, own })
    }

    /// The connections for this URL, which is asked for the sake of the registry `home`. What is set for a
    /// registry holds for the token server and the stores that it sends us to, unless they have an entry too.
    pub(super) fn to(&self, url: &Url, home: &Registry) -> reqwest::Client {
        match self.own(url, home) {
            Some(own) => reqwest::Client::clone(&own.client.now()),
            None if is_local(url) => self.local.clone(),
            None => self.everybody.clone(),
        }
    }

    /// The file with the authorities that are trusted for this URL beside those of the machine.
    pub(super) fn bundle(&self, url: &Url, home: &Registry) -> Option<&Path> {
        self.own(url, home)?.bundle.as_deref()
    }

    fn own(&self, url: &Url, home: &Registry) -> Option<&Own> {
        let of_home = || self.own.get(home.api_host()).filter(|_| !is_local(url));
        self.own.get(&host_and_port(url)).or_else(of_home)
    }
}

/// The connections of a host with settings of its own, made anew as its files are renewed.
fn own(site: &Site, habits: Habits) -> Result<Own, String> {
    let files = site.connection().files();
    let (site, bundle) = (site.clone(), site.ca_bundle.clone());
    Ok(Own { client: Watched::open(files, move || connect(&site, habits))?, bundle })
}

/// What is wrong with what is set for the connections to a host.
pub(super) fn faults(site: &Site) -> Vec<(Setting, String)> {
    let nothing = Site::new(site.prefix.clone());
    let alone = [
        (Setting::CaBundle, Site { ca_bundle: site.ca_bundle.clone(), ..nothing.clone() }),
        (Setting::ClientCertificate, Site { client_certificate: site.client_certificate.clone(), ..nothing.clone() }),
        (Setting::Proxy, Site { proxy: site.proxy.clone(), ..nothing }),
    ];
    let set = alone.into_iter().filter(|(_, site)| has_own(site));
    set.filter_map(|(setting, site)| Some((setting, connect(&site, Habits::default()).err()?))).collect()
}

fn connect(site: &Site, habits: Habits) -> Result<reqwest::Client, String> {
    let tls = site.connection().tls(&site.prefix)?;
    let mut builder = builder(habits).tls_backend_preconfigured(tls);
    match &site.proxy {
        None if site.prefix.registry().is_loopback() => builder = builder.no_proxy(),
        None => {}
        Some(Proxy::Direct) => builder = builder.no_proxy(),
        Some(Proxy::Through(url)) => {
            let proxy = reqwest::Proxy::all(url.clone());
            builder = builder.proxy(proxy.map_err(|error| format!("the proxy for {}: {error}", site.prefix))?);
        }
    }
    builder.build().map_err(|error| format!("{}: {error}", site.prefix))
}

fn is_local(url: &Url) -> bool {
    host::is_loopback(url.host_str().unwrap_or_default())
}

/// Whether a host has connections of its own.
fn has_own(site: &Site) -> bool {
    site.connection() != ConnectionOptions::default()
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
