//! What every word of the shared vocabulary is for, as people look it up. A test holds it to the words
//! that are understood, so that none is without its line.

use super::{Topic, VOCABULARY};

/// A word of the vocabulary, as people write it under `landwaiter/`, `fluxcd.io/` and
/// `flux.weave.works/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// The key without its prefix: `tag-semver`, `tag.<container>`.
    pub key: &'static str,
    /// Whether `.<container>` may stand behind it, which then counts for that container alone.
    pub is_scoped: bool,
    /// What its value may be.
    pub value: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Whether it is understood and not done yet: it holds the workload.
    pub is_later: bool,
}

/// Every word with its line, in the order in which people need them.
const LINES: [(&str, &str, &str); 26] = [
    ("automated", "`\"true\"` or `\"false\"`", "The images follow their policies. Nothing happens without it."),
    ("policy", "a name", "A named policy: one of those that are built in, or of `.landwaiter/policies/`."),
    (
        "tag.<container>",
        "`semver:…`, `glob:…`, `regex:…`; without a prefix a glob",
        "Which tags one container follows. It beats what is said for the whole workload.",
    ),
    ("tag-semver", "a constraint: `~1.2`, `>=1.0 <2.0 \\|\\| 3.x`", "Which versions every container follows."),
    ("tag-glob", "a glob: `main-*`, `1.2?`, `{a,b}-*`", "Which tags every container follows."),
    (
        "tag-regex",
        "a regular expression",
        "Which tags every container follows. It has to match the whole tag; under the Flux prefixes any part of it.",
    ),
    (
        "order",
        "`semver`, `newest`, `numeric`, `natural` or `alphabetical`, with `asc` or `desc` behind it",
        "Which match is the best. Without it `semver` for semver patterns, and `newest` (the created time in the image) for others.",
    ),
    ("extract", "`$1`, `${name}`, or a text with them", "What of the tag is compared: groups of the regex."),
    (
        "exclude",
        "globs, and `regex:…` for the whole tag, with commas or line ends between them",
        "Tags that are never taken.",
    ),
    (
        "constraint",
        "a constraint: `~1.2`, `>=1.0 <2.0`",
        "Which versions are meant, where the pattern says only how the tags look. Needs `order: semver`.",
    ),
    (
        "within",
        "`major`, `minor` or `any`",
        "How far from the current version an update may go: within its major or minor version. Needs a current tag that is a version, which is all that `any` asks for.",
    ),
    (
        "prerelease",
        "`same`",
        "Only versions with the same pre-release as the current one: `1.2.3-alpine` to `1.2.4-alpine`, and `1.2.3` to none.",
    ),
    (
        "versions",
        "`careful`, `loose` or `full`",
        "What counts as a version. `careful`, as without it: no single number of five digits or more. `loose`: that as well. `full`: only all three numbers.",
    ),
    (
        "min-age",
        "a length of time: `24h`, `7d`, `2w`, `1d 12h`; `0h` for none",
        "Only tags that have been there for so long, see [policies.md](policies.md).",
    ),
    (
        "allow-downgrade",
        "`\"true\"` or `\"false\"`",
        "May go back to an older tag. Without it no tag is ever older than the one in Git.",
    ),
    ("locked", "`\"true\"` or `\"false\"`", "Nothing changes as long as it is written."),
    (
        "locked-until",
        "a date or a time: `2026-01-31`, `2026-01-31T18:00:00Z`",
        "When the lock ends: the time itself, or the end of that day in UTC.",
    ),
    ("locked-by", "a text", "Who locked it. Flux writes `locked_user`."),
    ("locked-reason", "a text", "Why it is locked. Flux writes `locked_msg`."),
    ("locked_user", "a text", "Flux's spelling of `locked-by`."),
    ("locked_msg", "a text", "Flux's spelling of `locked-reason`."),
    (
        "ignore",
        "`\"true\"`, `\"false\"` or `sync_only`",
        "`\"true\"` leaves the workload alone; the other two are as if it were not written.",
    ),
    (
        "image.<alias>",
        "a path: `spec.jobs[0].image`, `data.app\\.image`",
        "Where an image stands in any other kind of object, and what annotations call it.",
    ),
    ("digest", "`none`, `pin` or `follow`", "How digests are written. `none` is what happens without it."),
    ("platforms", "`linux/amd64,linux/arm64`", "Only images that have all of them."),
    ("window", "`Mon-Fri 08:00-16:00 Europe/Oslo`", "When commits may be made."),
];

/// The words of the vocabulary, in the order in which people need them.
pub fn words() -> impl Iterator<Item = Word> {
    LINES.into_iter().map(|(key, value, meaning)| {
        let known = VOCABULARY.iter().find(|(word, _, _)| *word == key);
        let is_scoped = known.is_some_and(|(_, _, scoped)| *scoped);
        let is_later = known.is_some_and(|(_, topic, _)| *topic == Topic::Later);
        Word { key, is_scoped, value, meaning, is_later }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{VOCABULARY, words};

    #[test]
    fn every_word_has_one_line() {
        let told: Vec<&str> = words().map(|word| word.key).collect();
        let mut known: BTreeSet<&str> = VOCABULARY.iter().map(|(word, _, _)| *word).collect();
        known.extend(["tag.<container>", "image.<alias>"]);
        assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), known);
        assert_eq!(told.len(), known.len(), "a word has two lines");
    }
}
