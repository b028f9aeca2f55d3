//! The objects of Flux version 2 in the whole repository, joined: what a marker asks for is the policy that
//! it names, on the repository that this one names.
//!
//! Must not know where markers stand. What is wrong between objects is a problem of the one that names the
//! other, told once however many markers wait for it.

use std::collections::{HashMap, HashSet};

use crate::image::Reference;
use crate::manifest::{
    Automation, FluxObjects, ImagePolicy, ImageRepository, Labels, Lock, Namespace, ObjectName, Place, Problem, Rule,
    Scanned, Severity, Wanted, Wish,
};
use crate::policy::peer::Flux2;
use crate::policy::{Peer, Policy, PolicyBuilder};

/// How many names are listed in a problem.
const MOST_NAMES: usize = 20;

/// How many names are compared with one that is not there.
const MOST_COMPARED: usize = 200;

/// What a marker asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked<'a> {
    /// The object.
    pub(super) object: &'a ImagePolicy,
    /// Which tag.
    pub(super) policy: Policy,
    /// The same in the words of Flux.
    pub(super) peer: Peer,
    /// Of which image.
    pub(super) image: &'a Reference,
    /// Whether it is suspended.
    pub(super) automation: Automation,
    /// Where whole images are asked for with their digest.
    pub(super) digests: Option<&'a Place>,
}

/// The objects that markers can name.
pub(super) struct Objects<'a> {
    policies: Named<'a, ImagePolicy>,
    repositories: Named<'a, ImageRepository>,
    /// By name; several of one name are several clusters.
    namespaces: HashMap<&'a str, Vec<&'a Namespace>>,
}

/// Why a marker is not followed.
#[derive(Debug, Clone)]
pub(super) enum Unasked {
    /// It names nothing, or several things.
    Missing(Missing),
    /// What it names is broken, which is told where that stands.
    Broken(Problem),
}

/// Objects of one kind.
struct Named<'a, T> {
    /// By their names without namespace.
    by_name: HashMap<&'a str, Vec<&'a T>>,
    /// Their whole names, sorted, for those who look for one that is not there.
    names: Vec<String>,
}

impl<'a> Objects<'a> {
    pub(super) fn of(all: impl Iterator<Item = &'a FluxObjects> + Clone) -> Self {
        let mut namespaces: HashMap<&str, Vec<&Namespace>> = HashMap::new();
        for namespace in all.clone().flat_map(|objects| &objects.namespaces) {
            namespaces.entry(&namespace.name).or_default().push(namespace);
        }
        Self {
            policies: Named::of(all.clone().flat_map(|objects| &objects.policies), |policy| &policy.name),
            repositories: Named::of(all.flat_map(|objects| &objects.repositories), |repository| &repository.name),
            namespaces,
        }
    }

