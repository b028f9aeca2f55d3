//! The shapes of the answers. They are a promise: fields may be added, none is renamed or removed. Every field is
//! always there; what is not known is `null`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the daemon stands.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The version of Landwaiter.
    pub version: String,
    /// When this was said.
    pub time: Timestamp,
    /// The config repositories, by name.
    pub repositories: Vec<Repository>,
}

/// How one config repository stands.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// What it is called.
    pub name: String,
    /// Where it is, without credentials.
    pub url: String,
    /// The branch that is followed; `null` until the first pass has found the main one.
    pub branch: Option<String>,
    /// How many passes were begun.
    pub passes: u64,
    /// When the pass began that is made now.
    pub running_since: Option<Timestamp>,
    /// Whether something is being asked, or was heard, that no pass has taken in yet.
    pub pending: bool,
    /// The last pass that had something to decide.
    pub last_pass: Option<LastPass>,
    /// When a pass last came to a good end.
    pub last_good: Option<Timestamp>,
    /// Since when passes fail or are refused.
    pub failing_since: Option<Timestamp>,
    /// Why they do.
    pub error: Option<String>,
    /// When the next pass may come to something else.
    pub next_due: Option<Timestamp>,
    /// What the last pass that came to a plan has found.
    pub counts: Counts,
}

/// A pass that came to an end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LastPass {
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// The same for people.
    pub message: String,
    /// The commit that was to be the new head, where there was one.
    pub commit: Option<String>,
}

/// How a pass ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every image is what its policy wants.
    NothingToDo,
    /// There is something to commit, and the daemon was told not to.
    DryRun,
    /// The branch points to our commit.
    Pushed,
    /// Somebody else pushed first; another pass follows.
    Stale,
    /// The remote does not want it.
    Refused,
    /// It broke off.
    Failed,
}

/// What a pass has found, counted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Containers that somebody wants automated.
    pub containers: usize,
    /// Those that got another tag.
    pub updates: usize,
    /// Those that are held, for whatever reason.
    pub holds: usize,
    /// Those of them that are what their policy wants.
    pub up_to_date: usize,
    /// What people got wrong.
    pub problems: usize,
    /// What of that is an error.
    pub errors: usize,
    /// Image repositories that are followed.
    pub images: usize,
    /// Those whose tags could not be had.
    pub images_failed: usize,
    /// Those that were still being asked.
    pub images_asked: usize,
}

/// The verdicts of a config repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Workloads {
    /// The config repository.
    pub repository: String,
    /// The branch.
    pub branch: Option<String>,
    /// The commit that was looked at.
    pub commit: Option<String>,
    /// When that pass ended; `null` when none came to a plan yet.
    pub decided: Option<Timestamp>,
    /// The containers, in the order of the repository.
    pub containers: Vec<Container>,
}

/// A container and its verdict.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// The file in which its image stands.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// `namespace/Kind/name`.
    pub workload: String,
    /// The container.
    pub container: String,
    /// The image without its tag.
    pub image: String,
    /// The tag in Git.
    pub current: Option<String>,
    /// The policy, where one could be read.
    pub policy: Option<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// The tag that was chosen, for an update.
    pub to: Option<String>,
    /// The name of the reason, for a hold.
    pub hold: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// What was decided for a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It gets another tag.
    Update,
    /// Nothing changes.
    Hold,
}

/// What people got wrong in a config repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Problems {
    /// The config repository.
    pub repository: String,
    /// The commit that was looked at.
    pub commit: Option<String>,
    /// When that pass ended; `null` when none came to a plan yet.
    pub decided: Option<Timestamp>,
    /// By place.
    pub problems: Vec<Problem>,
}

/// One thing that somebody got wrong.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// `error`, `warning` or `hint`.
    pub severity: String,
    /// The rule that it breaks.
    pub rule: String,
    /// What is wrong, and how to mend it.
    pub message: String,
}

/// What is known of registries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Registries {
    /// The hosts that were asked so far, with those that give tokens and contents.
    pub registries: Vec<Registry>,
}

