//! The files that a source of an `Application` names: the folder of its chart, and its values files.
//!
//! Must not know what stands in them. Links are followed inside this repository only; what a source
//! says of another one cannot be told apart from it, and leads to no file then.

use crate::path::{InvalidPath, RepoPath};

/// The folder that a source deploys.
#[derive(Debug, Clone)]
pub(super) enum Folder {
    /// None: a chart from a registry, or a source that others only refer to.
    Nowhere,
    /// It is known only when the `Application` is rendered, or lies outside.
    Unknown,
    /// This one; `None` for the top of the repository.
    At(Option<RepoPath>),
}

/// What an entry of `valueFiles` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// A file of the repository of this source.
    Here(RepoPath),
    /// A file of the repository of another source, which may be this one.
    There(RepoPath),
    /// A file of no repository, or of a chart that lies in a registry.
    Away,
    /// It is known only when the `Application` is rendered.
    Unknown,
}

impl Folder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// [`InvalidPath`] when it leads out of the repository.
    pub(super) fn read(path: &str) -> Result<Self, InvalidPath> {
        if path.contains("{{") || path.contains('$') {
            return Ok(Self::Unknown);
        }
        let path = if path.is_empty() { "." } else { path };
        RepoPath::resolve(None, path).map(Self::At)
    }

    /// A file in it, if the folder is known and a file can have this name.
    pub(super) fn file(&self, name: &str) -> Option<RepoPath> {
        match self {
            Self::At(folder) => RepoPath::below(folder.as_ref(), name).ok(),
            Self::Nowhere | Self::Unknown => None,
        }
    }
}

impl Link {
    /// What `text` means in a source with this folder. `is_source` tells the names that other sources
    /// have in `$name/…`.
    ///
    /// # Errors
    /// [`InvalidPath`] when it leads out of the repository, or to no file at all.
    pub(super) fn read(text: &str, folder: &Folder, is_source: impl Fn(&str) -> bool) -> Result<Self, InvalidPath> {
        if text.contains("://") {
            return Ok(Self::Away);
        }
        if text.contains("{{") || text.contains('*') {
            return Ok(Self::Unknown);
        }
        if let Some((name, path)) = text.strip_prefix('$').and_then(|text| text.split_once('/'))
            && is_source(name)
            && !path.contains('$')
        {
            return file(None, path).map(Self::There);
        }
        if text.contains('$') {
            return Ok(Self::Unknown);
        }
        match (text.strip_prefix('/'), folder) {
            (Some(path), _) => file(None, path).map(Self::Here),
            (None, Folder::At(folder)) => file(folder.as_ref(), text).map(Self::Here),
            (None, Folder::Nowhere) => Ok(Self::Away),
            (None, Folder::Unknown) => Ok(Self::Unknown),
        }
    }
}

fn file(folder: Option<&RepoPath>, path: &str) -> Result<RepoPath, InvalidPath> {
    match RepoPath::resolve(folder, path)? {
        Some(file) => Ok(file),
        None => RepoPath::parse(""),
    }
}

#[cfg(test)]
mod tests {
    use super::{Folder, Link};
    use crate::path::RepoPath;

    #[track_caller]
    fn check(folder: Option<&str>, link: &str, expected: &str) {
        let folder = folder.map_or(Folder::Nowhere, |path| Folder::read(path).unwrap());
        let link = match Link::read(link, &folder, |name| name == "values") {
            Ok(Link::Here(path)) => format!("here {path}"),
            Ok(Link::There(path)) => format!("there {path}"),
            Ok(Link::Away) => "away".to_owned(),
            Ok(Link::Unknown) => "unknown".to_owned(),
            Err(_) => "out".to_owned(),
        };
        assert_eq!(link, expected);
    }

    #[test]
    fn values_files_are_found_where_argo_cd_looks_for_them() {
        for (folder, link, expected) in [
            (Some("charts/web"), "values-prod.yaml", "here charts/web/values-prod.yaml"),
            (Some("./charts/web/"), "./env/prod.yaml", "here charts/web/env/prod.yaml"),
            (Some("charts/web"), "../../env/prod.yaml", "here env/prod.yaml"),
            (Some("charts/web"), "../../../prod.yaml", "out"),
            (Some("charts/web"), "/env/prod.yaml", "here env/prod.yaml"),
            (Some("charts/web"), "/../prod.yaml", "out"),
            (Some("."), "values.yaml", "here values.yaml"),
            (Some(""), "../values.yaml", "out"),
            (Some("charts/web"), "", "out"),
            (Some("charts/web"), "../..", "out"),
            (None, "$values/env/prod.yaml", "there env/prod.yaml"),
            (Some("charts/web"), "$values/env/../prod.yaml", "there prod.yaml"),
            (None, "$values/../prod.yaml", "out"),
            (None, "$other/prod.yaml", "unknown"),
            (Some("a"), "values-$ARGOCD_APP_NAME.yaml", "unknown"),
            (Some("a"), "$values/$ARGOCD_APP_NAME.yaml", "unknown"),
            (Some("a"), "{{ .env }}.yaml", "unknown"),
            (Some("a"), "env/*.yaml", "unknown"),
            (Some("a"), "https://example.com/values.yaml", "away"),
            (None, "values-prod.yaml", "away"),
            (Some("{{ .path }}"), "values-prod.yaml", "unknown"),
            (Some("{{ .path }}"), "/values-prod.yaml", "here values-prod.yaml"),
        ] {
            check(folder, link, expected);
        }
    }

    #[test]
    fn a_folder_lies_inside() {
        assert!(Folder::read("../x").is_err());
        assert!(Folder::read("/x").is_err());
        let file = |folder: &str| Folder::read(folder).unwrap().file("values.yaml").unwrap();
        assert_eq!(file("a/../b"), RepoPath::parse("b/values.yaml").unwrap());
        assert_eq!(file("."), RepoPath::parse("values.yaml").unwrap());
        assert!(Folder::read("a").unwrap().file(".argocd-source-../x.yaml").is_some());
        assert!(Folder::read("a").unwrap().file("../x.yaml").is_none());
    }
}
