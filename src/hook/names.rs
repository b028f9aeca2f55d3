//! The names of images in events, which are written in many ways, made one.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Event, Hint, Push, Rejection};
use crate::image::{InvalidRepository, Repository};

/// How many repositories one event can name; the rest is found at the next poll.
const MOST: usize = 1000;

/// Where images stand: a registry, and the beginning of a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl FromStr for Prefix {
    type Err = InvalidRepository;
    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let text = text.trim_end_matches('/');
        // A host alone would be read as an image of Docker Hub.
        let host = text.split('/').next().unwrap_or_default();
        if !host.contains(['.', ':']) && host != "localhost" {
            return Err(InvalidRepository::Host(host.to_owned()));
        }
        Repository::parse(&format!("{text}/any")).map(|_| Self(text.to_owned()))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The repositories of one event.
#[derive(Debug)]
pub(super) struct Names<'s> {
    images: Option<&'s Prefix>,
    found: BTreeSet<Repository>,
}

impl<'s> Names<'s> {
    /// For a source with images in this place, if it says where.
    pub(super) fn new(images: Option<&'s Prefix>) -> Self {
        Self { images, found: BTreeSet::new() }
    }

    /// Adds `path` of the registry `host`, which may be a URL, and is nothing where the source says where its
    /// images stand. `None` where that names no repository.
    pub(super) fn add(&mut self, host: Option<&str>, path: &str) -> Option<()> {
        let path = bare(path);
        let path = path.trim_matches('/');
        match (self.images, host) {
            (Some(prefix), _) => self.insert(&format!("{prefix}/{path}")),
            (None, Some(host)) => self.insert(&format!("{}/{path}", bare_host(host))),
            (None, None) => None,
        }
    }

    /// Adds `path` of a place in a registry, unless the source says where its images stand.
    pub(super) fn add_below(&mut self, place: Option<&str>, path: &str) -> Option<()> {
        match (self.images, place) {
            (None, Some(place)) => self.insert(&format!("{place}/{}", bare(path))),
            _ => self.add(None, path),
        }
    }

    /// Adds an image as people write it, with its registry. Where the source says where its images stand, that takes
    /// the place of the registry.
    pub(super) fn add_image(&mut self, image: &str) -> Option<()> {
        let image = bare(without_scheme(image));
        match (self.images, image.split_once('/')) {
            (Some(_), Some((host, path))) if host.contains(['.', ':']) || host == "localhost" => self.add(None, path),
            (Some(_), _) => self.add(None, &image),
            (None, _) => self.insert(&image),
        }
    }

    fn insert(&mut self, name: &str) -> Option<()> {
        let repository = Repository::parse(&name.to_lowercase()).ok()?;
        if self.found.len() < MOST {
            self.found.insert(repository);
        }
        Some(())
    }

    /// What follows from them; nothing, for this reason, where there are none.
    pub(super) fn event(self, nothing: &'static str) -> Result<Event, Rejection> {
        self.event_with(Vec::new(), || Ok(Event::Nothing(nothing)))
    }

    /// What follows from them and from these pushes; what `nothing` says where there are none.
    pub(super) fn event_with(
        self,
        pushes: Vec<Push>,
        nothing: impl FnOnce() -> Result<Event, Rejection>,
    ) -> Result<Event, Rejection> {
        let hint = Hint { repositories: self.found, pushes };
        if hint.is_empty() { nothing() } else { Ok(Event::News(hint)) }
    }
}

/// A name without tag and digest.
fn bare(name: &str) -> String {
    let name = name.split('@').next().unwrap_or_default();
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    name[..name[last..].find(':').map_or(name.len(), |colon| last + colon)].to_owned()
}

fn without_scheme(text: &str) -> &str {
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// The host, with its port, of a host or a URL.
pub(super) fn bare_host(text: &str) -> &str {
    let rest = without_scheme(text.trim());
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    rest.rsplit_once('@').map_or(rest, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::{Names, Prefix};

    #[track_caller]
    fn check(images: Option<&str>, add: impl Fn(&mut Names<'_>), expected: &[&str]) {
        let prefix = images.map(|images| images.parse::<Prefix>().unwrap());
        let mut names = Names::new(prefix.as_ref());
        add(&mut names);
        let found: Vec<_> = names.found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn many_spellings_one_name() {
        let one = |image: &'static str| move |names: &mut Names<'_>| _ = names.add_image(image);
        check(None, one("ghcr.io/Octo/App:1.0"), &["ghcr.io/octo/app"]);
        check(None, one("ghcr.io/octo/app@sha256:0123"), &["ghcr.io/octo/app"]);
        check(None, one("https://quay.io/team/app:"), &["quay.io/team/app"]);
        check(None, one("localhost:5000/app"), &["localhost:5000/app"]);
        check(None, one("nginx"), &["docker.io/library/nginx"]);
        check(None, one("a b"), &[]);
        check(
            Some("harbor.example.com:8443"),
            one("harbor.internal/team/app:1"),
            &["harbor.example.com:8443/team/app"],
        );
        check(Some("acme.jfrog.io/docker"), one("team/app:1"), &["acme.jfrog.io/docker/team/app"]);
        let path =
            |host: Option<&'static str>, path: &'static str| move |names: &mut Names<'_>| _ = names.add(host, path);
        check(None, path(Some("https://Git.example.com:3000/x?y"), "Team/App"), &["git.example.com:3000/team/app"]);
        check(None, path(None, "team/app"), &[]);
        check(Some("nexus:8082"), path(None, "/team/app/"), &["nexus:8082/team/app"]);
    }

    #[test]
    fn what_is_no_place_of_images() {
        for text in ["", "https://ghcr.io", "ghcr", "ghcr.io/a b", "*.example.com"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }
}
