//! The rules of the house, kept by a machine: imports go down, pure floors are pure, one vendor has
//! one door. A failure names the file, the line and the rule.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A module may import what stands on a lower floor, and from its own
/// module; siblings on one floor are blind to each other.
const FLOORS: &[&[&str]] = &[
    &["host", "plain", "secret"],
    &["image", "path"],
    &["policy"],
    &["span", "task", "tls", "watched"],
    &["connection"],
    &["manifest", "hook", "registry", "git"],
    &["plan"],
    &["reconcile", "http"],
    &["config", "telemetry"],
    &["daemon"],
    &["health", "metrics", "status"],
    &["demo"],
    &["cli"],
    &["main", "lib"],
];

/// What a module may not import although it stands lower.
const BLIND: &[(&str, &str)] = &[
    ("registry", "policy"),
    ("git", "policy"),
    ("plan", "registry"),
    ("plan", "git"),
    ("manifest", "tls"),
    ("plan", "tls"),
    ("hook", "policy"),
    ("hook", "tls"),
    ("hook", "watched"),
    ("hook", "connection"),
    ("manifest", "watched"),
    ("plan", "watched"),
    ("plan", "hook"),
    ("reconcile", "hook"),
];

/// Modules that do no I/O, read no clock and write no log.
const PURE: &[&str] = &["host", "plain", "secret", "image", "path", "policy", "manifest", "hook", "plan"];

/// What purity rules out.
const IMPURE: &[&str] = &[
    "tokio",
    "gix",
    "reqwest",
    "tracing",
    "axum",
    "std::fs",
    "std::net::Tcp",
    "std::env",
    "std::process",
    "std::thread",
    "Timestamp::now",
    "SystemTime",
    "Instant::now",
    "fastrand",
];

/// The one place where each vendor's name may stand.
const DOORS: &[(&str, &[&str])] = &[
    ("yaml_rust2", &["manifest/yaml"]),
    ("globset", &["policy"]),
    ("regex::", &["policy"]),
    ("semver::", &["policy"]),
    ("sha2", &["image"]),
    ("base64", &["secret", "registry/keychain", "git/credential", "git/github", "hook/proof"]),
    ("oci_distribution", &["registry"]),
    ("reqwest", &["registry", "git/http", "http/keys", "cli/status", "telemetry/collector"]),
    ("redb", &["registry/store/disk"]),
    ("gix", &["git"]),
    ("russh", &["git/ssh"]),
    ("pgp", &["git/sign"]),
    ("hmac", &["git/ssh", "hook/proof"]),
    ("sha1", &["git/ssh"]),
    ("rustls", &["tls"]),
    ("rustls_native_certs", &["tls"]),
    ("x509_parser", &["tls/certificate"]),
    ("axum", &["demo", "health", "http", "metrics", "status"]),
    ("prometheus_client", &["metrics"]),
    ("sd_notify", &["health/systemd"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http"]),
    ("ring", &["hook/proof", "tls"]),
    ("minijinja", &["plan/template"]),
    ("serde_saphyr", &["config/file"]),
    ("schemars", &["config/file", "status"]),
    ("clap", &["cli", "main"]),
    ("csv::", &["cli/history"]),
    ("comfy_table", &["cli"]),
    ("similar", &["cli"]),
    ("anyhow", &["main"]),
    ("tracing_subscriber", &["telemetry"]),
    ("tracing_opentelemetry", &["telemetry"]),
    ("opentelemetry", &["telemetry"]),
    ("opentelemetry_http", &["telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["telemetry"]),
];

const BANNED_NAMES: &[&str] = &["utils.rs", "helpers.rs", "common.rs", "types.rs", "mod.rs"];

struct Source {
    /// `policy/decide`, relative to `src`, without the ending.
    name: String,
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    fn is_test(&self) -> bool {
        self.name.split('/').any(|part| part == "tests" || part.ends_with("_tests"))
    }

    /// The lines of code with their numbers, without comments and without a `mod tests` at the end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod tests {").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.map(|(number, line)| (number, line.split("//").next().unwrap()))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().with_extension("");
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { name: name.to_str().unwrap().replace('\\', "/"), text });
            }
        }
    }
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

fn floor(module: &str) -> usize {
    let place = FLOORS.iter().position(|floor| floor.contains(&module));
    place.unwrap_or_else(|| panic!("src/{module}.rs stands on no floor: add it to FLOORS, and to the map in lib.rs"))
}

#[test]
fn imports_go_down() {
    for source in sources() {
        let own = floor(source.module());
        for (number, line) in source.code() {
            for path in line.match_indices("crate::").map(|(at, prefix)| &line[at + prefix.len()..]) {
                let module: String = path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if module.is_empty() || module == source.module() {
                    continue;
                }
                let blind = BLIND.contains(&(source.module(), module.as_str()));
                assert!(
                    floor(&module) < own && !blind,
                    "src/{}.rs:{number}: `{}` must not import `{module}`:\n    {}",
                    source.name,
                    source.module(),
                    line.trim()
                );
            }
        }
    }
}

#[test]
fn pure_floors_are_pure() {
    for source in sources().iter().filter(|source| PURE.contains(&source.module()) && !source.is_test()) {
        for (number, line) in source.code() {
            for name in IMPURE {
                assert!(
                    !line.contains(name),
                    "src/{}.rs:{number}: `{}` is pure and must not know `{name}`:\n    {}",
                    source.name,
                    source.module(),
                    line.trim()
                );
            }
        }
    }
}

#[test]
fn one_vendor_one_door() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            for (vendor, doors) in DOORS {
                let used = line.match_indices(vendor).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| {
                        c.is_alphanumeric() || c == '_' || c == ':' || c == '"' || c == '.' || c == '/'
                    }) && (vendor.ends_with(':') || line[at + vendor.len()..].starts_with("::"))
                });
                let at_door =
                    doors.iter().any(|door| source.name == *door || source.name.starts_with(&format!("{door}/")));
                assert!(
                    !used || at_door,
                    "src/{}.rs:{number}: `{vendor}` has its door at {doors:?}:\n    {}",
                    source.name,
                    line.trim()
                );
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "src/{}.rs does not open with what it is", source.name);
        let file = format!("{}.rs", source.name.rsplit('/').next().unwrap());
        assert!(!BANNED_NAMES.contains(&file.as_str()), "src/{}.rs: name the file after what it holds", source.name);
    }
}

#[test]
fn nothing_is_unfinished() {
    for source in sources() {
        for (number, line) in source.code() {
            for mark in ["todo!(", "unimplemented!(", "#[allow(", "#[ignore"] {
                assert!(!line.contains(mark), "src/{}.rs:{number}: {mark}…) must not stay", source.name);
            }
        }
    }
}
