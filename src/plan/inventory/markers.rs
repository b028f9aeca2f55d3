//! Comments that name a policy of Flux version 2, joined with the `ImagePolicy` and `ImageRepository`
//! objects of the whole repository; and which images belong to a marker rather than to their workload.
//!
//! Must not know how comments and objects are written.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::image::Reference;
use crate::manifest::{
    Automation, Container, ContainerPolicy, ImagePart, ImagePolicy, ImageRepository, Lock, Manifest, ObjectName, Place,
    Problem, Rule, Setter, Severity, Workload,
};
use crate::path::RepoPath;
use crate::policy::Policy;

/// How many names are listed in a problem.
const MOST_NAMES: usize = 20;

/// Adds what the markers of all files ask for to the workloads, and takes from those the images that
/// markers decide about alone.
pub(super) fn settle(
    manifests: &BTreeMap<RepoPath, Arc<Manifest>>,
    workloads: &mut Vec<Arc<Workload>>,
    problems: &mut Vec<Problem>,
) {
    let all = || manifests.values().map(|manifest| &manifest.markers);
    let mut marked: Vec<Arc<Workload>> = all().flat_map(|markers| markers.workloads.iter().cloned()).collect();
    let setters: Vec<&Setter> = all().flat_map(|markers| &markers.setters).collect();
    if !setters.is_empty() {
        let objects = Objects {
            policies: Named::of(all().flat_map(|markers| &markers.policies), |policy| &policy.name),
            repositories: Named::of(all().flat_map(|markers| &markers.repositories), |repository| &repository.name),
        };
        join(&setters, &objects, &mut marked, problems);
    }
    let ignored: HashSet<&Place> = all().flat_map(|markers| &markers.ignored).collect();
    give_way(workloads, &mut marked, problems);
    take_over(workloads, marked, &ignored);
}

/// Follows each setter, or holds it.
fn join(setters: &[&Setter], objects: &Objects<'_>, marked: &mut Vec<Arc<Workload>>, problems: &mut Vec<Problem>) {
    let resolved: Vec<Result<Resolved<'_>, Problem>> = setters.iter().map(|setter| objects.rule(setter)).collect();
    // A digest or name that stays behind beside a new tag would say something that nobody wants.
    let mut trouble: HashMap<&Place, Problem> = HashMap::new();
    for (setter, rule) in setters.iter().zip(&resolved) {
        let problem = match (setter.wish.part, rule) {
            (ImagePart::Whole | ImagePart::Tag, _) => continue,
            (_, Err(problem)) => Some(problem.clone()),
            (ImagePart::Name, Ok(rule)) => setter.misnomer(rule.image),
            (ImagePart::Digest, Ok(_)) => Some(setter.problem(
                Rule::NotSupported,
                "the part `:digest` is not supported yet, and a new tag beside an old digest would change nothing",
                "remove the digest and its marker to let the image follow its tag",
            )),
        };
        let Some(problem) = problem else { continue };
        if let Some(mapping) = &setter.mapping {
            trouble.entry(mapping).or_insert_with(|| problem.clone());
        }
        problems.push(problem);
    }
    for (setter, rule) in setters.iter().zip(resolved) {
        if !matches!(setter.wish.part, ImagePart::Whole | ImagePart::Tag) {
            continue;
        }
        let beside = setter.mapping.as_ref().and_then(|mapping| trouble.get(mapping)).cloned();
        let followed = match (beside, rule) {
            (Some(problem), _) | (None, Err(problem)) => Err(problem),
            (None, Ok(rule)) => setter.follow(rule.image, &rule.policy, rule.automation),
        };
        match followed {
            Ok(workload) => {
                problems.extend(workload.containers.iter().filter_map(|container| container.image.warning()));
                marked.push(Arc::new(workload));
            }
            Err(problem) => {
                marked.extend(setter.hold(&problem).map(Arc::new));
                problems.push(problem);
            }
        }
    }
}

/// A policy with its repository.
struct Resolved<'a> {
    policy: Cow<'a, Policy>,
    image: &'a Reference,
    automation: Automation,
}

/// The objects that markers can name.
struct Objects<'a> {
    policies: Named<'a, ImagePolicy>,
    repositories: Named<'a, ImageRepository>,
}

