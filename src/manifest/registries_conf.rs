//! `registries.conf` of Argo CD Image Updater: how registries are reached. Read as strictly as it is there:
//! an unknown field is a mistake.
//!
//! Knows the fields, and nothing of what becomes of them.

use std::collections::HashSet;

use super::dialect::nearest;
use super::document::{parse, template, unreadable};
use super::problem::{Place, Problem, Rule, Severity, shown};
use super::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// What is said of one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConf {
    /// What it is called there.
    pub name: String,
    /// Where its entry begins.
    pub place: Place,
    /// What is said beyond that, in the order of the file.
    pub fields: Vec<RegistryField>,
}

/// One field of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryField {
    /// Its name, one of those that there are.
    pub key: &'static str,
    /// What it says.
    pub value: String,
    /// Where that stands.
    pub place: Place,
}

/// What the value of a field has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Flag,
    Number,
    Duration,
    Mode,
}

const FIELDS: [(&str, Sort); 13] = [
    ("name", Sort::Text),
    ("api_url", Sort::Text),
    ("prefix", Sort::Text),
    ("ping", Sort::Flag),
    ("credentials", Sort::Text),
    ("credsexpire", Sort::Duration),
    ("tagsortmode", Sort::Mode),
    ("insecure", Sort::Flag),
    ("ca_file", Sort::Text),
    ("ca_data", Sort::Text),
    ("defaultns", Sort::Text),
    ("limit", Sort::Number),
    ("default", Sort::Flag),
];

/// The key of a `ConfigMap` that holds the file.
const IN_CONFIG_MAP: &str = "registries.conf";

