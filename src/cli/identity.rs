//! `landwaiter identity`: the deploy key of this installation.

use std::io::Write;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use serde::Serialize;

use super::{Error, Good, Outcome, OutputFormat};
use crate::git::{self, DeployKey};

const EXAMPLES: &str = "\
Examples:
  landwaiter identity                                   make the deploy key, or show the one there is
  landwaiter identity --data-dir /var/lib/landwaiter --regenerate
  landwaiter identity --output json | jq -r .public_key

The private half never leaves the file, which only its owner can read (mode 0600).";

/// Makes the deploy key for a config repository that is reached by ssh, or shows the one there is.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Where the key is kept, in the file `identity`.
    #[arg(long, env = "LANDWAITER_DATA_DIR", value_name = "DIR", default_value = "/var/lib/landwaiter")]
    data_dir: PathBuf,

    /// The file of the key, if it is to be another one.
    #[arg(long, env = "LANDWAITER_GIT_SSH_KEY", value_name = "FILE")]
    key: Option<PathBuf>,

    /// Make another key. The one there was is kept beside it, as `identity.old`.
    #[arg(long, env = "LANDWAITER_REGENERATE", value_parser = BoolishValueParser::new())]
    regenerate: bool,

    /// How the answer is printed.
    #[arg(long, env = "LANDWAITER_OUTPUT", value_enum, default_value = "text")]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Row<'a> {
    path: &'a std::path::Path,
    public_key: &'a str,
    fingerprint: &'a str,
    created: bool,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        let make = if self.regenerate { git::deploy_key_anew } else { git::deploy_key };
        let key = make(&self.data_dir, self.key.as_deref()).map_err(|error| Error::Input(error.to_string()))?;
        let DeployKey { path, public, fingerprint, is_new } = &key;
        if self.output == OutputFormat::Json {
            let row = Row { path, public_key: public, fingerprint, created: *is_new };
            serde_json::to_writer_pretty(&mut *out, &row).map_err(std::io::Error::from)?;
            writeln!(out)?;
            return Ok(Good::Yes);
        }
        writeln!(out, "{public}")?;
        writeln!(out)?;
        let verb = if *is_new { "Made" } else { "It is" };
        writeln!(out, "{verb} in {}, fingerprint {fingerprint}.", path.display())?;
        writeln!(out, "Give the line above to the config repository as a key that may write:")?;
        for (forge, place) in [
            ("GitHub", "Settings > Deploy keys > Add deploy key, with \"Allow write access\""),
            ("GitLab", "Settings > Repository > Deploy keys, with \"Grant write permissions to this key\""),
            ("Gitea, Forgejo, Codeberg", "Settings > Deploy Keys > Add Deploy Key, with \"Enable write access\""),
            (
                "Bitbucket",
                "its access keys cannot write: add the key to an account that may, Personal settings > SSH keys",
            ),
            (
                "Azure DevOps",
                "User settings > SSH public keys, of an account that may contribute (it takes RSA keys only)",
            ),
            ("your own server", "a line in ~git/.ssh/authorized_keys"),
        ] {
            writeln!(out, "  {forge}: {place}")?;
        }
        Ok(Good::Yes)
    }
}
