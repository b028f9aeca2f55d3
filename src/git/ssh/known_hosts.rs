//! Whom a server may prove to be: the lines of `known_hosts` files (hashed names, patterns, several keys of a
//! host, authorities, revoked keys), and the keys that forges publish. Pure; a line that cannot be read
//! counts for nothing.

use hmac::{Hmac, KeyInit as _, Mac as _};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey};
use sha1::Sha1;

/// The keys that large forges publish.
const FORGES: &str = include_str!("forges.txt");

/// What is known of one server.
#[derive(Debug, Default)]
pub(super) struct Known {
    keys: Vec<PublicKey>,
    authorities: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

/// What a key of a server comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is one of its keys.
    Trusted,
    /// Nothing is known of this server.
    Unknown,
    /// It has other ones.
    Changed,
    /// It must not be used any more.
    Revoked,
}

impl Known {
    /// What the files say of a server, by the name [`Address::known_as`](super::address::Address::known_as);
    /// what forges publish where they do not name it.
    pub(super) fn of(name: &str, files: &[String]) -> Self {
        let mut known = Self::default();
        for file in files {
            known.add(name, file);
        }
        if known.keys.is_empty() && known.authorities.is_empty() {
            known.add(name, FORGES);
        }
        known
    }

    fn add(&mut self, name: &str, file: &str) {
        for line in file.lines() {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Ok(entry) = line.parse::<Entry>() else { continue };
            if !is_for(entry.host_patterns(), name) {
                continue;
            }
            let list = match entry.marker() {
                None => &mut self.keys,
                Some(Marker::CertAuthority) => &mut self.authorities,
                Some(Marker::Revoked) => &mut self.revoked,
            };
            list.push(entry.public_key().clone());
        }
    }

    /// The kinds of keys that the server is to show, the best first; empty when nothing is known of it.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let mut all = Vec::new();
        for key in &self.keys {
            match key.algorithm() {
                // One key, signed with by either hash.
                Algorithm::Rsa { .. } => {
                    all.extend([HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) }));
                }
                other => all.push(other),
            }
        }
        all.sort_by_key(|algorithm| match algorithm {
            Algorithm::Ed25519 => 0,
            Algorithm::Ecdsa { .. } => 1,
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) } => 2,
            _ => 3,
        });
        all.dedup();
        all
    }

    /// Whether an authority may vouch for the server.
    pub(super) fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }

    pub(super) fn key(&self, key: &PublicKey) -> Verdict {
        let is_in = |list: &[PublicKey]| list.iter().any(|other| other.key_data() == key.key_data());
        if is_in(&self.revoked) {
            Verdict::Revoked
        } else if is_in(&self.keys) {
            Verdict::Trusted
        } else if self.keys.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Changed
        }
    }

    /// Checks what an authority says of `host`, at a time in seconds since 1970.
    pub(super) fn certificate(&self, certificate: &Certificate, host: &str, now: u64) -> Result<(), String> {
        let is_revoked = |key| self.revoked.iter().any(|revoked| revoked.key_data() == key);
        if is_revoked(certificate.public_key()) || is_revoked(certificate.signature_key()) {
            return Err("its certificate, or the authority that signed it, is revoked in known_hosts".into());
        }
        if certificate.cert_type() != CertType::Host {
            return Err("it showed the certificate of a user".into());
        }
        if !certificate.valid_principals().iter().any(|principal| matches(principal, host)) {
            return Err(format!("its certificate is for {}", certificate.valid_principals().join(", ")));
        }
        let authorities: Vec<_> = self.authorities.iter().map(|key| key.fingerprint(HashAlg::Sha256)).collect();
        certificate.validate_at(now, authorities.iter()).map_err(|_| {
            "its certificate is out of date, or no authority that known_hosts names for it signed it".to_owned()
        })
    }
}

fn is_for(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|code| code.chain_update(name).verify_slice(hash).is_ok())
        }
        HostPatterns::Patterns(patterns) => {
            let is_excluded = |pattern: &String| pattern.strip_prefix('!').is_some_and(|rest| matches(rest, name));
            patterns.iter().any(|pattern| matches(pattern, name)) && !patterns.iter().any(is_excluded)
        }
    }
}

/// Whether a name is one of those that a pattern with `*` and `?` stands for.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_ascii_lowercase().into_bytes(), name.to_ascii_lowercase().into_bytes());
    let (mut at, mut of) = (0, 0);
    // Where the last `*` stands, and what it covered so far.
    let mut star = None;
    while of < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[of] => (at, of) = (at + 1, of + 1),
            _ => match star {
                Some((back, covered)) => {
                    (at, of) = (back + 1, covered + 1);
                    star = Some((back, covered + 1));
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests;
