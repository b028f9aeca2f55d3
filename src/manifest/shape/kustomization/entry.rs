//! One entry of a kustomization's `images`: which image it means, and what becomes of it.
//!
//! Names are compared as texts, as kustomize does it: `nginx` does not mean `docker.io/nginx` here.

use std::collections::HashMap;

use crate::image::{Digest, Reference, Tag};
use crate::manifest::edit::{Gap, Scalar};
use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::workload::{ContainerPolicy, ImageField};
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;
use crate::policy::Peer;

/// One entry of `images`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageEntry {
    /// Where it begins.
    pub place: Place,
    /// The image that it means, as it is called before.
    pub name: String,
    /// What that image is called behind it, where that differs.
    pub new_name: Option<String>,
    /// The tag that the image gets, as it is written, be it one or not.
    pub new_tag: Option<String>,
    /// The digest that the image gets.
    pub digest: Option<String>,
    /// What is put behind the tag that the image has.
    pub suffix: Option<String>,
    /// What is wrong with it, so that it is not followed.
    pub wrong: Option<Problem>,
    /// What the annotations of the kustomization itself say about it.
    pub policy: ContainerPolicy,
    /// What another tool was told by them.
    pub peer: Option<Peer>,
    /// Where the new tag is written, or is to be. `None` where no image can be read.
    field: Option<ImageField>,
}

/// The entries of a list.
pub(super) fn read(images: NodeRef<'_>, file: &RepoPath, problems: &mut Vec<Problem>) -> Vec<ImageEntry> {
    let entries = images.resolved().items().filter(|item| item.resolved().kind() == Kind::Mapping);
    let mut entries: Vec<ImageEntry> = entries
        .filter_map(|item| {
            let mut entry = ImageEntry::read(item.resolved(), file, problems)?;
            if let Some(alias) = [images, item].into_iter().find(|node| node.is_alias()).or_else(|| item.get("<<")) {
                let message = format!("what is said of `{}` stands behind an alias or a merge key", entry.name);
                let mend = "write the entry out";
                entry.wrong = Some(Problem::new(Rule::Alias, Severity::Warning, alias.place(file), message, mend));
            }
            Some(entry)
        })
        .collect();
    let mut first: HashMap<String, usize> = HashMap::new();
    for at in 0..entries.len() {
        match first.get(&entries[at].name) {
            None => drop(first.insert(entries[at].name.clone(), at)),
            Some(&before) => {
                let message = format!(
                    "two entries mean the image `{}`, in lines {} and {}",
                    entries[at].name, entries[before].place.line, entries[at].place.line
                );
                for twin in [before, at] {
                    let place = entries[twin].place.clone();
                    let problem = Problem::new(
                        Rule::Kustomization,
                        Severity::Warning,
                        place,
                        message.clone(),
                        "remove one of the two",
                    );
                    entries[twin].wrong.get_or_insert(problem);
                }
            }
        }
    }
    entries
}

impl ImageEntry {
    fn read(node: NodeRef<'_>, file: &RepoPath, problems: &mut Vec<Problem>) -> Option<Self> {
        let said = |key: &str| node.get(key).or_else(|| node.get("<<")?.resolved().get(key));
        let text = |key: &str| said(key)?.resolved().text().filter(|text| !text.is_empty());
        let written = |key: &str| said(key).and_then(NodeRef::written).map(str::to_owned);
        let entry = Self {
            place: node.place(file),
            name: text("name")?.to_owned(),
            new_name: written("newName"),
            new_tag: written("newTag"),
            digest: written("digest"),
            suffix: written("tagSuffix"),
            wrong: None,
            policy: ContainerPolicy::Unstated,
            peer: None,
            field: None,
        };
        if entry.has_tagged_name() {
            let place = node.get("name").unwrap_or(node).place(file);
            let message = format!("the name `{}` has a tag or digest, and means an image with just that", entry.name);
            let mend = "write the name of the image alone";
            problems.push(Problem::new(Rule::Kustomization, Severity::Warning, place, message, mend));
        }
        let (field, wrong) = entry.find_field(node, file);
        Some(Self { wrong, field, ..entry })
    }

    /// Whether the name is that of one tag or digest only.
    #[must_use]
    pub fn has_tagged_name(&self) -> bool {
        self.bare_name().len() < self.name.len()
    }

    /// Whether the name is a pattern, which kustomize would take for a regular expression.
    #[must_use]
    pub fn has_pattern_name(&self) -> bool {
        self.name.contains(['*', '+', '?', '(', ')', '[', ']', '|', '^', '$', '\\'])
    }

    /// The name of the image behind this entry, without tag and digest.
    #[must_use]
    pub fn name_after(&self) -> &str {
        self.new_name.as_deref().unwrap_or(self.bare_name())
    }

