//! Whom we believe to be who they say they are, and in plain words why we did not believe somebody.
//!
//! Stands under the docks, because [`registry`](crate::registry) and [`git`](crate::git) judge
//! certificates alike. It knows certificates and their authorities, and must not know what is asked
//! of whom. The only door to rustls.
//!
//! The authorities are those that `SSL_CERT_FILE` or `SSL_CERT_DIR` names, else those of the machine.
//! A machine without any is no error: whoever needs no https works, and https is refused in words.

mod certificate;
mod key;

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
pub(crate) use rustls::ClientConfig;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{AlertDescription, CertificateError, ConfigBuilder, Error, InvalidMessage, RootCertStore};
use rustls_native_certs::ErrorKind;

use crate::plain;
pub(crate) use certificate::{certificate_of, rsa_key, watch_certificates};
pub(crate) use key::sign_rs256;

/// How many of the names in a certificate a message repeats.
const NAMES_SHOWN: usize = 5;

/// Read once per process; a changed bundle needs a restart, as the messages say.
static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(Authorities::load);

/// The certificate authorities that are trusted.
struct Authorities {
    roots: Arc<RootCertStore>,
    source: Source,
    /// What went wrong when they were read.
    trouble: Option<String>,
}

/// Where the authorities were read.
enum Source {
    /// An environment variable with its value, as `SSL_CERT_FILE=/etc/ca.pem`.
    Named(String),
    /// The usual places.
    Machine,
}

/// What is set for some connections and not for all, in PEM.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// Authorities that are trusted beside the others.
    pub(crate) authorities: Option<Vec<u8>>,
    /// Who we are: our certificate with those that issued it, and its key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Which part of [`Extra`] is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Authorities,
    Certificate,
    Key,
}

/// The settings of every TLS connection: certificates are checked, and HTTP/2 is offered.
pub(crate) fn client_config() -> ClientConfig {
    offering_http2(builder(Arc::clone(&AUTHORITIES.roots)).with_no_client_auth())
}

/// The same, with what is set beyond it.
///
/// # Errors
/// Which part of it is wrong, in what way, and how to mend it.
pub(crate) fn client_config_with(extra: &Extra) -> Result<ClientConfig, (Part, String)> {
    let roots = match &extra.authorities {
        None => Arc::clone(&AUTHORITIES.roots),
        Some(pem) => {
            let mut roots = RootCertStore::clone(&AUTHORITIES.roots);
            let (added, _) =
                roots.add_parsable_certificates(certificates(pem).map_err(|problem| (Part::Authorities, problem))?);
            if added == 0 {
                let problem = "there is no certificate of an authority in it; write one in PEM";
                return Err((Part::Authorities, problem.to_owned()));
            }
            Arc::new(roots)
        }
    };
    let builder = builder(roots);
    let config = match &extra.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates(chain).map_err(|problem| (Part::Certificate, problem))?;
            if chain.is_empty() {
                let problem = "there is no certificate to show in it; write one in PEM";
                return Err((Part::Certificate, problem.to_owned()));
            }
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| (Part::Key, format!("there is no private key in it ({error}); write one in PEM")))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| (Part::Key, format!("this is not the key of that certificate ({error})")))?
        }
    };
    Ok(offering_http2(config))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| format!("it is no PEM: {error}"))
}

fn builder(roots: Arc<RootCertStore>) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = Arc::new(ring::default_provider());
    let begun = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring can do TLS 1.2 and 1.3");
    match certificate::watcher(&roots, provider) {
        Some(watcher) => begun.dangerous().with_custom_certificate_verifier(watcher),
        None => begun.with_root_certificates(roots),
    }
}

