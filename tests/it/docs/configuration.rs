//! `docs/configuration.md`: every key of the configuration file, as its schema has it, and examples that hold.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{holds, is_whole, row};
use crate::binary::{landwaiter, run};

/// The objects of the schema with the headings of their tables, in the order of the page.
const OBJECTS: [(&str, &str); 12] = [
    ("", "The file"),
    ("RepositoryEntry", "`repositories[]`"),
    ("GitVariables", "`repositories[].credentials.environment`"),
    ("GithubAppEntry", "`repositories[].credentials.github-app`"),
    ("SshEntry", "`repositories[].ssh`"),
    ("SigningEntry", "`repositories[].signing`"),
    ("CommitEntry", "`repositories[].commit`"),
    ("Author", "`repositories[].author`"),
    ("RegistryEntry", "`registries[]`"),
    ("Certificate", "`registries[].client-certificate`"),
    ("Variables", "`registries[].credentials.environment`"),
    ("HookEntry", "`hooks[]`"),
];

/// What something means, and its default.
fn parts(schema: &Value) -> (String, String) {
    let text = schema["description"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let (meaning, default) = text.split_once(" Default: ").unwrap_or((&text, ""));
    (meaning.to_owned(), default.trim_end_matches('.').to_owned())
}

fn examples(schema: &Value) -> String {
    let flow = |example: &Value| example.to_string().replace('"', "").replace(':', ": ").replace(": //", "://");
    let examples = schema["examples"].as_array().into_iter().flatten().map(|example| match example {
        Value::Object(_) => format!("`{}`", flow(example).replace(',', ", ")),
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    });
    let examples = examples.collect::<Vec<_>>().join(", ");
    if examples.is_empty() { "see below".to_owned() } else { examples }
}

#[test]
fn every_key_is_in_the_reference() {
    let schema = landwaiter::config::schema();
    let mut page = String::new();
    for (name, heading) in OBJECTS {
        let object = if name.is_empty() { &schema } else { &schema["$defs"][name] };
        let _ = write!(page, "### {heading}\n\n{}\n\n", parts(object).0);
        page += &row(&["key", "meaning", "default", "example"]);
        page += "|---|---|---|---|\n";
        for (key, value) in object["properties"].as_object().unwrap() {
            let (meaning, default) = parts(value);
            page += &row(&[&format!("`{key}`"), &meaning, &default, &examples(value)]);
        }
        page += "\n";
    }
    for (name, heading) in [
        ("GitCredentials", "`repositories[].credentials`"),
        ("Credentials", "`registries[].credentials`"),
        ("SecretEntry", "`hooks[].secret`"),
    ] {
        let places = &schema["$defs"][name];
        let _ = write!(page, "### {heading}\n\n{}\n\n", parts(places).0);
        page += &row(&["where", "example"]);
        page += "|---|---|\n";
        for place in places["oneOf"].as_array().unwrap() {
            page += &row(&[parts(place).0.trim_end_matches('.'), &examples(place)]);
        }
        page += "\n";
    }
    holds("docs/configuration.md", "keys", &page);
}

/// What editors take from the web is what this version says.
#[test]
fn the_schema_is_published() {
    let ran = run(&mut landwaiter(Path::new("."), ["config", "schema"]));
    is_whole("docs/configuration.schema.json", &ran.stdout);
}

/// Every block of YAML on these pages that sets something for registries or sources of webhooks is understood.
#[test]
fn the_examples_make_sense() {
    let mut seen = 0;
    for page in ["docs/configuration.md", "docs/registries.md", "docs/webhooks.md"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let is_whole = |block: &&str| ["registries:", "repositories:", "hooks:"].iter().any(|key| block.contains(key));
        for block in blocks.filter(is_whole) {
            let home = TempDir::new().unwrap();
            fs::write(home.path().join("landwaiter.yaml"), block).unwrap();
            let ran = run(&mut landwaiter(home.path(), ["config", "check", "landwaiter.yaml"]));
            // The files that they name are not there, and nothing else is wrong.
            let allowed = |line: &str| {
                line.contains("No such file or directory")
                    || line.contains(" is not set")
                    || line.ends_with("makes sense")
                    || line.ends_with(" mistake")
                    || line.ends_with(" mistakes")
                    || line.contains("there is neither .dockerconfigjson nor .dockercfg in ")
            };
            assert!(ran.code == 0 || ran.stdout.lines().all(allowed), "{page}: {block}\n{ran:?}");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}
