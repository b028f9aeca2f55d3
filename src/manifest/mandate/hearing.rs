//! Who says what: the statements of a workload, sorted out so that each key has one voice.
//!
//! Knows precedence and the kinds of values; what a key means for a policy is not known here.

use std::collections::BTreeMap;

use super::{Reader, Said, Wrong};
use crate::manifest::dialect::{Statement, Topic, Voice, Word, flux};
use crate::manifest::problem::{Rule, Severity};
use crate::policy::Dialect;

impl<'a> Reader<'a, '_> {
    /// Sorts the statements out: one for each key, by precedence; the rest is reported.
    pub(super) fn listen(&mut self, statements: &'a [Statement]) {
        let mut by_key: BTreeMap<&str, Vec<Said<'a>>> = BTreeMap::new();
        for statement in statements {
            match &statement.word {
                Word::Bookkeeping => {}
                Word::Unknown { suggestion } => self.report_unknown(statement, suggestion.as_deref()),
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

    fn report_unknown(&mut self, statement: &Statement, suggestion: Option<&str>) {
        let place = statement.key.clone();
        let prefix = statement.written.rsplit_once('/').map_or("", |(prefix, _)| &statement.written[..=prefix.len()]);
        let message = format!("`{}` is no key that Landwaiter knows", statement.written);
        let mend = match suggestion {
            Some(suggestion) => format!("did you mean `{prefix}{suggestion}`?"),
            None => "remove it".to_owned(),
        };
        if statement.voice == Voice::Native {
            let wrong = self.wrong(Rule::UnknownKey, &place, message, mend);
            self.hold(wrong);
        } else {
            let severity = if suggestion.is_some() { Severity::Error } else { Severity::Warning };
            self.report(Rule::UnknownKey, severity, &place, message, mend);
        }
    }

    fn report_contradiction(&mut self, winner: &Said<'a>, loser: &Said<'a>) {
        let (Ok(ours), Ok(theirs)) = (&winner.text, &loser.text) else { return };
        if ours == theirs {
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
        // A flag that is neither true nor false is told as such.
        let wrong_flag = matches!(statement.word, Word::Known { topic, .. } if topic.is_flag())
            && !matches!(text.trim(), "true" | "false");
        if !value.is_string && !wrong_flag && statement.voice.dialect() == Dialect::Flux {
            let read = flux::retold(text);
            if read.as_deref() != Some(text) {
                let read = read.map_or("something else than this text".to_owned(), |read| format!("`{read}`"));
                let message = format!("the value of `{written}` is not quoted, and Flux reads `{text}` as {read}");
                return Err(self.wrong(Rule::UnquotedValue, place, message, format!("write \"{text}\"")));
            }
        }
        if !value.is_string && !wrong_flag {
            let message = format!("the value of `{written}` is not quoted, and Kubernetes takes no other than strings");
            self.report(Rule::UnquotedValue, Severity::Warning, place, message, format!("write \"{text}\""));
        }
        Ok(text.trim())
    }
}
