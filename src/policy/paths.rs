//! Paths that are meant: a folder, a file, or a glob of them. Knows nothing of what is said about them.

use std::fmt;
use std::sync::Arc;

use globset::GlobBuilder;
use regex::bytes::Regex;

use super::pattern::{InvalidPattern, check_length, compile};
use crate::path::RepoPath;

/// Folders and files that are meant, each with all that lies below it. [`Display`](fmt::Display) gives
/// the text as it was written.
#[derive(Debug, Clone)]
pub struct PathGlob {
    written: Box<str>,
    meant: Meant,
}

#[derive(Debug, Clone)]
enum Meant {
    Everything,
    One(RepoPath),
    Glob(Arc<Regex>),
}

impl PathGlob {
    /// Reads a path from the top of the repository: `clusters/dev`, `apps/*/values.yaml`, `**/*.json`, or
    /// `.` for all of it. `*` and `?` stay within a name, and `**` crosses folders.
    ///
    /// # Errors
    /// [`InvalidPattern`] for a path that is empty or leaves the repository, and for a broken glob.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |what: &str, mend: String| InvalidPattern::new(text, (what.to_owned(), mend));
        check_length(text).map_err(|why| InvalidPattern::new(text, why))?;
        let written = text.into();
        if matches!(text, "." | "./" | "**") {
            return Ok(Self { written, ..Self::everything() });
        }
        if let Some(relative) = text.strip_prefix('/') {
            let mend = format!("paths begin at the top of the repository: write `{}`", non_empty(relative));
            return Err(invalid("begins with `/`", mend));
        }
        let path = RepoPath::parse(text).map_err(|_| {
            invalid("is no path inside the repository", "write a folder, a file, or a glob of them".to_owned())
        })?;
        if !text.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            return Ok(Self { written, meant: Meant::One(path) });
        }
        let glob = GlobBuilder::new(path.as_str())
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .build()
            .map_err(|error| {
                let mend = "close what is open, or put `\\` before a sign that is meant".to_owned();
                invalid(&format!("is no glob: {}", error.kind()), mend)
            })?;
        let regex =
            compile(glob.regex()).map_err(|_| invalid("is too large a glob", "use fewer alternatives".to_owned()))?;
        Ok(Self { written, meant: Meant::Glob(regex) })
    }

    /// The whole repository.
    #[must_use]
    pub fn everything() -> Self {
        Self { written: ".".into(), meant: Meant::Everything }
    }

    /// The one folder or file that is meant; `None` for a glob, and for everything.
    #[must_use]
    pub fn single(&self) -> Option<&RepoPath> {
        match &self.meant {
            Meant::One(path) => Some(path),
            Meant::Everything | Meant::Glob(_) => None,
        }
    }

    /// Whether the path is meant, or lies below a folder that is.
    #[must_use]
    pub fn covers(&self, path: &RepoPath) -> bool {
        match &self.meant {
            Meant::Everything => true,
            Meant::One(meant) => path.is_within(meant),
            Meant::Glob(regex) => {
                let text = path.as_str();
                let ends = text.match_indices('/').map(|(at, _)| at).chain([text.len()]);
                ends.into_iter().any(|end| regex.is_match(&text.as_bytes()[..end]))
            }
        }
    }
}

/// As they are written.
impl PartialEq for PathGlob {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// What to write for a text that may be empty: all of it.
fn non_empty(text: &str) -> &str {
    if text.is_empty() { "." } else { text }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::PathGlob;
    use crate::path::RepoPath;

    #[test]
    fn a_path_covers_what_lies_below_it() {
        for (text, yes, no) in [
            (".", "a", ""),
            ("**", "a/b.yaml", ""),
            ("apps", "apps/web.yaml", "apps2/web.yaml"),
            ("apps/", "apps/a/b/c.yaml", "x/apps/a.yaml"),
            ("./apps/web.yaml", "apps/web.yaml", "apps/web.yml"),
            ("apps/*", "apps/a/b.yaml", "apps"),
            ("apps/*/dev", "apps/web/dev/a.yaml", "apps/web/prod/a.yaml"),
            ("apps/*.yaml", "apps/a.yaml", "apps/a/b.yaml"),
            ("**/values.yaml", "values.yaml", "a/myvalues.yaml"),
            ("**/values.yaml", "a/b/values.yaml", "values.yml"),
            ("**/{dev,test}/**", "a/dev/b.yaml", "a/prod/b.yaml"),
            ("cluster-?", "cluster-1/a.yaml", "cluster-10/a.yaml"),
            (r"a\*b", "a*b", "axb"),
            ("größe/*", "größe/a.yaml", "grosse/a.yaml"),
        ] {
            let glob = PathGlob::parse(text).unwrap();
            assert_eq!(glob.to_string(), text);
            assert!(glob.covers(&RepoPath::parse(yes).unwrap()), "{text} {yes}");
            assert!(no.is_empty() || !glob.covers(&RepoPath::parse(no).unwrap()), "{text} {no}");
        }
        assert_eq!(PathGlob::parse("a/b/").unwrap().single(), RepoPath::parse("a/b").ok().as_ref());
        assert_eq!(PathGlob::parse("a/*").unwrap().single(), None);
    }

    #[test]
    fn a_wrong_path_is_told() {
        for (text, told) in [
            ("", "`` is no path inside the repository; write a folder, a file, or a glob of them"),
            ("/apps", "`/apps` begins with `/`; paths begin at the top of the repository: write `apps`"),
            ("/", "`/` begins with `/`; paths begin at the top of the repository: write `.`"),
            ("../x", "`../x` is no path inside the repository; write a folder, a file, or a glob of them"),
            ("a//b", "`a//b` is no path inside the repository; write a folder, a file, or a glob of them"),
        ] {
            assert_eq!(PathGlob::parse(text).unwrap_err().to_string(), told);
        }
        let broken = PathGlob::parse("a/{b").unwrap_err();
        assert!(broken.message().contains("is no glob"), "{broken}");
        let large = PathGlob::parse(&"{a,b}".repeat(800)).map(drop);
        assert!(large.is_ok() || large.unwrap_err().message().contains("too large"));
    }
}
