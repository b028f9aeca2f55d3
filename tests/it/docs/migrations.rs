//! The pages of `docs/migrate/`: what they show was run. A line `<!-- … -->` before a block of code says what
//! the block is:
//!
//! - `write PATH`: a file of the repository; `before PATH`: the same, as another tool had it;
//! - `tags`: what the registries have;
//! - `import`: what `import --write` prints; `after PATH`: what has become of the file then;
//! - `plan`: what `plan` prints, tags taken from the block above.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::binary::{landwaiter, run};

/// A block of code, with what the comment before it says and where it stands in the page.
struct Block {
    word: String,
    path: String,
    from: usize,
    to: usize,
}

#[track_caller]
fn check(page: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrate").join(page);
    let text = fs::read_to_string(&file).unwrap();
    let folder = TempDir::new().unwrap();
    let repository = folder.path().join("repository");
    fs::create_dir(&repository).unwrap();
    let tags = folder.path().join("tags.json");
    let ran = |words: &[&str]| {
        let mut command = landwaiter(folder.path(), words);
        let ran = run(command.arg("--tags").arg(&tags).arg(&repository));
        assert_eq!(ran.code, 0, "{page}: {ran:?}");
        // What a terminal would show, without blanks at the ends of lines.
        ran.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect::<Vec<_>>().concat()
    };
    let mut now = String::new();
    let mut done = 0;
    for block in blocks(&text) {
        let said = &text[block.from..block.to];
        let shown = match block.word.as_str() {
            "write" | "before" => {
                let path = repository.join(&block.path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, said).unwrap();
                said.to_owned()
            }
            "tags" => {
                fs::write(&tags, said).unwrap();
                said.to_owned()
            }
            "plan" => ran(&["plan"]),
            "import" => ran(&["import", "--write"]),
            "after" => fs::read_to_string(repository.join(&block.path)).unwrap(),
            word => panic!("{page}: a block is called {word}"),
        };
        now.push_str(&text[done..block.from]);
        now.push_str(&shown);
        done = block.to;
    }
    now.push_str(&text[done..]);
    if now != text && std::env::var_os("LANDWAITER_BLESS").is_some() {
        fs::write(&file, now).unwrap();
    } else if now != text {
        panic!(
            "{page} does not show what happens; run the tests with LANDWAITER_BLESS=1, and look at the difference:\n{now}"
        );
    }
}

/// The blocks that are meant for us, in their order.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = 0;
    while let Some(at) = page[rest..].find("<!-- ").map(|at| at + rest) {
        let end = at + page[at..].find(" -->\n```").unwrap_or_else(|| panic!("no block follows a comment"));
        let (word, path) = page[at + 5..end].split_once(' ').unwrap_or((&page[at + 5..end], ""));
        let fence = end + " -->\n```".len();
        let from = fence + page[fence..].find('\n').unwrap() + 1;
        let to = from + page[from..].find("```\n").unwrap_or_else(|| panic!("a block has no end"));
        blocks.push(Block { word: word.to_owned(), path: path.to_owned(), from, to });
        rest = to;
    }
    assert!(!blocks.is_empty(), "the page shows nothing");
    blocks
}

#[test]
fn from_renovate() {
    check("renovate.md");
}

#[test]
fn from_kargo() {
    check("kargo.md");
}

#[test]
fn from_flux_1() {
    check("flux-v1.md");
}

#[test]
fn from_flux_2() {
    check("flux-v2.md");
}

#[test]
fn from_argo_cd_image_updater() {
    check("argocd-image-updater.md");
}

#[test]
fn from_keel() {
    check("keel.md");
}
