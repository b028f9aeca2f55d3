//! What the targets hold any bytes to. It is written down beside the tests of the law, which hold the
//! seeds and all that once fell to it in every run; here each law is only made a function to call.

#[path = "../../tests/it/law/any_bytes.rs"]
mod any_bytes;
#[path = "../../tests/it/law/file.rs"]
mod file;

/// Keys and values of annotations, with NUL between them.
pub fn annotation(text: &str) {
    any_bytes::annotation(text);
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
