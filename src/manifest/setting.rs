//! What files say to other tools beyond images and tags, as plain data for those who move a repository over.
//!
//! Must not know what becomes of it.

use super::problem::Place;

/// One field that says how another tool works, and not which tag is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The object that says it, `ImageUpdateAutomation flux-system/flux`, or the name of the file.
    pub owner: Box<str>,
    /// The field, `spec.git.commit.author.email`.
    pub key: Box<str>,
    /// What is written in it; of a list or mapping, that it is one.
    pub value: Box<str>,
    /// Where the value stands.
    pub place: Place,
    /// The option of `landwaiter run` that says the same, `--git-email`; `None` where there is none yet.
    pub option: Option<&'static str>,
}
