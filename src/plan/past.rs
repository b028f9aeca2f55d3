//! What people took back. Git is the memory: where the tag that we would write stood in the same place
//! before, and an older one stands there now, somebody moved the image back, and we never fight a
//! person. Whoever had set the tag, we or somebody else, makes no difference.

use std::collections::BTreeMap;

use super::draw::Plan;
use crate::image::Tag;
use crate::manifest::{self, Container, Workload};
use crate::path::RepoPath;
use crate::policy::Presets;

/// What files held in earlier commits.
#[derive(Debug, Default)]
pub struct Past {
    files: BTreeMap<RepoPath, Vec<Version>>,
}

#[derive(Debug)]
struct Version {
    commit: String,
    bytes: Vec<u8>,
}

impl Past {
    /// Adds what `path` held since `commit`, and until some later commit. Newest first.
    pub fn remember(&mut self, path: &RepoPath, commit: String, bytes: Vec<u8>) {
        self.files.entry(path.clone()).or_default().push(Version { commit, bytes });
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The commit with which `tag` came to where `container` stands, if it ever did.
    pub(super) fn commit_with(
        &self,
        path: &RepoPath,
        workload: &Workload,
        container: &Container,
        tag: &Tag,
        presets: &Presets,
    ) -> Option<&str> {
        let image = container.image.reference();
        let held = |version: &&Version| {
            let then = manifest::read(path, &version.bytes, presets);
            let same = then.workloads.iter().filter(|then| then.id == workload.id).flat_map(|then| &then.containers);
            let mut images = same.filter(|then| then.name == container.name).map(|then| then.image.reference());
            images.any(|then| then.repository() == image.repository() && then.tag() == Some(tag))
        };
        self.files.get(path)?.iter().find(held).map(|version| version.commit.as_str())
    }
}

impl Plan {
    /// Whether these bytes, which `path` held once, may hold a tag that this plan writes into it: a
    /// search for the text, without parsing.
    #[must_use]
    pub fn may_repeat(&self, path: &RepoPath, bytes: &[u8]) -> bool {
        let mut here = self.updates().filter(|(entry, _)| entry.place.file == *path);
        here.any(|(_, update)| memchr::memmem::find(bytes, update.to.as_str().as_bytes()).is_some())
    }
}