impl RegistryConf {
    /// What a field says.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&RegistryField> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// Reads the file, or the `ConfigMap` that holds it. Whatever is wrong is told; an entry with a mistake in it
/// is left out.
#[must_use]
pub fn read_registries_conf(path: &RepoPath, bytes: &[u8]) -> (Vec<RegistryConf>, Vec<Problem>) {
    let tree = match parse(path, bytes) {
        Ok(tree) => tree,
        Err(error) => return (Vec::new(), vec![unreadable(Severity::Error, path, &error)]),
    };
    if let Some(mark) = tree.template_mark() {
        let message = "`{{` outside quotes makes the file a template";
        return (Vec::new(), vec![template(message, mark.place(path))]);
    }
    let mut reader = Reader { path, problems: Vec::new() };
    let mut entries = Vec::new();
    for document in tree.documents().filter(|document| !document.is_null()) {
        entries.extend(reader.document(document));
    }
    if entries.is_empty() && reader.problems.is_empty() {
        let place = Place { file: path.clone(), line: 1, column: 1 };
        let message = "there are no registries in this file";
        let mend = "name the file with `registries:`, or the ConfigMap that holds it under `registries.conf`";
        reader.problems.push(Problem::new(Rule::InvalidValue, Severity::Error, place, message, mend));
    }
    reader.check_prefixes(&entries);
    (entries, reader.problems)
}

struct Reader<'p> {
    path: &'p RepoPath,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn document(&mut self, document: NodeRef<'_>) -> Vec<RegistryConf> {
        let Some(kind) = document.get_text("kind") else { return self.file(document) };
        let Some(held) = document.get("data").and_then(|data| data.get(IN_CONFIG_MAP)) else { return Vec::new() };
        match held.inset() {
            Some(Ok(inset)) => self.file(inset),
            Some(Err(error)) => {
                self.problems.push(unreadable(Severity::Error, self.path, error));
                Vec::new()
            }
            None => {
                let message = format!("`{IN_CONFIG_MAP}` of this {kind} is no literal block");
                self.report(Rule::InvalidValue, held, message, "write it behind `|`, or name the file itself");
                Vec::new()
            }
        }
    }

    fn file(&mut self, root: NodeRef<'_>) -> Vec<RegistryConf> {
        for (second, first) in root.doubled_keys().into_iter().map(|(first, second)| (second, first)) {
            let message = format!(
                "the key `{}` stands here twice, first in line {}",
                second.text().unwrap_or_default(),
                first.line()
            );
            self.report(Rule::DoubledKey, second, message, "remove one of the two");
        }
        let mut entries = Vec::new();
        for (key, value) in root.entries() {
            if key.text() == Some("registries") {
                let list = value.resolved();
                if list.kind() != Kind::Sequence && !list.is_null() {
                    self.report(
                        Rule::InvalidValue,
                        value,
                        "`registries` is no list".to_owned(),
                        "write one entry for each",
                    );
                }
                entries.extend(list.items().filter_map(|entry| self.entry(entry)));
            } else {
                let message = format!("`{}` is no key of `registries.conf`", shown(key.text().unwrap_or_default()));
                self.report(Rule::UnknownKey, key, message, "the only one is `registries`");
            }
        }
        if root.kind() != Kind::Mapping {
            self.report(Rule::InvalidValue, root, "this is no mapping".to_owned(), "write `registries:` with a list");
        }
        entries
    }

    /// One entry; `None` where something in it is wrong, which is told.
    fn entry(&mut self, entry: NodeRef<'_>) -> Option<RegistryConf> {
        let before = self.problems.len();
        let node = entry.resolved();
        if node.kind() != Kind::Mapping {
            self.report(
                Rule::InvalidValue,
                entry,
                "an entry is no mapping".to_owned(),
                "write `name`, `api_url` and `prefix`",
            );
        }
        let mut fields = Vec::new();
        for (key, value) in node.entries() {
            let written = key.text().unwrap_or_default();
            let Some(&(key_name, sort)) = FIELDS.iter().find(|(name, _)| *name == written) else {
                let message = format!("`{}` is no field of a registry", shown(written));
                let meant = nearest(written, FIELDS.iter(), |(name, _)| name);
                let mend = meant.map_or_else(
                    || format!("there are: {}", FIELDS.map(|(name, _)| name).join(", ")),
                    |(name, _)| format!("did you mean `{name}`?"),
                );
                self.report(Rule::UnknownKey, key, message, &mend);
                continue;
            };
            let Some(text) = value.resolved().text() else {
                self.report(
                    Rule::InvalidValue,
                    value,
                    format!("the value of `{written}` is no text"),
                    "write one value",
                );
                continue;
            };
            if let Some(mend) = sort.refuses(text) {
                self.report(Rule::InvalidValue, value, format!("`{written}` says `{}`", shown(text)), mend);
                continue;
            }
            fields.push(RegistryField {
                key: key_name,
                value: text.trim_end().to_owned(),
                place: value.place(self.path),
            });
        }
        for needed in ["name", "api_url"] {
            if node.kind() == Kind::Mapping && node.get(needed).and_then(NodeRef::written).is_none() {
                self.report(Rule::InvalidValue, entry, format!("the entry has no `{needed}`"), "write it");
            }
        }
        let name = fields.iter().find(|field| field.key == "name").map(|field| field.value.clone())?;
        let whole = RegistryConf { name, place: entry.place(self.path), fields };
        (self.problems.len() == before).then_some(whole)
    }

    /// A prefix belongs to one registry, and one of all may have none.
    fn check_prefixes(&mut self, entries: &[RegistryConf]) {
        let mut seen = HashSet::new();
        for entry in entries {
            let prefix = entry.field("prefix").map_or("", |field| field.value.as_str());
            if !seen.insert(prefix) {
                let message = match prefix {
                    "" => "two registries have no `prefix`".to_owned(),
                    prefix => format!("two registries have the prefix `{prefix}`"),
                };
                let (rule, mend) = (Rule::Contradiction, "keep one of them, or give each its own");
                self.problems.push(Problem::new(rule, Severity::Error, entry.place.clone(), message, mend));
            }
        }
        let defaults: Vec<&RegistryConf> =
            entries.iter().filter(|entry| entry.field("default").is_some_and(|field| is_on(&field.value))).collect();
        if let [_, second, ..] = defaults[..] {
            let message = "two registries are the default".to_owned();
            let (rule, mend) = (Rule::Contradiction, "keep one of them");
            self.problems.push(Problem::new(rule, Severity::Error, second.place.clone(), message, mend));
        }
    }

    fn report(&mut self, rule: Rule, node: NodeRef<'_>, message: String, mend: &str) {
        self.problems.push(Problem::new(rule, Severity::Error, node.place(self.path), message, mend));
    }
}

impl Sort {
    /// How to mend a value that is none of this sort.
    fn refuses(self, text: &str) -> Option<&'static str> {
        match self {
            Self::Text => None,
            Self::Flag => (!is_on(text) && !is_off(text)).then_some("write `true` or `false`"),
            Self::Number => text.parse::<u32>().is_err().then_some("write a number of requests for a second"),
            Self::Duration => (!is_duration(text)).then_some("write a duration such as `30s` or `1h30m`"),
            Self::Mode => (!matches!(text, "latest-first" | "latest-last" | "none" | ""))
                .then_some("write `latest-first`, `latest-last` or `none`"),
        }
    }
}

