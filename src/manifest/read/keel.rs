//! The images that a block of Keel names in the values of a chart.

use super::super::dialect::keel::{self, Block, BlockImage, BlockPath};
use super::super::problem::{Problem, Rule, Severity};
use super::super::shape::{self, Ask, GivenPath, Paths};
use super::{NodeRef, Reader, WorkloadId};
use crate::policy::Dialect;

impl<'a> Reader<'a, '_> {
    /// Reads the values of a chart that say themselves what Keel is to do; whether these are such values.
    pub(super) fn read_keel_block(&mut self, root: NodeRef<'a>) -> bool {
        if !self.terms.dialects.contains(Dialect::Keel) {
            return false;
        }
        let Some(Block { node: block, images, problems }) = keel::block(root, self.path) else { return false };
        self.manifest.problems.extend(problems);
        let mut ask = Ask::of(self.path, &[]);
        ask.is_annotated = true;
        for image in &images {
            ask.aliases.insert(&image.alias);
            ask.paths.insert(&image.alias, image.paths());
        }
        let mut find = shape::find_at_paths(root, &ask);
        // What the block says is no image, and a change of it would change where images are.
        let own = block.id()..block.next_id();
        find.slots.retain(|slot| {
            let carrier = slot.spot.map(|spot| spot.carrier().resolved());
            let Some(image) = carrier
                .filter(|carrier| own.contains(&carrier.id()))
                .and_then(|_| images.iter().find(|image| slot.name.as_deref() == Some(image.alias.as_str())))
            else {
                return true;
            };
            let said = image.tag.as_ref().unwrap_or(&image.repository);
            let message = format!("`{}` leads back into the block, which holds no image", said.written);
            let mend = "write the path to an image";
            let problem = Problem::new(Rule::ImagePath, Severity::Error, said.place.clone(), message, mend);
            self.manifest.problems.push(problem);
            false
        });
        self.judge(WorkloadId::of_values(self.path.file_name()), root, &[], find);
        true
    }
}

impl BlockImage {
    fn paths(&self) -> Paths<'_> {
        let tag = self.tag.as_ref().map(BlockPath::given);
        let repository = self.repository.given();
        // Without a tag of its own, what is called the repository is the whole image.
        let (image, repository) = if tag.is_some() { (None, Some(repository)) } else { (Some(repository), None) };
        let (registry, digest) = (self.registry.as_ref(), self.digest.as_ref());
        Paths { image, repository, tag, registry: registry.map(BlockPath::given), digest: digest.map(BlockPath::given) }
    }
}

impl BlockPath {
    fn given(&self) -> GivenPath<'_> {
        GivenPath { severity: Severity::Error, written: &self.written, text: &self.text, place: &self.place }
    }
}
