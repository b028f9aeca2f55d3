//! A path inside the config repository, checked once. Knows nothing of the file system.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A relative path with `/` between its parts, no part empty, `.` or `..`: it can never lead out of
/// the repository. The order is that of the bytes. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<str>);

/// A text that is no path inside the repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a path inside the repository: expected names separated by `/`, without a leading `/`, `.` or `..`"
)]
pub struct InvalidPath {
    text: String,
}

impl RepoPath {
    /// Reads a path. One `./` at the start and one `/` at the end are allowed and dropped.
    ///
    /// # Errors
    /// [`InvalidPath`] for an absolute path, one that leaves the repository, and an empty one.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let trimmed = text.strip_prefix("./").unwrap_or(text);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        let good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
        if trimmed.split('/').all(good) {
            Ok(Self(trimmed.into()))
        } else {
            Err(InvalidPath { text: text.chars().take(280).collect() })
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The part of the file name after its last `.`, if it has one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.file_name().rsplit_once('.').map(|(_, extension)| extension)
    }

    /// The path of the folder, `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// This path with one more part behind it.
    ///
    /// # Errors
    /// [`InvalidPath`] when `part` is no path itself.
    pub fn join(&self, part: &str) -> Result<Self, InvalidPath> {
        Self::parse(&format!("{}/{part}", self.0))
    }

    /// The path of this name below a folder; `None` is the top of the repository.
    ///
    /// # Errors
    /// [`InvalidPath`] when `name` is no path itself.
    pub fn below(folder: Option<&Self>, name: &str) -> Result<Self, InvalidPath> {
        match folder {
            Some(folder) => folder.join(name),
            None => Self::parse(name),
        }
    }

    /// What a file in the folder of this path means by `link`: a path relative to that folder, in which
    /// `.` and `..` are allowed. `None` is the top of the repository itself.
    ///
    /// # Errors
    /// [`InvalidPath`] for an absolute path, and for one that leads out of the repository.
    pub fn resolve(folder: Option<&Self>, link: &str) -> Result<Option<Self>, InvalidPath> {
        let invalid = || InvalidPath { text: link.chars().take(280).collect() };
        if link.is_empty() || link.starts_with('/') || link.contains('\0') {
            return Err(invalid());
        }
        let mut parts: Vec<&str> = folder.map(|folder| folder.as_str().split('/').collect()).unwrap_or_default();
        for part in link.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop().ok_or_else(invalid)?),
                part => parts.push(part),
            }
        }
        Ok((!parts.is_empty()).then(|| Self(parts.join("/").into())))
    }

    /// Whether this is `folder` or something below it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for RepoPath {
    type Err = InvalidPath;
    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        Self::parse(text)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Borrow<str> for RepoPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::RepoPath;

    #[test]
    fn paths_stay_inside() {
        for (text, path) in [("a", "a"), ("./a/b.yaml", "a/b.yaml"), ("a/", "a"), (".landwaiter/x", ".landwaiter/x")] {
            assert_eq!(RepoPath::parse(text).unwrap().as_str(), path);
        }
        for bad in ["", "/", "/a", "a//b", "../a", "a/../b", ".", "a/.", "a\0b"] {
            assert!(RepoPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn links_are_followed_inside_the_repository_only() {
        let folder = RepoPath::parse("apps/web/prod").unwrap();
        for (link, path) in [
            ("../base", Some("apps/web/base")),
            ("./a.yaml", Some("apps/web/prod/a.yaml")),
            ("../../../x//y/", Some("x/y")),
            ("../../..", None),
            (".", Some("apps/web/prod")),
        ] {
            let resolved = RepoPath::resolve(Some(&folder), link).unwrap();
            assert_eq!(resolved.as_ref().map(RepoPath::as_str), path, "{link}");
        }
        for bad in ["../../../..", "/etc", "", "a\0b", "x/../../../../../y"] {
            assert!(RepoPath::resolve(Some(&folder), bad).is_err(), "{bad:?}");
        }
        assert!(RepoPath::resolve(None, "..").is_err());
        assert_eq!(RepoPath::resolve(None, "a").unwrap().unwrap().as_str(), "a");
    }

    #[test]
    fn within_is_by_whole_parts() {
        let path = RepoPath::parse("apps/web/deploy.yaml").unwrap();
        for (folder, within) in [("apps", true), ("apps/web", true), ("apps/we", false), ("apps/web/deploy.yaml", true)]
        {
            assert_eq!(path.is_within(&RepoPath::parse(folder).unwrap()), within, "{folder}");
        }
        assert_eq!(path.file_name(), "deploy.yaml");
        assert_eq!(path.extension(), Some("yaml"));
        assert_eq!(path.parent().unwrap().as_str(), "apps/web");
    }
}
