//! The options for who commits are by and what they look like, for every command that makes or shows them.

use std::path::{Path, PathBuf};

use clap::builder::{BoolishValueParser, PossibleValuesParser, TypedValueParser as _};

use super::Error;
use crate::git::Identity;
use crate::plan::{CommitOptions, Grouping, Template};

/// Who commits are by.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Git")]
pub(super) struct AuthorArgs {
    /// Who the commits are by.
    #[arg(long, env = "LANDWAITER_GIT_USER", value_name = "NAME", default_value = "Landwaiter")]
    git_user: String,

    /// The address of who the commits are by.
    #[arg(long, env = "LANDWAITER_GIT_EMAIL", value_name = "EMAIL", default_value = "landwaiter@localhost")]
    git_email: String,
}

/// What commits say, and how many there are.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Commits")]
pub(super) struct CommitArgs {
    /// A file with a template for the commit message; `landwaiter template` shows what it makes.
    #[arg(long = "commit-template", env = "LANDWAITER_COMMIT_TEMPLATE", value_name = "FILE")]
    template: Option<PathBuf>,

    #[command(flatten)]
    shape: ShapeArgs,
}

/// What commits look like, whatever they say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Commits")]
pub(super) struct ShapeArgs {
    /// End the subject with `[skip ci]`, so that no pipeline runs for the commit.
    #[arg(long = "commit-skip-ci", env = "LANDWAITER_COMMIT_SKIP_CI", value_parser = BoolishValueParser::new())]
    skip_ci: bool,

    /// Sign off as the author: `Signed-off-by`.
    #[arg(long = "commit-sign-off", env = "LANDWAITER_COMMIT_SIGN_OFF", value_parser = BoolishValueParser::new())]
    sign_off: bool,

    /// Which updates share a commit: all of a pass, or those of a file, a folder, a workload, an image or a
    /// namespace. All commits of a pass are pushed at once.
    #[arg(long = "commit-grouping", env = "LANDWAITER_COMMIT_GROUPING", value_name = "BY", default_value = "pass",
          value_parser = PossibleValuesParser::new(Grouping::ALL.map(Grouping::as_str)).try_map(|text| text.parse::<Grouping>()))]
    grouping: Grouping,
}

impl AuthorArgs {
    pub(super) fn identity(&self) -> Result<Identity, Error> {
        let identity = Identity::new(&self.git_user, &self.git_email);
        identity.map_err(|error| Error::Usage(format!("--git-user, --git-email: {error}")))
    }
}

impl CommitArgs {
    /// The file of the template, if there is one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.template.as_deref()
    }

    /// What they say, with the template read and tried.
    pub(super) fn options(&self) -> Result<CommitOptions, Error> {
        Ok(self.shape.options(self.template.as_deref().map(template).transpose()?))
    }
}

impl ShapeArgs {
    /// What they say, for commits with the words of this template.
    pub(super) fn options(&self, template: Option<Template>) -> CommitOptions {
        CommitOptions { template, skip_ci: self.skip_ci, sign_off: self.sign_off, grouping: self.grouping }
    }
}

/// The template in a file.
pub(super) fn template(file: &Path) -> Result<Template, Error> {
    let what = || format!("cannot read the commit template {}", file.display());
    let text = std::fs::read_to_string(file).map_err(|source| Error::File { what: what(), source })?;
    Template::parse(&file.display().to_string(), &text).map_err(|error| Error::Input(error.to_string()))
}
