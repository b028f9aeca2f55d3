//! An image as somebody wrote it, `registry/path:tag@digest`, with the spelling kept.

use std::fmt;
use std::str::FromStr;

use super::{Digest, InvalidDigest, InvalidRepository, InvalidTag, Repository, Tag};

/// An image exactly as written, and as meant.
///
/// [`Display`](fmt::Display) gives back the written text. [`repository`](Self::repository) is the
/// canonical meaning; [`with_tag`](Self::with_tag) keeps the spelling and changes the tag alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    written: String,
    name_len: usize,
    repository: Repository,
    tag: Option<Tag>,
    digest: Option<Digest>,
}

/// A text that is not an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// A URL such as `https://…`.
    #[error("an image has no scheme: remove {0:?}")]
    Scheme(String),
    /// The part before tag and digest.
    #[error(transparent)]
    Repository(#[from] InvalidRepository),
    /// The part after the last `:`.
    #[error(transparent)]
    Tag(#[from] InvalidTag),
    /// The part after `@`.
    #[error(transparent)]
    Digest(#[from] InvalidDigest),
}

impl Reference {
    /// Reads an image. The last `:` after the last `/` begins the tag, `@` begins the digest.
    ///
    /// # Errors
    /// [`InvalidReference`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(InvalidReference::Scheme(format!("{scheme}://")));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest)?)),
            None => (text, None),
        };
        let last_part = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last_part..].rfind(':') {
            Some(colon) => {
                let (name, tag) = rest.split_at(last_part + colon);
                (name, Some(Tag::parse(&tag[1..])?))
            }
            None => (rest, None),
        };
        let repository = Repository::parse(name)?;
        Ok(Self { written: text.to_owned(), name_len: name.len(), repository, tag, digest })
    }

    /// The image as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The name as written, without tag and digest.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.written[..self.name_len]
    }

    /// What the name means.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The tag, if one is written.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// The digest, if one is written.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same name with another tag and no digest. A digest beside a new tag would still run the
    /// old image, so it never stays.
    #[must_use]
    pub fn with_tag(&self, tag: &Tag) -> String {
        format!("{}:{tag}", self.name())
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        Self::parse(text)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, Tag};

    #[track_caller]
    fn check(text: &str, repository: &str, tag: Option<&str>, digested: bool) {
        let image = Reference::parse(text).unwrap();
        assert_eq!(image.to_string(), text);
        assert_eq!(image.repository().to_string(), repository);
        assert_eq!(image.tag().map(Tag::as_str), tag);
        assert_eq!(image.digest().is_some(), digested);
    }

    #[test]
    fn as_written_and_as_meant() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        check("nginx", "docker.io/library/nginx", None, false);
        check("nginx:1.25", "docker.io/library/nginx", Some("1.25"), false);
        check("localhost:5000/hello:v1.1", "localhost:5000/hello", Some("v1.1"), false);
        check("localhost:5000/path/to/repo/alpine:mytag", "localhost:5000/path/to/repo/alpine", Some("mytag"), false);
        check("myreg:5000/foo", "myreg:5000/foo", None, false);
        check("127.0.0.1:30000/test-image:1.0.0", "127.0.0.1:30000/test-image", Some("1.0.0"), false);
        check("quay.io/library/alpine:latest", "quay.io/library/alpine", Some("latest"), false);
        check(&format!("kennethreitz/httpbin@{digest}"), "docker.io/kennethreitz/httpbin", None, true);
        check(&format!("gcr.io/a/b:latest-bookworm@{digest}"), "gcr.io/a/b", Some("latest-bookworm"), true);
    }

    #[test]
    fn a_new_tag_keeps_the_spelling() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let new = Tag::parse("2").unwrap();
        for (written, expected) in [
            ("docker.io/library/nginx:1".to_owned(), "docker.io/library/nginx:2"),
            ("nginx".to_owned(), "nginx:2"),
            ("localhost:5000/hello".to_owned(), "localhost:5000/hello:2"),
            (format!("nginx:1@{digest}"), "nginx:2"),
        ] {
            assert_eq!(Reference::parse(&written).unwrap().with_tag(&new), expected);
        }
    }

    #[test]
    fn what_is_no_image() {
        for bad in [
            "",
            ":tag",
            "/leading/slash",
            "trailing/slash/",
            "https://ghcr.io/a:1",
            "<image_url>",
            "{{ .Values.image }}",
            "a:b c",
            "a@sha256:12",
            "ghcr.io/Org/App:1",
            "app:${TAG}",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
    }
}