/// What is known of one host.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Registry {
    /// The host, with its port.
    pub host: String,
    /// The most requests per second; `null` where there is no limit.
    pub requests_per_second: Option<f64>,
    /// The most requests at once.
    pub concurrency: usize,
    /// Requests that run now.
    pub running: usize,
    /// Requests so far.
    pub requests: u64,
    /// Those of them that were answered with "too many".
    pub too_many: u64,
    /// When the last one was sent.
    pub last_asked: Option<Timestamp>,
    /// Until when the host wants no request.
    pub quiet_until: Option<Timestamp>,
    /// How far its clock is ahead of ours, in seconds.
    pub clock_skew_seconds: Option<f64>,
    /// What it says is left of its limits.
    pub quotas: Vec<Quota>,
    /// Set while it fails every time and is left alone.
    pub outage: Option<Outage>,
}

/// A limit of a host.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Quota {
    /// Whether it counts manifests and nothing else; otherwise everything else.
    pub manifests: bool,
    /// Requests in all.
    pub limit: Option<u64>,
    /// Requests that are left.
    pub left: u64,
    /// How many are left to others.
    pub reserve: u64,
    /// The time for which the limit holds, in seconds.
    pub window_seconds: Option<u64>,
    /// When all of it is granted anew.
    pub reset: Option<Timestamp>,
    /// When the host said so.
    pub told: Timestamp,
}

/// A host that fails every time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Outage {
    /// Failures in a row.
    pub failures: u32,
    /// The last one, in words.
    pub cause: String,
    /// When it is tried again.
    pub next_try: Timestamp,
}

/// What is known of an image.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Its name.
    pub image: String,
    /// Whether it is being asked for now.
    pub is_asked: bool,
    /// When it is asked for next; `null` for at once.
    pub next_look: Option<Timestamp>,
    /// Why the last look came to nothing, if it did.
    pub error: Option<String>,
    /// What is in doubt about the list.
    pub doubt: Option<String>,
    /// How many tags there are.
    pub tags_in_all: usize,
    /// The tags, those first that were seen last.
    pub tags: Vec<Tag>,
    /// How many different policies and tags in Git there are to explain.
    pub explanations_in_all: usize,
    /// What policies make of the tags, the first twenty.
    pub explanations: Vec<Explanation>,
}

/// A tag.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// The tag.
    pub tag: String,
    /// When it was in a list for the first time.
    pub first_seen: Timestamp,
    /// When its image was made, as far as that was looked up.
    pub created: Option<Timestamp>,
    /// Whether it may be there or not, since the last lists do not say the same.
    pub is_doubtful: bool,
}

/// What a policy makes of the tags.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// The policy.
    pub policy: String,
    /// The tag in Git.
    pub current: Option<String>,
    /// For whom.
    pub containers: Vec<Follower>,
    /// What is decided.
    pub decision: Decision,
    /// How many tags were judged.
    pub candidates_in_all: usize,
    /// What was made of each tag, the best first.
    pub candidates: Vec<Candidate>,
}

/// A container that follows an image.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Follower {
    /// The config repository.
    pub repository: String,
    /// `namespace/Kind/name`.
    pub workload: String,
    /// The container.
    pub container: String,
}

/// What a policy decides, as `explain` prints it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// `update` or `hold`.
    pub kind: Verdict,
    /// The tag, for an update.
    pub tag: Option<String>,
    /// The name of the reason, for a hold.
    pub hold: Option<String>,
    /// Why, for people.
    pub reason: String,
}

/// A tag, and what was made of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The tag.
    pub tag: String,
    /// When its image was made, as far as that is known.
    pub created: Option<Timestamp>,
    /// `selected`, `accepted` or `rejected`.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

/// Commits that were pushed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Commits {
    /// The latest first.
    pub commits: Vec<Commit>,
}

/// A commit that was pushed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// The config repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// Its name.
    pub commit: String,
    /// When the remote had it.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: String,
    /// How many files it changes.
    pub files: usize,
    /// How many updates it makes.
    pub updates_in_all: usize,
    /// The first hundred of them.
    pub updates: Vec<Update>,
}

/// One change of a commit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Update {
    /// `namespace/Kind/name`.
    pub workload: String,
    /// The container.
    pub container: String,
    /// The image without its tag.
    pub image: String,
    /// The tag before.
    pub from: Option<String>,
    /// The tag now.
    pub to: String,
}

/// Who was woken.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub struct Synced {
    /// How many config repositories.
    pub repositories: usize,
}

/// Why there is no answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// What is wrong, and how to mend it.
    pub error: String,
}
