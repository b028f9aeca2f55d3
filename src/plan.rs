//! The decisions for a whole config repository, as a value that can be printed, tested and committed.
//!
//! Floor 3. Pure: it is given texts, tag lists and the time, and gives back verdicts, edits and a
//! commit message. It knows no registry client and no Git.
//!
//! In reading order: [`Inventory`] (which containers are there, what is asked for them, which
//! repositories must be watched), [`Plan`] (a [`Verdict`] for each of them; [`Page`] by page with the
//! proved edits, and without what people took back), [`Draft`] (the commits of a plan), [`message`] (what they say, in the words of
//! a [`Template`] if there is one) and [`history`] (read back). [`doubts()`] says what is doubtful about policies and tags, for
//! those who ask before a pass.
//!
//! Beside that, [`import`] takes over what other tools were told.
//!
//! An inventory is made file by file, and then put together, in this order:
//!
//! | file | what it puts together |
//! |---|---|
//! | `inventory/files.rs` | paths with contents: those of the survey, and others where somebody leads there |
//! | `inventory/linked.rs`, `opened.rs` | a file with those that it needs, such as the values files of a chart, each opened once |
//! | `inventory/shelf.rs` | what stands in files that others lead to |
//! | `inventory/argocd.rs` | applications with what Argo CD Image Updater is told of them: `spoken.rs` (by whom), `search.rs` (in them and their values), `folder.rs` (in plain manifests) |
//! | `inventory/kustomize.rs` | workloads with the kustomizations that build them: `tree.rs` (who builds whom), `build.rs` (what becomes of each image), `wanted.rs` (for those who ask) |
//! | `inventory/markers.rs` | comments with the policies that they name, and with the workloads they stand in |
//! | `inventory/claims.rs` | images that somebody decides about who is not their workload |
//! | `inventory/reach.rs` | images with the paths that we were told to look in |
//! | `inventory/owners.rs` | images with all who speak about them: they agree, or hold |

mod commit;
mod doubts;
mod draw;
pub mod history;
pub mod import;
mod inventory;
pub mod message;
mod template;
mod verdict;
mod watch;

pub use commit::{CommitOptions, Draft, Grouping, InvalidGrouping, MOST_COMMITS, Occasion, Preview, previews};
pub use doubts::doubts;
pub use draw::{Change, Entry, Page, Plan};
pub use inventory::{Inventory, Memory, POLICIES, Reading, Readings, Scan, Scans, Source};
pub use template::{InvalidTemplate, Template};
pub use verdict::{Hold, Update, Verdict};
pub use watch::{Finding, Findings, Rulings, Watch, Watches, findings};

#[cfg(test)]
mod tests;
