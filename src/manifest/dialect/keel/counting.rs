//! Which of the things that are said to Keel count, and what their values are.
//!
//! Knows where Keel reads what, and the kinds of values; what a setting leads to is not known here. What
//! Keel passes over in silence is told.

use super::settings::{Key, Reads, Said, Seat, Setting};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::workload::{Automation, ContainerPolicy, Leftover};
use crate::path::RepoPath;

/// Something that is wrong, reported already.
#[derive(Debug, Clone)]
pub(super) struct Wrong {
    pub(super) reason: String,
    pub(super) place: Place,
}

/// What is said, sorted out key by key, and told of as that goes on.
pub(super) struct Counting<'a, 'p> {
    pub(super) path: &'p RepoPath,
    pub(super) said: Vec<Said<'a>>,
    pub(super) problems: &'p mut Vec<Problem>,
    /// The first thing that holds the workload.
    pub(super) held: Option<Wrong>,
}

impl<'a> Counting<'a, '_> {
    pub(super) fn report(&mut self, rule: Rule, severity: Severity, place: Place, message: String, mend: &str) {
        self.problems.push(Problem::new(rule, severity, place, message, mend));
    }

    pub(super) fn wrong(&mut self, rule: Rule, place: Place, message: String, mend: &str) -> Wrong {
        let problem = Problem::new(rule, Severity::Error, place.clone(), message, mend);
        let wrong = Wrong { reason: problem.text(), place };
        self.problems.push(problem);
        wrong
    }

    pub(super) fn hold(&mut self, wrong: Wrong) {
        self.held.get_or_insert(wrong);
    }

    pub(super) fn key_place(&self, said: &Said<'_>) -> Place {
        said.key_node.place(self.path)
    }

    pub(super) fn value_place(&self, said: &Said<'_>) -> Place {
        let unwritten = said.value.is_null() && said.value.text().is_some_and(str::is_empty);
        if unwritten { self.key_place(said) } else { said.value.place(self.path) }
    }

    /// Tells of the keys that nobody knows. One that is nearly a key that narrows holds.
    pub(super) fn report_strangers(&mut self) {
        for said in self.said.clone() {
            let Key::Unknown { meant } = said.key else { continue };
            let message = format!("`{}` is no key that Keel knows", said.written);
            let prefix = if said.seat == Seat::Block { "keel." } else { "keel.sh/" };
            let place = self.key_place(&said);
            match meant {
                Some((setting, name)) => {
                    let mend = format!("did you mean `{prefix}{name}`?");
                    let wrong = self.wrong(Rule::UnknownKey, place, message, &mend);
                    if setting.narrows() {
                        self.hold(wrong);
                    }
                }
                None => self.report(Rule::UnknownKey, Severity::Warning, place, message, "remove it"),
            }
        }
    }

    /// What counts for a setting; `beside` is where the policy stands. What does not count is told of where
    /// it says something else.
    pub(super) fn count(&mut self, setting: Setting, beside: Option<Seat>) -> Option<Said<'a>> {
        let is_it = |said: &&Said<'_>| matches!(said.key, Key::Of { setting: this, .. } if this == setting);
        let all: Vec<Said<'a>> = self.said.iter().filter(is_it).cloned().collect();
        let seats: &[Seat] = match (setting.reads(), beside) {
            (_, Some(Seat::Block)) => &[Seat::Block],
            (Reads::AnnotationFirst, _) => &[Seat::Block, Seat::Annotation, Seat::Label],
            (Reads::LabelFirst, _) => &[Seat::Label, Seat::Annotation],
            (Reads::Annotation, _) | (Reads::BesidePolicy, Some(Seat::Annotation)) => &[Seat::Annotation],
            (Reads::BesidePolicy, Some(Seat::Label)) => &[Seat::Label],
            (Reads::BesidePolicy, None) => &[],
        };
        let mut heard: Vec<&Said<'a>> = all.iter().filter(|said| seats.contains(&said.seat)).collect();
        let rank = |said: &&Said<'a>| {
            let seat = seats.iter().position(|seat| *seat == said.seat);
            (seat, matches!(said.key, Key::Of { old: true, .. }))
        };
        heard.sort_by_key(rank);
        let winner = heard.first().map(|said| (*said).clone());
        for said in &all {
            match &winner {
                Some(winner) if said.key_node.id() == winner.key_node.id() => {}
                Some(winner) if seats.contains(&said.seat) => self.report_loser(winner, said, rank),
                _ => self.report_unheard(setting, said, beside),
            }
        }
        winner
    }

    fn report_loser<K: PartialEq>(&mut self, winner: &Said<'a>, loser: &Said<'a>, rank: impl Fn(&&Said<'a>) -> K) {
        let (Some(ours), Some(theirs)) = (winner.value.text(), loser.value.text()) else { return };
        if ours == theirs {
            return;
        }
        let place = self.key_place(loser);
        let line = winner.key_node.line();
        let (ours, theirs) = (shown(ours), shown(theirs));
        if rank(&winner) == rank(&loser) {
            let message = format!(
                "`{}` says `{theirs}`, and `{}` in line {line} says `{ours}`; Keel reads either, by chance",
                loser.written, winner.written
            );
            let wrong = self.wrong(Rule::Contradiction, place, message, "remove one of them");
            self.hold(wrong);
            return;
        }
        let (this, other) = match (loser.seat, winner.seat) {
            (Seat::Label, Seat::Annotation) => (" as a label", "the annotation "),
            (Seat::Annotation, Seat::Label) => (" as an annotation", "the label "),
            _ => ("", ""),
        };
        let message = format!(
            "`{}`{this} says `{theirs}`, and {other}`{}` in line {line} says `{ours}`, which counts in Keel",
            loser.written, winner.written
        );
        let mend = format!("remove the one in line {}", loser.key_node.line());
        self.report(Rule::Contradiction, Severity::Warning, place, message, &mend);
    }

    /// Tells of a setting that stands where Keel does not read it.
    fn report_unheard(&mut self, setting: Setting, said: &Said<'a>, beside: Option<Seat>) {
        let place = self.key_place(said);
        let written = &said.written;
        let (message, mend) = match (setting.reads(), beside) {
            (Reads::BesidePolicy, Some(Seat::Annotation)) => (
                format!("`{written}` is a label, and the policy is an annotation, beside which Keel reads it alone"),
                "move it to `metadata.annotations`",
            ),
            (Reads::BesidePolicy, Some(Seat::Label)) => (
                format!("`{written}` is an annotation, and the policy is a label, beside which Keel reads it alone"),
                "move the policy to `metadata.annotations`",
            ),
            (Reads::Annotation, _) => (
                format!("`{written}` is a label, and Keel goes by annotations here"),
                "move it to `metadata.annotations`",
            ),
            _ => return,
        };
        // A `matchTag` that is not read would let go of the tag that it was to keep.
        if setting == Setting::MatchTag && said.value.text() != Some("false") {
            let wrong = self.wrong(Rule::Unheard, place, message, mend);
            self.hold(wrong);
        } else {
            self.report(Rule::Unheard, Severity::Warning, place, message, mend);
        }
    }

    /// The value as text. Kubernetes wants a string; what else is written counts as its text.
    pub(super) fn text(&mut self, said: &Said<'a>) -> Result<&'a str, Wrong> {
        let text = self.scalar(said)?;
        self.report_unquoted(said, text);
        Ok(text)
    }

    fn scalar(&mut self, said: &Said<'a>) -> Result<&'a str, Wrong> {
        let place = self.value_place(said);
        let Some(text) = said.value.text() else {
            let message = format!("the value of `{}` is not a string", said.written);
            return Err(self.wrong(Rule::InvalidValue, place, message, "write one value"));
        };
        if said.value.is_null() {
            let message = format!("`{}` has no value", said.written);
            return Err(self.wrong(Rule::InvalidValue, place, message, "write a quoted value, or remove the key"));
        }
        Ok(text)
    }

    fn report_unquoted(&mut self, said: &Said<'a>, text: &str) {
        if !said.value.is_string() && said.seat != Seat::Block {
            let message =
                format!("the value of `{}` is not quoted, and Kubernetes takes no other than strings", said.written);
            let place = self.value_place(said);
            self.report(Rule::UnquotedValue, Severity::Warning, place, message, &format!("write \"{text}\""));
        }
    }

    /// The text of a flag or a number. In the values of a chart that is no text, and Keel reads nothing of
    /// the block where one of them is.
    fn bare(&mut self, said: &Said<'a>) -> Result<&'a str, Wrong> {
        let text = self.scalar(said)?;
        if said.seat == Seat::Block && said.value.is_string() {
            let message = format!("`{}` is a text, `{}`, and Keel takes none here", said.written, shown(text));
            let place = self.value_place(said);
            return Err(self.wrong(Rule::InvalidValue, place, message, "write it without quotes"));
        }
        Ok(text)
    }

    /// The number that is asked for.
    pub(super) fn number(&mut self, said: &Said<'a>) -> Result<u32, Wrong> {
        let text = self.bare(said)?;
        if let Ok(number) = text.parse() {
            self.report_unquoted(said, text);
            return Ok(number);
        }
        let message = format!("`{}` is no number of approvals: `{}`", said.written, shown(text));
        let place = self.value_place(said);
        Err(self.wrong(Rule::InvalidValue, place, message, "write a number, or remove it"))
    }

    /// Whether a flag is set. Keel takes for true what says `true`, and anything else for false.
    pub(super) fn flag(&mut self, said: &Said<'a>) -> Result<bool, Wrong> {
        let text = self.bare(said)?;
        match text {
            "true" | "false" => {
                self.report_unquoted(said, text);
                Ok(text == "true")
            }
            text => {
                let message = format!("`{}` says `{}`, and Keel takes that for false", said.written, shown(text));
                let quoted =
                    |word: &str| if said.seat == Seat::Block { word.to_owned() } else { format!("\"{word}\"") };
                let mend = match text.to_ascii_lowercase().as_str() {
                    "true" | "t" | "yes" | "on" | "y" | "1" => format!("write {}", quoted("true")),
                    _ => format!("write {} or {}", quoted("true"), quoted("false")),
                };
                let place = self.value_place(said);
                Err(self.wrong(Rule::InvalidValue, place, message, &mend))
            }
        }
    }

    /// What is left of a setting for which there is nothing here.
    pub(super) fn leftover(&self, said: &Said<'a>, why: &'static str) -> Leftover {
        let value = match said.value.text() {
            Some(text) => shown(text),
            None => {
                said.value.items().filter_map(|item| item.resolved().text()).map(shown).collect::<Vec<_>>().join(",")
            }
        };
        Leftover { key: (*said.written).into(), value: value.into(), place: self.key_place(said), why }
    }
}

impl From<Wrong> for ContainerPolicy {
    fn from(Wrong { reason, place }: Wrong) -> Self {
        Self::Invalid { reason, place }
    }
}

impl From<Wrong> for Automation {
    fn from(Wrong { reason, place }: Wrong) -> Self {
        Self::Held { reason, place }
    }
}
