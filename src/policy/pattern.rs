//! Which tags are meant: `glob:…`, `semver:…`, `regex:…`, or the own family of the current tag.
//!
//! A pattern that is wrong never becomes a [`Pattern`]: [`InvalidPattern`] says what is wrong and how
//! to mend it, so nothing above has to ask what a broken one matches (nothing). Knows nothing of
//! orders and of the tags there are.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use globset::GlobBuilder;
use regex::bytes::{Regex, RegexBuilder};
use semver::Version;

use super::Dialect;
use super::range::{Range, Unsatisfied};
use super::re2;

/// The longest pattern or list of globs, in bytes. A tag has 128 at the most.
const MAX_LENGTH: usize = 4096;

/// What the program of one compiled pattern may take, in bytes. Everybody who may write a manifest
/// may write patterns, and a pass holds all of them in memory.
const SIZE_LIMIT: usize = 256 << 10;

/// The language of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatternKind {
    /// `*`, `?`, `[…]`, `{a,b}` and `\` as [`globset`] reads them, for the whole tag, case-sensitive.
    Glob,
    /// Constraints as Masterminds/semver v3.4 reads them.
    Semver,
    /// The syntax of the [`regex`](mod@regex) crate.
    Regex,
}

/// Which tags are meant. [`Display`](fmt::Display) gives `semver:~1.2`, or `own family`.
#[derive(Clone)]
pub struct Pattern {
    dialect: Dialect,
    shown: Arc<str>,
    matcher: Matcher,
}

/// A text that is no pattern: what is wrong with it, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` {what}; {mend}")]
pub struct InvalidPattern {
    pattern: String,
    what: String,
    mend: String,
}

#[derive(Clone)]
pub(super) enum Matcher {
    Glob(Arc<Regex>),
    Semver(Range),
    Regex(Arc<Regex>),
    Family,
}

impl Pattern {
    /// Reads a pattern with its prefix: `glob:`, `semver:`, `regex:` or `regexp:`; without one it is
    /// a glob.
    ///
    /// # Errors
    /// [`InvalidPattern`] for a pattern that is empty, breaks its grammar, or could never match a tag.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        check_length(text).map_err(|why| InvalidPattern::new(text, why))?;
        match text.split_once(':') {
            Some(("glob", rest)) => Self::parse_as(PatternKind::Glob, rest, dialect),
            Some(("semver", rest)) => Self::parse_as(PatternKind::Semver, rest, dialect),
            Some(("regex" | "regexp", rest)) => Self::parse_as(PatternKind::Regex, rest, dialect),
            Some((prefix, rest)) => Err(unknown_prefix(text, prefix, rest)),
            None => Self::glob(text, text, dialect),
        }
    }

    /// Reads a pattern that has no prefix because its kind is known.
    ///
    /// # Errors
    /// [`InvalidPattern`], as for [`parse`](Self::parse).
    pub fn parse_as(kind: PatternKind, text: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        match kind {
            PatternKind::Glob => Self::glob(text, &format!("glob:{text}"), dialect),
            PatternKind::Semver => Self::semver(text, dialect),
            PatternKind::Regex => Self::regex(text, dialect),
        }
    }

    /// The pattern of a workload that states none: the tags of the current tag's own family.
    #[must_use]
    pub fn family(dialect: Dialect) -> Self {
        Self { dialect, shown: "own family".into(), matcher: Matcher::Family }
    }

    /// The language it is written in, `None` for the own family.
    #[must_use]
    pub fn kind(&self) -> Option<PatternKind> {
        match self.matcher {
            Matcher::Glob(_) => Some(PatternKind::Glob),
            Matcher::Semver(_) => Some(PatternKind::Semver),
            Matcher::Regex(_) => Some(PatternKind::Regex),
            Matcher::Family => None,
        }
    }

    /// Under which rules it was written.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether this is the glob `*` (or `**`): everything, across all families of tags.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(&self.matcher, Matcher::Glob(_)) && self.body().bytes().all(|byte| byte == b'*')
    }

    /// The pattern without its prefix.
    #[must_use]
    pub fn body(&self) -> &str {
        self.shown.split_once(':').map_or(&*self.shown, |(_, body)| body)
    }

    /// Whether the tag `latest` is meant: the text of the glob or regex holds that word.
    pub(super) fn names_latest(&self) -> bool {
        matches!(self.kind(), Some(PatternKind::Glob | PatternKind::Regex))
            && self.body().to_ascii_lowercase().contains("latest")
    }

    /// Whether a constraint has no version whose first number has five digits or more.
    pub(super) fn is_below_bare_numbers(&self) -> bool {
        matches!(&self.matcher, Matcher::Semver(range) if range.is_below(10_000))
    }

    /// Whether a regex has a group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Regex(regex) => regex.capture_names().any(|group| group == Some(name)),
            _ => false,
        }
    }

    pub(super) fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    pub(super) fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    fn glob(text: &str, written: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        let matcher = glob(text).map_err(|why| InvalidPattern::new(written, why))?;
        Ok(Self { dialect, shown: format!("glob:{text}").into(), matcher: Matcher::Glob(matcher) })
    }

    fn semver(text: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        let written = format!("semver:{text}");
        let text = text.trim();
        check_length(text).map_err(|why| InvalidPattern::new(&written, why))?;
        if text.is_empty() {
            let mend = "write `semver:*` for any version, or remove the annotation".to_owned();
            return Err(InvalidPattern::new(&written, ("is empty".to_owned(), mend)));
        }
        let range = Range::parse(text).map_err(|why| {
            InvalidPattern::new(&written, (format!("is no version constraint: {}", why.what), why.mend))
        })?;
        Ok(Self { dialect, shown: format!("semver:{text}").into(), matcher: Matcher::Semver(range) })
    }

    fn regex(text: &str, dialect: Dialect) -> Result<Self, InvalidPattern> {
        let regex = regex(text, dialect).map_err(|why| InvalidPattern::new(&format!("regex:{text}"), why))?;
        Ok(Self { dialect, shown: format!("regex:{text}").into(), matcher: Matcher::Regex(regex) })
    }
}

