//! Images in objects of any kind, where annotations say that they stand: `image.<alias>` with a path.
//!
//! Knows the paths that annotations give, and tells those that lead to no image; what they ask for is
//! not known here.

use super::super::problem::{Place, Problem, Rule, Severity};
use super::super::yaml::NodeRef;
use super::field_path::{DeadEnd, FieldPath};
use super::values::{Found, Level, MOST_ALIASES, Width, at_path, explicit};
use super::{Ask, Find, GivenPath, Library, Paths};
use crate::path::RepoPath;

/// Why the paths of an alias lead to no image.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// How far they lead.
    depth: usize,
    problem: Problem,
}

/// The images that annotations point at with paths from the root of the object, those that other shapes
/// have found already set aside. What leads nowhere is a problem.
pub(super) fn read<'a>(object: NodeRef<'a>, kind: &str, ask: &Ask<'_>, _: &'a Library, find: &mut Find<'a>) {
    read_object(object, kind, ask, None, find);
}

/// As [`read`], for an object in another file.
pub(super) fn read_object<'a>(
    object: NodeRef<'a>,
    kind: &str,
    ask: &Ask<'_>,
    file: Option<&'a RepoPath>,
    find: &mut Find<'a>,
) {
    if ask.paths.is_empty() {
        return;
    }
    match untouchable(object, kind) {
        Some((message, mend)) => {
            for (alias, paths) in &ask.paths {
                let Some(said) = paths.first() else { continue };
                let lost = Lost::new(
                    Rule::Untouchable,
                    said,
                    &format!("points into {message}"),
                    mend.clone(),
                    Severity::Error,
                );
                find.lost.insert((*alias).to_owned(), lost);
            }
        }
        None => read_paths(object, ask, file, find),
    }
    report(ask, find);
}

/// Adds a slot for each alias with a path (`image.<alias>`, `repository.fluxcd.io/<alias>`, …) that leads
/// to an image below `root`, in place of a slot that has its name or its image. The other aliases can be
/// tried with the next root; those that no root has are reported in the end. `file` is the file of `root`
/// where it is not that of the object.
pub(super) fn read_paths<'a>(root: NodeRef<'a>, ask: &Ask<'_>, file: Option<&'a RepoPath>, find: &mut Find<'a>) {
    read_paths_in(&Level::of(root, file), ask, find);
}

/// As [`read_paths`], for values that lie over one another.
pub(super) fn read_paths_in<'a>(root: &Level<'a>, ask: &Ask<'_>, find: &mut Find<'a>) {
    for (alias, paths) in ask.paths.iter().take(MOST_ALIASES) {
        if find.placed.contains(*alias) {
            continue;
        }
        let Some(first) = paths.first() else { continue };
        match resolve(root, paths, first, ask) {
            Ok(found) => {
                give_way(alias, &found, ask, find);
                find.slots.push(found.slot(alias, false));
                find.placed.insert((*alias).to_owned());
            }
            Err(lost) if find.lost.get(*alias).is_none_or(|before| lost.depth > before.depth) => {
                find.lost.insert((*alias).to_owned(), lost);
            }
            Err(_) => {}
        }
    }
}

/// Makes room for an image under the name that annotations give it: what has this name already gives
/// way, and so does the same image under a name that nobody uses.
pub(super) fn give_way<'a>(alias: &str, found: &Found<'a>, ask: &Ask<'_>, find: &mut Find<'a>) {
    let carrier = found.spot.carrier();
    let is_same = |node: NodeRef<'a>| std::ptr::eq(node.tree(), carrier.tree()) && node.id() == carrier.id();
    find.slots.retain(|slot| {
        let unused = slot.name.as_deref().is_none_or(|name| !ask.aliases.contains(name));
        let same = slot.spot.is_some_and(|spot| is_same(spot.carrier()));
        slot.name.as_deref() != Some(alias) && !(same && unused)
    });
}

/// Tells of every alias whose paths led to no image.
pub(super) fn report(ask: &Ask<'_>, find: &mut Find<'_>) {
    for (alias, paths) in &ask.paths {
        if find.placed.contains(*alias) {
            continue;
        }
        let problem = find.lost.remove(*alias).map(|lost| lost.problem).or_else(|| {
            let message = format!("is one of more than {MOST_ALIASES} paths of one object, which are not followed");
            let said = paths.first()?;
            Some(Lost::new(Rule::ImagePath, said, &message, "give fewer paths".to_owned(), Severity::Error).problem)
        });
        find.problems.extend(problem);
    }
}

