//! The text of an image list: `alias=image:constraint, …`. Knows how it is split, and what people get wrong.

use crate::image::{Reference, Tag};
use crate::manifest::problem::Rule;

/// What is wrong with a text, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) rule: Rule,
    pub(super) what: String,
    pub(super) mend: String,
}

/// One item of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item<'t> {
    /// What annotations call it.
    pub(super) alias: Option<&'t str>,
    /// The image, or what is wrong with it.
    pub(super) image: Result<Meant<'t>, Wrong>,
    /// Whether nothing stands behind the alias, which spoils the whole list.
    pub(super) is_empty: bool,
    /// Whether a constraint goes on in the next item, so that half of it would be followed.
    pub(super) is_torn: Option<Wrong>,
}

/// An image with the versions that are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant<'t> {
    /// The repository.
    pub(super) image: Reference,
    /// What stands in the place of the tag.
    pub(super) constraint: Option<&'t str>,
    /// Something that Argo CD Image Updater reads otherwise.
    pub(super) doubt: Option<Wrong>,
}

impl Wrong {
    fn new(rule: Rule, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { rule, what: what.into(), mend: mend.into() }
    }
}

/// The items of a list; empty ones do not count.
pub(super) fn read(text: &str) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    for written in text.split(',').map(str::trim).filter(|written| !written.is_empty()) {
        if let Some(before) = items.last_mut().filter(|_| is_rest_of_constraint(written)) {
            let what = format!("a constraint cannot hold a comma: `{written}` is taken for an image of its own");
            let mend = "write a blank instead of the comma, as in `>=1.0 <2`";
            before.is_torn.get_or_insert(Wrong::new(Rule::InvalidPattern, what, mend));
            continue;
        }
        items.push(Item::read(written));
    }
    items
}

impl<'t> Item<'t> {
    fn read(written: &'t str) -> Self {
        let Some((alias, image)) = written.split_once('=') else {
            return Self { alias: None, image: split(written), is_empty: false, is_torn: None };
        };
        let (alias, image) = (alias.trim(), image.trim());
        let image = if alias.ends_with(['<', '>', '!', '~', '^', ':']) {
            let name = alias.split(':').next().unwrap_or(alias);
            let short = name.rsplit('/').next().unwrap_or(name);
            let what = format!("the first `=` ends an alias, so that `{alias}` is one here");
            Err(Wrong::new(Rule::InvalidImage, what, format!("write an alias before it: `{short}={written}`")))
        } else if image.is_empty() {
            let what = format!("no image stands behind `{alias}=`, so that nothing of the list counts");
            Err(Wrong::new(Rule::InvalidImage, what, "write the image there"))
        } else {
            split(image)
        };
        let is_empty = image.is_err() && written.ends_with('=');
        Self { alias: Some(alias).filter(|alias| !alias.is_empty()), image, is_empty, is_torn: None }
    }
}

/// An image with what stands in the place of its tag: behind the first `:` of its last part.
pub(super) fn split(written: &str) -> Result<Meant<'_>, Wrong> {
    if written.contains("{{") {
        let what = format!("`{written}` is a template, which is never expanded");
        let mend = "write the image itself, or annotate what the template makes";
        return Err(Wrong::new(Rule::Template, what, mend));
    }
    let (named, digest) = written.split_once('@').map_or((written, None), |(named, digest)| (named, Some(digest)));
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    let (name, constraint) = match named[last..].find(':') {
        Some(colon) => (&named[..last + colon], Some(named[last + colon + 1..].trim())),
        None => (named, None),
    };
    let constraint = constraint.filter(|constraint| !constraint.is_empty());
    let image = Reference::parse(name).map_err(|error| {
        let mend = "write an image such as `web=ghcr.io/shop/web:~1.2`";
        Wrong::new(Rule::InvalidImage, format!("`{written}` is no image: {error}"), mend)
    })?;
    if digest.is_some() {
        let mend = format!("write `{name}`, with a constraint or a tag behind it");
        let what = format!("`{written}` is one image by its digest, which nothing can follow");
        return Err(Wrong::new(Rule::InvalidImage, what, mend));
    }
    let host = name.split_once('/').map(|(host, _)| host);
    let is_misread = host.is_some_and(|host| host.contains(':') && !host.contains('.'))
        && constraint.is_some_and(|constraint| Tag::parse(constraint).is_err());
    let doubt = is_misread.then(|| {
        let what = format!(
            "Argo CD Image Updater takes the port of `{written}` for the tag; here it is the port, and the rest the constraint"
        );
        let mend = "write the host with a dot in it, if both are to read it alike";
        Wrong::new(Rule::UnclearWording, what, mend)
    });
    Ok(Meant { image, constraint, doubt })
}

