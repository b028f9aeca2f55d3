//! What an `ImagePolicy` asks for: its fields, as they are written. What they mean is known to [`Flux2`].

use crate::manifest::yaml::NodeRef;
use crate::policy::peer::{Flux2, Flux2Filter, Flux2Policy};

/// What `spec` says.
pub(super) fn read(spec: Option<NodeRef<'_>>) -> Flux2 {
    let at = |key: &str| spec?.get(key).filter(|node| !node.is_null());
    let text = |node: NodeRef<'_>, key: &str| Box::from(node.get_text(key).unwrap_or_default());
    let filter = at("filterTags")
        .map(|filter| Flux2Filter { pattern: text(filter, "pattern"), extract: text(filter, "extract") });
    let stated = |key: &str| at("policy")?.get(key).filter(|node| !node.is_null());
    // The first that is there counts, as for the controller.
    let policy = stated("semver").map(|node| Flux2Policy::Semver(text(node, "range")));
    let policy = policy.or_else(|| stated("alphabetical").map(|node| Flux2Policy::Alphabetical(text(node, "order"))));
    let policy = policy.or_else(|| stated("numerical").map(|node| Flux2Policy::Numerical(text(node, "order"))));
    Flux2 { filter, policy, exclusion: None }
}
