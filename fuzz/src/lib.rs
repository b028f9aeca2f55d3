//! What the targets hold any bytes to. It is written down beside the tests of the law, which hold the
//! seeds and all that once fell to it in every run; here each law is only made a function to call.

#[path = "../../tests/it/law"]
mod law {
    pub(super) mod any_bytes;
    mod file;
    mod generate;
    pub(super) mod generated;
    mod words;
}

use law::{any_bytes, generated};

/// Keys and values of annotations, with NUL between them.
pub fn annotation(text: &str) {
    any_bytes::annotation(text);
}

/// Choices, of which a file is made, behind sixteen throws for the tags of its images.
pub fn generated(data: &[u8]) {
    let (throws, choices) = data.split_at(data.len().min(16));
    generated::generated(choices, throws);
}

/// A file that switches the rules of lint.
pub fn lint_file(data: &[u8]) {
    any_bytes::lint_file(data);
}

/// A name, by the first byte, and a file.
pub fn manifest(data: &[u8]) {
    any_bytes::manifest(data);
}

/// Two paths, with NUL between them.
pub fn path(text: &str) {
    any_bytes::path(text);
}

/// Lines: a pattern, what stands beside it, the current tag, and the tags there are.
pub fn pattern(text: &str) {
    any_bytes::pattern(text);
}

/// A file with a named policy.
pub fn policy_file(data: &[u8]) {
    any_bytes::policy_file(data);
}

/// An image, or a part of one.
pub fn reference(text: &str) {
    any_bytes::reference(text);
}
