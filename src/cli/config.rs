//! `landwaiter config`: whether the configuration file makes sense, and which form it has.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;

use super::output::{BOLD, counted, json};
use super::{Error, Good, Outcome, OutputFormat};
use crate::config::{self, FileError, Mistake, RepositorySettings, Settings};
use crate::hook::Source;
use crate::http::SecretPlace;
use crate::path::RepoPath;
use crate::policy::Dialect;
use crate::registry::{self, HostLimits, Options, Proxy, Site, Standing};

const EXAMPLES: &str = "\
Examples:
  landwaiter config check landwaiter.yaml
  landwaiter config schema > landwaiter.schema.json";

/// Checks the configuration file, or prints its form.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(CheckArgs),
    /// Prints the form of the configuration file as a JSON schema, for editors and for CI.
    Schema,
}

/// Reads the configuration file and the files and variables that it names, and says for each registry what
/// would be used, and for each source of webhooks where it sends to. Asks no registry and no credential helper, and shows no secret.
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The configuration file.
    #[arg(env = "LANDWAITER_CONFIG", value_name = "FILE")]
    file: PathBuf,

    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text", env = "LANDWAITER_OUTPUT")]
    output: OutputFormat,
}

impl Args {
    pub(super) fn run(self, out: &mut dyn Write) -> Outcome {
        match self.command {
            Command::Check(args) => args.run(out),
            Command::Schema => {
                json(out, &config::schema())?;
                Ok(Good::Yes)
            }
        }
    }
}

impl CheckArgs {
    fn run(self, out: &mut dyn Write) -> Outcome {
        let (file, read) = (self.file.display().to_string(), checked(&self.file));
        let (found, problems) = match &read {
            Ok(found) => (Some(found), &[][..]),
            Err(Error::Settings(FileError::Mistakes(mistakes))) => (None, mistakes.as_slice()),
            Err(_) => return read.map(|_| Good::No),
        };
        let output = CheckOutput {
            file: &file,
            repositories: found.iter().flat_map(|found| &found.repositories).map(RepositoryOutput::new).collect(),
            registries: found
                .iter()
                .flat_map(|found| &found.registries)
                .map(|(site, standing)| RegistryOutput::new(site, standing))
                .collect(),
            hooks: found
                .iter()
                .flat_map(|found| &found.hooks)
                .map(|(source, secret)| HookOutput::new(source, secret))
                .collect(),
            problems: problems.iter().map(MistakeOutput::new).collect(),
        };
        match self.output {
            OutputFormat::Json => json(out, &output)?,
            OutputFormat::Text => text(out, &output, problems)?,
        }
        Ok(Good::unless(!problems.is_empty()))
    }
}

/// What a file sets, tried.
struct Found {
    repositories: Vec<RepositorySettings>,
    registries: Vec<(Site, Standing)>,
    hooks: Vec<(Source, SecretPlace)>,
}

fn checked(file: &Path) -> Result<Found, Error> {
    let settings: Settings = config::read(file)?;
    settings.check(&settings.sites)?;
    settings.check_repositories()?;
    settings.check_hooks()?;
    let hooks = settings.hooks();
    let options = Options {
        docker_config: settings.docker_config.or_else(config::default_docker_config),
        sites: settings.sites,
        ..Options::default()
    };
    let standings = registry::standings(&options)?;
    let registries = options.sites.iter().cloned().zip(standings).collect();
    Ok(Found { repositories: settings.repositories, registries, hooks })
}

#[derive(Debug, Serialize)]
struct CheckOutput<'a> {
    file: &'a str,
    repositories: Vec<RepositoryOutput<'a>>,
    registries: Vec<RegistryOutput>,
    hooks: Vec<HookOutput>,
    problems: Vec<MistakeOutput<'a>>,
}

/// What a file says of a config repository; what is nothing is as the command line says.
#[derive(Debug, Serialize)]
struct RepositoryOutput<'a> {
    name: &'a str,
    url: String,
    branch: Option<&'a str>,
    paths: Vec<&'a str>,
    excludes: Vec<String>,
    credential: Option<String>,
    author: Option<String>,
    signed: bool,
    poll_interval_seconds: Option<f64>,
    settle_seconds: Option<f64>,
    dialects: Option<Vec<&'static str>>,
    policies: Option<&'a Path>,
}

#[derive(Debug, Serialize)]
struct RegistryOutput {
    prefix: String,
    mirror: Option<String>,
    credential: Option<String>,
    interval_seconds: Option<f64>,
    ca_bundle: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    /// `none` for a direct way; without it, that of the environment.
    proxy: Option<String>,
    insecure_plain_http: bool,
    insecure_credentials: bool,
    /// Requests per second; nothing for as fast as they come.
    rate: Option<f64>,
    burst: Option<u32>,
    concurrency: Option<usize>,
}

#[derive(Debug, Serialize)]
struct HookOutput {
    name: String,
    sender: &'static str,
    /// Where it sends to.
    path: String,
    proof: &'static str,
    /// Where its secret is kept.
    secret: String,
    images: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    topics: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Debug, Serialize)]
struct MistakeOutput<'a> {
    file: &'a str,
    line: u64,
    column: u64,
    message: &'a str,
}

impl<'a> RepositoryOutput<'a> {
    fn new(settings: &'a RepositorySettings) -> Self {
        Self {
            name: &settings.name,
            url: settings.url.to_string(),
            branch: settings.branch.as_deref(),
            paths: settings.area.paths.iter().map(RepoPath::as_str).collect(),
            excludes: settings.area.excludes.iter().map(ToString::to_string).collect(),
            credential: settings.credential.as_ref().map(|credential| format!("what is in {}", credential.source())),
            author: settings.author.as_ref().map(|author| format!("{} <{}>", author.name, author.email)),
            signed: settings.signing.is_some(),
            poll_interval_seconds: settings.poll_interval.as_ref().map(Duration::as_secs_f64),
            settle_seconds: settings.settle.as_ref().map(Duration::as_secs_f64),
            dialects: settings.dialects.map(|dialects| dialects.iter().map(Dialect::name).collect()),
            policies: settings.policies.as_deref(),
        }
    }

