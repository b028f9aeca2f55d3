//! Who says what: the statements of a workload, sorted out so that each key has one voice.
//!
//! Knows precedence and the kinds of values; what a key means for a policy is not known here.

use std::collections::BTreeMap;

use super::{Reader, Said, Wrong};
use crate::manifest::dialect::{Statement, Topic, Voice, Word, flux};
use crate::manifest::problem::{Problem, Rule, Severity};
use crate::policy::Dialect;

impl<'a> Reader<'a, '_> {
    /// Sorts the statements out: one for each key, by precedence; the rest is reported.
    pub(super) fn listen(&mut self, statements: &'a [Statement]) {
        let mut by_key: BTreeMap<&str, Vec<Said<'a>>> = BTreeMap::new();
        for statement in statements {
            match &statement.word {
                Word::Bookkeeping => {}
                Word::Unknown { .. } => self.report_unknown(statement),
                Word::Known { topic, container, canonical } => {
                    let (topic, container) = (*topic, container.clone());
                    let text = self.text(statement);
                    let said = Said {
                        voice: statement.voice,
                        topic,
                        container,
                        written: &statement.written,
                        key: statement.key.clone(),
                        value: statement.value.place.clone(),
                        text,
                    };
                    by_key.entry(canonical).or_default().push(said);
                }
            }
        }
        for (canonical, mut said) in by_key {
            said.sort_by_key(|said| said.voice);
            let mut said = said.into_iter();
            let Some(winner) = said.next() else { continue };
            for loser in said {
                self.report_contradiction(&winner, &loser);
            }
            let pins = winner.topic == Topic::Digest && !matches!(winner.text, Ok("none"));
            if winner.topic == Topic::Later || pins {
                let message = format!("`{}` is not supported yet", winner.written);
                let wrong = self.wrong(
                    Rule::NotSupported,
                    &winner.key,
                    message,
                    "remove it to let the images follow their tags without it",
                );
                self.hold(wrong);
            }
            if let (Topic::Path(_), Err(wrong)) = (winner.topic, &winner.text) {
                self.hold(wrong.clone());
            }
            self.said.insert(canonical.to_owned(), winner);
        }
    }

    fn report_unknown(&mut self, statement: &Statement) {
        let Some((problem, holds)) = unknown_key(statement) else { return };
        if holds {
            self.hold(Wrong { reason: problem.text(), place: problem.place.clone() });
        }
        self.problems.push(problem);
    }

    fn report_contradiction(&mut self, winner: &Said<'a>, loser: &Said<'a>) {
        let (Ok(ours), Ok(theirs)) = (&winner.text, &loser.text) else { return };
        // A key that stands twice is told as such.
        if ours == theirs || winner.written == loser.written {
            return;
        }
        let message = format!(
            "`{}` says `{theirs}`, and `{}` in line {} says `{ours}`, which counts",
            loser.written, winner.written, winner.key.line
        );
        self.report(Rule::Contradiction, Severity::Warning, &loser.key, message, format!("remove `{}`", loser.written));
    }

    /// The value as text. Kubernetes wants a string; what else is written counts as its text where
    /// that is clear.
    fn text(&mut self, statement: &'a Statement) -> Result<&'a str, Wrong> {
        let (written, value) = (&statement.written, &statement.value);
        let place = &value.place;
        let Some(text) = value.text.as_deref() else {
            let message = format!("the value of `{written}` is not a string");
            return Err(self.wrong(Rule::InvalidValue, place, message, "write one quoted value"));
        };
        if value.is_null {
            let message = format!("`{written}` has no value");
            return Err(self.wrong(Rule::InvalidValue, place, message, "write a quoted value, or remove the key"));
        }
        let topic = match &statement.word {
            Word::Known { topic, .. } => Some(*topic),
            Word::Bookkeeping | Word::Unknown { .. } => None,
        };
        if value.is_alias {
            let message =
                format!("an alias stands for the value of `{written}`, which changes with what it stands for");
            self.report(Rule::Alias, Severity::Hint, place, message, format!("write \"{}\"", text.trim()));
        }
        // A flag that is neither true nor false is told as such.
        let is_wrong_flag = topic.is_some_and(Topic::is_flag) && !matches!(text.trim(), "true" | "false");
        let is_free = is_wrong_flag || topic.is_some_and(Topic::is_free);
        if let Some(stray) = stray(text).filter(|_| !is_free) {
            let message = format!("the value of `{written}` has {stray}");
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            return Err(self.wrong(Rule::StrayBlank, place, message, format!("write \"{plain}\"")));
        }
        if !value.is_string && !is_free && statement.voice.dialect() == Dialect::Flux {
            let read = flux::retold(text);
            if read.as_deref() != Some(text) {
                let read = read.map_or("something else than this text".to_owned(), |read| format!("`{read}`"));
                let message = format!("the value of `{written}` is not quoted, and Flux reads `{text}` as {read}");
                return Err(self.wrong(Rule::UnquotedValue, place, message, format!("write \"{text}\"")));
            }
        }
        if !value.is_string && !is_wrong_flag {
            let message = format!("the value of `{written}` is not quoted, and Kubernetes takes no other than strings");
            self.report(Rule::UnquotedValue, Severity::Warning, place, message, format!("write \"{text}\""));
        }
        Ok(text.trim())
    }
}

/// What is wrong with a key that nobody knows, and whether that holds what it stands on: a native one does,
/// and so does one that is a known key but for its spelling, whatever its prefix. `None` for a known one.
fn unknown_key(statement: &Statement) -> Option<(Problem, bool)> {
    let Word::Unknown { suggestion, is_slip } = &statement.word else { return None };
    let written = &statement.written;
    let prefix = written.split_once('/').map_or(String::new(), |(prefix, _)| format!("{prefix}/"));
    let (message, mend) = match suggestion {
        Some(meant) if *is_slip => {
            let prefix = prefix.trim().to_ascii_lowercase();
            let message = format!("`{written}` is no key, since capitals and blanks count");
            (message, format!("write `{prefix}{meant}`"))
        }
        Some(meant) => {
            (format!("`{written}` is no key that Landwaiter knows"), format!("did you mean `{prefix}{meant}`?"))
        }
        None => (format!("`{written}` is no key that Landwaiter knows"), "remove it".to_owned()),
    };
    let holds = *is_slip || statement.voice == Voice::Native;
    let severity = if holds || suggestion.is_some() { Severity::Error } else { Severity::Warning };
    Some((Problem::new(Rule::UnknownKey, severity, statement.key.clone(), message, mend), holds))
}

/// What is written in a value that belongs to no value: blanks around it, and line ends and tabs in it.
fn stray(text: &str) -> Option<String> {
    let name = |c: char| match c {
        ' ' => "a blank".to_owned(),
        '\t' => "a tab".to_owned(),
        '\n' | '\r' => "a line end".to_owned(),
        c => format!("the character {c:?}"),
    };
    let blank = |c: &char| c.is_whitespace();
    if let Some(first) = text.chars().next().filter(blank) {
        return Some(format!("{} before it", name(first)));
    }
    if let Some(last) = text.chars().next_back().filter(blank) {
        return Some(format!("{} behind it", name(last)));
    }
    text.chars().find(|c| c.is_control()).map(|control| format!("{} in it", name(control)))
}