impl InvalidPattern {
    pub(super) fn new(pattern: &str, (what, mend): (String, String)) -> Self {
        Self { pattern: pattern.chars().take(280).collect(), what, mend }
    }

    /// What is wrong, with the pattern: "`semver:~1.` is no version constraint: …".
    #[must_use]
    pub fn message(&self) -> String {
        format!("`{}` {}", self.pattern, self.what)
    }

    /// How to mend it.
    #[must_use]
    pub fn mend(&self) -> &str {
        &self.mend
    }
}

impl Matcher {
    /// Whether a version satisfies the constraint; any version does where there is none.
    pub(super) fn check(&self, version: &Version) -> Result<(), Unsatisfied> {
        match self {
            Self::Semver(range) => range.check(version),
            _ => Ok(()),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.dialect == other.dialect && self.shown == other.shown
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.dialect, self.shown)
    }
}

/// Whether a text is short enough to be a pattern, or a list of them.
pub(super) fn check_length(text: &str) -> Result<(), (String, String)> {
    if text.len() <= MAX_LENGTH {
        return Ok(());
    }
    let what = format!("has {} bytes, and {MAX_LENGTH} is the most that is read", text.len());
    Err((what, "write a shorter one".to_owned()))
}

/// Compiles a glob, or says what is wrong and how to mend it.
pub(super) fn glob(text: &str) -> Result<Arc<Regex>, (String, String)> {
    check_length(text)?;
    if text.is_empty() {
        return Err(("is empty".to_owned(), "write `*` for any tag, or remove it".to_owned()));
    }
    if text.trim() != text {
        let mended = text.trim();
        return Err(("has a blank at its start or end".to_owned(), format!("did you mean `{mended}`?")));
    }
    if let Some(stranger) = stranger(text) {
        let what = format!("holds {}, which no tag can hold", shown(stranger));
        return Err((what, meant(text, stranger)));
    }
    let glob = GlobBuilder::new(text).backslash_escape(true).empty_alternates(true).build().map_err(|error| {
        (
            format!("is no glob: {}", error.kind()),
            "close what is open, or put `\\` before a sign that is meant".to_owned(),
        )
    })?;
    // Not its own `compile_matcher`, which panics where a glob nests too deep or grows too large.
    compile(glob.regex()).map_err(|_| ("is too large a glob".to_owned(), "use fewer alternatives".to_owned()))
}

/// The first character of a glob that neither stands in a tag nor means anything in a glob.
fn stranger(text: &str) -> Option<char> {
    let mut class = false;
    let mut braces = 0_usize;
    let mut escaped = false;
    for c in text.chars() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            ',' if braces > 0 => {}
            '*' | '?' | '.' | '_' | '-' => {}
            c if c.is_ascii_alphanumeric() => {}
            c => return Some(c),
        }
    }
    None
}

