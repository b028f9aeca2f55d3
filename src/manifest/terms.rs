//! On what terms files are read: which policies they can name, and whose words are heard in them.

use std::sync::LazyLock;

use super::policy_file::builtin_presets;
use crate::policy::{Dialects, Presets};

/// What reading a file depends on beyond the file itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The policies that can be named.
    pub presets: Presets,
    /// The dialects that are heard. What is written in another one is nobody's word.
    pub dialects: Dialects,
}

impl Terms {
    /// The policies that are built in, and every dialect.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static TERMS: LazyLock<Terms> =
            LazyLock::new(|| Terms { presets: builtin_presets().clone(), dialects: Dialects::default() });
        &TERMS
    }
}
