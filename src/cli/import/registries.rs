//! Registries of another daemon as a configuration file of ours, with comments that say where everything comes from.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::environment::{SourceOutput, print_unsaid, sources_text};
use crate::manifest::yaml_text;
use crate::plan::import::{Registries, RegistryEntry, RegistrySetting, RegistryValue};
use crate::plan::message::one_line;

const HEAD: &str = "\
# A configuration file for `landwaiter run --config FILE`. `landwaiter config check FILE` tells what is still missing.
";

/// An entry of the configuration file.
#[derive(Debug, Serialize)]
pub(super) struct RegistryOutput<'a> {
    prefix: &'a str,
    settings: Vec<SettingOutput<'a>>,
}

#[derive(Debug, Serialize)]
struct SettingOutput<'a> {
    key: &'static str,
    value: Value,
    from: Vec<SourceOutput<'a>>,
    notes: &'a [String],
}

impl<'a> RegistryOutput<'a> {
    pub(super) fn new(entry: &'a RegistryEntry) -> Self {
        let setting = |setting: &'a RegistrySetting| SettingOutput {
            key: setting.value.key(),
            value: data(&setting.value),
            from: setting.sources.iter().map(SourceOutput::new).collect(),
            notes: &setting.notes,
        };
        Self { prefix: &entry.prefix, settings: entry.settings.iter().map(setting).collect() }
    }
}

fn data(value: &RegistryValue) -> Value {
    match value {
        RegistryValue::Mirror(text) | RegistryValue::CaBundle(text) => json!(text),
        RegistryValue::PasswordFile(file) => json!({"file": file}),
        RegistryValue::PullSecret(folder) => json!({"pull-secret": folder}),
        RegistryValue::PlainHttp | RegistryValue::CredentialsOverPlainHttp => json!(true),
        RegistryValue::Rate(rate) => json!(rate),
    }
}

fn yaml(value: &RegistryValue) -> String {
    match value {
        RegistryValue::Mirror(text) | RegistryValue::CaBundle(text) => yaml_text(text),
        RegistryValue::PasswordFile(file) => format!("{{file: {}}}", yaml_text(file)),
        RegistryValue::PullSecret(folder) => format!("{{pull-secret: {}}}", yaml_text(folder)),
        RegistryValue::PlainHttp | RegistryValue::CredentialsOverPlainHttp => "true".to_owned(),
        RegistryValue::Rate(rate) => rate.to_string(),
    }
}

/// Prints a configuration file.
pub(super) fn print(out: &mut dyn Write, registries: &Registries) -> io::Result<()> {
    write!(out, "{HEAD}")?;
    writeln!(out, "registries:{}", if registries.entries.is_empty() { " []" } else { "" })?;
    for (index, RegistryEntry { prefix, settings }) in registries.entries.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        for RegistrySetting { value, sources, notes, .. } in settings {
            writeln!(out, "# {}: {}", value.key(), sources_text(sources))?;
            for note in notes {
                writeln!(out, "#   {}", one_line(note))?;
            }
        }
        writeln!(out, "- prefix: {}", yaml_text(prefix))?;
        for setting in settings {
            writeln!(out, "  {}: {}", setting.value.key(), yaml(&setting.value))?;
        }
    }
    print_unsaid(out, &registries.unsaid)
}
