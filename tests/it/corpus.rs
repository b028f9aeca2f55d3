//! Every manifest of a folder: read without a panic, left alone byte for byte, and rewritten at the
//! images and nowhere else.
//!
//! Runs over our own collection of odd files, and over the folder in `LANDWAITER_CORPUS` as well
//! when that is set.

use std::path::{Path, PathBuf};

use landwaiter::image::Tag;
use landwaiter::manifest::{ImageField, Manifest, builtin_presets, is_manifest_path, read};
use landwaiter::path::RepoPath;
use landwaiter::policy::Presets;

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

/// The file as it must come out: the tag inside each span exchanged, by hand.
fn by_hand(bytes: &[u8], fields: &[&ImageField], tag: &Tag) -> Vec<u8> {
    let mut fields = fields.to_vec();
    fields.sort_by_key(|field| field.span().start);
    // An alias tells the bytes of its anchor.
    fields.dedup_by_key(|field| field.span());
    let mut out = Vec::new();
    let mut at = 0;
    for field in fields {
        let written = &bytes[field.span()];
        let old = field.reference().tag().map_or(0, |old| 1 + old.as_str().len());
        out.extend_from_slice(&bytes[at..field.span().start]);
        out.extend_from_slice(&written[..written.len() - old]);
        out.extend_from_slice(format!(":{tag}").as_bytes());
        at = field.span().end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// How many images the file has, and how many of them can be changed.
fn check(path: &RepoPath, bytes: &[u8], presets: &Presets) -> (usize, usize) {
    let manifest = read(path, bytes, presets);
    assert_eq!(manifest.rewrite(&[]).unwrap(), bytes, "{path}: no change, other bytes");
    let fields = editable(&manifest);
    let tag = Tag::parse("20991231-landwaiter.1").unwrap();
    for field in &fields {
        let written = std::str::from_utf8(&bytes[field.span()]).unwrap().replace("\\/", "/");
        assert_eq!(written, field.reference().as_str(), "{}", field.place());
    }
    let changes: Vec<(&ImageField, Tag)> = fields.iter().map(|field| (*field, tag.clone())).collect();
    let after = manifest.rewrite(&changes).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(after, by_hand(bytes, &fields, &tag), "{path}: rewritten otherwise than by hand");
    let again = read(path, &after, presets);
    let expected: Vec<String> = fields.iter().map(|field| field.reference().with_tag(&tag)).collect();
    let found: Vec<String> = editable(&again).iter().map(|field| field.reference().to_string()).collect();
    assert_eq!(found, expected, "{path}: read again");
    let images = manifest.workloads.iter().map(|workload| workload.containers.len()).sum();
    (images, fields.len())
}

#[test]
fn every_file_is_read_and_rewritten_at_its_images_only() {
    let presets = builtin_presets();
    for folder in folders() {
        let (mut images, mut changed) = (0, 0);
        let files = files(&folder);
        for (path, bytes) in &files {
            let (all, editable) = check(path, bytes, presets);
            images += all;
            changed += editable;
        }
        assert!(changed > 0, "{}: no image in {} files", folder.display(), files.len());
        assert!(changed <= images);
    }
}

#[test]
fn every_file_in_policies_is_built_in() {
    let presets = builtin_presets();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let files = files(&folder);
    assert_eq!(files.len(), presets.names().count());
    for (path, _) in files {
        let name = path.file_name().trim_end_matches(".yaml");
        assert!(presets.get(name).is_some(), "policies/{path} is not built in");
    }
}
