//! The arguments of fluxd, the daemon of Flux version 1: of a manifest that runs it, or as a plain list.
//!
//! Knows how arguments are written, and which options of ours say the same. What becomes of them is not
//! known here.

use super::document::{parse, template, unreadable};
use super::problem::{Place, Problem, Rule, Severity, shown};
use super::setting::Setting;
use super::yaml::{Kind, NodeRef};
use crate::image::Reference;
use crate::path::RepoPath;

/// The flags that are on or off, and take no value from the next argument.
const SWITCHES: [&str; 13] = [
    "git-ci-skip",
    "git-readonly",
    "git-secret",
    "git-set-author",
    "git-verify-signatures",
    "help",
    "manifest-generation",
    "registry-disable-scanning",
    "registry-trace",
    "sops",
    "sync-garbage-collection",
    "sync-garbage-collection-dry",
    "version",
];

/// The flags that an option of ours carries over.
const OPTIONS: [(&str, &str); 10] = [
    ("git-url", "--git-url"),
    ("git-branch", "--git-branch"),
    ("git-path", "--git-path"),
    ("git-user", "--git-user"),
    ("git-email", "--git-email"),
    ("git-poll-interval", "--git-poll-interval"),
    ("automation-interval", "--registry-poll-interval"),
    ("registry-poll-interval", "--registry-poll-interval"),
    ("docker-config", "--docker-config"),
    ("log-format", "--log-format"),
];

/// An argument, and where it stands.
struct Word {
    text: String,
    place: Place,
}

/// Reads the arguments in a file: those of the containers in its objects that run fluxd, those of a list, or
/// the file itself as a list, a line for one or several of them. Each is a [`Setting`] with the flag as its
/// key, in the order of the file.
#[must_use]
pub fn read_flux_args(path: &RepoPath, bytes: &[u8]) -> (Vec<Setting>, Vec<Problem>) {
    let (mut settings, mut problems) = (Vec::new(), Vec::new());
    let mut lists: Vec<(String, Vec<Word>)> = Vec::new();
    match parse(path, bytes) {
        Ok(tree) => {
            if let Some(mark) = tree.template_mark() {
                let message = "`{{` outside quotes makes the file a template, and what fluxd is told shows only when it is rendered";
                problems.push(template(message, mark.place(path)));
                return (settings, problems);
            }
            for document in tree.documents() {
                collect(document, path, &mut lists);
            }
            if lists.is_empty() && tree.documents().all(|document| matches!(document.kind(), Kind::Scalar(_))) {
                lists.push(("fluxd".to_owned(), lines(path, tree.source())));
            }
        }
        Err(error) => match std::str::from_utf8(bytes) {
            Ok(text) if text.lines().any(|line| line.trim_start().starts_with("--")) => {
                lists.push(("fluxd".to_owned(), lines(path, text)));
            }
            _ => problems.push(unreadable(Severity::Error, path, &error)),
        },
    }
    for (owner, words) in lists {
        read(&owner, words, &mut settings, &mut problems);
    }
    if settings.is_empty() && problems.is_empty() {
        let place = Place { file: path.clone(), line: 1, column: 1 };
        let message = "there are no arguments of fluxd in this file";
        let mend = "name the manifest that runs fluxd, or a list of its arguments such as `--git-url=…`";
        problems.push(Problem::new(Rule::InvalidValue, Severity::Error, place, message, mend));
    }
    (settings, problems)
}

/// The arguments of every container that runs fluxd, or those of a list.
fn collect(document: NodeRef<'_>, path: &RepoPath, lists: &mut Vec<(String, Vec<Word>)>) {
    let words = |list: NodeRef<'_>| -> Vec<Word> {
        let texts = list.resolved().items().filter_map(|item| Some((item.resolved().text()?, item)));
        texts.map(|(text, item)| Word { text: text.to_owned(), place: item.place(path) }).collect()
    };
    if document.kind() == Kind::Sequence && document.items().all(|item| item.resolved().text().is_some()) {
        lists.push(("fluxd".to_owned(), words(document)));
        return;
    }
    let containers = document.mappings().filter_map(|mapping| mapping.get("containers"));
    for container in containers.flat_map(NodeRef::items) {
        let both = [container.get("command"), container.get("args")].into_iter().flatten();
        let words: Vec<Word> = both.flat_map(words).collect();
        let image = container.get_text("image").and_then(|image| Reference::parse(image).ok());
        let is_flux = image.is_some_and(|image| image.repository().short_name() == "flux")
            || words.iter().any(|word| word.text.starts_with("--git-url"));
        if is_flux {
            lists.push((format!("container {}", container.get_text("name").unwrap_or("flux")), words));
        }
    }
}

/// The words of a text, apart by blanks, in quotes or without.
fn lines(path: &RepoPath, text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') {
            continue;
        }
        let mut word: Option<(usize, String)> = None;
        let mut quote = None;
        for (column, c) in line.chars().enumerate().chain([(0, ' ')]) {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '"' | '\'') => {
                    quote = Some(c);
                    word.get_or_insert((column, String::new()));
                }
                (None, c) if c.is_whitespace() => words.extend(word.take().map(|(column, text)| Word {
                    text,
                    place: Place { file: path.clone(), line: number + 1, column: column + 1 },
                })),
                (_, c) => word.get_or_insert((column, String::new())).1.push(c),
            }
        }
    }
    // What ends a line that goes on, and what begins an item of a list, says nothing.
    words.retain(|word| word.text != "\\" && word.text != "-");
    words
}