/// Objects of one kind.
struct Named<'a, T> {
    /// By their names without namespace.
    by_name: HashMap<&'a str, Vec<&'a T>>,
    /// Their whole names, sorted, for those who look for one that is not there.
    names: Vec<String>,
}

impl<'a> Objects<'a> {
    /// What a setter asks for.
    fn rule(&self, setter: &Setter) -> Result<Resolved<'a>, Problem> {
        let wish = &setter.wish;
        let name = ObjectName { namespace: Some(wish.namespace.to_string()), name: wish.policy.to_string() };
        let told = |policy: &ImagePolicy| (policy.repository.clone(), policy.rule.clone(), policy.is_suspended);
        let policy =
            pick(&self.policies, &name, |policy| (&policy.name, &policy.place), |one, two| told(one) == told(two))
                .map_err(|missing| missing.problem(setter, "ImagePolicy", &name, &self.policies.names))?;
        let rule = policy.rule.as_ref().map_err(|reason| broken("ImagePolicy", &policy.name, &policy.place, reason))?;
        if policy.wants_digest && wish.part == ImagePart::Whole {
            let reason =
                "`spec.digestReflectionPolicy` is not supported yet; remove it, or mark the tag alone with `:tag`";
            return Err(broken("ImagePolicy", &policy.name, &policy.place, reason));
        }
        // A policy that says no namespace stands in the one that the marker names.
        let mut home = policy.repository.clone();
        home.namespace = home.namespace.or_else(|| name.namespace.clone());
        let same = |one: &ImageRepository, two: &ImageRepository| {
            (&one.image, &one.exclusion, one.is_suspended) == (&two.image, &two.exclusion, two.is_suspended)
        };
        let repository = pick(&self.repositories, &home, |repository| (&repository.name, &repository.place), same)
            .map_err(|missing| missing.problem(setter, "ImageRepository", &home, &self.repositories.names))?;
        let broken = |reason: &String| broken("ImageRepository", &repository.name, &repository.place, reason);
        let image = repository.image.as_ref().map_err(broken)?;
        let rule = match &repository.exclusion {
            None => Cow::Borrowed(rule),
            Some(list) => Cow::Owned(policy.excluding(list).map_err(|reason| broken(&reason))?),
        };
        let suspended = if policy.is_suspended {
            Some(("ImagePolicy", &policy.name, &policy.place))
        } else {
            repository.is_suspended.then_some(("ImageRepository", &repository.name, &repository.place))
        };
        let automation = suspended.map_or(Automation::On, |(kind, name, place)| {
            let reason = format!("the {kind} {name} ({place}) is suspended");
            Automation::Locked(Lock { reason: Some(reason), ..Lock::default() })
        });
        Ok(Resolved { policy: rule, image, automation })
    }
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
enum Missing {
    /// None has that name.
    Absent,
    /// Several have it, and do not say the same; two of their places.
    Several(Place, Place),
}

/// The one object of that name: in that namespace, or without a namespace where no other has the name.
fn pick<'a, T>(
    objects: &Named<'a, T>,
    wanted: &ObjectName,
    who: impl Fn(&'a T) -> (&'a ObjectName, &'a Place),
    same: impl Fn(&T, &T) -> bool,
) -> Result<&'a T, Missing> {
    let namesakes = objects.by_name.get(wanted.name.as_str()).map(Vec::as_slice).unwrap_or_default();
    let namespace = |object: &'a T| &who(object).0.namespace;
    let mut found: Vec<&'a T> =
        namesakes.iter().copied().filter(|object| *namespace(object) == wanted.namespace).collect();
    if found.is_empty() && namesakes.iter().all(|object| namespace(object).is_none()) {
        found.extend(namesakes);
    }
    let (first, rest) = found.split_first().ok_or(Missing::Absent)?;
    match rest.iter().find(|other| !same(first, other)) {
        Some(other) => Err(Missing::Several(who(first).1.clone(), who(other).1.clone())),
        None => Ok(first),
    }
}

