//! What certificates say of themselves, for the person who wants to see them. The judgement is that of rustls,
//! and stays it: whoever watches sees what was shown, and has no say. The only door to the crate that reads them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate, X509Name};
use x509_parser::public_key::PublicKey;

use crate::plain;

/// How many names a certificate is called by.
const NAMES: usize = 3;

/// The longest name that is shown, in characters.
const NAME_LIMIT: usize = 100;

/// What was shown last, by host; there from when somebody wants to see it.
static SHOWN: OnceLock<Mutex<HashMap<String, Certificate>>> = OnceLock::new();

/// A certificate, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// For whom it was issued: host names, or else the subject.
    pub(crate) subject: String,
    /// Who issued it.
    pub(crate) issuer: String,
    /// Until when it is good.
    pub(crate) until: Timestamp,
}

/// From now on, connections that are begun anew remember the certificates that they are shown.
pub(crate) fn watch_certificates() {
    SHOWN.get_or_init(Mutex::default);
}

/// The certificate that a host showed last, if somebody watched. A port behind the host is no matter.
pub(crate) fn certificate_of(host: &str) -> Option<Certificate> {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    SHOWN.get()?.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

/// The modulus and the exponent of the RSA key in a certificate in PEM, if that is good now. Who issued it is not
/// looked at: it was fetched from where it belongs.
pub(crate) fn rsa_key(pem: &[u8], now: Timestamp) -> Result<(Vec<u8>, Vec<u8>), String> {
    let der = CertificateDer::from_pem_slice(pem).map_err(|error| format!("it is no certificate in PEM: {error}"))?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| format!("it is no certificate: {error}"))?;
    let validity = certificate.validity();
    let good = validity.not_before.timestamp()..=validity.not_after.timestamp();
    if !good.contains(&now.as_second()) {
        return Err(format!("it is good from {} until {}", validity.not_before, validity.not_after));
    }
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Ok((key.modulus.to_vec(), key.exponent.to_vec())),
        _ => Err("it holds no key of RSA".to_owned()),
    }
}

/// Who judges certificates by these authorities, and remembers what was shown; `None` where nobody watches.
pub(super) fn watcher(roots: &Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Option<Arc<Watcher>> {
    SHOWN.get()?;
    // Without any authority there is nothing to judge by, and the usual way refuses in better words.
    let judge = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider).build().ok()?;
    Some(Arc::new(Watcher(judge)))
}

/// Remembers what is shown, and leaves every judgement to rustls.
#[derive(Debug)]
pub(super) struct Watcher(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let (Some(shown), Some(certificate)) = (SHOWN.get(), Certificate::read(end_entity)) {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            shown.insert(server_name.to_str().into_owned(), certificate);
        }
        self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

impl Certificate {
    /// Reads one in DER; `None` for what is none.
    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let until = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
        let mut names = Vec::new();
        if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
            names.extend(alternatives.value.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(plain::line(name, NAME_LIMIT)),
                _ => None,
            }));
        }
        let more = if names.len() > NAMES { ", …" } else { "" };
        names.truncate(NAMES);
        let subject =
            if names.is_empty() { called(certificate.subject()) } else { format!("{}{more}", names.join(", ")) };
        Some(Self { subject, issuer: called(certificate.issuer()), until })
    }
}

/// The common name, or else the whole.
fn called(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|common| common.as_str().ok());
    plain::line(&common.map_or_else(|| name.to_string(), str::to_owned), NAME_LIMIT)
}
