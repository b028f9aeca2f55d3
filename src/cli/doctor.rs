//! `landwaiter doctor`: whether everything that a daemon needs is there, before it does its work.
//!
//! Each check is made whatever came of the others, in its own time. `doctor/git.rs` looks at the config
//! repository and the data directory, `doctor/registries.rs` at registries and their repositories, and
//! `doctor/report.rs` says what was found.

mod git;
mod registries;
mod report;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use self::report::{Report, State};
use super::dialects::DialectArgs;
use super::durations::patience;
use super::git::GitArgs;
use super::output::{has_error, json};
use super::progress::Progress;
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, checkout};
use crate::git::Identity;
use crate::manifest::{Scope, Terms};
use crate::plan::Inventory;
use crate::{reconcile, tls};

const EXAMPLES: &str = "\
Examples:
  landwaiter doctor                                        the registries of this checkout
  landwaiter doctor --config landwaiter.yaml               with the settings of the daemon
  landwaiter doctor --git-url https://git.example.com/org/config.git --git-credentials /run/secrets/git
  landwaiter doctor --output json | jq '.checks[] | select(.state == \"failed\")'

Nothing is changed anywhere: whether we may push is asked of the server without pushing. With the same
variables (LANDWAITER_…) as the daemon it checks what the daemon will do.

Exit codes: 0 nothing failed (there may be warnings), 1 something did, 2 wrong usage.";

/// Checks what a daemon needs: registries, credentials, certificates, clocks, Git, the data directory.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A checkout of the config repository; not with --git-url.
    #[arg(default_value = ".", value_name = "DIR", conflicts_with = "git_url")]
    dir: PathBuf,

    #[command(flatten)]
    git: GitArgs,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How long one check may take.
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "LANDWAITER_TIMEOUT", value_parser = patience)]
    timeout: Duration,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let Self { dir, git, dialects, timeout, output, registry } = self;
        tls::watch_certificates();
        let (mut report, mut progress) = (Report::default(), Progress::to_stderr());
        let settings = registry.settings()?;
        let options = registry.options(Duration::ZERO)?;
        let mut inventories = Vec::new();
        if git.has_url() || !settings.repositories.is_empty() {
            // Nobody commits anything here.
            let author = Identity::new("Landwaiter", "landwaiter@localhost");
            let author = author.map_err(|error| Error::Input(error.to_string()))?;
            let terms = Terms { dialects: dialects.heard(), ..Terms::builtin().clone() };
            let pass = reconcile::Options { terms, ..reconcile::Options::by(author) };
            git::tell_of_data_dir(git.data_dir(&settings), &mut report);
            for repository in git.repositories(&settings, &pass)? {
                let about = format!("git {}", repository.git.url);
                let found = git::examine(repository, timeout, &mut report, &mut progress).await?;
                inventories.extend(found.map(|inventory| (about, inventory)));
            }
        } else {
            let inventory = checkout::survey(&dir, dialects.heard(), Scope::Annotated)?;
            inventories.push(("config repository".to_owned(), inventory));
        }
        let now = Timestamp::now();
        let mut repositories = BTreeSet::new();
        for (about, inventory) in &inventories {
            tell_of_mistakes(about, inventory, &mut report);
            repositories.extend(inventory.watches(now).into_keys().chain(inventory.locked(now)));
        }
        registries::examine(options, &settings.sites, &repositories, timeout, &mut report, &mut progress).await?;
        drop(progress);
        match output {
            OutputFormat::Json => json(out, &report)?,
            OutputFormat::Text => report.print(out)?,
        }
        Ok(Good::unless(report.has_failed()))
    }
}

/// Mistakes hold their own containers and nothing else, and `lint` tells them better.
fn tell_of_mistakes(about: &str, inventory: &Inventory, report: &mut Report) {
    let followed = inventory.watches(Timestamp::now()).len();
    let message = match followed {
        0 => "no image is followed: nothing is automated, see `landwaiter list`".to_owned(),
        1 => "1 image repository is followed".to_owned(),
        _ => format!("{followed} image repositories are followed"),
    };
    report.add(about, "images", if followed == 0 { State::Warning } else { State::Ok }, message);
    if has_error(inventory.problems()) {
        let message = "there are mistakes in it, which hold what they are about; `landwaiter lint` tells them";
        report.add(about, "mistakes", State::Warning, message.to_owned());
    }
}