    /// What a marker asks for.
    pub(super) fn asked(&self, wish: &Wish) -> Result<Asked<'a>, Unasked> {
        let wanted = ObjectName { namespace: Some(wish.namespace.to_string()), name: wish.policy.to_string() };
        let place = |policy: &'a ImagePolicy| (&policy.name, &policy.place);
        let policy = pick(&self.policies, &wanted, place, same_policy);
        let policy =
            policy.map_err(|absent| Unasked::Missing(absent.of("ImagePolicy", &wanted, &self.policies.names)))?;
        self.ask(policy, Some(&wish.namespace)).map_err(Unasked::Broken)
    }

    /// What a policy asks for that stands in this namespace; where that is not known, in any.
    fn ask(&self, object: &'a ImagePolicy, namespace: Option<&str>) -> Result<Asked<'a>, Problem> {
        let wanted = object.wanted.as_ref().map_err(Clone::clone)?;
        let repository = self.repository(object, wanted, namespace)?;
        let scanned = repository.scanned.as_ref().map_err(Clone::clone)?;
        let peer = Peer::from(Flux2 { exclusion: scanned.exclusion.clone(), ..wanted.rule.clone() });
        let policy = peer.policy().map_err(|error| error.to_string()).and_then(|policy| {
            let builder = PolicyBuilder::from_policy(&policy).preset(&format!("ImagePolicy {}", object.name));
            builder.build().map_err(|error| error.to_string())
        });
        let policy = policy.map_err(|reason| broken(Rule::BrokenPolicy, object, &object.place, &reason, ""))?;
        let suspended = match (&wanted.suspended, &scanned.suspended) {
            (Some(place), _) => Some(("ImagePolicy", &object.name, place)),
            (None, Some(place)) => Some(("ImageRepository", &repository.name, place)),
            (None, None) => None,
        };
        let automation = suspended.map_or(Automation::On, |(kind, name, place)| locked(kind, name, place));
        Ok(Asked { object, policy, peer, image: &scanned.image, automation, digests: wanted.digests.as_ref() })
    }

    /// The repository that a policy names, if it may.
    fn repository(
        &self,
        policy: &ImagePolicy,
        wanted: &Wanted,
        namespace: Option<&str>,
    ) -> Result<&'a ImageRepository, Problem> {
        let mut name = wanted.repository.clone();
        name.namespace = name.namespace.or_else(|| namespace.map(str::to_owned));
        let place = |repository: &'a ImageRepository| (&repository.name, &repository.place);
        let found = pick(&self.repositories, &name, place, same_repository).map_err(|absent| {
            let Missing { message, mend } = absent.of("ImageRepository", &name, &self.repositories.names);
            broken(Rule::MissingPolicy, policy, &wanted.reference, &message, &mend)
        })?;
        let own = policy.name.namespace.as_deref().or(namespace);
        match (own, name.namespace.as_deref()) {
            (Some(own), Some(theirs)) if own != theirs => match self.refusal(own, found) {
                None => Ok(found),
                Some((message, mend)) => Err(broken(Rule::MissingPolicy, policy, &wanted.reference, &message, &mend)),
            },
            _ => Ok(found),
        }
    }

    /// Why policies of a namespace may not name this repository of another one, and how to mend it.
    fn refusal(&self, namespace: &str, repository: &ImageRepository) -> Option<(String, String)> {
        let Ok(scanned) = &repository.scanned else { return None };
        let lets_in = |labels: &Labels| scanned.access.lets_in(labels);
        let is_let_in = match self.namespaces.get(namespace).map(Vec::as_slice).unwrap_or_default() {
            // Of one that is not in this repository the name is known, and no other label.
            [] => lets_in(&Namespace::new(namespace, Labels::default()).labels),
            all => all.iter().all(|namespace| lets_in(&namespace.labels)),
        };
        let (name, place) = (&repository.name, &repository.place);
        let message = if scanned.access.is_closed() {
            format!("the ImageRepository {name} ({place}) is one of another namespace and lets no other in")
        } else {
            format!(
                "the ImageRepository {name} ({place}) is one of another namespace, and nothing here shows that its \
                 `spec.accessFrom` lets `{namespace}` in"
            )
        };
        let mend = format!(
            "write `accessFrom: {{namespaceSelectors: [{{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}]}}` \
             there, or an ImageRepository in the namespace of the policy"
        );
        (!is_let_in).then_some((message, mend))
    }

    /// Policies whose repository nobody scans or that may not name it; and, as advice, those that no marker names.
    pub(super) fn report<'w>(
        &self,
        wishes: impl Iterator<Item = &'w Wish>,
        problems: &mut Vec<Problem>,
        advice: &mut Vec<Problem>,
    ) {
        let mut named: HashMap<&str, HashSet<&str>> = HashMap::new();
        for wish in wishes {
            named.entry(&wish.policy).or_default().insert(&wish.namespace);
        }
        for policy in self.policies.by_name.values().flatten() {
            let namespace = policy.name.namespace.as_deref();
            if let Ok(wanted) = &policy.wanted {
                let is_open = wanted.repository.namespace.is_none()
                    && self.repositories.by_name.contains_key(wanted.repository.name.as_str());
                problems.extend(self.repository(policy, wanted, namespace).err().filter(|_| !is_open));
            }
            let namespaces = named.get(policy.name.name.as_str());
            if namespaces.is_none_or(|namespaces| namespace.is_some_and(|own| !namespaces.contains(own))) {
                let message = format!("no marker names the ImagePolicy {}", policy.name);
                let mend = format!(
                    "mark a tag with `# {{\"$imagepolicy\": \"{}:{}:tag\"}}`, or remove the policy",
                    namespace.unwrap_or("<namespace>"),
                    policy.name.name
                );
                advice.push(Problem::new(Rule::UnusedPolicy, Severity::Hint, policy.place.clone(), message, mend));
            }
        }
    }
}

