//! `ImagePolicy`: which tag of a repository is wanted. Knows its fields, and nothing of markers.

use super::ObjectName;
use super::fields::Fields;
use super::selector::{Labels, labels_of};
use crate::manifest::problem::{Place, Problem, Rule};
use crate::manifest::yaml::NodeRef;
use crate::policy::Peer;
use crate::policy::peer::{Flux2, Flux2Filter, Flux2Policy};

/// An `ImagePolicy`: which tag of a repository is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct ImagePolicy {
    /// What it is called.
    pub name: ObjectName,
    /// Where it begins.
    pub place: Place,
    /// Its labels, by which an `ImageUpdateAutomation` may select it.
    pub labels: Labels,
    /// What it asks for; or what is wrong with it, reported already.
    pub wanted: Result<Wanted, Problem>,
}

/// What an `ImagePolicy` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// `spec.imageRepositoryRef`; without a namespace it is that of the policy.
    pub repository: ObjectName,
    /// Where that is said.
    pub reference: Place,
    /// `spec.policy` and `spec.filterTags`, as they are written.
    pub rule: Flux2,
    /// Where `spec.suspend` says that nothing is to be chosen.
    pub suspended: Option<Place>,
    /// Where `spec.digestReflectionPolicy` says that whole images are to be written with their digest.
    pub digests: Option<Place>,
}

/// The fields of `spec`. Another one may narrow what is meant.
const FIELDS: [&str; 6] =
    ["imageRepositoryRef", "policy", "filterTags", "digestReflectionPolicy", "interval", "suspend"];

/// The orders of `spec.policy`, the first of them counts.
const ORDERS: [&str; 3] = ["semver", "alphabetical", "numerical"];

/// Reads a policy; what is wrong with it is reported.
pub(super) fn read<'a>(object: NodeRef<'a>, fields: &Fields<'a, '_>, problems: &mut Vec<Problem>) -> ImagePolicy {
    let wanted = fields.doubled().map_or_else(|| wanted(fields), Err);
    problems.extend(wanted.as_ref().err().cloned());
    ImagePolicy { name: fields.name().clone(), place: fields.place(), labels: labels_of(object), wanted }
}

fn wanted(fields: &Fields<'_, '_>) -> Result<Wanted, Problem> {
    fields.check_known("spec", &FIELDS, true)?;
    let (repository, reference) = repository(fields)?;
    let rule = Flux2 { filter: filter(fields)?, policy: Some(order(fields)?), exclusion: None };
    Peer::from(rule.clone()).policy().map_err(|wrong| fields.invalid(&wrong))?;
    let (suspended, digests) = (fields.switched_on("spec.suspend")?, digests(fields)?);
    Ok(Wanted { repository, reference, rule, suspended, digests })
}

/// What `imageRepositoryRef` names, and where.
fn repository(fields: &Fields<'_, '_>) -> Result<(ObjectName, Place), Problem> {
    fields.check_known("spec.imageRepositoryRef", &["name", "namespace"], true)?;
    let Some(name) = fields.text("spec.imageRepositoryRef.name")? else {
        let node = fields.nearest_node("spec.imageRepositoryRef");
        let reason = "`spec.imageRepositoryRef` names no ImageRepository";
        return Err(fields.broken(Rule::MissingPolicy, node, reason, "write its `name`"));
    };
    let namespace = fields.text("spec.imageRepositoryRef.namespace")?.map(|namespace| namespace.text);
    let place = fields.place_of(fields.nearest_node("spec.imageRepositoryRef.name"));
    let namespace = namespace.map(str::to_owned).or_else(|| fields.name().namespace.clone());
    Ok((ObjectName { namespace, name: name.text.to_owned() }, place))
}

/// `spec.filterTags`. A filter that is misread would let more tags in.
fn filter(fields: &Fields<'_, '_>) -> Result<Option<Flux2Filter>, Problem> {
    fields.check_known("spec.filterTags", &["pattern", "extract"], true)?;
    if fields.get("spec.filterTags")?.is_none() {
        return Ok(None);
    }
    let text = |path| Ok::<Box<str>, Problem>(fields.text(path)?.map_or("", |text| text.text).into());
    Ok(Some(Flux2Filter { pattern: text("spec.filterTags.pattern")?, extract: text("spec.filterTags.extract")? }))
}

/// The one order in `spec.policy`. Of several Flux takes one, and nobody can say whether it is the one that
/// was meant.
fn order(fields: &Fields<'_, '_>) -> Result<Flux2Policy, Problem> {
    fields.check_known("spec.policy", &ORDERS, true)?;
    let mut said = Vec::new();
    for order in ORDERS {
        if fields.get(&format!("spec.policy.{order}"))?.is_some() {
            said.push(order);
        }
    }
    let text = |path| Ok::<Box<str>, Problem>(fields.text(path)?.map_or("", |text| text.text).into());
    let known = |path, field| fields.check_known(path, &[field], true);
    match said[..] {
        [] => {
            let node = fields.nearest_node("spec.policy");
            let mend = "write `numerical`, `alphabetical` or `semver` in it";
            Err(fields.broken(Rule::BrokenPolicy, node, "`spec.policy` says no order", mend))
        }
        [first, second, ..] => {
            let node = fields.nearest_node(&format!("spec.policy.{second}"));
            let reason = format!("`spec.policy` says `{first}` and `{second}`, and Flux takes `{first}`");
            Err(fields.broken(Rule::Contradiction, node, &reason, "leave the one that is meant"))
        }
        ["semver"] => {
            known("spec.policy.semver", "range")?;
            Ok(Flux2Policy::Semver(text("spec.policy.semver.range")?))
        }
        ["alphabetical"] => {
            known("spec.policy.alphabetical", "order")?;
            Ok(Flux2Policy::Alphabetical(text("spec.policy.alphabetical.order")?))
        }
        [_] => {
            known("spec.policy.numerical", "order")?;
            Ok(Flux2Policy::Numerical(text("spec.policy.numerical.order")?))
        }
    }
}

/// Where digests are asked for.
fn digests(fields: &Fields<'_, '_>) -> Result<Option<Place>, Problem> {
    let path = "spec.digestReflectionPolicy";
    match fields.text(path)?.map(|said| (said.text, said.node)) {
        None | Some(("Never", _)) => Ok(None),
        Some((said @ ("Always" | "IfNotPresent"), node)) => {
            if said == "Always" && fields.get("spec.interval")?.is_none() {
                let reason = format!("`{path}` is `Always`, and `spec.interval` is not written");
                let mend = "write how often the digest is to be looked up, such as `interval: 10m`";
                return Err(fields.broken(Rule::InvalidValue, node, &reason, mend));
            }
            Ok(Some(fields.place_of(node)))
        }
        Some((said, node)) => {
            let reason = format!("`{path}: {said}` is none");
            Err(fields.broken(Rule::InvalidValue, node, &reason, "write `Never`, `IfNotPresent` or `Always`"))
        }
    }
}
