//! `landwaiter demo`: shows what the demo does, as it happens.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;

use super::output::{BOLD, DIM, GREEN, diff};
use super::{Good, Outcome};
use crate::daemon::Stop;
use crate::demo::{self, Event};

const EXAMPLES: &str = "\
Examples:
  landwaiter demo            about fifteen seconds, then it ends by itself
  landwaiter demo --keep     leaves registry and daemon running until Ctrl-C";

/// Shows the main job on this machine alone: an embedded registry, a config repository, a real pass.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Leave registry and daemon running until Ctrl-C.
    #[arg(long, env = "LANDWAITER_KEEP", value_parser = BoolishValueParser::new())]
    keep: bool,

    /// Where the demo's folder is made. It stays there for you to read. Default: the system's folder
    /// for temporary files.
    #[arg(long, value_name = "DIR", env = "LANDWAITER_DEMO_DIR")]
    dir: Option<PathBuf>,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write, stop: &Stop) -> Outcome {
        let folder = self.dir.unwrap_or_else(std::env::temp_dir);
        let mut printed = Ok(());
        let show = |event: Event<'_>| {
            if printed.is_ok() {
                printed = print(out, &event, self.keep).and_then(|()| out.flush());
            }
        };
        demo::run(&folder, self.keep, stop, show).await?;
        printed?;
        Ok(Good::Yes)
    }
}

fn print(out: &mut dyn Write, event: &Event<'_>, keep: bool) -> std::io::Result<()> {
    match event {
        Event::Started { registry, repository, files } => {
            writeln!(out, "{BOLD}registry{BOLD:#}     http://{registry}/v2/")?;
            writeln!(out, "{BOLD}repository{BOLD:#}   {} ({files} files)", repository.display())?;
            writeln!(out, "{BOLD}landwaiter{BOLD:#}   watches both, once a second")
        }
        Event::Released { images, about } => {
            writeln!(out, "\n{BOLD}released{BOLD:#}     {}", images.join("\n             "))?;
            writeln!(out, "             {DIM}{about}{DIM:#}")
        }
        Event::Landed { commit, changes, after } => {
            let id = commit.id.to_string();
            let id = id.get(..10).unwrap_or(&id);
            writeln!(out, "{GREEN}landed{GREEN:#}       {id} after {:.1} s\n", after.as_secs_f64())?;
            for line in commit.message.trim_end().lines() {
                writeln!(out, "    {line}")?;
            }
            writeln!(out)?;
            changes.iter().try_for_each(|change| diff(out, change))
        }
        Event::Quiet => writeln!(out, "{GREEN}no commit{GREEN:#}    as it should be"),
        Event::Finished { repository, commits } => {
            writeln!(out, "\n{BOLD}{commits} commits.{BOLD:#} Read them with Git's own eyes:")?;
            writeln!(out, "\n    git -C {} log -p\n", repository.display())?;
            if keep {
                writeln!(out, "Registry and daemon go on until Ctrl-C.")?;
            }
            Ok(())
        }
    }
}
