//! `ImageUpdateAutomation`: which markers Flux follows, and how it commits. Knows its fields in all their
//! versions, and nothing of the files below its path.

use super::ObjectName;
use super::fields::Fields;
use super::selector::Selector;
use crate::manifest::problem::{Place, Problem, Rule};
use crate::manifest::setting::Setting;
use crate::path::RepoPath;

/// An `ImageUpdateAutomation`: below which folder, and for which policies, markers are followed.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageUpdateAutomation {
    /// What it is called. The policies that it writes are those of its own namespace.
    pub name: ObjectName,
    /// Where it begins.
    pub place: Place,
    /// Where it writes; or why that cannot be told, reported already.
    pub reach: Result<Reach, Problem>,
    /// Which policies it writes; or what else is wrong with it, reported already.
    pub selector: Result<Selector, Problem>,
}

/// Where an automation writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// `spec.update.path`; `None` for the whole repository.
    pub folder: Option<RepoPath>,
    /// Where that is said, or else where the object begins.
    pub place: Place,
    /// Where `spec.suspend` says that nothing is to be written.
    pub suspended: Option<Place>,
}

/// The fields of `spec`. Before version v1alpha2 what is now in `git` stood beside it.
const FIELDS: [&str; 11] = [
    "sourceRef",
    "git",
    "interval",
    "policySelector",
    "update",
    "suspend",
    "checkout",
    "commit",
    "push",
    "runInterval",
    "minimumRunInterval",
];

/// Reads an automation; what is wrong with it is reported.
pub(super) fn read(fields: &Fields<'_, '_>, problems: &mut Vec<Problem>) -> ImageUpdateAutomation {
    let doubled = fields.doubled();
    let reach = doubled.clone().map_or_else(|| reach(fields), Err);
    let selector = doubled.map_or_else(|| selector(fields), Err);
    problems.extend(reach.as_ref().err().cloned());
    problems.extend(selector.as_ref().err().cloned());
    ImageUpdateAutomation { name: fields.name().clone(), place: fields.place(), reach, selector }
}

/// What it says about how commits are made.
pub(super) fn settings(fields: &Fields<'_, '_>, settings: &mut Vec<Setting>) {
    let mut add = |path: &str, option| settings.extend(fields.setting(path, option));
    add("spec.sourceRef.name", Some("--git-url"));
    add("spec.checkout.gitRepositoryRef.name", Some("--git-url"));
    add("spec.checkout.branch", Some("--git-branch"));
    add("spec.git.checkout.ref.branch", Some("--git-branch"));
    for reference in ["tag", "semver", "name", "commit"] {
        add(&format!("spec.git.checkout.ref.{reference}"), None);
    }
    add("spec.commit.authorName", Some("--git-user"));
    add("spec.git.commit.author.name", Some("--git-user"));
    add("spec.commit.authorEmail", Some("--git-email"));
    add("spec.git.commit.author.email", Some("--git-email"));
    add("spec.update.path", Some("--git-path"));
    for interval in ["interval", "runInterval", "minimumRunInterval"] {
        add(&format!("spec.{interval}"), Some("--git-poll-interval"));
    }
    for git in ["spec", "spec.git"] {
        for field in [
            "commit.messageTemplate",
            "commit.messageTemplateValues",
            "commit.signingKey.secretRef.name",
            "push.branch",
            "push.refspec",
            "push.options",
        ] {
            add(&format!("{git}.{field}"), None);
        }
    }
}

fn reach(fields: &Fields<'_, '_>) -> Result<Reach, Problem> {
    fields.check_known("spec.update", &["strategy", "path"], true)?;
    let (folder, place) = folder(fields)?;
    Ok(Reach { folder, place, suspended: fields.switched_on("spec.suspend")? })
}

fn selector(fields: &Fields<'_, '_>) -> Result<Selector, Problem> {
    fields.check_known("spec", &FIELDS, false)?;
    if let Some(strategy) = fields.text("spec.update.strategy")?.filter(|strategy| strategy.text != "Setters") {
        let reason = format!("`strategy: {}` is none", strategy.text);
        return Err(fields.broken(Rule::InvalidValue, strategy.node, &reason, "write `Setters`, the only one"));
    }
    Selector::read(fields, "spec.policySelector")
}

/// `spec.update.path`, which never leads out of the repository: what goes up from its top stays there.
fn folder(fields: &Fields<'_, '_>) -> Result<(Option<RepoPath>, Place), Problem> {
    let Some(path) = fields.text("spec.update.path")? else { return Ok((None, fields.place())) };
    let wrong = |reason: String, mend: &str| fields.broken(Rule::Link, path.node, &reason, mend);
    if path.text.contains("${") {
        let reason =
            format!("`spec.update.path` holds a variable, `{}`, which is known in the cluster only", path.text);
        return Err(wrong(reason, "write the path out"));
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.text.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let folder = match &parts[..] {
        [] => None,
        parts => {
            let folder = RepoPath::parse(&parts.join("/"));
            Some(folder.map_err(|error| wrong(error.to_string(), "write the path of a folder"))?)
        }
    };
    Ok((folder, fields.place_of(path.node)))
}
