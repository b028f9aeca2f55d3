//! The config repository: the files of one commit in, one commit out.
//!
//! Floor 2. The only door to gix. It knows commits, trees and servers; it must not know what stands in
//! a file, so it sees neither manifests nor plans nor registries. It never runs a `git` program and
//! never reads the Git configuration of the user or the machine.
//!
//! Read [`Mirror`] first. All of it blocks: callers use `spawn_blocking`.
//!
//! ```text
//! Mirror::open ─► fetch ─► Snapshot ─files, read─► …the caller decides… ─► commit ─► push ─► PushOutcome
//! ```

mod commit;
mod create;
mod credential;
mod error;
mod fetch;
mod folder;
mod github;
mod http;
mod local;
mod mirror;
mod push;
mod remote;
mod server;
mod sign;
mod snapshot;
mod ssh;
mod store;

pub use crate::connection::{ClientCertificate, ConnectionOptions, Proxy};
pub use create::create_repository;
pub use credential::{Credential, Introduction};
pub use error::Error;
pub use github::GithubApp;
pub use mirror::{DEFAULT_TIMEOUT, Mirror, Options};
pub use push::{PushAccess, PushOutcome};
pub use remote::{Identity, InvalidIdentity, InvalidUrl, RemoteUrl};
pub use sign::Signing;
pub use snapshot::{BlobId, CommitId, File, Files, LoggedCommit, Skipped, Snapshot, WhySkipped};
pub use ssh::{DeployKey, SshOptions, deploy_key, deploy_key_anew};
