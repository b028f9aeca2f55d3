//! The option that says whose words are heard, for every command that reads manifests.

use crate::policy::{Dialect, Dialects};

/// Whose words are heard.
#[derive(Debug, clap::Args)]
pub(super) struct DialectArgs {
    /// The dialects that are heard beside the native one; `native` alone hears no other.
    #[arg(
        long,
        env = "LANDWAITER_DIALECTS",
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "flux,flux2,argocd-image-updater,keel"
    )]
    dialects: Vec<Dialect>,
}

impl DialectArgs {
    pub(super) fn heard(&self) -> Dialects {
        Dialects::of(&self.dialects)
    }
}