    /// What annotations of the kustomization call it: the last part of the image's name.
    #[must_use]
    pub fn alias(&self) -> &str {
        let name = self.name_after();
        name.rsplit('/').next().unwrap_or(name)
    }

    /// The image behind this entry and where its tag is written, or is to be, where the image had this
    /// tag and digest before it. `None` where what comes out is no image.
    #[must_use]
    pub fn field(&self, tag: Option<&str>, digest: Option<&str>) -> Option<ImageField> {
        let field = self.field.as_ref()?;
        if self.new_tag.is_some() || self.digest.is_some() || self.suffix.is_some() {
            return Some(field.clone());
        }
        let mut text = self.name_after().to_owned();
        for (mark, part) in [(':', tag), ('@', digest)] {
            text.extend(part.into_iter().flat_map(|part| [String::from(mark), part.to_owned()]));
        }
        let reference = Reference::parse(&text).ok();
        Some(reference.map_or_else(|| field.clone(), |reference| field.clone().with_reference(reference)))
    }

    fn bare_name(&self) -> &str {
        split_image(&self.name).0
    }

    fn find_field(&self, node: NodeRef<'_>, file: &RepoPath) -> (Option<ImageField>, Option<Problem>) {
        let at = |key: &str| node.get(key).unwrap_or(node).place(file);
        let wrong = |key: &str, message: String, mend: &str| {
            Some(Problem::new(Rule::Kustomization, Severity::Warning, at(key), message, mend))
        };
        if self.has_pattern_name() {
            let message = format!("`{}` is a pattern, and not the name of one image", self.name);
            return (None, wrong("name", message, "write an entry for each image"));
        }
        let name = self.name_after();
        let name_key = if self.new_name.is_some() { "newName" } else { "name" };
        let bare = match Reference::parse(name) {
            Ok(bare) if bare.tag().is_none() && bare.digest().is_none() => bare,
            Ok(_) => {
                let message = format!("the new name `{name}` has a tag or digest of its own");
                return (None, wrong(name_key, message, "write the tag as `newTag`"));
            }
            Err(error) => {
                let message = format!("`{name}` is not the name of an image: {error}");
                return (None, wrong(name_key, message, "write a name such as `registry.example.com/app`"));
            }
        };
        let present = |key: &str, is_said: bool| node.get(key).filter(|_| is_said);
        let carrier = node.get("newTag").or_else(|| present("digest", self.digest.is_some()));
        let carrier = carrier.or_else(|| present("tagSuffix", self.suffix.is_some()));
        let field = |reference: Reference| match carrier {
            Some(carrier) => ImageField::split(reference, Scalar::at(carrier, file)),
            None => ImageField::absent(reference, Gap::behind(node, name_key, "newTag", file)),
        };
        let said = match self.said(node) {
            Ok(said) => said,
            Err((key, error, mend)) => return (Some(field(bare)), wrong(key, error, mend)),
        };
        let reference = Reference::parse(&format!("{name}{said}")).unwrap_or_else(|_| bare.clone());
        if said.is_empty() && self.suffix.is_some() {
            let message = "`tagSuffix` makes the tag out of one that stands elsewhere, so it is not followed";
            return (Some(field(reference)), wrong("tagSuffix", message.to_owned(), "write the whole tag as `newTag`"));
        }
        (Some(field(reference)), None)
    }

    /// Tag and digest as they stand behind the name; or the key that says something else, why, and
    /// how to mend it.
    fn said(&self, node: NodeRef<'_>) -> Result<String, (&'static str, String, &'static str)> {
        const TAG: &str = "write a tag such as \"1.2\"";
        if node.get("newTag").is_some_and(|tag| tag.resolved().text().is_none()) {
            return Err(("newTag", "`newTag` is no text".to_owned(), TAG));
        }
        let mut said = String::new();
        let mut beside = None;
        if let Some(new_tag) = &self.new_tag {
            let (tag, digest) = new_tag.split_once('@').map_or((&**new_tag, None), |(tag, digest)| (tag, Some(digest)));
            Tag::parse(tag).map_err(|error| ("newTag", error.to_string(), TAG))?;
            said = format!(":{tag}");
            beside = digest;
        }
        for (key, digest) in [("newTag", beside), ("digest", self.digest.as_deref())] {
            let Some(digest) = digest else { continue };
            let mend = "write `sha256:` and 64 hex digits, or remove it";
            Digest::parse(digest).map_err(|error| (key, error.to_string(), mend))?;
            if !said.contains('@') {
                said = format!("{said}@{digest}");
            }
        }
        Ok(said)
    }
}

/// Name, tag and digest of an image as kustomize takes it apart, whether they are valid or not.
#[must_use]
pub fn split_image(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    let from = rest.find('/').unwrap_or(0);
    match rest[from..].find(':') {
        Some(colon) => (&rest[..from + colon], Some(&rest[from + colon + 1..]), digest),
        None => (rest, None, digest),
    }
}