/// What somebody may have meant who wrote a `stranger` into a glob.
fn meant(text: &str, stranger: char) -> String {
    match stranger {
        ',' => "write `{a,b}` for one of several".to_owned(),
        '~' | '>' | '<' | '=' => format!("for a version constraint write `semver:{text}`"),
        '^' | '$' | '(' | ')' | '|' | '+' => {
            format!("for a version constraint write `semver:{text}`, for a regular expression `regex:{text}`")
        }
        c if c.is_whitespace() => "a tag has no blanks; write one pattern".to_owned(),
        _ => "remove it".to_owned(),
    }
}

fn shown(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        ',' => "a comma".to_owned(),
        c if c.is_control() || c.is_whitespace() => format!("the character {c:?}"),
        c => format!("`{c}`"),
    }
}

/// Compiles a regular expression of this dialect, or says what is wrong and how to mend it.
pub(super) fn regex(text: &str, dialect: Dialect) -> Result<Arc<Regex>, (String, String)> {
    check_length(text)?;
    if text.is_empty() {
        return Err(("is empty".to_owned(), "write `.*` for any tag, or remove it".to_owned()));
    }
    if text.trim() != text {
        let mended = text.trim();
        return Err(("has a blank at its start or end".to_owned(), format!("did you mean `{mended}`?")));
    }
    if dialect.anchors_regexes() {
        compile(text).map_err(|error| broken_regex(text, &error))?;
        return compile_whole(text).map_err(|error| broken_regex(text, &error));
    }
    match re2::translate(text) {
        Ok(translated) => compile(&translated.text).map_err(|error| broken_regex(text, &error)),
        Err(refused) => {
            let what = format!("is no regular expression for {}: it {}", dialect.tool(), refused.0);
            Err((what, "write it otherwise".to_owned()))
        }
    }
}

/// Compiles a regular expression for the whole tag.
pub(super) fn compile_whole(text: &str) -> Result<Arc<Regex>, regex::Error> {
    compile(&format!(r"\A(?:{text})\z"))
}

/// Compiles a regular expression, or finds it among those that are in use: a fleet repeats a few
/// patterns thousands of times, and each takes more memory compiled than all else about a container.
///
/// Tags are ASCII, so `\w` and its like are first taken as ASCII: that is a hundredth of the size. A
/// pattern that names what only Unicode has (`\p{L}`) is compiled with all of it.
pub(super) fn compile(text: &str) -> Result<Arc<Regex>, regex::Error> {
    static COMPILED: LazyLock<Mutex<HashMap<Box<str>, Weak<Regex>>>> = LazyLock::new(Mutex::default);
    let compiled = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled().get(text).and_then(Weak::upgrade) {
        return Ok(regex);
    }
    let build = |unicode| RegexBuilder::new(text).unicode(unicode).size_limit(SIZE_LIMIT).build();
    let regex = Arc::new(build(false).or_else(|_| build(true))?);
    let mut compiled = compiled();
    // What nobody uses any more is forgotten before the map would have to grow.
    if compiled.len() == compiled.capacity() {
        compiled.retain(|_, regex| regex.strong_count() > 0);
    }
    compiled.insert(text.into(), Arc::downgrade(&regex));
    Ok(regex)
}

fn broken_regex(text: &str, error: &regex::Error) -> (String, String) {
    let told = error.to_string();
    let last = told.lines().last().unwrap_or_default();
    let reason = last.strip_prefix("error: ").unwrap_or(last).to_owned();
    let mend = if reason.contains("look-around") {
        "match what is wanted, and leave the rest out with `exclude`".to_owned()
    } else if reason.contains("backreference") {
        "write the repeated part out".to_owned()
    } else if reason.contains("repetition operator missing") {
        format!("for a glob write `glob:{text}`, and for anything in a regular expression `.*`")
    } else if matches!(error, regex::Error::CompiledTooBig(_)) {
        return ("is too large a regular expression".to_owned(), "use smaller repetitions".to_owned());
    } else {
        "put `\\` before a sign that is meant, and close what is open".to_owned()
    };
    (format!("is no regular expression: {reason}"), mend)
}

fn unknown_prefix(text: &str, prefix: &str, rest: &str) -> InvalidPattern {
    let plain = prefix.trim().to_ascii_lowercase();
    let known = ["glob", "semver", "regex", "regexp"].into_iter().find(|known| plain == *known);
    let (what, mend) = match known {
        Some(known) => {
            ("has a prefix that is almost one of ours".to_owned(), format!("did you mean `{known}:{rest}`?"))
        }
        None => (
            format!("begins with the unknown prefix `{prefix}:`"),
            "use `glob:`, `semver:` or `regex:`, or no prefix for a glob".to_owned(),
        ),
    };
    InvalidPattern::new(text, (what, mend))
}

#[cfg(test)]
mod tests;
