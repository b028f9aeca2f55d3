//! Problems as workflow commands of GitHub Actions, which shows them at their lines. Knows how a command
//! is written, and nothing of where the problems come from.

use std::io::{self, Write};

use crate::cli::checkout::Around;
use crate::manifest::{Problem, Severity};

/// Prints one command for each problem. Paths begin at the top of the repository, as GitHub has it.
pub(super) fn print(out: &mut dyn Write, problems: &[Problem], around: &Around) -> io::Result<()> {
    for problem in problems {
        let command = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let file = around.whole_path(&problem.place.file);
        let (file, title) = (property(file.as_str()), property(&format!("landwaiter {}", problem.rule)));
        let (line, column) = (problem.place.line, problem.place.column);
        let message = data(&problem.text());
        writeln!(out, "::{command} file={file},line={line},col={column},title={title}::{message}")?;
    }
    Ok(())
}

/// A text as the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Around, print};
    use crate::manifest::{Place, Problem, Rule, Severity};
    use crate::path::RepoPath;

    #[test]
    fn a_problem_is_one_command() {
        let problem = |file: &str, severity, message: &str| {
            let place = Place { file: RepoPath::parse(file).unwrap(), line: 3, column: 5 };
            Problem::new(Rule::UnknownKey, severity, place, message, "mend: it, 100%")
        };
        let problems = [
            problem("a,b:c.yaml", Severity::Error, "`x`: 1,2"),
            problem(".landwaiter/lint.yaml", Severity::Warning, "two\nlines"),
            problem("a\n::stop-commands::x.yaml", Severity::Hint, "x"),
        ];
        let around = Around { root: PathBuf::from("."), way: RepoPath::parse("apps").ok() };
        let mut out = Vec::new();
        print(&mut out, &problems, &around).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=apps/a%2Cb%3Ac.yaml,line=3,col=5,title=landwaiter unknown-key::`x`: 1,2; mend: it, 100%25\n\
             ::warning file=.landwaiter/lint.yaml,line=3,col=5,title=landwaiter unknown-key::two\\nlines; mend: it, 100%25\n\
             ::notice file=apps/a%0A%3A%3Astop-commands%3A%3Ax.yaml,line=3,col=5,title=landwaiter unknown-key::x; mend: it, 100%25\n"
        );
    }
}
