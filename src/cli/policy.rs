//! The options that make a policy on the command line, for every command that tries one out.

use clap::ValueEnum;
use jiff::Timestamp;

use super::Error;
use crate::image::Tag;
use crate::manifest;
use crate::policy::{Dialect, Exclude, MinAge, Order, Pattern, Policy};

/// What stands beside a pattern.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArgs {
    /// Which match is the best: semver, newest, numeric, natural or alphabetical, with asc or desc.
    #[arg(long, env = "LANDWAITER_ORDER", requires = "policy")]
    order: Option<String>,

    /// What of the tag is compared: $1 or ${name} of a regex.
    #[arg(long, env = "LANDWAITER_EXTRACT", requires = "policy")]
    extract: Option<String>,

    /// Globs of tags that are never chosen, separated by commas.
    #[arg(long, env = "LANDWAITER_EXCLUDE", requires = "policy")]
    exclude: Option<String>,

    /// How long a tag has to be there before it is taken: 24h, 7d.
    #[arg(long, value_name = "TIME", env = "LANDWAITER_MIN_AGE", requires = "policy")]
    min_age: Option<String>,

    /// The time to decide for, where --min-age asks for it.
    #[arg(long, value_name = "RFC3339", env = "LANDWAITER_NOW", requires = "policy")]
    now: Option<Timestamp>,

    /// The tag that is deployed now; without it that of the image, if one is given.
    #[arg(long, env = "LANDWAITER_CURRENT", requires = "policy")]
    current: Option<Tag>,

    /// Whose rules apply to the pattern.
    #[arg(long, value_enum, default_value = "native", env = "LANDWAITER_DIALECT")]
    dialect: DialectName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DialectName {
    Native,
    Flux,
}

impl PolicyArgs {
    /// The policy with this pattern, or with the name of one that is built in.
    pub(super) fn build(&self, pattern: &str) -> Result<Policy, Error> {
        let dialect = match self.dialect {
            DialectName::Native => Dialect::Native,
            DialectName::Flux => Dialect::Flux,
        };
        let input = |error: &dyn std::fmt::Display| Error::Input(error.to_string());
        let presets = manifest::builtin_presets();
        let mut builder = match presets.get(pattern) {
            Some(preset) => preset.builder(),
            None => Policy::builder(Pattern::parse(pattern, dialect).map_err(|error| input(&error))?),
        };
        if let Some(order) = &self.order {
            builder = builder.order(Order::parse(order).map_err(|error| input(&error))?);
        }
        if let Some(extract) = &self.extract {
            builder = builder.extract(extract);
        }
        if let Some(exclude) = &self.exclude {
            builder = builder.exclude(Exclude::parse(exclude).map_err(|error| input(&error))?);
        }
        if let Some(min_age) = &self.min_age {
            builder = builder.min_age(MinAge::parse(min_age).map_err(|error| input(&error))?);
        }
        builder.build().map_err(|error| input(&error))
    }

    /// The tag that is deployed now.
    pub(super) fn current<'a>(&'a self, of_image: Option<&'a Tag>) -> Option<&'a Tag> {
        self.current.as_ref().or(of_image)
    }

    /// The time of the decision.
    pub(super) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}