/// The lock of a suspended object.
pub(super) fn locked(kind: &str, name: &ObjectName, place: &Place) -> Automation {
    let reason = format!("the {kind} {name} ({place}) is suspended");
    Automation::Locked(Lock { reason: Some(reason), ..Lock::default() })
}

fn same_policy(one: &ImagePolicy, two: &ImagePolicy) -> bool {
    let told = |policy: &ImagePolicy| {
        let wanted = policy.wanted.as_ref().ok();
        wanted.map(|wanted| {
            let Wanted { repository, rule, suspended, digests, .. } = wanted;
            (repository.clone(), rule.clone(), suspended.is_some(), digests.is_some())
        })
    };
    one.labels == two.labels && told(one) == told(two)
}

fn same_repository(one: &ImageRepository, two: &ImageRepository) -> bool {
    let told = |repository: &ImageRepository| {
        let scanned = repository.scanned.as_ref().ok();
        scanned.map(|scanned| Scanned { suspended: None, ..scanned.clone() })
    };
    let is_suspended =
        |repository: &ImageRepository| repository.scanned.as_ref().is_ok_and(|scanned| scanned.suspended.is_some());
    told(one) == told(two) && is_suspended(one) == is_suspended(two)
}

impl<'a, T> Named<'a, T> {
    fn of(objects: impl Iterator<Item = &'a T>, name: impl Fn(&'a T) -> &'a ObjectName) -> Self {
        let mut named = Self { by_name: HashMap::new(), names: Vec::new() };
        for object in objects {
            let name = name(object);
            named.names.push(name.to_string());
            named.by_name.entry(&name.name).or_default().push(object);
        }
        named.names.sort_unstable();
        named.names.dedup();
        named
    }
}

/// Why no object is found.
enum Absent {
    /// None has that name.
    Nowhere,
    /// Several have it, and do not say the same; two of their places.
    Several(Place, Place),
}

/// What to say where no object is found.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    /// What is missing.
    pub(super) message: String,
    /// How to mend it.
    pub(super) mend: String,
}

/// The one object of that name: in that namespace, or without a namespace where no other has the name.
fn pick<'a, T>(
    objects: &Named<'a, T>,
    wanted: &ObjectName,
    who: impl Fn(&'a T) -> (&'a ObjectName, &'a Place),
    same: impl Fn(&T, &T) -> bool,
) -> Result<&'a T, Absent> {
    let namesakes = objects.by_name.get(wanted.name.as_str()).map(Vec::as_slice).unwrap_or_default();
    let namespace = |object: &'a T| &who(object).0.namespace;
    let mut found: Vec<&'a T> =
        namesakes.iter().copied().filter(|object| *namespace(object) == wanted.namespace).collect();
    if found.is_empty() && namesakes.iter().all(|object| namespace(object).is_none()) {
        found.extend(namesakes);
    }
    let (first, rest) = found.split_first().ok_or(Absent::Nowhere)?;
    match rest.iter().find(|other| !same(first, other)) {
        Some(other) => Err(Absent::Several(who(first).1.clone(), who(other).1.clone())),
        None => Ok(first),
    }
}

impl Absent {
    fn of(self, kind: &str, wanted: &ObjectName, names: &[String]) -> Missing {
        match self {
            Self::Several(one, two) => Missing {
                message: format!("there are several of the name {kind} {wanted}, and they differ: {one} and {two}"),
                mend: "keep one of them below the paths that are looked at".to_owned(),
            },
            Self::Nowhere => {
                let written = wanted.to_string();
                let distance = |other: &str| strsim::damerau_levenshtein(&written, other);
                let near = names.iter().take(MOST_COMPARED).filter(|other| distance(other) <= 3);
                let listed = listed(names);
                let mend = match near.min_by_key(|other| distance(other)) {
                    Some(meant) => format!("did you mean `{meant}`? There are: {listed}"),
                    None if names.is_empty() => {
                        format!("add it below the paths that are looked at; there is no {kind} at all")
                    }
                    None => format!("there are: {listed}"),
                };
                Missing { message: format!("there is no {kind} {written} in this repository"), mend }
            }
        }
    }
}

/// The first names, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let first = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{first} and {} more", names.len() - MOST_NAMES) } else { first }
}

fn broken(rule: Rule, policy: &ImagePolicy, place: &Place, reason: &str, mend: &str) -> Problem {
    let message = format!("the ImagePolicy {} is not followed: {reason}", policy.name);
    Problem::new(rule, Severity::Error, place.clone(), message, mend)
}