/// Whether this switches something on, as YAML 1.1 has it.
fn is_on(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "y")
}

fn is_off(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "n")
}

/// Whether this is a duration as Go writes it: `1h30m`, `1.5s`, `0`.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let unit = ["ns", "us", "µs", "ms", "s", "m", "h"].into_iter().find_map(|unit| {
            number.strip_prefix(unit).filter(|behind| !behind.starts_with(|c: char| c.is_alphabetic()))
        });
        match unit {
            Some(behind) if number.len() < rest.len() => rest = behind,
            _ => return text == "0",
        }
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::read_registries_conf;
    use crate::path::RepoPath;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let (entries, problems) = read_registries_conf(&RepoPath::parse("r.conf").unwrap(), text.as_bytes());
        let entries = entries.iter().map(|entry| {
            let fields: Vec<_> = entry.fields.iter().map(|field| format!("{}={}", field.key, field.value)).collect();
            format!("{}:{} {}", entry.place.line, entry.place.column, fields.join(" "))
        });
        let all: Vec<String> = entries.chain(problems.iter().map(ToString::to_string)).collect();
        assert_eq!(all, expected, "{text}");
    }

    #[test]
    fn entries_with_their_fields() {
        check(
            "registries:\n- name: Docker Hub\n  prefix: docker.io\n  api_url: https://registry-1.docker.io\n  ping: yes\n  limit: 10\n  credsexpire: 1h30m\n",
            &[
                "2:3 name=Docker Hub prefix=docker.io api_url=https://registry-1.docker.io ping=yes limit=10 credsexpire=1h30m",
            ],
        );
        check(
            "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  log.level: debug\n  registries.conf: |\n    registries:\n    - name: x\n      api_url: https://x\n      ca_data: |\n        -----BEGIN\n---\nkind: Deployment\n",
            &["7:7 name=x api_url=https://x ca_data=-----BEGIN"],
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        check(
            "",
            &[
                "r.conf:1:1: error: there are no registries in this file; name the file with `registries:`, or the ConfigMap that holds it under `registries.conf`",
            ],
        );
        check(
            "registries:\n- name: a\n  api_url: b\n  credential: env:X\n",
            &["r.conf:4:3: error: `credential` is no field of a registry; did you mean `credentials`?"],
        );
        check(
            "registry:\n- name: a\n",
            &["r.conf:1:1: error: `registry` is no key of `registries.conf`; the only one is `registries`"],
        );
        check(
            "registries:\n- name: a\n- api_url: b\n",
            &[
                "r.conf:2:3: error: the entry has no `api_url`; write it",
                "r.conf:3:3: error: the entry has no `name`; write it",
            ],
        );
        check("registries: {}\n", &["r.conf:1:13: error: `registries` is no list; write one entry for each"]);
        check(
            "registries:\n- name: a\n  api_url: b\n  insecure: maybe\n  limit: many\n  credsexpire: 1 day\n  tagsortmode: newest\n  ca_file: [a]\n",
            &[
                "r.conf:4:13: error: `insecure` says `maybe`; write `true` or `false`",
                "r.conf:5:10: error: `limit` says `many`; write a number of requests for a second",
                "r.conf:6:16: error: `credsexpire` says `1 day`; write a duration such as `30s` or `1h30m`",
                "r.conf:7:16: error: `tagsortmode` says `newest`; write `latest-first`, `latest-last` or `none`",
                "r.conf:8:12: error: the value of `ca_file` is no text; write one value",
            ],
        );
        check(
            "registries:\n- {name: a, api_url: b}\n- {name: c, api_url: d, default: true}\n- {name: e, api_url: f, prefix: x, default: yes, prefix: y}\n",
            &[
                "2:3 name=a api_url=b",
                "3:3 name=c api_url=d default=true",
                "4:3 name=e api_url=f prefix=x default=yes prefix=y",
                "r.conf:4:50: error: the key `prefix` stands here twice, first in line 4; remove one of the two",
                "r.conf:3:3: error: two registries have no `prefix`; keep one of them, or give each its own",
                "r.conf:4:3: error: two registries are the default; keep one of them",
            ],
        );
        check(
            "kind: ConfigMap\ndata: {registries.conf: 'a'}\n",
            &[
                "r.conf:2:25: error: `registries.conf` of this ConfigMap is no literal block; write it behind `|`, or name the file itself",
            ],
        );
    }
}
