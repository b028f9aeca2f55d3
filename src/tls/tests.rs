//! The words for each way in which a certificate can be wrong.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, TrustAnchor, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible, RootCertStore};

use super::{Authorities, Source, find, words};

fn authorities(source: Source, count: usize, trouble: Option<&str>) -> Authorities {
    let anchor =
        TrustAnchor { subject: Vec::new().into(), subject_public_key_info: Vec::new().into(), name_constraints: None };
    let roots = RootCertStore { roots: vec![anchor; count] };
    Authorities { roots: Arc::new(roots), source, trouble: trouble.map(str::to_owned) }
}

#[track_caller]
fn check_issuer(source: Source, count: usize, trouble: Option<&str>, expected: &[&str]) {
    let error = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let text = words(&error, "git.example.com", &authorities(source, count, trouble), None).unwrap();
    assert!(text.starts_with("the certificate of git.example.com is not trusted (UnknownIssuer): "), "{text}");
    for part in expected {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
}

#[test]
fn an_unknown_issuer_names_the_bundle_to_mend() {
    let named = || Source::Named("SSL_CERT_FILE=/ca.pem".to_owned());
    check_issuer(named(), 1, None, &["no authority in SSL_CERT_FILE=/ca.pem issued it", "add", "intermediate"]);
    check_issuer(Source::Machine, 1, None, &["the CA bundle of this machine", "name a PEM file", "SSL_CERT_FILE"]);
    check_issuer(
        named(),
        0,
        Some("no such file"),
        &["no CA certificate in SSL_CERT_FILE=/ca.pem (no such file); name"],
    );
    check_issuer(Source::Machine, 0, None, &["no CA certificate in the CA bundle of this machine; name"]);
}

#[track_caller]
fn check(error: impl Into<Error>, expected: &str) {
    let text = words(&error.into(), "git.example.com", &authorities(Source::Machine, 1, None), None);
    assert_eq!(text.as_deref(), Some(expected));
}

fn presenting(names: &[&str]) -> CertificateError {
    let expected = ServerName::try_from("git.example.com").unwrap();
    CertificateError::NotValidForNameContext { expected, presented: names.iter().map(ToString::to_string).collect() }
}

#[test]
fn each_fault_has_its_words() {
    check(
        Error::AlertReceived(AlertDescription::CertificateRequired),
        "git.example.com wants to see a certificate of ours (CertificateRequired); name a client certificate and its key \
         for it",
    );
    check(
        Error::AlertReceived(AlertDescription::UnknownCA),
        "git.example.com does not take our client certificate (UnknownCA); have one issued by an authority that it \
         trusts, or renew it",
    );
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    check(
        CertificateError::ExpiredContext { time: at(86_400), not_after: at(0) },
        "the certificate of git.example.com has expired (Expired): it was good until 1970-01-01T00:00:00Z, and this \
         machine has 1970-01-02T00:00:00Z; renew it on the server, or mend the clock here",
    );
    check(
        CertificateError::NotValidYetContext { time: at(0), not_before: at(86_400) },
        "the certificate of git.example.com is not valid yet (NotValidYet): it is good from 1970-01-02T00:00:00Z, and \
         this machine has 1970-01-01T00:00:00Z; mend the clock that is wrong",
    );
    check(
        CertificateError::BadSignature,
        "the certificate of git.example.com is not trusted (BadSignature): an authority of that name is in the CA \
         bundle of this machine, but with another key; put its current certificate there, and restart",
    );
    check(
        presenting(&[r#"DnsName("a.example")"#, r#"DnsName("*.b.example")"#]),
        "the certificate of git.example.com is not for that name (NotValidForName): it is for a.example, *.b.example; \
         give an address that is in it, or have it issued anew",
    );
    check(
        presenting(&[]),
        "the certificate of git.example.com is not for that name (NotValidForName): it has no subjectAltName, and a \
         common name does not count; give an address that is in it, or have it issued anew",
    );
    check(
        presenting(&["a\u{1b}[31m", "b", "c", "d", "e", "f", "g"]),
        "the certificate of git.example.com is not for that name (NotValidForName): it is for a [31m, b, c, d, e and 2 \
         more; give an address that is in it, or have it issued anew",
    );
    check(
        CertificateError::Other(OtherError(Arc::new(std::io::Error::other("CaUsedAsEndEntity")))),
        "the certificate of git.example.com is the certificate of an authority, not of a server (CaUsedAsEndEntity); \
         have one issued without CA:TRUE, and trust its issuer",
    );
    check(
        InvalidMessage::InvalidContentType,
        "git.example.com does not answer in TLS; check the port, and whether it is meant to be reached by plain http",
    );
    check(
        PeerIncompatible::Tls12NotOffered,
        "git.example.com offers no encryption that can be trusted (Tls12NotOffered); it must speak TLS 1.2 or 1.3 with \
         a current cipher",
    );
    assert_eq!(words(&Error::HandshakeNotComplete, "x", &authorities(Source::Machine, 1, None), None), None);
}

#[test]
fn the_cause_is_found_behind_io_errors() {
    let error = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let once = std::io::Error::other(error());
    assert_eq!(find(&once), Some(&error()));
    assert_eq!(find(&std::io::Error::other(once)), Some(&error()));
    assert_eq!(find(&std::io::Error::other("no")), None);
}