/// Whether a text is a piece of a constraint and no image: `<2`, `!=1.5`, `2.x`.
fn is_rest_of_constraint(text: &str) -> bool {
    let version = text.trim_start_matches(['<', '>', '=', '!', '~', '^', ' ']);
    let digits = version.strip_prefix('v').unwrap_or(version);
    let is_version = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.contains('.')
        && digits.split('.').all(|part| {
            !part.is_empty() && part.chars().next().is_some_and(|c| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*'))
        })
        && !digits.contains(['/', ':']);
    let has_operator = version.len() < text.len();
    is_version || (has_operator && digits.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{Item, Meant, read};

    /// `alias=image:constraint` of each item, `!what; mend` where it is wrong.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let shown = |item: &Item<'_>| {
            let alias = item.alias.map(|alias| format!("{alias}=")).unwrap_or_default();
            let image = match &item.image {
                Ok(Meant { image, constraint, doubt }) => {
                    let doubt =
                        doubt.as_ref().map(|doubt| format!(" ?{}; {}", doubt.what, doubt.mend)).unwrap_or_default();
                    let constraint = constraint.map(|constraint| format!(" {constraint}")).unwrap_or_default();
                    format!("{}{constraint}{doubt}", image.repository())
                }
                Err(wrong) => format!("!{}; {}", wrong.what, wrong.mend),
            };
            let torn = item.is_torn.as_ref().map(|wrong| format!(" ^{}; {}", wrong.what, wrong.mend));
            format!("{alias}{image}{}", torn.unwrap_or_default())
        };
        assert_eq!(read(text).iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn aliases_images_and_constraints() {
        check("nginx", &["docker.io/library/nginx"]);
        check(
            " web = ghcr.io/shop/web:~1.2 ,, db=postgres:^16 ",
            &["web=ghcr.io/shop/web ~1.2", "db=docker.io/library/postgres ^16"],
        );
        check("web=nginx:>=1.0 <2", &["web=docker.io/library/nginx >=1.0 <2"]);
        check("=nginx:1.x", &["docker.io/library/nginx 1.x"]);
        check("nginx:", &["docker.io/library/nginx"]);
        check("jannfis/orig=gcr.io/jannfis/test:0.1", &["jannfis/orig=gcr.io/jannfis/test 0.1"]);
        check(
            "ghcr.io:4567/jannfis/orig=gcr.io:1234/jannfis/test:0.1",
            &["ghcr.io:4567/jannfis/orig=gcr.io:1234/jannfis/test 0.1"],
        );
        check("classic-web=registry:5000/classic-web", &["classic-web=registry:5000/classic-web"]);
        check("harbor.example.com/library/nested/x:0.1", &["harbor.example.com/library/nested/x 0.1"]);
        check("docker.io/nginx:1", &["docker.io/library/nginx 1"]);
        check("", &[]);
        check(" , ", &[]);
    }

    #[test]
    fn what_people_get_wrong() {
        let torn = |piece: &str| {
            format!(
                "a constraint cannot hold a comma: `{piece}` is taken for an image of its own; write a blank instead of the comma, as in `>=1.0 <2`"
            )
        };
        check("web=nginx:>=1.0, <2", &[&format!("web=docker.io/library/nginx >=1.0 ^{}", torn("<2"))]);
        check("web=nginx:>=1.0,<=2", &[&format!("web=docker.io/library/nginx >=1.0 ^{}", torn("<=2"))]);
        check("web=nginx:1.x, 2.x", &[&format!("web=docker.io/library/nginx 1.x ^{}", torn("2.x"))]);
        check(
            "nginx:>=1.0",
            &[
                "nginx:>=!the first `=` ends an alias, so that `nginx:>` is one here; write an alias before it: `nginx=nginx:>=1.0`",
            ],
        );
        check(
            "web=",
            &["web=!no image stands behind `web=`, so that nothing of the list counts; write the image there"],
        );
        check(
            "localhost:5000/x:~1",
            &[
                "localhost:5000/x ~1 ?Argo CD Image Updater takes the port of `localhost:5000/x:~1` for the tag; here it is the port, and the rest the constraint; write the host with a dot in it, if both are to read it alike",
            ],
        );
        check("localhost:5000/x:1.0", &["localhost:5000/x 1.0"]);
        check(
            "web=nginx:{{versionConstraint}}",
            &[
                "web=!`nginx:{{versionConstraint}}` is a template, which is never expanded; write the image itself, or annotate what the template makes",
            ],
        );
        check(
            "a=ghcr.io/Shop/web:1",
            &[
                "a=!`ghcr.io/Shop/web:1` is no image: \"Shop/web\" is not a repository path: expected lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`; write an image such as `web=ghcr.io/shop/web:~1.2`",
            ],
        );
        check(
            &format!("a=gcr.io/a/b@sha256:{}", "0".repeat(64)),
            &[&format!(
                "a=!`gcr.io/a/b@sha256:{}` is one image by its digest, which nothing can follow; write `gcr.io/a/b`, with a constraint or a tag behind it",
                "0".repeat(64)
            )],
        );
    }
}
