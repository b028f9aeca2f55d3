//! `ImageUpdater` objects: which applications they mean, and what is to be followed there.
//!
//! Three levels say how: the object, its entry for an application, the image; what is said further in
//! wins, value by value. Must not know which applications there are.

mod levels;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::annotations::last_part;
use super::items::{self, Wrong};
use super::settings::{Said, hold};
use crate::manifest::dialect::flux2;
use crate::manifest::image_list::{ApplicationReference, ImageList, ImageUpdater, ListedImage};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::workload::{ContainerPolicy, WorkloadId};
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;
use crate::policy::NameGlob;
use levels::{Level, WriteBack};

const SPEC: &[&str] =
    &["namespace", "commonUpdateSettings", "writeBackConfig", "imagesVerification", "applicationRefs"];
const REFERENCE: &[&str] = &[
    "namePattern",
    "labelSelectors",
    "useAnnotations",
    "imagesVerification",
    "commonUpdateSettings",
    "writeBackConfig",
    "images",
];
const IMAGE: &[&str] = &["alias", "imageName", "commonUpdateSettings", "manifestTargets", "imagesVerification"];

/// Reads an object of the kind.
pub(super) fn read(object: NodeRef<'_>, id: &WorkloadId, file: &RepoPath, problems: &mut Vec<Problem>) -> ImageUpdater {
    let mut reader = Reader { file, problems };
    let place = object.place(file);
    let references = reader.references(object, id).unwrap_or_default();
    ImageUpdater { id: id.clone(), place, references }
}

/// Why something is held.
type Held = Option<(String, Place)>;

struct Reader<'p> {
    file: &'p RepoPath,
    problems: &'p mut Vec<Problem>,
}

impl<'a> Reader<'_> {
    /// Every entry, the most specific first; of equal ones, the one that stands first. None where one of
    /// them is wrong in a way that spoils the object.
    fn references(&mut self, object: NodeRef<'a>, id: &WorkloadId) -> Option<Vec<ApplicationReference>> {
        let Some(spec) = object.get("spec").map(NodeRef::resolved).filter(|spec| spec.kind() == Kind::Mapping) else {
            self.error(
                Rule::InvalidValue,
                object,
                "this ImageUpdater has no `spec`, so it updates nothing",
                "write it",
            );
            return None;
        };
        let held = self.check_keys(spec, SPEC);
        if let Some(namespace) = spec.get("namespace")
            && let (Some(theirs), Some(own)) = (namespace.resolved().text(), id.namespace.as_deref())
            && theirs != own
        {
            let message = format!(
                "`spec.namespace` says `{theirs}`, and applications are looked for in `{own}`, where this stands"
            );
            let place = namespace.place(self.file);
            self.problems.push(Problem::new(
                Rule::Contradiction,
                Severity::Warning,
                place,
                message,
                "remove it, or move the object to that namespace",
            ));
        }
        let mut level = self.level(spec, &Level { held, ..Level::default() });
        let write_back = self.write_back(spec, &WriteBack::default(), &mut level.held);
        let mut references = Vec::new();
        let mut names = BTreeSet::new();
        let (mut is_broken, mut has_entries) = (false, false);
        for entry in spec.get("applicationRefs").into_iter().flat_map(|list| list.resolved().items()) {
            let entry = entry.resolved();
            let pattern = entry.get("namePattern").map(NodeRef::resolved);
            let text = pattern.and_then(NodeRef::text).unwrap_or_default();
            let at = pattern.unwrap_or(entry);
            if text.is_empty() {
                self.error(
                    Rule::InvalidValue,
                    at,
                    "an entry of `applicationRefs` has no `namePattern`, and nothing of this object counts",
                    "write it; `*` means every application",
                );
                is_broken = true;
                continue;
            }
            if !names.insert(text) {
                let message = format!(
                    "two entries of `applicationRefs` have the `namePattern` `{}`, and nothing of this object counts",
                    shown(text)
                );
                self.error(Rule::Contradiction, at, message, "put them together");
                is_broken = true;
            }
            let names = match NameGlob::parse(text) {
                Ok(names) => names,
                Err(bad) => {
                    let message =
                        format!("`{}` is no pattern, and nothing of this object counts: it {bad}", shown(text));
                    self.error(Rule::InvalidPattern, at, message, "write a name, with `*` for what differs");
                    is_broken = true;
                    continue;
                }
            };
            let reference = self.reference(entry, names, id, &level, &write_back);
            has_entries = true;
            references.extend(reference.map(|reference| (specificity(text, entry), reference)));
        }
        if !has_entries && !is_broken {
            let message = "this ImageUpdater names no applications, so it updates nothing";
            self.error(Rule::InvalidValue, spec, message, "write them under `applicationRefs`");
        }
        references.sort_by_key(|(specificity, _)| std::cmp::Reverse(*specificity));
        (!is_broken).then(|| references.into_iter().map(|(_, reference)| reference).collect())
    }

