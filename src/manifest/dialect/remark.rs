//! The native dialect in a comment: `# landwaiter: semver:~1.2 order=newest locked-reason="a talk"`.
//!
//! A pattern with its prefix first, or `ignore`, or none of them; behind it the words of the annotations
//! as `word=value`, values in `"…"` where they hold blanks. Must not know what the comment marks.

use super::{Statement, nearest};
use crate::image::Reference;
use crate::manifest::problem::{Place, shown};

/// What a comment of ours begins with.
const NAME: &str = "landwaiter";

/// What patterns begin with, and the key that says the same in annotations.
const PATTERNS: [(&str, &str); 4] =
    [("semver:", "tag-semver"), ("glob:", "tag-glob"), ("regex:", "tag-regex"), ("regexp:", "tag-regex")];

/// A comment of ours, understood.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::manifest) struct Remarked {
    /// What it says, as annotations would.
    pub(in crate::manifest) statements: Vec<Statement>,
    /// The repository that is meant, where the comment names it.
    pub(in crate::manifest) image: Option<Reference>,
}

/// Why a comment is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::manifest) struct Unclear {
    /// Whether it is a marker gone wrong, and no mere remark: what it marks is held.
    pub(in crate::manifest) is_marker: bool,
    pub(in crate::manifest) message: String,
    pub(in crate::manifest) mend: String,
}

/// What stands behind `landwaiter:` in a comment; `None` for any other comment.
pub(in crate::manifest) fn text(comment: &str) -> Option<&str> {
    Some(comment.strip_prefix(NAME)?.trim_start().strip_prefix(':')?.trim())
}

/// Whether a comment begins as one of ours does but for the case of its letters, and says something that a
/// marker would say: what it marks is held. A remark that begins with our name is none.
pub(in crate::manifest) fn is_shouted(comment: &str, place: &Place) -> bool {
    let Some(rest) = comment.get(NAME.len()..).filter(|_| comment[..NAME.len()].eq_ignore_ascii_case(NAME)) else {
        return false;
    };
    let is_shouted = !comment.starts_with(NAME);
    let said = rest.trim_start().strip_prefix(':').map(str::trim).filter(|_| is_shouted);
    said.is_some_and(|said| read(said, place).map_or_else(|unclear| unclear.is_marker, |_| true))
}

/// Whether a comment would be one of ours, were there a colon behind the name.
pub(in crate::manifest) fn lacks_colon(comment: &str) -> bool {
    let rest = comment.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(' ')).map(str::trim_start);
    rest.is_some_and(|rest| PATTERNS.iter().any(|(prefix, _)| rest.starts_with(prefix)) || rest == "ignore")
}

/// Reads what stands behind `landwaiter:`. Whoever writes a marker wants automation, unless it says
/// `automated=false`.
pub(in crate::manifest) fn read(text: &str, place: &Place) -> Result<Remarked, Unclear> {
    let (mut statements, rest) =
        if let Some((prefix, key)) = PATTERNS.iter().find(|(prefix, _)| text.starts_with(prefix)) {
            let (pattern, rest) = split_pattern(&text[prefix.len()..]);
            let statement = Statement { written: (*prefix).into(), ..Statement::remarked(key, pattern.trim(), place) };
            (vec![statement], rest)
        } else if let Some(rest) =
            text.strip_prefix("ignore").filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        {
            (vec![Statement::remarked("ignore", "true", place)], rest)
        } else if word_of(text).is_some() {
            (Vec::new(), text)
        } else {
            return Err(no_marker(text));
        };
    let mut image = None;
    for (word, value) in words(rest)? {
        if word == "image" {
            let named = Reference::parse(value).map_err(|error| {
                unclear(
                    format!("`image={value}` names no repository: {error}"),
                    "write it like `image=ghcr.io/org/app`",
                )
            })?;
            if named.tag().is_some() || named.digest().is_some() {
                let message = format!("`image={value}` names a tag or digest, and a repository is wanted");
                return Err(unclear(message, format!("write `image={}`", named.name())));
            }
            if image.replace(named).is_some() {
                return Err(unclear("`image=` stands twice", "remove one of the two"));
            }
            continue;
        }
        let statement = Statement::remarked(word, value, place);
        if statements.iter().any(|other| other.written == statement.written) {
            return Err(unclear(format!("`{word}=` stands twice"), "remove one of the two"));
        }
        statements.push(statement);
    }
    if !statements.iter().any(|statement| &*statement.written == "automated") {
        statements.push(Statement::remarked("automated", "true", place));
    }
    Ok(Remarked { statements, image })
}

/// The pattern and what stands behind it: it may hold blanks, and ends where the first `word=` begins.
fn split_pattern(text: &str) -> (&str, &str) {
    let begins = |at: &usize| word_of(&text[*at..]).is_some();
    let behind_blanks = text.match_indices([' ', '\t']).map(|(at, _)| at + 1);
    let end = behind_blanks.into_iter().find(begins).unwrap_or(text.len());
    text.split_at(end)
}

/// The word of `word=…`, and what stands behind the `=`.
fn word_of(text: &str) -> Option<(&str, &str)> {
    let (word, behind) = text.split_at(text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)))?);
    let value = behind.strip_prefix('=')?;
    word.starts_with(|c: char| c.is_ascii_alphabetic()).then_some((word, value))
}

/// Every `word=value`.
fn words(text: &str) -> Result<Vec<(&str, &str)>, Unclear> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((word, behind)) = word_of(rest) else {
            let stray = rest.split([' ', '\t']).next().unwrap_or(rest);
            let message = format!("`{}` is no `word=value`", shown(stray));
            return Err(unclear(
                message,
                "write a value that holds blanks in \"…\", and other remarks on a line of their own",
            ));
        };
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted
                    .find('"')
                    .ok_or_else(|| unclear(format!("the value of `{word}=` has no `\"` at its end"), "write one"))?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => behind.split_at(behind.find([' ', '\t']).unwrap_or(behind.len())),
        };
        if !behind.is_empty() && !behind.starts_with([' ', '\t']) {
            return Err(unclear(format!("the value of `{word}=` goes on behind its `\"`"), "write a blank there"));
        }
        words.push((word, value));
        rest = behind.trim_start();
    }
    Ok(words)
}

/// A text that begins like no marker. One that nearly does is taken for one, so that nothing moves.
fn no_marker(text: &str) -> Unclear {
    let first = text.split([' ', '\t', '=']).next().unwrap_or(text);
    let prefix = first.split_once(':').map(|(prefix, _)| prefix);
    let meant = match prefix {
        Some(prefix) => nearest(prefix, PATTERNS.iter().map(|(known, _)| known.trim_end_matches(':')), |known| known)
            .map(|known| format!("{known}:")),
        None => nearest(first, ["ignore"].into_iter(), |known| known).map(str::to_owned),
    };
    let message = format!("`landwaiter:` begins a marker, and `{}` is none", shown(text));
    match meant {
        Some(meant) => Unclear { is_marker: true, message, mend: format!("did you mean `{meant}`?") },
        None => Unclear {
            is_marker: false,
            message,
            mend: "begin it with `semver:`, `glob:`, `regex:`, `ignore` or a word such as `policy=stable`, or write the remark without the colon".to_owned(),
        },
    }
}

fn unclear(message: impl Into<String>, mend: impl Into<String>) -> Unclear {
    Unclear { is_marker: true, message: message.into(), mend: mend.into() }
}
