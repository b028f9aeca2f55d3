//! A file as the law sees it: images with their bytes, and new tags for some of them.
//!
//! The only place where the tests of the law touch `landwaiter::manifest`.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use landwaiter::image::Tag;
use landwaiter::manifest::{
    Automation, Document, ImageField, Manifest, Obstacle, Place, Reword, Rewording, Scope, Terms, Workload, read,
};
use landwaiter::path::RepoPath;
use landwaiter::plan::{Inventory, Memory, Source};

/// One file, read.
pub(crate) struct File {
    path: RepoPath,
    bytes: Vec<u8>,
    manifest: Manifest,
    /// Each image: who has it, what it is called there, and where it is written.
    fields: Vec<(String, String, ImageField)>,
}

/// An image that was found in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// `namespace/Kind/name`
    pub(crate) workload: String,
    /// The name of the container.
    pub(crate) container: String,
    /// The whole image.
    pub(crate) reference: String,
    /// The image without tag and digest.
    pub(crate) name: String,
    /// The bytes of the value that holds the tag: empty where it is not written in one piece, `None`
    /// where it is not written.
    pub(crate) span: Option<Range<usize>>,
    /// Why it cannot be changed, as far as that is known beforehand.
    pub(crate) refusal: Option<String>,
}

/// A file with new tags.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) bytes: Vec<u8>,
    /// The numbers of the images that stay as they are, and why.
    pub(crate) refused: Vec<(usize, String)>,
}

impl File {
    pub(crate) fn read(path: &str, bytes: &[u8]) -> Self {
        let path = RepoPath::parse(path).expect("the tests name files inside the repository");
        let manifest = read(&path, bytes, Terms::builtin());
        let mut fields = Vec::new();
        for workload in &manifest.workloads {
            let containers = workload.containers.iter();
            fields.extend(containers.map(|c| (workload.id.to_string(), c.name.clone(), c.image.clone())));
        }
        let marked = marked(&path, bytes, &manifest);
        // One that is held is shown where people look for it, and never changed.
        for workload in marked.iter().filter(|workload| !matches!(workload.automation, Automation::Held { .. })) {
            let containers = workload.containers.iter();
            fields.extend(containers.map(|c| (workload.id.to_string(), c.name.clone(), c.image.clone())));
        }
        for kustomization in &manifest.kustomizations {
            for entry in kustomization.images.iter().filter(|entry| entry.wrong.is_none()) {
                let id = kustomization.id.to_string();
                fields.extend(entry.field(None, None).map(|field| (id, entry.name.clone(), field)));
            }
        }
        Self { path, bytes: bytes.to_vec(), manifest, fields }
    }

    /// The images in the order in which they are found.
    pub(crate) fn images(&self) -> Vec<Image> {
        let image = |(workload, container, field): &(String, String, ImageField)| Image {
            workload: workload.clone(),
            container: container.clone(),
            reference: field.reference().to_string(),
            name: field.reference().name().to_owned(),
            span: field.span(),
            refusal: field.refusal().map(|refusal| refusal.to_string()),
        };
        self.fields.iter().map(image).collect()
    }

    /// Whether comments in it seem to ask for something.
    pub(crate) fn is_marked(&self) -> bool {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut comments = text.lines().filter_map(|line| line.split_once('#'));
        comments.any(|(_, comment)| comment.contains("landwaiter") || comment.contains("$imagepolicy"))
    }

    /// What the value of the image with this number says with another tag.
    pub(crate) fn text_with(&self, at: usize, tag: &str) -> String {
        self.fields[at].2.text_with(&Tag::parse(tag).expect("the tests set tags that are some"))
    }

    /// The file with new tags for the images with these numbers.
    pub(crate) fn with_tags(&self, tags: &[(usize, &str)]) -> Changed {
        let Ok(document) = Document::open(&self.path, &self.bytes) else {
            assert!(self.fields.is_empty(), "images in a file that cannot be opened");
            return Changed { bytes: self.bytes.clone(), refused: Vec::new() };
        };
        let tag = |text: &str| Tag::parse(text).expect("the tests set tags that are some");
        let changes: Vec<(&ImageField, Tag)> = tags.iter().map(|&(at, text)| (&self.fields[at].2, tag(text))).collect();
        let rewritten = document.rewrite(&changes);
        let refused = rewritten.refused.into_iter().map(|(at, refusal)| (tags[at].0, refusal.to_string())).collect();
        Changed { bytes: rewritten.bytes, refused }
    }

