//! The block `keel:` in the values of a chart: which images it names, by paths from the top of the values.
//!
//! Must not know how images are written in values, nor what is asked for them.

use std::collections::HashMap;

use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// How many images of one block are followed.
const MOST_IMAGES: usize = 100;

/// What a block says of images.
#[derive(Debug)]
pub(in crate::manifest) struct Block<'a> {
    /// The block itself.
    pub(in crate::manifest) node: NodeRef<'a>,
    /// The images that it names.
    pub(in crate::manifest) images: Vec<BlockImage>,
    /// What is wrong with how they are named.
    pub(in crate::manifest) problems: Vec<Problem>,
}

/// An image, by the paths to its parts.
#[derive(Debug)]
pub(in crate::manifest) struct BlockImage {
    /// What it is called: the path to its repository, or that to its tag where several share the repository.
    pub(in crate::manifest) alias: String,
    /// The repository; the whole image where no tag is named.
    pub(in crate::manifest) repository: BlockPath,
    /// The tag.
    pub(in crate::manifest) tag: Option<BlockPath>,
    /// The digest.
    pub(in crate::manifest) digest: Option<BlockPath>,
    /// The registry, where one is written beside the repository. Keel passes it over, and charts do not.
    pub(in crate::manifest) registry: Option<BlockPath>,
}

/// A path, and where it is given.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct BlockPath {
    /// The key: `keel.images[0].tag`.
    pub(in crate::manifest) written: String,
    /// The path.
    pub(in crate::manifest) text: String,
    /// Where it stands.
    pub(in crate::manifest) place: Place,
}

/// The block of a document that holds values and no object: a mapping `keel` with a policy and images, or
/// something that is nearly that. The chart of Keel itself, as a part of another chart, has neither.
pub(super) fn in_values(root: NodeRef<'_>) -> Option<NodeRef<'_>> {
    let block = root.get("keel").filter(|block| block.kind() == Kind::Mapping)?;
    let is_object = root.get("apiVersion").is_some();
    let said = |key: &str| entry(block, key).map(|(_, value)| value);
    let has_images = said("images").is_some_and(|images| images.kind() == Kind::Sequence);
    let has_policy = said("policy").is_some_and(|policy| matches!(policy.kind(), Kind::Scalar(_)));
    (!is_object && (has_images || (has_policy && said("images").is_none_or(NodeRef::is_null)))).then_some(block)
}

/// The key with the images of the block.
pub(super) fn images_key(root: NodeRef<'_>) -> Option<NodeRef<'_>> {
    Some(entry(in_values(root)?, "images")?.0)
}

/// The images of the block in a document; `None` where there is no block.
pub(in crate::manifest) fn block<'a>(root: NodeRef<'a>, file: &RepoPath) -> Option<Block<'a>> {
    let node = in_values(root)?;
    let images = entry(node, "images");
    let mut block = Block { node, images: Vec::new(), problems: Vec::new() };
    let mut named = Vec::new();
    for (at, item) in images.into_iter().flat_map(|(_, images)| images.items()).enumerate() {
        if at == MOST_IMAGES {
            let message =
                format!("this block names more than {MOST_IMAGES} images, which is the most that is followed");
            let place = item.place(file);
            block.problems.push(Problem::new(Rule::ImagePath, Severity::Error, place, message, "name fewer images"));
            break;
        }
        let item = item.resolved();
        let path = |key: &str| {
            let (_, value) = entry(item, key)?;
            let text = value.written()?.to_owned();
            Some(BlockPath { written: format!("keel.images[{at}].{key}"), text, place: value.resolved().place(file) })
        };
        if let Some(repository) = path("repository") {
            named.push((repository, path("tag"), path("digest")));
        } else {
            let message = format!("`keel.images[{at}]` does not say where the repository of its image stands");
            let mend = "write `repository: <path>`, from the top of the values";
            let place = item.place(file);
            block.problems.push(Problem::new(Rule::ImagePath, Severity::Error, place, message, mend));
        }
    }
    let mut shared: HashMap<String, usize> = HashMap::new();
    for (repository, _, _) in &named {
        *shared.entry(repository.text.clone()).or_default() += 1;
    }
    let mut taken: HashMap<String, usize> = HashMap::new();
    for (repository, tag, digest) in named {
        let is_shared = shared.get(&repository.text).is_some_and(|times| *times > 1);
        let alias = tag.as_ref().filter(|_| is_shared).unwrap_or(&repository).text.clone();
        if let Some(line) = taken.insert(alias.clone(), repository.place.line) {
            let message = format!("`{}` names an image that line {line} names already", repository.written);
            block.problems.push(Problem::new(
                Rule::Contradiction,
                Severity::Warning,
                repository.place.clone(),
                message,
                "remove one of them",
            ));
            continue;
        }
        let registry = registry_beside(root, &repository);
        block.images.push(BlockImage { alias, repository, tag, digest, registry });
    }
    Some(block)
}

/// The path to what is written as `registry` in the same mapping as the repository.
fn registry_beside(root: NodeRef<'_>, repository: &BlockPath) -> Option<BlockPath> {
    let (around, _) = repository.text.rsplit_once('.')?;
    let mapping = around.split('.').try_fold(root, NodeRef::get)?;
    mapping.get("registry")?.written()?;
    Some(BlockPath { text: format!("{around}.registry"), ..repository.clone() })
}

/// A key of the block. Go reads it whatever its case is, and takes the exact one first.
fn entry<'a>(mapping: NodeRef<'a>, key: &str) -> Option<(NodeRef<'a>, NodeRef<'a>)> {
    let is = |same: fn(&str, &str) -> bool| {
        mapping.entries().find(move |(entry, _)| entry.text().is_some_and(|text| same(text, key)))
    };
    is(|text, key| text == key).or_else(|| is(str::eq_ignore_ascii_case))
}
