//! `landwaiter template`: what commits would say, for samples or for a checkout.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::commit::{AuthorArgs, ShapeArgs, template};
use super::dialects::DialectArgs;
use super::output::{counted, json, message_text};
use super::registry::RegistryArgs;
use super::{Error, Good, Outcome, OutputFormat, checkout};
use crate::git::RemoteUrl;
use crate::manifest::Scope;
use crate::plan::{Hold, Occasion, Preview, Verdict, previews};
use crate::secret::Secret;

const EXAMPLES: &str = "\
Examples:
  landwaiter template                                          the default message, for samples
  landwaiter template commit.j2                                what this template makes of them
  landwaiter template commit.j2 --dir . --tags tags.json       what the next commit of this checkout would say
  landwaiter template --dir . --commit-grouping folder --commit-skip-ci

The exit code is 1 when the template has a mistake, which is told with its line and column.";

/// Shows what commits would say, for samples or for a checkout.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The template; without one the default message is shown.
    #[arg(value_name = "FILE", env = "LANDWAITER_COMMIT_TEMPLATE")]
    file: Option<PathBuf>,

    /// The checkout of a config repository whose next commits are shown.
    #[arg(long, value_name = "DIR", env = "LANDWAITER_DIR")]
    dir: Option<PathBuf>,

    /// Tags for it from a JSON file instead of the registries.
    #[arg(long, value_name = "FILE", env = "LANDWAITER_TAGS", requires = "dir")]
    tags: Option<PathBuf>,

    /// The time to plan for, where locks, min-age and the like ask for it.
    #[arg(long, value_name = "RFC3339", env = "LANDWAITER_NOW")]
    now: Option<Timestamp>,

    /// The config repository, for its name.
    #[arg(
        long,
        env = "LANDWAITER_GIT_URL",
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Git",
        default_value = "https://git.example.com/org/config.git"
    )]
    git_url: Secret,

    /// Its branch.
    #[arg(long, env = "LANDWAITER_GIT_BRANCH", value_name = "BRANCH", default_value = "main", help_heading = "Git")]
    git_branch: String,

    #[command(flatten)]
    author: AuthorArgs,

    #[command(flatten)]
    shape: ShapeArgs,

    #[command(flatten)]
    dialects: DialectArgs,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,

    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Debug, Serialize)]
struct TemplateOutput {
    commits: Vec<CommitOutput>,
}

#[derive(Debug, Serialize)]
struct CommitOutput {
    /// Which sample it is for; `null` for a checkout.
    sample: Option<&'static str>,
    group: Option<String>,
    message: String,
}

impl Args {
    pub(super) async fn run(self, out: &mut dyn Write) -> Outcome {
        let url = RemoteUrl::parse(self.git_url.expose());
        let repository = url.map_err(|error| Error::Usage(format!("--git-url: {error}")))?.name();
        let author = self.author.identity()?.to_string();
        let template = self.file.as_deref().map(template).transpose()?;
        let options = self.shape.options(template);
        let occasion = Occasion { repository: &repository, branch: &self.git_branch, author: &author };
        let wrong = |error: crate::plan::InvalidTemplate| Error::Input(error.to_string());
        let (commits, is_seen) = match &self.dir {
            None => {
                let commit = |Preview { sample, group, message }| CommitOutput { sample: Some(sample), group, message };
                (previews(&options, &occasion).map_err(wrong)?.into_iter().map(commit).collect(), true)
            }
            Some(dir) => {
                let inventory = checkout::survey(dir, self.dialects.heard(), Scope::Annotated)?;
                let now = self.now.unwrap_or_else(Timestamp::now);
                let plan = super::plan::draw(dir, &inventory, self.tags.as_deref(), self.registry, now).await?;
                let unseen = |verdict: &Verdict| matches!(verdict, Verdict::Hold(Hold::Unseen(_)));
                let unseen = plan.entries.iter().filter(|entry| unseen(&entry.verdict)).count();
                if unseen > 0 && self.tags.is_none() {
                    let unseen = counted(unseen, "container");
                    tracing::warn!("{unseen} left out, whose tags could not be had: `landwaiter plan` says why");
                }
                let drafts = plan.drafts(&options, &occasion).map_err(wrong)?;
                let commits = drafts.into_iter().map(|draft| CommitOutput {
                    sample: None,
                    group: draft.group,
                    message: draft.message,
                });
                (commits.collect::<Vec<_>>(), unseen == 0 || self.tags.is_some())
            }
        };
        match self.output {
            OutputFormat::Json => json(out, &TemplateOutput { commits })?,
            OutputFormat::Text => text(out, &commits)?,
        }
        Ok(Good::unless(!is_seen))
    }
}

fn text(out: &mut dyn Write, commits: &[CommitOutput]) -> std::io::Result<()> {
    if commits.is_empty() {
        return writeln!(out, "Nothing would be committed.");
    }
    for (index, commit) in commits.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        match (commit.sample, &commit.group, commits.len()) {
            (Some(sample), ..) => writeln!(out, "{gap}A sample, {sample}:\n")?,
            (None, Some(group), all) => writeln!(out, "{gap}Commit {} of {all}, {group}:\n", index + 1)?,
            (None, None, _) => writeln!(out, "{gap}The next commit:\n")?,
        }
        message_text(out, &commit.message)?;
    }
    Ok(())
}
