//! The template of commit messages, as Jinja: what it may use, how much it may do, and what is wrong with it, by
//! line and column. The only door to minijinja. Must not know what becomes of the words.

mod samples;

use std::io::{self, Write};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use super::message::{Row, Words, one_line, words};

pub(super) use samples::{Sample, samples};

/// The largest template, in bytes.
const MOST_SOURCE: usize = 64 << 10;
/// How many steps a template may take, and how many more for each update.
const STEPS: u64 = 100_000;
const STEPS_EACH: u64 = 2_000;
/// How much a template may write, in bytes, beside four times what the default message has.
const MOST_WRITTEN: usize = 256 << 10;

/// The names at the top, those of an update, an image and the default message.
const NAMES: [&str; 6] = ["repository", "branch", "group", "updates", "images", "default"];
const NAMES_BELOW: [&str; 16] = [
    "file",
    "line",
    "workload",
    "namespace",
    "kind",
    "name",
    "container",
    "image",
    "repository",
    "short_name",
    "from",
    "to",
    "policy",
    "reason",
    "subject",
    "body",
];
const FILTERS: [&str; 20] = [
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "length",
    "trim",
    "join",
    "split",
    "lines",
    "default",
    "first",
    "last",
    "sort",
    "indent",
    "select",
    "selectattr",
    "map",
    "groupby",
    "unique",
];
/// What minijinja has for programs rather than for messages.
const LEFT_OUT: [&str; 4] = ["range", "dict", "debug", "namespace"];

/// A template that has made a message of each of the samples. Its first line is the subject, the rest the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    name: Arc<str>,
    source: Arc<str>,
}

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {problem}")]
pub struct InvalidTemplate {
    /// What it is called: the path of its file.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there, and how to mend it.
    pub problem: String,
}

/// What a template can use.
#[derive(Debug, Serialize)]
pub(super) struct Values<'a> {
    repository: &'a str,
    branch: &'a str,
    group: Option<&'a str>,
    updates: &'a [Row],
    images: Vec<Image<'a>>,
    default: &'a Words,
}

/// An image that gets a new tag somewhere.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Image<'a> {
    repository: &'a str,
    short_name: &'a str,
    to: &'a str,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        repository: &'a str,
        branch: &'a str,
        group: Option<&'a str>,
        updates: &'a [Row],
        default: &'a Words,
    ) -> Self {
        let image = |row: &'a Row| Image { repository: &row.repository, short_name: &row.short_name, to: &row.to };
        let mut images: Vec<_> = updates.iter().map(image).collect();
        images.sort();
        images.dedup();
        Self { repository, branch, group, updates, images, default }
    }
}

impl Template {
    /// Reads a template and tries it on samples of every kind. `name` is what its errors call it.
    ///
    /// # Errors
    /// [`InvalidTemplate`] when it is none, uses a name that there is not, gives no subject, or does too much.
    pub fn parse(name: &str, source: &str) -> Result<Self, InvalidTemplate> {
        let template = Self { name: one_line(name).into(), source: source.into() };
        if source.len() > MOST_SOURCE {
            return Err(template.invalid(0, &format!("it is larger than {} KiB", MOST_SOURCE >> 10)));
        }
        for Sample { group, rows, .. } in samples() {
            let default = words(&rows, false);
            template.render(&Values::new("org/config", "main", group, &rows, &default))?;
        }
        template.check_names()?;
        Ok(template)
    }

    /// What it says of these values.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse): what no sample shows may show now.
    pub(super) fn render(&self, values: &Values<'_>) -> Result<Words, InvalidTemplate> {
        let environment = environment(STEPS + STEPS_EACH * values.updates.len() as u64);
        let template = environment.template_from_named_str(&self.name, &self.source);
        let template = template.map_err(|error| self.explain(&error, 0))?;
        let most = MOST_WRITTEN + 4 * values.default.body.len();
        let mut text = Bounded { text: Vec::new(), most };
        let rendered = template.render_captured_to(Serde(values), &mut text);
        rendered.map_err(|error| self.explain(&error, most))?;
        let text = String::from_utf8_lossy(&text.text);
        let text = text.trim_start();
        let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
        if subject.trim().is_empty() {
            return Err(self.invalid(0, "it gives no subject: the first line that it writes is the subject"));
        }
        Ok(Words { subject: subject.trim().to_owned(), body: body.to_owned() })
    }