    fn reference(
        &mut self,
        entry: NodeRef<'a>,
        names: NameGlob,
        id: &WorkloadId,
        above: &Level,
        write_back: &WriteBack,
    ) -> Option<ApplicationReference> {
        let place = entry.place(self.file);
        let mut level = self.level(entry, above);
        level.held = level.held.or_else(|| self.check_keys(entry, REFERENCE));
        let write_back = self.write_back(entry, write_back, &mut level.held);
        let selector = if entry.get("labelSelectors").is_some_and(|node| !node.is_null()) {
            // One that cannot be read selects nothing.
            let read = flux2::read_selector(entry, id, self.file, "labelSelectors");
            Some(read.map_err(|problem| self.problems.push(problem)).ok()?)
        } else {
            None
        };
        let uses_annotations = self.flag(entry, "useAnnotations", &mut level.held) == Some(true);
        let mut images = Vec::new();
        let mut aliases = BTreeSet::new();
        for image in entry.get("images").into_iter().flat_map(|list| list.resolved().items()) {
            images.extend(self.image(image.resolved(), &level, &mut aliases));
        }
        if images.is_empty() && !uses_annotations && level.held.is_none() {
            let message = "this entry lists no images, and does not say `useAnnotations: true`, so it updates nothing";
            self.error(Rule::InvalidValue, entry, message, "write one of the two");
        }
        let target = self.target(&write_back, &mut level.held);
        let mut leftovers = [level.leftovers, write_back.leftovers].concat();
        leftovers.sort_by(|a, b| a.place.cmp(&b.place));
        let list =
            ImageList { place: place.clone(), images, target, wrong: level.held, problems: Vec::new(), leftovers };
        Some(ApplicationReference { place, names, selector, uses_annotations, list: Arc::new(list) })
    }

    fn image(&mut self, node: NodeRef<'a>, above: &Level, aliases: &mut BTreeSet<&'a str>) -> Option<ListedImage> {
        let mut level = self.level(node, above);
        level.held = level.held.or_else(|| self.check_keys(node, IMAGE));
        let alias = node.get_text("alias").unwrap_or_default();
        let name = node.get("imageName").map_or(node, NodeRef::resolved);
        let said = Said { written: "imageName".to_owned(), place: name.place(self.file), text: String::new() };
        let meant = match items::split(name.text().unwrap_or_default().trim()) {
            Ok(meant) => meant,
            Err(Wrong { rule, what, mend }) => {
                self.error(rule, name, what, mend);
                return None;
            }
        };
        if !aliases.insert(alias) || !is_alias(alias) {
            let (message, mend) = if alias.is_empty() {
                ("this image has no alias".to_owned(), "write `alias`")
            } else if is_alias(alias) {
                (format!("two images have the alias `{alias}`"), "give every image an alias of its own")
            } else {
                (format!("`{}` is no alias", shown(alias)), "write letters, digits, `-`, `_` and `.`")
            };
            let wrong = self.error(Rule::InvalidValue, node.get("alias").unwrap_or(node), message, mend);
            level.held.get_or_insert(wrong);
        }
        let constraint = Said { text: meant.constraint.unwrap_or_default().to_owned(), ..said };
        let (mut policy, peer) = level.settings.judge(&constraint, self.problems);
        if let Some(doubt) = &meant.doubt {
            let (place, what, mend) = (constraint.place.clone(), doubt.what.clone(), doubt.mend.clone());
            self.problems.push(Problem::new(doubt.rule, Severity::Warning, place, what, mend));
        }
        if let Some(place) = &level.verified {
            let message = "signatures are to be verified, which is not supported yet";
            let mend = "say `enabled: false`, or leave the image to Argo CD Image Updater";
            policy =
                hold(Problem::new(Rule::NotSupported, Severity::Error, place.clone(), message, mend), self.problems);
        }
        let (helm, kustomize_name, is_for_plugin) = self.manifest_targets(node, &mut level.held);
        if let Some((reason, place)) = level.held {
            policy = ContainerPolicy::Invalid { reason, place };
        }
        let alias = if alias.is_empty() { last_part(&meant.image) } else { alias };
        Some(ListedImage {
            name: alias.to_owned(),
            place: constraint.place,
            image: meant.image,
            policy,
            peer: Some(peer),
            helm,
            kustomize_name,
            is_for_plugin,
        })
    }

    fn error(
        &mut self,
        rule: Rule,
        node: NodeRef<'a>,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> (String, Place) {
        self.tell(rule, node.place(self.file), message.into(), mend.into())
    }

    fn tell(&mut self, rule: Rule, place: Place, message: String, mend: String) -> (String, Place) {
        let problem = Problem::new(rule, Severity::Error, place, message, mend);
        let said = (problem.text(), problem.place.clone());
        self.problems.push(problem);
        said
    }
}

/// Whether this is one, as the API wants it.
fn is_alias(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// How specific an entry is: a name without wildcards is more so than anything else, then come a selector, what
/// it asks for, and the letters of the pattern.
fn specificity(pattern: &str, entry: NodeRef<'_>) -> usize {
    let mut letters = 0;
    let mut rest = pattern;
    while let Some((open, c)) = rest.char_indices().find(|(_, c)| matches!(c, '[' | '*' | '?')) {
        letters += open;
        rest = &rest[open + 1..];
        // A class counts for nothing, if it ends.
        if c == '[' {
            match rest.find(']') {
                Some(close) => rest = &rest[close + 1..],
                None => letters += 1,
            }
        }
    }
    letters += rest.len();
    let exact = if pattern.contains(['*', '?', '[', ']']) { 0 } else { 1_000_000 };
    let selector = entry.get("labelSelectors").filter(|node| !node.is_null()).map_or(0, |selector| {
        let count = |key: &str| selector.resolved().get(key).map(NodeRef::resolved);
        let labels = count("matchLabels").map_or(0, |labels| labels.entries().count());
        let expressions = count("matchExpressions").map_or(0, |list| list.items().count());
        10_000 + 100 * (labels + expressions)
    });
    exact + selector + letters
}
