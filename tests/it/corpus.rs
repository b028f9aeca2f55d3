//! Every manifest of a folder: read without a panic, left alone byte for byte, and rewritten at the
//! images and nowhere else.
//!
//! Runs over our own collection of odd files, and over the folder in `LANDWAITER_CORPUS` as well
//! when that is set.

use std::path::{Path, PathBuf};

use landwaiter::image::Tag;
use landwaiter::manifest::{Document, ImageField, Manifest, Rewritten, builtin_presets, is_manifest_path, read};
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
fn check(path: &RepoPath, bytes: &[u8], presets: &Presets) -> (usize, usize) {
    let manifest = read(path, bytes, presets);
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
    let again = read(path, &after, presets);
    let expected: Vec<String> = fields.iter().map(|field| field.reference().with_tag(&tag)).collect();
    let found: Vec<String> = editable(&again).iter().map(|field| field.reference().to_string()).collect();
    assert_eq!(found, expected, "{path}: read again");
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
