//! Files by the parts of their paths, as a tree has them. Knows nothing of objects.

use std::collections::BTreeMap;

use crate::path::RepoPath;

/// A folder in the making, with something for each file.
pub(super) struct Folder<'a, T> {
    pub(super) files: BTreeMap<&'a str, T>,
    pub(super) folders: BTreeMap<&'a str, Self>,
}

impl<T> Default for Folder<'_, T> {
    fn default() -> Self {
        Self { files: BTreeMap::new(), folders: BTreeMap::new() }
    }
}

impl<'a, T> Folder<'a, T> {
    /// Puts a file at its place. Gives what was there before.
    pub(super) fn insert(&mut self, path: &'a RepoPath, file: T) -> Option<T> {
        let (mut folder, mut rest) = (self, path.as_str());
        while let Some((part, below)) = rest.split_once('/') {
            folder = folder.folders.entry(part).or_default();
            rest = below;
        }
        folder.files.insert(rest, file)
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use crate::path::RepoPath;

    #[test]
    fn each_file_has_one_place() {
        let [top, web, api] = ["a.yaml", "apps/web/a.yaml", "apps/api.yaml"].map(|path| RepoPath::parse(path).unwrap());
        let mut root = Folder::default();
        for (file, path) in [&top, &web, &api].into_iter().enumerate() {
            assert_eq!(root.insert(path, file), None);
        }
        assert_eq!(root.insert(&api, 7), Some(2));
        assert_eq!((root.files["a.yaml"], root.folders["apps"].files["api.yaml"]), (0, 7));
        assert_eq!(root.folders["apps"].folders["web"].files["a.yaml"], 1);
    }
}