/// Takes arguments apart, as fluxd does.
fn read(owner: &str, words: Vec<Word>, settings: &mut Vec<Setting>, problems: &mut Vec<Problem>) {
    let mut words = words.into_iter().peekable();
    let mut is_first = true;
    while let Some(word) = words.next() {
        let Some(flag) = word.text.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
            // The program itself.
            if !std::mem::take(&mut is_first) {
                let message = format!("`{}` is no argument of the form `--flag=value`", shown(&word.text));
                let mend = "write its flag before it";
                problems.push(Problem::new(Rule::InvalidValue, Severity::Warning, word.place, message, mend));
            }
            continue;
        };
        is_first = false;
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None if SWITCHES.contains(&flag) => (flag, "true".to_owned()),
            None => {
                let Some(next) = words.next_if(|next| !next.text.starts_with("--")) else {
                    let message = format!("`--{}` has no value", shown(flag));
                    let mend = "write it behind `=`";
                    problems.push(Problem::new(Rule::InvalidValue, Severity::Warning, word.place, message, mend));
                    continue;
                };
                (flag, next.text)
            }
        };
        settings.push(Setting {
            owner: owner.into(),
            key: format!("--{name}").into(),
            value: value.into(),
            place: word.place,
            option: OPTIONS.iter().find(|(flag, _)| *flag == name).map(|(_, option)| *option),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::read_flux_args;
    use crate::path::RepoPath;

    /// What is read of a file, a line for each setting and each problem.
    #[track_caller]
    fn check(file: &str, text: &str, expected: &[&str]) {
        let (settings, problems) = read_flux_args(&RepoPath::parse(file).unwrap(), text.as_bytes());
        let told = settings.iter().map(|setting| {
            let option = setting.option.map(|option| format!(" ({option})")).unwrap_or_default();
            let (line, column) = (setting.place.line, setting.place.column);
            format!("{line}:{column} {} {}={}{option}", setting.owner, setting.key, setting.value)
        });
        let all: Vec<String> = told.chain(problems.iter().map(ToString::to_string)).collect();
        assert_eq!(all, expected, "{text}");
    }

    #[test]
    fn of_a_manifest_that_runs_it() {
        check(
            "flux.yaml",
            "kind: Deployment
metadata: {name: flux}
spec:
  template:
    spec:
      containers:
      - name: flux
        image: docker.io/fluxcd/flux:1.25.4
        args:
        - --memcached-service=
        - --git-branch=main
        - \"--git-path=a,b\"
        - --git-ci-skip
        - --git-user
        - Weave Flux
      - name: memcached
        image: memcached:1.5
        args: [-m 512]
---
kind: Pod
spec: {containers: [{name: other, image: 'x:1', command: [fluxd, --git-url=a]}]}
",
            &[
                "10:11 container flux --memcached-service=",
                "11:11 container flux --git-branch=main (--git-branch)",
                "12:11 container flux --git-path=a,b (--git-path)",
                "13:11 container flux --git-ci-skip=true",
                "14:11 container flux --git-user=Weave Flux (--git-user)",
                "21:66 container other --git-url=a (--git-url)",
            ],
        );
    }

    #[test]
    fn of_a_list() {
        check("a.yaml", "- --git-url=x\n- --sops\n", &["1:3 fluxd --git-url=x (--git-url)", "2:3 fluxd --sops=true"]);
        check("a.json", "[\"--git-url\", \"x\"]", &["1:2 fluxd --git-url=x (--git-url)"]);
    }

    #[test]
    fn of_a_text() {
        check(
            "args",
            "# as in the unit\nfluxd --git-url=x \\\n  --git-user 'Weave Flux' --sops \"--git-email=a@b\"\n\n  --registry-rps=20\n",
            &[
                "2:7 fluxd --git-url=x (--git-url)",
                "3:3 fluxd --git-user=Weave Flux (--git-user)",
                "3:27 fluxd --sops=true",
                "3:34 fluxd --git-email=a@b (--git-email)",
                "5:3 fluxd --registry-rps=20",
            ],
        );
        check(
            "args",
            "--git-url=x\n--git-branch: y\n",
            &["1:1 fluxd --git-url=x (--git-url)", "2:1 fluxd --git-branch:=y"],
        );
    }

    #[test]
    fn what_is_no_argument_is_told() {
        let none = "there are no arguments of fluxd in this file; name the manifest that runs fluxd, or a list of its arguments such as `--git-url=…`";
        check("a.yaml", "kind: Deployment\n", &[&format!("a.yaml:1:1: error: {none}")]);
        check("a.yaml", "", &[&format!("a.yaml:1:1: error: {none}")]);
        check(
            "a",
            "--sops x --git-user",
            &[
                "1:1 fluxd --sops=true",
                "a:1:8: warning: `x` is no argument of the form `--flag=value`; write its flag before it",
                "a:1:10: warning: `--git-user` has no value; write it behind `=`",
            ],
        );
        check(
            "a.yaml",
            "args: [{{ .Values.a }}]\n",
            &[
                "a.yaml:1:8: warning: `{{` outside quotes makes the file a template, and what fluxd is told shows only when it is rendered; templates are never changed: annotate the manifest that uses it, or quote the value",
            ],
        );
        check(
            "a.yaml",
            "a: [b\n",
            &[
                "a.yaml:2:1: error: the file cannot be read: while parsing a flow sequence, expected ',' or ']'; nothing in it is followed until it is valid",
            ],
        );
    }
}