/// What an object is in which nothing is ever changed, and what to do instead.
pub(in crate::manifest) fn untouchable(object: NodeRef<'_>, kind: &str) -> Option<(String, String)> {
    let group =
        object.get_text("apiVersion").and_then(|version| version.split_once('/')).map_or("", |(group, _)| group);
    if group == "image.toolkit.fluxcd.io" {
        let message = format!("this {kind}, whose image is one to look at and not one that runs");
        return Some((message, "remove it, and point at the image where it runs".to_owned()));
    }
    let is_secret = matches!(kind, "Secret" | "SealedSecret");
    is_secret.then(|| (format!("this {kind}, which is never changed"), "move the image out of it".to_owned()))
}

/// The image that the paths of one alias lead to, of which `first` is the first.
fn resolve<'a>(root: &Level<'a>, paths: &Paths<'_>, first: GivenPath<'_>, ask: &Ask<'_>) -> Result<Found<'a>, Lost> {
    let look = |said: GivenPath<'_>| root.look(&parse(said)?).map_err(|end| Lost::dead_end(said, end));
    let found = if let Some(image) = paths.image {
        if let Some(part) = [paths.repository, paths.tag, paths.registry].into_iter().flatten().next() {
            let message = format!("says where the image stands, and `{}` says so as well", part.written);
            return Err(Lost::new(
                Rule::Contradiction,
                image,
                &message,
                "remove one of them".to_owned(),
                Severity::Error,
            ));
        }
        explicit(root, &parse(image)?, &look(image)?, Width::Any)
    } else if let Some(repository) = paths.repository {
        let registry = paths.registry.map(look).transpose()?;
        let tag = paths.tag.map(look).transpose()?;
        // A digest that is not there pins nothing, and one that nobody points at pins all the same.
        let digest = paths.digest.and_then(|said| root.look(&parse(said).ok()?).ok());
        let digest = digest.or_else(|| beside(root, &parse(paths.tag.unwrap_or(repository)).ok()?, "digest"));
        at_path(registry.as_ref(), &look(repository)?, tag.as_ref(), digest.as_ref())
    } else {
        return Err(Lost::orphan(first));
    };
    let no_image = |why: String| {
        let mend = "write the path to an image, or to the mapping with its repository and its tag";
        let lost =
            Lost::new(Rule::ImagePath, first, &format!("leads to no image: {why}"), mend.to_owned(), first.severity);
        // It led somewhere, which says more than how a path got lost.
        Lost { depth: usize::MAX, ..lost }
    };
    let found = found.ok_or_else(|| no_image(format!("none is written at `{}`", first.text)))?;
    match found.spot.read(found.file.unwrap_or(ask.file)) {
        Ok(_) => Ok(found),
        Err(misread) => Err(no_image(misread.to_string())),
    }
}

/// What a key says in the mapping that the path leads into.
fn beside<'a>(root: &Level<'a>, path: &FieldPath, key: &str) -> Option<Level<'a>> {
    let around = path.parent().map_or_else(|| Some(root.clone()), |parent| root.look(&parent).ok());
    around?.get(key)
}

fn parse(said: GivenPath<'_>) -> Result<FieldPath, Lost> {
    FieldPath::parse(said.text).map_err(|wrong| {
        let message = format!("is no path: `{}`: {wrong}", said.text);
        Lost::new(Rule::InvalidValue, said, &message, String::new(), said.severity)
    })
}

impl<'p> Paths<'p> {
    /// One of the paths that are given.
    fn first(&self) -> Option<GivenPath<'p>> {
        [self.image, self.repository, self.tag, self.registry].into_iter().flatten().next()
    }
}

impl Lost {
    fn new(rule: Rule, said: GivenPath<'_>, message: &str, mend: String, severity: Severity) -> Self {
        let place: Place = said.place.clone();
        let problem = Problem::new(rule, severity, place, format!("`{}` {message}", said.written), mend);
        Self { depth: 0, problem }
    }

    fn dead_end(said: GivenPath<'_>, end: DeadEnd) -> Self {
        let DeadEnd { depth, message, mend, .. } = end;
        let message = format!("leads nowhere: {message}");
        Self { depth, ..Self::new(Rule::ImagePath, said, &message, mend, said.severity) }
    }

    /// A part without the repository that it belongs to.
    fn orphan(said: GivenPath<'_>) -> Self {
        let alias = said.written.split_once('/').map_or(said.written, |(_, alias)| alias);
        let is_pattern = ["glob:", "semver:", "regex:", "regexp:"].iter().any(|kind| said.text.starts_with(kind));
        let mend = if is_pattern {
            format!("did you mean `filter.fluxcd.io/{alias}`?")
        } else {
            format!("write `repository.fluxcd.io/{alias}` with the path to the repository")
        };
        let message = "is the path to a part of an image, and nothing says where its repository stands";
        Self::new(Rule::ImagePath, said, message, mend, Severity::Error)
    }
}

#[cfg(test)]
mod tests;
