//! What an `ImagePolicy` asks for, as a policy of ours: exactly, or not at all.
//!
//! Where the controller has no guard we keep ours: a tag is never older than the one in Git, `latest` is
//! taken only when the pattern names it, and a tag that is no number is passed over instead of
//! failing the policy.

use crate::manifest::yaml::NodeRef;
use crate::policy::{By, Dialect, Direction, Order, Pattern, PatternKind, Policy};

/// The policy in `spec`, under this name; or what is wrong, and how to mend it.
pub(super) fn read(spec: Option<NodeRef<'_>>, name: &str) -> Result<Policy, String> {
    let at = |path: [&str; 2]| spec?.get(path[0])?.get(path[1]).filter(|node| !node.is_null());
    let filter = |key| at(["filterTags", key]).and_then(|node| node.resolved().text()).filter(|text| !text.is_empty());
    let regex = || {
        let pattern = Pattern::parse_as(PatternKind::Regex, filter("pattern").unwrap_or(".*"), Dialect::Flux2);
        pattern.map_err(|error| format!("`filterTags.pattern`: {error}"))
    };
    // The first that is there counts, as for the controller.
    let mut builder = if let Some(policy) = at(["policy", "semver"]) {
        let range = policy.get_text("range").unwrap_or_default();
        let range = Pattern::parse_as(PatternKind::Semver, range, Dialect::Flux2);
        let range = range.map_err(|error| format!("`policy.semver.range`: {error}"))?;
        if filter("pattern").is_none() && filter("extract").is_none() {
            return Policy::builder(range).preset(name).build().map_err(|error| error.to_string());
        }
        Policy::builder(regex()?).order(Order { by: By::Semver, direction: Direction::Ascending }).constraint(range)
    } else if let Some(policy) = at(["policy", "alphabetical"]) {
        Policy::builder(regex()?).order(Order { by: By::Alphabetical, direction: direction(policy)? })
    } else if let Some(policy) = at(["policy", "numerical"]) {
        Policy::builder(regex()?).order(Order { by: By::Numeric, direction: direction(policy)? })
    } else {
        return Err("`spec.policy` says no order; write `numerical`, `alphabetical` or `semver` in it".to_owned());
    };
    if let Some(extract) = filter("extract") {
        builder = builder.extract(extract);
    }
    builder.preset(name).build().map_err(|error| format!("`filterTags.extract`: {error}"))
}

fn direction(policy: NodeRef<'_>) -> Result<Direction, String> {
    match policy.get_text("order").unwrap_or_default() {
        text if text.is_empty() || text.eq_ignore_ascii_case("asc") => Ok(Direction::Ascending),
        text if text.eq_ignore_ascii_case("desc") => Ok(Direction::Descending),
        text => Err(format!("`order: {text}` is neither `asc` nor `desc`")),
    }
}