    /// Looks for names that are used where no sample leads.
    fn check_names(&self) -> Result<(), InvalidTemplate> {
        let environment = environment(STEPS);
        let template = environment.template_from_named_str(&self.name, &self.source);
        let used = template.map_err(|error| self.explain(&error, 0))?.undeclared_variables(false);
        let mut unknown: Vec<_> = used.iter().filter(|name| !NAMES.contains(&name.as_str())).collect();
        unknown.sort();
        match unknown.first() {
            Some(name) => Err(self.invalid(self.find(name), &no_such(name, &NAMES))),
            None => Ok(()),
        }
    }

    /// Where a name stands between braces.
    fn find(&self, name: &str) -> usize {
        let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        let found = self.source.match_indices(name).map(|(at, _)| at).find(|&at| {
            let (before, after) = (&self.source[..at], &self.source[at + name.len()..]);
            let opened = before.rfind("{{").max(before.rfind("{%"));
            let closed = before.rfind("}}").max(before.rfind("%}"));
            opened > closed
                && !is_part(before.chars().next_back())
                && !is_part(after.chars().next().filter(|c| *c != '.'))
        });
        found.unwrap_or(0)
    }

    /// The engine's words in ours, at the place that it names.
    fn explain(&self, error: &minijinja::Error, most: usize) -> InvalidTemplate {
        let range = error.range().unwrap_or_else(|| {
            let line = error.line().unwrap_or(1).saturating_sub(1);
            let at = self.source.split_inclusive('\n').take(line).map(str::len).sum();
            at..at
        });
        let detail = error.detail().unwrap_or_default();
        let quoted = || detail.split('`').nth(1).unwrap_or_default();
        let word =
            |last: bool| if last { detail.rsplit(' ').nth(2) } else { detail.split(' ').nth(1) }.unwrap_or_default();
        let problem = match error.kind() {
            ErrorKind::UndefinedError if !quoted().is_empty() => {
                let name = quoted();
                if name.ends_with(']') {
                    return self
                        .invalid(range.start, &format!("there is no `{name}` where there are fewer: loop instead"));
                }
                let known: &[&str] = if name.contains(['.', '[']) { &NAMES_BELOW } else { &NAMES };
                no_such(name, known)
            }
            ErrorKind::UnknownFilter => {
                format!("there is no filter `{}`{}", word(false), nearest(word(false), &FILTERS))
            }
            ErrorKind::UnknownTest => format!("there is no test `{}`", word(false)),
            ErrorKind::UnknownFunction => format!("there is no function `{}`", word(true)),
            ErrorKind::OutOfFuel => "it does too much: more steps than a message needs".into(),
            ErrorKind::WriteFailure => format!("it writes too much: more than {} KiB", most >> 10),
            kind if detail.is_empty() => kind.to_string(),
            kind => format!("{kind}: {detail}"),
        };
        self.invalid(range.start, &problem)
    }

    fn invalid(&self, at: usize, problem: &str) -> InvalidTemplate {
        let before = self.source.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        InvalidTemplate { name: self.name.to_string(), line, column, problem: one_line(problem) }
    }
}

/// A sandbox: no files, no other templates, no escaping, an error for every name that there is not.
fn environment(steps: u64) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_debug(true);
    environment.set_fuel(Some(steps));
    environment.set_recursion_limit(50);
    for name in LEFT_OUT {
        environment.remove_global(name);
    }
    // Lines with nothing but a tag leave nothing behind.
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return out.write_str("none").map_err(Into::into);
        }
        minijinja::escape_formatter(out, state, value)
    });
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment
}

fn no_such(name: &str, known: &[&str]) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    format!("there is no `{name}`{}", nearest(last, known))
}

fn nearest(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(word, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2.max(word.len() / 3) => format!("; did you mean `{name}`?"),
        _ => format!("; there are {}", known.join(", ")),
    }
}

/// Takes so much and no more.
struct Bounded {
    text: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
