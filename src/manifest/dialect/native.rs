//! The native dialect: `landwaiter/<key>`. Must not know what a value says.

use super::{Voice, Word, lookup};

/// What native keys begin with.
pub(super) const PREFIX: &str = "landwaiter/";

/// The meaning of a native key; `None` for any other.
pub(super) fn read(key: &str) -> Option<(Voice, Word)> {
    Some((Voice::Native, lookup(key.strip_prefix(PREFIX)?)))
}