    /// Where its objects with images begin.
    pub(crate) fn objects(&self) -> Vec<Place> {
        self.manifest.workloads.iter().map(|workload| workload.place.clone()).collect()
    }

    /// The file with other words on the object that begins here; `None` where they are refused.
    pub(crate) fn reworded(&self, place: &Place, words: Vec<Reword>) -> Option<Vec<u8>> {
        self.with(Rewording::Object { place: place.clone(), words })
    }

    /// The file with a comment beside the value of the image with this number that has it followed; `None` where
    /// that is refused.
    pub(crate) fn with_comment(&self, at: usize) -> Option<Vec<u8>> {
        let image = &self.fields[at].2;
        let name = if image.is_tag_alone() { format!(" image={}", image.reference().name()) } else { String::new() };
        self.with(Rewording::Mark { place: image.place().clone(), text: format!("landwaiter: semver:*{name}") })
    }

    /// The images that comments have followed, whatever becomes of them.
    pub(crate) fn followed_by_comments(&self) -> Vec<String> {
        let workloads = self.manifest.markers.workloads.iter();
        workloads.flat_map(|workload| &workload.containers).map(|one| one.image.reference().to_string()).collect()
    }

    fn with(&self, rewording: Rewording) -> Option<Vec<u8>> {
        let document = Document::open(&self.path, &self.bytes).expect("a file with objects can be opened");
        let reworded = document.reword(&[rewording]);
        let Some((_, refusal)) = reworded.refused.first() else { return Some(reworded.bytes) };
        assert!(
            !matches!(refusal.obstacle(), Obstacle::Unproved { .. }),
            "{refusal}\n{}",
            String::from_utf8_lossy(&self.bytes)
        );
        assert_eq!(reworded.bytes, self.bytes, "what is refused changes nothing");
        None
    }

    /// What is said about the file, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.manifest.problems.iter().map(ToString::to_string).collect()
    }

    /// What was understood of the annotations: how each workload is automated, what each container follows.
    pub(crate) fn mandates(&self) -> Vec<String> {
        let workloads = self.manifest.workloads.iter();
        workloads
            .map(|workload| {
                let policies: Vec<_> = workload.containers.iter().map(|container| &container.policy).collect();
                format!("{:?} {policies:?}", workload.automation)
            })
            .collect()
    }
}

/// What comments in the file ask for. Those of Flux name a policy, which is there: `ns:p`, for the image `a/x`.
fn marked(path: &RepoPath, bytes: &[u8], manifest: &Manifest) -> Vec<Arc<Workload>> {
    if manifest.markers.setters.is_empty() {
        return manifest.markers.workloads.clone();
    }
    let policies = RepoPath::parse("policies/p.yaml").expect("a path");
    let repository = Repository(vec![(path.clone(), bytes.to_vec()), (policies, POLICY.to_vec())]);
    let files: Vec<(RepoPath, usize)> = repository.0.iter().map(|(path, _)| path.clone()).zip(0..).collect();
    let inventory = match Inventory::survey(&files, &repository, Scope::Everything, &mut Memory::default()) {
        Ok(inventory) => inventory,
        Err(never) => match never {},
    };
    // The images that no comment speaks of are in the manifest already.
    let places: Vec<&Place> = manifest.workloads.iter().map(|workload| &workload.place).collect();
    inventory.workloads().filter(|workload| !places.contains(&&workload.place)).cloned().map(Arc::new).collect()
}

const POLICY: &[u8] = b"apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: r, namespace: ns}
spec: {image: a/x, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: p, namespace: ns}
spec: {imageRepositoryRef: {name: r}, policy: {semver: {range: '*'}}}
";

/// Files in memory; the key of a file is its number.
struct Repository(Vec<(RepoPath, Vec<u8>)>);

impl Source for Repository {
    type Key = usize;
    type Error = Infallible;

    fn find(&self, path: &RepoPath) -> Result<Option<usize>, Infallible> {
        Ok(self.0.iter().position(|(file, _)| file == path))
    }

    fn read(&self, key: &usize, buffer: &mut Vec<u8>) -> Result<(), Infallible> {
        buffer.clone_from(&self.0[*key].1);
        Ok(())
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} at {:?}", self.workload, self.container, self.reference, self.span)?;
        self.refusal.iter().try_for_each(|refusal| write!(f, " ({refusal})"))
    }
}
