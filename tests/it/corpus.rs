//! Every manifest of a folder: read without a panic, left alone byte for byte, and rewritten at the
//! images and nowhere else.
//!
//! Runs over our own collection of odd files, and over the folder in `LANDWAITER_CORPUS` as well
//! when that is set.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use landwaiter::image::{Reference, Tag};
use landwaiter::manifest::{Document, ImageField, Manifest, Rewritten, Scope, Terms, is_manifest_path, read};
use landwaiter::path::RepoPath;
use landwaiter::plan::{Inventory, Memory, Source};

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders = vec![own.join("manifests"), own.join("demo")];
    folders.extend(std::env::var_os("LANDWAITER_CORPUS").map(PathBuf::from));
    folders
}

fn files(folder: &Path) -> Vec<(RepoPath, Vec<u8>)> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                let path = RepoPath::parse(entry.path().strip_prefix(folder).unwrap().to_str().unwrap()).unwrap();
                if is_manifest_path(&path) {
                    files.push((path, std::fs::read(entry.path()).unwrap()));
                }
            }
        }
    }
    files.sort();
    files
}

fn editable(manifest: &Manifest) -> Vec<&ImageField> {
    let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
    containers.map(|container| &container.image).filter(|image| image.refusal().is_none()).collect()
}

/// The file as it must come out: the tag inside each value exchanged, by hand.
fn by_hand(bytes: &[u8], fields: &[&ImageField], tag: &Tag) -> Vec<u8> {
    let spans = fields.iter().filter_map(|field| Some((field.span()?.start, field.span()?.end, *field)));
    let mut spans: Vec<_> = spans.collect();
    spans.sort_by_key(|(start, ..)| *start);
    // An anchor and its aliases are one value.
    spans.dedup_by_key(|(start, ..)| *start);
    let mut out = Vec::new();
    let mut at = 0;
    for (start, end, field) in spans {
        let written = std::str::from_utf8(&bytes[start..end]).unwrap();
        let quoted = start > 0 && matches!(bytes[start - 1], b'"' | b'\'');
        let new = match field.reference().tag() {
            Some(old) => {
                let from = written.rfind(old.as_str()).unwrap();
                format!("{}{tag}{}", &written[..from], &written[from + old.as_str().len()..])
            }
            None if written.is_empty() && quoted => tag.to_string(),
            None => format!("{written}:{tag}"),
        };
        out.extend_from_slice(&bytes[at..start]);
        out.extend_from_slice(new.as_bytes());
        at = end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// How many images the file has, and how many of them can be changed.
fn check(path: &RepoPath, bytes: &[u8], terms: &Terms) -> (usize, usize) {
    let manifest = read(path, bytes, terms);
    let images = manifest.workloads.iter().map(|workload| workload.containers.len()).sum();
    let Ok(document) = Document::open(path, bytes) else {
        assert_eq!(images, 0, "{path}: images in a file that cannot be opened");
        return (0, 0);
    };
    assert_eq!(document.rewrite(&[]).bytes, bytes, "{path}: no change, other bytes");
    let fields = editable(&manifest);
    let tag = Tag::parse("20991231-landwaiter.1").unwrap();
    let changes: Vec<(&ImageField, Tag)> = fields.iter().map(|field| (*field, tag.clone())).collect();
    let Rewritten { bytes: after, refused } = document.rewrite(&changes);
    assert_eq!(refused, [], "{path}");
    assert_eq!(after, by_hand(bytes, &fields, &tag), "{path}: rewritten otherwise than by hand");
    let again = read(path, &after, terms);
    let expected: Vec<String> = fields.iter().map(|field| field.reference().with_tag(&tag)).collect();
    let found: Vec<String> = editable(&again).iter().map(|field| field.reference().to_string()).collect();
    assert_eq!(found, expected, "{path}: read again");
    let changes: Vec<(&ImageField, Tag)> = editable(&again).into_iter().map(|field| (field, tag.clone())).collect();
    let twice = Document::open(path, &after).expect("it was read").rewrite(&changes);
    assert_eq!((twice.bytes, twice.refused), (after, vec![]), "{path}: a second run");
    (images, fields.len())
}

#[test]
fn every_file_is_read_and_rewritten_at_its_images_only() {
    let terms = Terms::builtin();
    for folder in folders() {
        let (mut images, mut changed) = (0, 0);
        let files = files(&folder);
        for (path, bytes) in &files {
            let (all, editable) = check(path, bytes, terms);
            images += all;
            changed += editable;
        }
        assert!(changed > 0, "{}: no image in {} files", folder.display(), files.len());
        assert!(changed <= images);
    }
}

/// A whole repository in memory; the key of a file is its number.
struct Texts(Vec<(RepoPath, Vec<u8>)>);

impl Source for Texts {
    type Key = (usize, Vec<u8>);
    type Error = Infallible;

    fn find(&self, path: &RepoPath) -> Result<Option<Self::Key>, Infallible> {
        Ok(self.0.iter().position(|(file, _)| file == path).map(|at| (at, self.0[at].1.clone())))
    }

    fn read(&self, (_, bytes): &Self::Key, buffer: &mut Vec<u8>) -> Result<(), Infallible> {
        buffer.clone_from(bytes);
        Ok(())
    }
}

impl Texts {
    fn survey(&self) -> Inventory {
        let keyed = self.0.iter().enumerate().map(|(at, (path, bytes))| (path.clone(), (at, bytes.clone())));
        let files: Vec<_> = keyed.collect();
        Inventory::survey(&files, self, Scope::Everything, &mut Memory::default()).unwrap()
    }

    /// Every image of the repository on this tag, wherever it stands; the number of those changed.
    fn set_all(&mut self, inventory: &Inventory, tag: &Tag) -> usize {
        let mut by_file: BTreeMap<&RepoPath, Vec<(&ImageField, Tag)>> = BTreeMap::new();
        for container in inventory.workloads().flat_map(|workload| &workload.containers) {
            if container.image.refusal().is_none() {
                by_file.entry(&container.image.place().file).or_default().push((&container.image, tag.clone()));
            }
        }
        let mut changed = 0;
        for (path, changes) in by_file {
            let at = self.0.iter().position(|(file, _)| file == path).unwrap();
            let bytes = &self.0[at].1;
            let Rewritten { bytes: after, refused } = Document::open(path, bytes).unwrap().rewrite(&changes);
            assert_eq!(refused, [], "{path}");
            let fields: Vec<&ImageField> =
                changes.iter().map(|(field, _)| *field).filter(|field| field.span().is_some()).collect();
            let inserted = changes.len() - fields.len();
            if inserted == 0 {
                assert_eq!(after, by_hand(bytes, &fields, tag), "{path}: rewritten otherwise than by hand");
            } else {
                let without = |bytes: &[u8]| {
                    let text = std::str::from_utf8(bytes).unwrap();
                    text.lines()
                        .filter(|line| !line.trim_start().starts_with("newTag:"))
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                };
                assert_eq!(
                    without(&after),
                    without(&by_hand(bytes, &fields, tag)),
                    "{path}: more than a key was added"
                );
            }
            changed += changes.len();
            self.0[at].1 = after;
        }
        changed
    }
}

/// `file workload container`, for those images that can be changed, each with its image.
fn images(inventory: &Inventory) -> BTreeMap<String, String> {
    let mut images = BTreeMap::new();
    for (number, workload) in inventory.workloads().enumerate() {
        for container in &workload.containers {
            let image = &container.image;
            let name = format!("{number} {} {} {}", image.place().file, workload.id, container.name);
            if image.refusal().is_none() {
                images.insert(name, image.reference().to_string());
            }
        }
    }
    images
}

#[test]
fn a_repository_is_changed_at_all_its_images_and_a_second_run_changes_nothing() {
    let mut repositories = vec![];
    for folder in folders() {
        // Each folder of the corpus is a repository of its own.
        let whole = folder.join("demo").exists() || folder.starts_with(env!("CARGO_MANIFEST_DIR"));
        if whole {
            repositories.push(folder);
        } else {
            repositories.extend(
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()),
            );
        }
    }
    for folder in repositories {
        let mut texts = Texts(files(&folder));
        let tag = Tag::parse("20991231-landwaiter.1").unwrap();
        let before = texts.survey();
        let changed = texts.set_all(&before, &tag);
        let (found, after) = (images(&before), texts.survey());
        let expected: BTreeMap<_, _> = found
            .iter()
            .map(|(name, image)| {
                let image = Reference::parse(image).unwrap();
                (name.clone(), image.with_tag(&tag))
            })
            .collect();
        assert_eq!(images(&after), expected, "{}", folder.display());
        let settled = texts.0.clone();
        assert_eq!(texts.set_all(&after, &tag), changed, "{}", folder.display());
        assert!(texts.0 == settled, "{}: a second run changes something", folder.display());
    }
}

#[test]
fn every_file_in_policies_is_built_in() {
    let terms = Terms::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let files = files(&folder);
    assert_eq!(files.len(), terms.presets.names().count());
    for (path, _) in files {
        let name = path.file_name().trim_end_matches(".yaml");
        assert!(terms.presets.get(name).is_some(), "policies/{path} is not built in");
    }
}
