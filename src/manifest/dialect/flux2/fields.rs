//! The fields of an object of Flux, read so that nothing is overlooked: what hides behind a merge key,
//! stands twice, has another type or an unknown name is told, and never passed over in silence.
//!
//! Must not know what a field means.

use super::super::nearest;
use super::ObjectName;
use crate::manifest::document::doubled_key;
use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::setting::Setting;
use crate::manifest::workload::WorkloadId;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;
use crate::policy::InvalidSetting;

/// An object and its fields, by paths such as `spec.policy.semver`.
pub(super) struct Fields<'a, 'f> {
    object: NodeRef<'a>,
    file: &'f RepoPath,
    kind: &'f str,
    name: ObjectName,
}

/// What is written in a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) node: NodeRef<'a>,
}

impl<'a, 'f> Fields<'a, 'f> {
    pub(super) fn of(object: NodeRef<'a>, id: &'f WorkloadId, file: &'f RepoPath) -> Self {
        let name = ObjectName { namespace: id.namespace.clone(), name: id.name.clone() };
        Self { object, file, kind: &id.kind, name }
    }

    pub(super) fn name(&self) -> &ObjectName {
        &self.name
    }

    /// `ImagePolicy flux-system/app`
    pub(super) fn who(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// Where the object begins.
    pub(super) fn place(&self) -> Place {
        self.object.place(self.file)
    }

    pub(super) fn place_of(&self, node: NodeRef<'a>) -> Place {
        node.place(self.file)
    }

    /// The object cannot be followed, and neither can those who name it.
    pub(super) fn broken(&self, rule: Rule, node: NodeRef<'a>, reason: &str, mend: &str) -> Problem {
        let message = format!("the {} is not followed: {reason}", self.who());
        Problem::new(rule, Severity::Error, node.place(self.file), message, mend)
    }

    /// The same for what a setting says, with the place of that very field.
    pub(super) fn invalid(&self, wrong: &InvalidSetting) -> Problem {
        let (rule, reason) = (Rule::InvalidPattern, format!("`{}`: {}", wrong.setting(), wrong.what()));
        self.broken(rule, self.nearest_node(&format!("spec.{}", wrong.setting())), &reason, wrong.mend())
    }

    fn merged(&self, path: &str, merge: NodeRef<'a>) -> Problem {
        let reason = format!("`{path}` has a merge key, and what it stands for is not read");
        self.broken(Rule::Alias, merge, &reason, "write the fields out")
    }

    /// A key that stands twice, anywhere in the object. Readers differ in which one counts.
    pub(super) fn doubled(&self) -> Option<Problem> {
        let mend = "remove one of the two; until then the object is not followed";
        let keys = self.object.doubled_keys().into_iter().next()?;
        Some(doubled_key(Severity::Error, keys, self.file, mend))
    }

    /// What stands in a field; `None` where nothing does, or `null`.
    pub(super) fn get(&self, path: &str) -> Result<Option<NodeRef<'a>>, Problem> {
        let mut node = self.object;
        let mut walked = 0;
        for key in path.split('.') {
            if node.is_null() {
                return Ok(None);
            }
            let here = path[..walked].trim_end_matches('.');
            if node.kind() != Kind::Mapping {
                let reason = format!("`{here}` holds no fields");
                return Err(self.broken(Rule::InvalidValue, node, &reason, "write its fields below it"));
            }
            if let Some(merge) = node.get("<<") {
                return Err(self.merged(here, merge));
            }
            let Some(next) = node.get(key) else { return Ok(None) };
            node = next.resolved();
            walked += key.len() + 1;
        }
        Ok(Some(node).filter(|node| !node.is_null()))
    }

    /// The text in a field; `None` where nothing is said. Kubernetes takes strings only, and quotes nothing
    /// by itself.
    pub(super) fn text(&self, path: &str) -> Result<Option<Text<'a>>, Problem> {
        let Some(node) = self.get(path)? else { return Ok(None) };
        self.text_at(path, node).map(|text| Some(text).filter(|text| !text.text.is_empty()))
    }

    /// The text of a node that stands at this path.
    pub(super) fn text_at(&self, path: &str, node: NodeRef<'a>) -> Result<Text<'a>, Problem> {
        let node = node.resolved();
        let Some(text) = node.text() else {
            let reason = format!("`{path}` is no text");
            return Err(self.broken(Rule::InvalidValue, node, &reason, "write one value"));
        };
        if node.is_string() {
            return Ok(Text { text, node });
        }
        let reason = format!("the value of `{path}` is not quoted, and Kubernetes takes no other than strings");
        Err(self.broken(Rule::UnquotedValue, node, &reason, &format!("write \"{text}\"")))
    }

    /// What is written in a field that says nothing of tags, if anything is.
    pub(super) fn setting(&self, path: &str, option: Option<&'static str>) -> Option<Setting> {
        let node = self.get(path).ok()??;
        let value = match node.kind() {
            Kind::Mapping => "{…}",
            Kind::Sequence => "[…]",
            _ => node.text().filter(|text| !text.is_empty())?,
        };
        let (owner, place) = (self.who().into(), self.place_of(node));
        Some(Setting { owner, key: path.into(), value: value.into(), place, option })
    }

    /// Where a switch is on. Whatever is not clearly off is on.
    pub(super) fn switched_on(&self, path: &str) -> Result<Option<Place>, Problem> {
        let is_off =
            |text: &str| text.is_empty() || matches!(text.to_ascii_lowercase().as_str(), "false" | "no" | "off");
        let node = self.get(path)?.filter(|node| !node.text().is_some_and(is_off));
        Ok(node.map(|node| self.place_of(node)))
    }

    /// Whether the fields below a path are known ones. With `strictly` any other breaks the object, since it
    /// may narrow what is meant; else only one that is nearly a known one does.
    pub(super) fn check_known(&self, path: &str, known: &[&str], strictly: bool) -> Result<(), Problem> {
        let Some(fields) = self.get(path)?.filter(|node| node.kind() == Kind::Mapping) else { return Ok(()) };
        for (key, value) in fields.entries() {
            let text = key.text().unwrap_or_default();
            if text == "<<" {
                return Err(self.merged(path, value));
            }
            if known.contains(&text) {
                continue;
            }
            let meant = nearest(text, known.iter().copied(), |known| known);
            let mend = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if strictly => format!("remove it; known are: {}", known.join(", ")),
                None => continue,
            };
            let reason = format!("`{path}.{text}` is no field that is known");
            return Err(self.broken(Rule::UnknownKey, key, &reason, &mend));
        }
        Ok(())
    }

    /// The node at this path, or as near to it as there is one.
    pub(super) fn nearest_node(&self, path: &str) -> NodeRef<'a> {
        let mut node = self.object;
        for key in path.split('.') {
            match node.resolved().get(key).filter(|next| !next.is_null()) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}