impl Missing {
    fn problem(self, setter: &Setter, kind: &str, wanted: &ObjectName, names: &[String]) -> Problem {
        match self {
            Self::Several(one, two) => {
                let message =
                    format!("there are several of the name {kind} {wanted}, and they differ: {one} and {two}");
                setter.problem(Rule::MissingPolicy, message, "keep one of them below the paths that are looked at")
            }
            Self::Absent => {
                let written = wanted.to_string();
                let near = |other: &&String| strsim::damerau_levenshtein(&written, other) <= 3;
                let meant = names
                    .iter()
                    .take(MOST_NAMES * 10)
                    .filter(near)
                    .min_by_key(|other| strsim::damerau_levenshtein(&written, other));
                let more = if names.len() > MOST_NAMES {
                    format!(" and {} more", names.len() - MOST_NAMES)
                } else {
                    String::new()
                };
                let listed = format!("{}{more}", names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", "));
                let mend = match meant {
                    Some(meant) => format!("did you mean `{meant}`? There are: {listed}"),
                    None if names.is_empty() => {
                        format!("add it below the paths that are looked at; there is no {kind} at all")
                    }
                    None => format!("there are: {listed}"),
                };
                setter.problem(Rule::MissingPolicy, format!("there is no {kind} {written} in this repository"), mend)
            }
        }
    }
}

/// A marker on an image that kustomizations replace comes to nothing, as an annotation would there.
fn give_way(workloads: &[Arc<Workload>], marked: &mut [Arc<Workload>], problems: &mut Vec<Problem>) {
    let containers = workloads.iter().flat_map(|workload| &workload.containers);
    let replaced: HashMap<&Place, &Place> = containers
        .filter_map(|container| match &container.policy {
            ContainerPolicy::Elsewhere { place } => Some((container.image.place(), place)),
            _ => None,
        })
        .collect();
    if replaced.is_empty() {
        return;
    }
    for workload in marked {
        let Some(place) = workload.containers.iter().find_map(|container| replaced.get(container.image.place())) else {
            continue;
        };
        let message = format!("the marker comes to nothing: the tag that counts is written at {place}");
        let problem = Problem::new(
            Rule::ReplacedImage,
            Severity::Warning,
            workload.place.clone(),
            message,
            "write the marker there",
        );
        problems.push(problem);
        for container in &mut Arc::make_mut(workload).containers {
            container.policy = ContainerPolicy::Elsewhere { place: (*place).clone() };
        }
    }
}

/// Takes from the workloads what markers decide about: images that nobody else speaks of, or where all
/// ask for the very same, and those that a marker says to leave alone, which stay as ignored ones. All
/// other images keep both owners.
fn take_over(workloads: &mut Vec<Arc<Workload>>, mut marked: Vec<Arc<Workload>>, ignored: &HashSet<&Place>) {
    for workload in &mut marked {
        if workload.containers.iter().any(|container| ignored.contains(container.image.place())) {
            Arc::make_mut(workload).automation = Automation::Ignored;
        }
    }
    let mut markers: HashMap<&Place, (&Workload, &Container)> = HashMap::new();
    for workload in &marked {
        markers.extend(workload.containers.iter().map(|container| (container.image.place(), (&**workload, container))));
    }
    if markers.is_empty() && ignored.is_empty() {
        return;
    }
    let mut apart = Vec::new();
    workloads.retain_mut(|workload| {
        let is_ignored = |container: &Container| ignored.contains(container.image.place());
        let is_marked = |container: &Container| {
            markers.get(container.image.place()).is_some_and(|(marker, image)| {
                let agree = marker.automation == workload.automation && image.policy == container.policy;
                let is_unasked = workload.automation == Automation::Off
                    && matches!(container.policy, ContainerPolicy::Unstated | ContainerPolicy::Elsewhere { .. });
                agree || is_unasked
            })
        };
        let goes = |container: &Container| is_ignored(container) || is_marked(container);
        if !workload.containers.iter().any(goes) {
            return true;
        }
        let (gone, stays): (Vec<Container>, Vec<Container>) = workload.containers.iter().cloned().partition(goes);
        let left: Vec<Container> = gone.into_iter().filter(is_ignored).collect();
        if !left.is_empty() {
            let ignored = Workload { automation: Automation::Ignored, containers: left, ..Workload::clone(workload) };
            apart.push(Arc::new(ignored));
        }
        let is_shown = !stays.is_empty();
        Arc::make_mut(workload).containers = stays;
        is_shown
    });
    workloads.extend(apart);
    workloads.extend(marked);
}

fn broken(kind: &str, name: &ObjectName, place: &Place, reason: &str) -> Problem {
    Problem::new(
        Rule::BrokenPolicy,
        Severity::Error,
        place.clone(),
        format!("the {kind} {name} is not followed: {reason}"),
        "",
    )
}
