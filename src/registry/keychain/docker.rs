//! Docker's `config.json` and what Kubernetes makes of it. Knows its form, and asks nobody.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value;

use super::{Proof, password};
use crate::image::Registry;
use crate::registry::site::Prefix;
use crate::secret::Secret;

/// The parts of Docker's `config.json` that speak of credentials, sorted and decoded. In the older form of a
/// pull secret, `.dockercfg`, the entries stand by themselves.
pub(super) struct DockerConfig {
    /// An entry that cannot be read holds for its registry even so: nobody guesses who was meant.
    pub(super) entries: Vec<(Prefix, Result<Proof, String>)>,
    pub(super) host_helpers: HashMap<Registry, String>,
    pub(super) general_helper: Option<String>,
}

pub(super) fn read(path: &Path, text: &str) -> Result<DockerConfig, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct File {
        #[serde(default)]
        auths: BTreeMap<String, Value>,
        #[serde(default)]
        cred_helpers: BTreeMap<String, String>,
        creds_store: Option<String>,
    }
    // The position only: the text around a mistake may be a secret.
    let file: File = serde_json::from_str(text)
        .map_err(|error| format!("no Docker configuration, see line {}, column {}", error.line(), error.column()))?;
    let mut config = DockerConfig {
        entries: Vec::new(),
        host_helpers: HashMap::new(),
        general_helper: file.creds_store.filter(|name| !name.is_empty()),
    };
    let is_modern = !file.auths.is_empty() || !file.cred_helpers.is_empty() || config.general_helper.is_some();
    let auths = if is_modern { file.auths } else { old_entries(text) };
    for (key, entry) in auths {
        let Ok(prefix) = key.parse::<Prefix>() else {
            tracing::warn!(file = %path.display(), key, "an entry under `auths` names no registry and is ignored");
            continue;
        };
        // The words of the reader may quote a secret.
        let entry: Result<Entry, _> = Entry::deserialize(entry).map_err(|_| "it is no entry of Docker's".to_owned());
        match entry.and_then(Entry::proof) {
            // An entry without content says that the login is kept by a helper.
            Ok(proof) => config.entries.extend(proof.map(|proof| (prefix, Ok(proof)))),
            Err(problem) => {
                let problem = format!("`auths` for {key}: {problem}");
                tracing::warn!(file = %path.display(), "{problem}; nobody is logged in there");
                config.entries.push((prefix, Err(problem)));
            }
        }
    }
    for (key, name) in file.cred_helpers {
        if let Ok(prefix) = key.parse::<Prefix>() {
            config.host_helpers.insert(prefix.registry().clone(), name);
        } else {
            tracing::warn!(file = %path.display(), key, "an entry under `credHelpers` names no registry and is ignored");
        }
    }
    Ok(config)
}

/// The entries of a file that has them at its top, `.dockercfg`.
fn old_entries(text: &str) -> BTreeMap<String, Value> {
    let mut all: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
    // A modern file has settings there, under names that are no hosts.
    all.retain(|key, value| value.is_object() && key.contains(['.', ':']));
    all
}

/// One entry under `auths`.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    identitytoken: String,
}

impl Entry {
    fn proof(self) -> Result<Option<Proof>, String> {
        /// Some tools leave out the padding.
        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        if !self.identitytoken.is_empty() {
            return Ok(Some(Proof::IdentityToken(Secret::new(self.identitytoken))));
        }
        if !self.username.is_empty() && !self.password.is_empty() {
            return Ok(Some(Proof::Password { user: self.username, password: Secret::new(self.password) }));
        }
        if self.auth.is_empty() {
            return Ok(None);
        }
        let decoded = LENIENT.decode(self.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let proof = decoded.and_then(|text| password(text.trim_end_matches('\0')));
        proof.map(Some).ok_or_else(|| "`auth` is not base64 of `user:password`".to_owned())
    }
}
