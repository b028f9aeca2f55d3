//! Problems as SARIF 2.1.0, which GitHub, GitLab and editors read. Knows the form and nothing of where the
//! problems come from.

use std::collections::HashMap;

use serde::Serialize;

use crate::cli::checkout::Around;
use crate::image::Digest;
use crate::manifest::{Problem, Rule, Severity};
use crate::path::RepoPath;

/// The name by which paths from the top of the repository are known.
const ROOT: &str = "%SRCROOT%";

/// A log with one run.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Message {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
}

/// What a problem is known by from one run to the next, wherever its line moves to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

impl Log {
    /// The log of these problems. `read` gives the text of a file, as far as it can be had: what stands in
    /// a line tells a problem apart, and not the line's number.
    pub(super) fn new(problems: &[Problem], around: &Around, mut read: impl FnMut(&RepoPath) -> String) -> Self {
        let mut texts: HashMap<&RepoPath, String> = HashMap::new();
        let mut times: HashMap<String, usize> = HashMap::new();
        let mut results = Vec::with_capacity(problems.len());
        // Problems come file by file, and lines in order.
        for problem in problems {
            let file = &problem.place.file;
            if !texts.contains_key(file) {
                texts.clear();
                texts.insert(file, read(file));
            }
            let line = texts[file].lines().nth(problem.place.line.saturating_sub(1)).unwrap_or_default();
            let path = around.whole_path(file);
            let said = format!("{}\0{path}\0{}", problem.rule, line.trim());
            let hash = Digest::sha256(said.as_bytes()).hex()[..16].to_owned();
            let time = times.entry(hash.clone()).or_default();
            *time += 1;
            results.push(Finding {
                rule_id: problem.rule.name(),
                rule_index: Rule::ALL.iter().position(|rule| *rule == problem.rule).unwrap_or_default(),
                level: level(problem.severity),
                message: Message { text: problem.text() },
                locations: [Location {
                    physical_location: PhysicalLocation {
                        artifact_location: Artifact { uri: uri(path.as_str()), uri_base_id: ROOT },
                        region: Region { start_line: problem.place.line, start_column: problem.place.column },
                    },
                }],
                partial_fingerprints: Fingerprints { primary_location_line_hash: format!("{hash}:{time}") },
            });
        }
        let driver = Driver {
            name: "landwaiter",
            semantic_version: env!("CARGO_PKG_VERSION"),
            information_uri: env!("CARGO_PKG_REPOSITORY"),
            rules: Rule::ALL.iter().copied().map(descriptor).collect(),
        };
        Self {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results }],
        }
    }
}

fn descriptor(rule: Rule) -> Descriptor {
    let meaning = || Message { text: rule.meaning().to_owned() };
    let help = format!("{} Each problem says how to mend it; docs/lint.md says how to switch rules.", rule.meaning());
    Descriptor {
        id: rule.name(),
        short_description: meaning(),
        full_description: meaning(),
        help: Message { text: help },
        default_configuration: Configuration { level: level(rule.usual()) },
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

/// A path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    path.bytes().map(|byte| if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::{Around, Log, uri};
    use crate::manifest::{Place, Problem, Rule, Severity};
    use crate::path::RepoPath;

    fn problem(line: usize, message: &str) -> Problem {
        let place = Place { file: RepoPath::parse("a b.yaml").unwrap(), line, column: 5 };
        Problem::new(Rule::UnknownKey, Severity::Hint, place, message, "mend it")
    }

    fn log(problems: &[Problem], text: &str) -> Value {
        let around = Around { root: PathBuf::from("."), way: RepoPath::parse("apps").ok() };
        serde_json::to_value(Log::new(problems, &around, |_| text.to_owned())).unwrap()
    }

    #[test]
    fn a_log_as_code_scanning_wants_it() {
        let log = log(&[problem(2, "wrong")], "kind: Pod\n  x: y\n");
        assert_eq!((&log["version"], &log["runs"].as_array().unwrap().len()), (&json!("2.1.0"), &1));
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), Rule::ALL.len());
        let mut result = run["results"][0].clone();
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            (&rules[index]["id"], &rules[index]["defaultConfiguration"]["level"]),
            (&json!("unknown-key"), &json!("error"))
        );
        let hash = result["partialFingerprints"]["primaryLocationLineHash"].take();
        assert!(hash.as_str().unwrap().len() == 18 && hash.as_str().unwrap().ends_with(":1"), "{hash}");
        assert_eq!(
            result,
            json!({
                "ruleId": "unknown-key", "ruleIndex": index, "level": "note", "message": {"text": "wrong; mend it"},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": "apps/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 2, "startColumn": 5}
                }}],
                "partialFingerprints": {"primaryLocationLineHash": null}
            })
        );
    }

    #[test]
    fn a_fingerprint_goes_with_its_line() {
        let prints = |problems: &[Problem], text: &str| -> Vec<String> {
            let log = log(problems, text);
            let results = log["runs"][0]["results"].as_array().unwrap().clone();
            results.iter().map(|result| result["partialFingerprints"].to_string()).collect()
        };
        let before = prints(&[problem(1, "x")], "x: y\n");
        assert_eq!(prints(&[problem(3, "other words")], "a: b\nc: d\n    x: y\n"), before);
        assert_ne!(prints(&[problem(1, "x")], "x: z\n"), before);
        let twice = prints(&[problem(1, "x"), problem(2, "x")], "x: y\nx: y\n");
        assert_eq!(twice[0], before[0]);
        assert_ne!(twice[1], before[0]);
    }

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("a/b.yaml"), "a/b.yaml");
        assert_eq!(uri("a b/größe%:#?.yaml"), "a%20b/gr%C3%B6%C3%9Fe%25%3A%23%3F.yaml");
    }
}