    /// What is worth a line, with its name.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let list = |items: Vec<String>| Some(items.join(", ")).filter(|text| !text.is_empty());
        let lines = [
            ("at", Some(self.url.clone())),
            ("branch", self.branch.map(str::to_owned)),
            ("looks in", list(self.paths.iter().map(|&path| path.to_owned()).collect())),
            ("but not in", list(self.excludes.clone())),
            ("as", self.credential.clone()),
            ("commits by", self.author.clone()),
            ("signed", self.signed.then(|| "yes".to_owned())),
            ("asked every", self.poll_interval_seconds.map(interval)),
            ("settles in", self.settle_seconds.map(interval)),
            ("hears", self.dialects.as_ref().map(|dialects| dialects.join(", "))),
            ("policies", self.policies.map(|folder| folder.display().to_string())),
        ];
        lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl RegistryOutput {
    fn new(site: &Site, standing: &Standing) -> Self {
        let HostLimits { rate, burst, concurrency } = standing.limits;
        let rate = rate.filter(|rate| rate.is_finite());
        Self {
            prefix: site.prefix.to_string(),
            mirror: standing.mirror.as_ref().map(ToString::to_string),
            credential: standing.credential.clone(),
            interval_seconds: site.interval.as_ref().map(Duration::as_secs_f64),
            ca_bundle: site.ca_bundle.clone(),
            client_certificate: site.client_certificate.as_ref().map(|own| own.certificate.clone()),
            proxy: site.proxy.as_ref().map(|proxy| match proxy {
                Proxy::Direct => "none".to_owned(),
                Proxy::Through(url) => url.to_string(),
            }),
            insecure_plain_http: site.plain_http,
            insecure_credentials: site.credential_over_plain_http,
            rate,
            burst: burst.filter(|_| rate.is_some()),
            concurrency,
        }
    }

    /// What is worth a line, with its name.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| path.display().to_string();
        let rate = self.rate.map_or_else(
            || "as fast as they come".to_owned(),
            |rate| format!("{rate} per second after a burst of {}", self.burst.unwrap_or_default()),
        );
        let at_once = self.concurrency.map(|many| format!(", {many} at once")).unwrap_or_default();
        let plain = self.insecure_plain_http.then(|| {
            let word = if self.insecure_credentials { ", and the credential is shown even so" } else { "" };
            format!("whoever is on the way reads what is sent, and changes the answers{word}")
        });
        let lines = [
            ("asked at", self.mirror.clone()),
            ("as", Some(self.credential.clone().unwrap_or_else(|| "nobody".to_owned()))),
            ("interval", self.interval_seconds.map(interval)),
            ("requests", Some(rate + &at_once)),
            ("authorities", self.ca_bundle.as_ref().map(|file| format!("those of the machine and {}", path(file)))),
            ("certificate", self.client_certificate.as_ref().map(path)),
            ("proxy", self.proxy.clone()),
            ("without TLS", plain),
        ];
        lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl HookOutput {
    fn new(source: &Source, secret: &SecretPlace) -> Self {
        let Source { name, sender, images, topics, audience, email } = source;
        Self {
            name: name.clone(),
            sender: sender.name(),
            path: format!("/hooks/{name}{}", if sender.shows_secret() { "/<secret>" } else { "" }),
            proof: sender.proof(),
            secret: secret.to_string(),
            images: images.as_ref().map(ToString::to_string),
            topics: topics.clone(),
            audience: audience.clone(),
            email: email.clone(),
        }
    }

    fn lines(&self) -> Vec<(&'static str, &str)> {
        let lines = [
            ("sender", Some(self.sender)),
            ("proved by", Some(self.proof)),
            ("secret", Some(self.secret.as_str())),
            ("images", self.images.as_deref()),
            ("audience", self.audience.as_deref()),
            ("as", self.email.as_deref()),
        ];
        let topics = self.topics.iter().map(|topic| ("topic", Some(topic.as_str())));
        let lines = lines.into_iter().chain(topics);
        lines.filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl<'a> MistakeOutput<'a> {
    fn new(mistake: &'a Mistake) -> Self {
        let Mistake { file, line, column, message } = mistake;
        Self { file, line: *line, column: *column, message }
    }
}

fn interval(seconds: f64) -> String {
    format!("{:#}", SignedDuration::from_secs_f64(seconds))
}

fn text(out: &mut dyn Write, output: &CheckOutput<'_>, mistakes: &[Mistake]) -> io::Result<()> {
    for mistake in mistakes {
        writeln!(out, "{mistake}")?;
    }
    let repositories = output.repositories.iter().map(|one| (one.name, one.lines()));
    let registries = output.registries.iter().map(|one| (one.prefix.as_str(), one.lines()));
    for (name, lines) in repositories.chain(registries) {
        writeln!(out, "{BOLD}{name}{BOLD:#}")?;
        for (name, value) in lines {
            writeln!(out, "  {name:<12} {value}")?;
        }
    }
    for hook in &output.hooks {
        writeln!(out, "{BOLD}{}{BOLD:#}", hook.path)?;
        for (name, value) in hook.lines() {
            writeln!(out, "  {name:<12} {value}")?;
        }
    }
    match mistakes.len() {
        0 => writeln!(out, "{} makes sense", output.file),
        count => writeln!(out, "{}", counted(count, "mistake")),
    }
}
