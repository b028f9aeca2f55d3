//! What the annotations of one workload ask for: may its images change, and what do they follow.
//!
//! Sees statements (who says what, in which line) and the names of the containers; must not know where
//! images stand or how a file is laid out. Whatever is wrong here either holds the workload or leaves
//! a container without a policy: a mistake never widens what may happen. `hearing.rs` sorts out who
//! says what, `choice.rs` finds what each container follows, and `options.rs` what stands beside its
//! pattern; the workload as a whole is judged here, in the vocabulary that two dialects share. `peers.rs`
//! says the same as Flux heard it. `agree.rs` puts it together with what others ask for.

mod agree;
mod choice;
mod hearing;
mod options;
mod peers;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::dialect::{Statement, Topic, Voice, Word};
use super::problem::{Place, Problem, Rule, Severity};
use super::subject::{Mandate, Subject};
use super::terms::Terms;
use super::workload::{Automation, ContainerPolicy, Lock};
use crate::path::RepoPath;
use crate::policy::Dialect;
pub(super) use agree::agree;

/// Reads the statements about these containers. `is_patch` says that there may be more containers
/// than this file shows.
pub(super) fn read(
    file: &RepoPath,
    statements: &[Statement],
    subjects: &[Subject<'_>],
    is_patch: bool,
    terms: &Terms,
    problems: &mut Vec<Problem>,
) -> Mandate {
    let mut reader = Reader { file, terms, problems, said: BTreeMap::new(), held: None };
    reader.listen(statements);
    let automated = reader.flag("automated");
    let ignored = reader.is_ignored();
    let lock = reader.lock();
    let allow_downgrade = reader.flag("allow-downgrade") == Some(true);
    let policies = reader.policies(subjects, allow_downgrade, automated == Some(true));
    reader.check_values(&policies, subjects);
    reader.report_strangers(subjects, is_patch);
    reader.report_unnamed(subjects, &policies);
    let automation = match (reader.held, lock) {
        _ if ignored => Automation::Ignored,
        (Some(Wrong { reason, place }), _) => Automation::Held { reason, place },
        (None, Some(lock)) => Automation::Locked(lock),
        (None, None) if automated == Some(true) => Automation::On,
        (None, None) => Automation::Off,
    };
    let first = statements.iter().find(|statement| statement.word != Word::Bookkeeping);
    let dialect = first.map_or(Dialect::Native, |first| first.voice.dialect());
    let place = first.map(|first| first.key.clone());
    Mandate {
        dialect,
        place,
        automated,
        automation,
        peers: peers::peers(statements, subjects, &policies),
        policies,
        leftovers: Vec::new(),
    }
}

/// Something that is wrong, reported already.
#[derive(Debug, Clone)]
struct Wrong {
    reason: String,
    place: Place,
}

/// The statement that counts for one key.
#[derive(Debug, Clone)]
struct Said<'a> {
    voice: Voice,
    topic: Topic,
    container: Option<String>,
    written: &'a str,
    key: Place,
    value: Place,
    text: Result<&'a str, Wrong>,
}

struct Reader<'a, 'p> {
    file: &'p RepoPath,
    terms: &'p Terms,
    problems: &'p mut Vec<Problem>,
    /// By canonical key.
    said: BTreeMap<String, Said<'a>>,
    /// The first thing that holds the workload.
    held: Option<Wrong>,
}

impl Reader<'_, '_> {
    fn report(&mut self, rule: Rule, severity: Severity, place: &Place, message: String, mend: impl Into<String>) {
        self.problems.push(Problem::new(rule, severity, place.clone(), message, mend));
    }

    fn wrong(&mut self, rule: Rule, place: &Place, message: String, mend: impl Into<String>) -> Wrong {
        let problem = Problem::new(rule, Severity::Error, place.clone(), message, mend);
        let wrong = Wrong { reason: problem.text(), place: place.clone() };
        self.problems.push(problem);
        wrong
    }

    fn hold(&mut self, wrong: Wrong) {
        self.held.get_or_insert(wrong);
    }

    /// A `"true"` or `"false"`; `None` when nothing is said, or something else, which holds.
    fn flag(&mut self, key: &str) -> Option<bool> {
        let said = self.said.get(key)?.clone();
        let wrong = match said.text {
            Ok("true") => return Some(true),
            Ok("false") => return Some(false),
            Ok(text) => {
                let meant = match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "on" | "y" | "1" | "enabled" => "write \"true\"",
                    "false" | "no" | "off" | "n" | "0" | "disabled" => "write \"false\"",
                    _ => "write \"true\" or \"false\"",
                };
                self.wrong(
                    Rule::InvalidValue,
                    &said.value,
                    format!("`{}` is neither true nor false: `{text}`", said.written),
                    meant,
                )
            }
            Err(wrong) => wrong,
        };
        self.hold(wrong);
        None
    }

    fn is_ignored(&mut self) -> bool {
        let Some(said) = self.said.get("ignore").cloned() else { return false };
        let wrong = match said.text {
            Ok("true") => return true,
            Ok("false" | "sync_only") => return false,
            Ok(text) => {
                let message = format!("`{}` says `{text}`", said.written);
                self.wrong(Rule::InvalidValue, &said.value, message, "write \"true\", or remove it")
            }
            Err(wrong) => wrong,
        };
        self.hold(wrong);
        false
    }

    fn lock(&mut self) -> Option<Lock> {
        let note = |key: &str| self.said.get(key).and_then(|said| said.text.clone().ok()).map(str::to_owned);
        let (by, reason) = (note("locked-by"), note("locked-reason"));
        let until = self.said.get("locked-until").cloned();
        match (self.flag("locked"), self.said.contains_key("locked"), &until) {
            (Some(true), ..) => {}
            (None, false, Some(until)) => {
                let message = format!("`{}` locks without `locked`", until.written);
                self.report(
                    Rule::UnclearWording,
                    Severity::Hint,
                    &until.key,
                    message,
                    "write `locked: \"true\"` beside it",
                );
            }
            _ => return None,
        }
        let until = until.and_then(|said| {
            let text = said.text.ok()?;
            let end = end_of(text);
            if end.is_none() {
                let message = format!("`{}` is no time: `{text}`; the lock stays", said.written);
                self.wrong(
                    Rule::InvalidValue,
                    &said.value,
                    message,
                    "write a date such as \"2026-01-31\", or a time such as \"2026-01-31T18:00:00Z\"",
                );
            }
            end
        });
        Some(Lock { by, reason, until })
    }
}

impl From<Wrong> for ContainerPolicy {
    fn from(Wrong { reason, place }: Wrong) -> Self {
        Self::Invalid { reason, place }
    }
}

/// The first moment after a lock: the time itself, or for a date the end of that day, in UTC.
fn end_of(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    let next = date.checked_add(1.day()).ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests;
