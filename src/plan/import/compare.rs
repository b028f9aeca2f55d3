//! What another tool would do with an image beside what we will, and why they differ where they do.
//!
//! Must not know whose setting it is, nor where anything stands.

use jiff::Timestamp;

use crate::image::Tag;
use crate::plan::verdict::{Hold, Verdict};
use crate::policy::{Candidate, Judgement, PeerChoice, Policy, explain};

/// What we will do with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ours {
    /// It gets this tag, and why.
    Update {
        /// The tag.
        to: Tag,
        /// Why this one.
        reason: String,
    },
    /// It stays as it is.
    Stays {
        /// The name of the hold, `up-to-date`; `not-automated` where nobody asks for a change.
        hold: &'static str,
        /// Why.
        reason: String,
    },
}

/// Whether two tools come to the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreement {
    /// The same tag will stand there.
    Same,
    /// Another one, and why.
    Differs(String),
    /// That cannot be told, and why.
    Unknown(String),
}

impl Ours {
    pub(super) fn of(verdict: Option<&Verdict>) -> Self {
        match verdict {
            None => Self::Stays { hold: "not-automated", reason: "nobody asks for a change".to_owned() },
            Some(Verdict::Update(update)) => Self::Update { to: update.to.clone(), reason: update.reason.clone() },
            Some(Verdict::Hold(Hold::Uneditable { reason, to })) => {
                Self::Stays { hold: "uneditable", reason: format!("{to} is chosen, but {reason}") }
            }
            Some(Verdict::Hold(hold)) => Self::Stays { hold: hold.name(), reason: hold.to_string() },
        }
    }

    /// The tag that will stand there.
    fn tag<'t>(&'t self, current: Option<&'t Tag>) -> Option<&'t Tag> {
        match self {
            Self::Update { to, .. } => Some(to),
            Self::Stays { .. } => current,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Update { to, reason } => format!("Landwaiter takes {to}: {reason}"),
            Self::Stays { reason, .. } => format!("Landwaiter changes nothing: {reason}"),
        }
    }
}

/// Compares both, of a tool of this name, at the time `now`.
pub(super) fn compare(
    tool: &str,
    theirs: &PeerChoice,
    ours: &Ours,
    policy: Option<&Policy>,
    current: Option<&Tag>,
    (candidates, now): (&[Candidate], Timestamp),
) -> Agreement {
    let reason = match theirs {
        PeerChoice::Tag(tag) if ours.tag(current) == Some(tag) => return Agreement::Same,
        PeerChoice::Stays(_) | PeerChoice::Fails(_) if ours.tag(current) == current => return Agreement::Same,
        PeerChoice::Tag(tag) => {
            let judged = policy.and_then(|policy| judgement(policy, tag, current, (candidates, now)));
            let judged =
                judged.map_or_else(|| format!("{tool} takes {tag}"), |why| format!("{tool} takes {tag}, which {why}"));
            format!("{judged}. {}", ours.sentence())
        }
        PeerChoice::Stays(why) => format!("{tool} changes nothing: {why}. {}", ours.sentence()),
        PeerChoice::Fails(why) => format!("{tool} fails: {why}. {}", ours.sentence()),
        PeerChoice::Unclear { why, among } if among.is_empty() => {
            return Agreement::Unknown(format!("what {tool} takes cannot be foretold: {why}"));
        }
        PeerChoice::Unclear { .. } => format!("{tool} takes {theirs}. {}", ours.sentence()),
        PeerChoice::NeedsCreated { .. } => return Agreement::Unknown(format!("{tool} {theirs}")),
    };
    Agreement::Differs(reason)
}

/// What our policy makes of a tag that is not taken.
fn judgement(
    policy: &Policy,
    tag: &Tag,
    current: Option<&Tag>,
    (candidates, now): (&[Candidate], Timestamp),
) -> Option<String> {
    let explanation = explain(policy, current, candidates, now);
    let judged = explanation.judged.into_iter().find(|judged| judged.tag == *tag)?;
    Some(match judged.judgement {
        Judgement::Rejected(rejection) => format!("is not in the running here: {rejection}"),
        Judgement::Accepted { behind: Some(best), .. } => {
            format!("is not the best by the order {}; {best} is", policy.order())
        }
        Judgement::Accepted { .. } | Judgement::Selected { .. } => "is the best here as well".to_owned(),
    })
}
