//! The laws of `any_bytes.rs`, over the seeds of the fuzz targets and over all that once fell to them.

use std::path::{Path, PathBuf};

use super::any_bytes::{NAMES, PREFIXES, annotation, lint_file, manifest, path, pattern, policy_file, reference};

/// Every file below a folder of the repository, with its path.
fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let files: Vec<_> = files.map(|entry| (entry.path().to_owned(), std::fs::read(entry.path()).unwrap())).collect();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

/// The texts behind a word in all fixtures, up to the end of the line.
fn behind(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, bytes) in files("fixtures") {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        found.extend(text.lines().filter_map(|line| Some(line.split_once(word)?.1.trim().to_owned())));
    }
    assert!(!found.is_empty(), "{word} stands nowhere");
    found
}

#[test]
fn the_fixtures_under_every_name() {
    let folders = ["fixtures/manifests", "fixtures/demo", "fixtures/dialects"];
    for (path, bytes) in folders.into_iter().flat_map(files) {
        let own = NAMES.iter().position(|name| path.extension() == Path::new(name).extension()).unwrap_or(0);
        // Whatever the file is called: its own ending, and that of a file of another kind.
        for name in [own, 1, 2, 3, 4] {
            let mut data = vec![u8::try_from(name).unwrap()];
            data.extend_from_slice(&bytes);
            manifest(&data);
        }
    }
}

#[test]
fn the_names_and_patterns_of_the_fixtures() {
    for image in behind("image:") {
        reference(&image);
        reference(image.trim_matches(['\'', '"', ',']));
    }
    let tags = "1.2.0\n1.2.4\nv1.3.0\n2.0.0-rc.1\nmain-a1b2c3d-42\n20240101\nlatest";
    let table = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/conformance/semver-constraints.tsv"),
    );
    for line in table.unwrap().lines().filter(|line| !line.starts_with('#')) {
        let constraint = line.split('\t').next().unwrap();
        pattern(&format!("semver:{constraint}\nsemver\n\n*-rc*\nminor\n1.2.0\n{tags}"));
    }
    for text in ["regex:(.+)-[a-z0-9]+-(\\d+)", "glob:{v,}1.[0-9].*", "1.*", "semver:>=1 || <0.1", "regex:.*"] {
        for order in ["", "numeric desc", "newest", "alphabetical", "semver"] {
            pattern(&format!("{text}\n{order}\n$2\n*-rc*,a\n\nmain-a1b2c3d-41\n{tags}"));
        }
    }
    for (file, bytes) in files("policies").into_iter().chain(files("fixtures/manifests")) {
        policy_file(&bytes);
        lint_file(&bytes);
        path(&format!("{}\0../{}", file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display(), file.display()));
    }
}

#[test]
fn the_annotations_of_the_fixtures() {
    for (at, prefix) in PREFIXES.iter().enumerate().filter(|(_, prefix)| !prefix.is_empty()) {
        let first = char::from(b'0' + u8::try_from(at).unwrap());
        let stated =
            if at < 3 || *prefix == "keel.sh/" { behind(prefix) } else { vec!["app: values.image".to_owned()] };
        for (key, value) in stated.iter().filter_map(|line| line.split_once(':')) {
            let value = value.trim().trim_matches(['\'', '"']);
            annotation(&format!("{first}{key}\0{value}"));
            annotation(&format!("{first}{key}\0{value}\0\0automated\0true\0{first}automated\0true"));
        }
    }
}

/// What once fell, as it fell.
#[test]
fn what_once_fell() {
    // A name that fits by itself, and not with the `library/` that Docker Hub means by it.
    reference(&"a".repeat(250));
    reference(&"a".repeat(247));
    // An empty part joined to a path is none.
    path("fixtures/a.yaml\0");
    path("a\0../../b");
    // A marker on the name that an entry looks for, which has a tag: two images say it.
    manifest(b"\x02images:\n- name: e:e # landwaiter: semver:*\n");
    // A digest that is marked by mistake, beside a tag that is: both say the tag, and neither is changed.
    manifest(b"\0repository: a/x\ntag: 1 # {\"$imagepolicy\": \"n\ndigest: '' # {\"$$imagepolicy\": \"ns:p\"}x\n");
    // A value that is no tag, with a comment that is no marker.
    manifest(b"\x02images:\n- name: a\n  newTag: :1 # {co\"$imagepolicy\": \"a: #b\n");
}
