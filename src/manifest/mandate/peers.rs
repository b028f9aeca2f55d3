//! What Flux version 1 itself was told, where it is its annotations that say what a container follows.
//!
//! Must not know what Flux makes of it.

use super::{Reader, Statement, Subject};
use crate::manifest::dialect::CHART_IMAGE;
use crate::policy::Dialect;
use crate::policy::peer::{Flux, Peer};

impl Reader<'_, '_> {
    /// One for each subject. Flux knows patterns for single containers alone, and follows every container of
    /// what is automated, those that no pattern is for with `glob:*`.
    pub(super) fn flux_peers(&self, statements: &[Statement], subjects: &[Subject<'_>]) -> Vec<Option<Peer>> {
        let speaks = |key: &str| self.said.get(key).map(|said| said.voice.dialect());
        let is_automated = speaks("automated") == Some(Dialect::Flux);
        let native_for_all =
            ["tag-glob", "tag-semver", "tag-regex", "policy"].iter().any(|key| speaks(key) == Some(Dialect::Native));
        let peer = |subject: &Subject<'_>| {
            let name = subject.name?;
            let key = format!("tag.{name}");
            let alias = format!("tag.{CHART_IMAGE}");
            let said = self.said.get(&key).or_else(|| (subjects.len() == 1).then(|| self.said.get(&alias)).flatten());
            if let Some(said) = said {
                let raw = statements.iter().find(|statement| statement.key == said.key)?.value.text.clone();
                return (said.voice.dialect() == Dialect::Flux).then(|| Flux { pattern: raw }.into());
            }
            let native = speaks(&format!("policy.{name}")) == Some(Dialect::Native);
            (is_automated && !native && !native_for_all).then(|| Flux { pattern: None }.into())
        };
        subjects.iter().map(peer).collect()
    }
}