fn offering_http2(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Why no trusted connection to `host` could be made and how to mend it, when `error` or one of its
/// causes says so. `None` for every other trouble. `own` is the file with authorities for this host alone, where
/// there is one.
pub(crate) fn refusal(error: &(dyn StdError + 'static), host: &str, own: Option<&Path>) -> Option<String> {
    words(find(error)?, host, &AUTHORITIES, own)
}

impl Authorities {
    fn load() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (read, unreadable) = roots.add_parsable_certificates(found.certs);
        let named = ["SSL_CERT_DIR", "SSL_CERT_FILE"]
            .into_iter()
            .find_map(|name| std::env::var_os(name).map(|value| (name, value)));
        let trouble = found.errors.into_iter().next().map(|error| match error.kind {
            // The message names the place already.
            ErrorKind::Io { inner, path } if named.as_ref().is_some_and(|(_, value)| *value == path) => {
                inner.to_string()
            }
            _ => error.to_string(),
        });
        tracing::debug!(read, unreadable, trouble, "CA certificates read");
        let source =
            named.map_or(Source::Machine, |(name, value)| Source::Named(format!("{name}={}", value.display())));
        if let (Source::Named(named), Some(trouble)) = (&source, &trouble) {
            tracing::warn!("{named}: the CA certificates cannot be read: {trouble}");
        }
        Self { roots: Arc::new(roots), source, trouble }
    }

    fn place(&self) -> &str {
        match &self.source {
            Source::Named(named) => named,
            Source::Machine => "the CA bundle of this machine",
        }
    }

    /// Why an issuer is not among them, and what to do about it.
    fn lack(&self, own: Option<&Path>) -> String {
        const UNLESS: &str =
            "if the authority is there already, the server does not send its intermediate certificates";
        let place = self.place();
        if let Some(own) = own.map(Path::display) {
            return format!(
                "no authority in {own} or {place} issued it; add the certificate of its authority to {own}; {UNLESS}"
            );
        }
        if self.roots.is_empty() {
            let trouble = self.trouble.as_ref().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
            return format!(
                "there is no CA certificate in {place}{trouble}; name a PEM file with the authorities to trust in \
                 SSL_CERT_FILE, and restart"
            );
        }
        let add = match self.source {
            Source::Named(_) => "add the certificate of its authority there, and restart",
            Source::Machine => {
                "add the certificate of its authority there, or name a PEM file with all authorities to trust in \
                 SSL_CERT_FILE, and restart"
            }
        };
        format!("no authority in {place} issued it; {add}; {UNLESS}")
    }
}

/// The words of rustls among the causes. An [`io::Error`] hides what it wraps from its `source`.
fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn words(error: &Error, host: &str, authorities: &Authorities, own: Option<&Path>) -> Option<String> {
    let problem = match error {
        Error::InvalidCertificate(problem) => problem,
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return Some(format!(
                "{host} does not answer in TLS; check the port, and whether it is meant to be reached by plain http"
            ));
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            return Some(format!(
                "{host} wants to see a certificate of ours (CertificateRequired); name a client certificate and its key \
                 for it"
            ));
        }
        Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied),
        ) => {
            return Some(format!(
                "{host} does not take our client certificate ({alert:?}); have one issued by an authority that it \
                 trusts, or renew it"
            ));
        }
        Error::PeerIncompatible(reason) => {
            return Some(format!(
                "{host} offers no encryption that can be trusted ({reason:?}); it must speak TLS 1.2 or 1.3 with a \
                 current cipher"
            ));
        }
        _ => return None,
    };
    let why = match problem {
        CertificateError::UnknownIssuer => format!("is not trusted (UnknownIssuer): {}", authorities.lack(own)),
        CertificateError::BadSignature => format!(
            "is not trusted (BadSignature): an authority of that name is in {}, but with another key; put its current \
             certificate there, and restart",
            own.map_or_else(|| authorities.place().to_owned(), |own| own.display().to_string())
        ),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "is not for that name (NotValidForName): {}; give an address that is in it, or have it issued anew",
            names(presented)
        ),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "has expired (Expired): it was good until {}, and this machine has {}; renew it on the server, or mend \
             the clock here",
            date(*not_after),
            date(*time)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "is not valid yet (NotValidYet): it is good from {}, and this machine has {}; mend the clock that is wrong",
            date(*not_before),
            date(*time)
        ),
        // What `openssl req -x509` makes when it is told nothing else.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "is the certificate of an authority, not of a server (CaUsedAsEndEntity); have one issued without CA:TRUE, \
             and trust its issuer"
                .to_owned()
        }
        other => format!("is not accepted ({other}); have it issued anew"),
    };
    Some(format!("the certificate of {host} {why}"))
}

/// The names that a certificate is for. They come from the other side, so they are short and plain.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "it has no subjectAltName, and a common name does not count".to_owned();
    }
    let mut text = "it is for ".to_owned();
    for (index, name) in presented.iter().take(NAMES_SHOWN).enumerate() {
        // As it comes: DnsName("git.example.com").
        let name = name.split('"').nth(1).unwrap_or(name);
        let comma = if index > 0 { ", " } else { "" };
        text.push_str(comma);
        text.push_str(&plain::line(name, 100));
    }
    if let more @ 1.. = presented.len().saturating_sub(NAMES_SHOWN) {
        let _ = write!(text, " and {more} more");
    }
    text
}

fn date(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| "a time beyond reckoning".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
