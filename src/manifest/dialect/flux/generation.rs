//! `.flux.yaml`: how Flux version 1 makes the manifests of a folder, and how it changes them.
//!
//! Its commands are never run. Read as plain data, with what it means for the files below it; must not know
//! those files.

use super::super::nearest;
use crate::manifest::document::doubled_key;
use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::setting::Setting;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::path::RepoPath;

/// The ways to make manifests, one of them in each file.
const WAYS: [&str; 3] = ["scanForFiles", "patchUpdated", "commandUpdated"];

/// What to say of a folder whose manifests are changed by commands.
const COMMANDS: &str =
    "Flux changes the images below this folder with the commands written here, which Landwaiter does not run";

/// Whether a file of this name says how manifests are made.
pub(in crate::manifest) fn is_generation_path(path: &RepoPath) -> bool {
    path.file_name() == ".flux.yaml"
}

/// Reads the file at `path`: what it says beyond files, and one problem where it is wrong or asks for what
/// nobody does here.
pub(in crate::manifest) fn read(
    document: Option<NodeRef<'_>>,
    path: &RepoPath,
    settings: &mut Vec<Setting>,
    problems: &mut Vec<Problem>,
) {
    let reader = Reader { path, settings };
    problems.extend(reader.read(document).err());
}

struct Reader<'s> {
    path: &'s RepoPath,
    settings: &'s mut Vec<Setting>,
}

impl Reader<'_> {
    fn wrong(&self, node: NodeRef<'_>, message: impl Into<String>, mend: &str) -> Problem {
        Problem::new(Rule::InvalidValue, Severity::Error, node.place(self.path), message, mend)
    }

    fn read(mut self, document: Option<NodeRef<'_>>) -> Result<(), Problem> {
        let top = Place { file: self.path.clone(), line: 1, column: 1 };
        let Some(document) = document else { return Err(silent(top)) };
        if document.kind() != Kind::Mapping {
            return Err(silent(document.place(self.path)));
        }
        if let Some(keys) = document.doubled_keys().into_iter().next() {
            return Err(doubled_key(Severity::Error, keys, self.path, "remove one of the two"));
        }
        let known: Vec<&str> = WAYS.into_iter().chain(["version"]).collect();
        self.check_known(document, "", &known)?;
        let version = document.get("version").map(NodeRef::resolved);
        if version.is_none_or(|version| version.text() != Some("1") || version.is_string()) {
            let node = version.unwrap_or(document);
            return Err(self.wrong(node, "`version` is not 1", "write `version: 1`"));
        }
        let mut ways = document.entries().filter(|(key, _)| key.text().is_some_and(|key| WAYS.contains(&key)));
        let Some((key, way)) = ways.next() else {
            let mend = "write one of `scanForFiles`, `patchUpdated` and `commandUpdated`";
            return Err(self.wrong(document, "no way is written in which manifests are made", mend));
        };
        let name = key.text().unwrap_or_default();
        if let Some((other, _)) = ways.next() {
            let message = format!("`{name}` and `{}` are two ways to make manifests", other.text().unwrap_or_default());
            return Err(self.wrong(other, message, "leave one of them"));
        }
        let way = way.resolved();
        if way.kind() != Kind::Mapping {
            return Err(self.wrong(way, format!("`{name}` is no mapping"), "write `{}` where it says no more"));
        }
        let not_supported = |message: String, mend: &str| {
            Err(Problem::new(Rule::NotSupported, Severity::Warning, key.place(self.path), message, mend))
        };
        match name {
            "patchUpdated" => {
                self.check_known(way, "patchUpdated.", &["generators", "patchFile"])?;
                self.generators(way, name)?;
                let Some(patch) = self.setting(way, "patchUpdated.", "patchFile")? else {
                    return Err(self.wrong(way, "`patchUpdated` has no `patchFile`", "write the name of the patch"));
                };
                let message = format!(
                    "Flux makes the manifests below this folder with commands, which Landwaiter does not run, and \
                     keeps their images and policies in `{patch}`, which it writes anew each time"
                );
                let mend = "what is annotated in the patch is followed there; name it under `patches` of a \
                            kustomization, so that others apply it too";
                not_supported(message, mend)
            }
            "commandUpdated" => {
                self.check_known(way, "commandUpdated.", &["generators", "updaters"])?;
                self.generators(way, name)?;
                self.updaters(way)?;
                let mend = "annotate the files in which the images stand, or mark their tags";
                not_supported(COMMANDS.to_owned(), mend)
            }
            _ => self.check_known(way, "scanForFiles.", &[]),
        }
    }

    /// The commands that print manifests: at least one.
    fn generators(&mut self, way: NodeRef<'_>, name: &str) -> Result<(), Problem> {
        let generators = way.get("generators").map(NodeRef::resolved);
        let Some(list) = generators.filter(|list| list.items().next().is_some()) else {
            let message = format!("`{name}` has no `generators`");
            let mend = "write a list of them, each with its `command`";
            return Err(self.wrong(generators.unwrap_or(way), message, mend));
        };
        for (at, generator) in list.items().enumerate() {
            self.command(generator, &format!("{name}.generators[{at}]"))?;
        }
        Ok(())
    }

    /// The commands that change images and policies.
    fn updaters(&mut self, way: NodeRef<'_>) -> Result<(), Problem> {
        let updaters = way.get("updaters").map(NodeRef::resolved);
        for (at, updater) in updaters.into_iter().flat_map(NodeRef::items).enumerate() {
            let (updater, path) = (updater.resolved(), format!("commandUpdated.updaters[{at}]"));
            self.check_known(updater, &format!("{path}."), &["containerImage", "policy"])?;
            for kind in ["containerImage", "policy"] {
                if let Some(command) = updater.get(kind) {
                    self.command(command, &format!("{path}.{kind}"))?;
                }
            }
        }
        Ok(())
    }

    fn command(&mut self, command: NodeRef<'_>, path: &str) -> Result<(), Problem> {
        let command = command.resolved();
        if command.kind() != Kind::Mapping {
            return Err(self.wrong(command, format!("`{path}` is no mapping"), "write `command: …` in it"));
        }
        let prefix = format!("{path}.");
        self.check_known(command, &prefix, &["command", "timeout"])?;
        if self.setting(command, &prefix, "command")?.is_none() {
            return Err(self.wrong(command, format!("`{path}` has no `command`"), "write what is to be run"));
        }
        self.setting(command, &prefix, "timeout").map(drop)
    }

    /// The text in a field, kept as a setting.
    fn setting<'a>(&mut self, node: NodeRef<'a>, path: &str, key: &str) -> Result<Option<&'a str>, Problem> {
        let Some(value) = node.get(key).map(NodeRef::resolved).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let Some(text) = value.text().filter(|text| !text.is_empty() && value.is_string()) else {
            let message = format!("`{path}{key}` is no text");
            return Err(self.wrong(value, message, "write it in quotes, a time with its unit as in \"30s\""));
        };
        self.settings.push(Setting {
            owner: ".flux.yaml".into(),
            key: format!("{path}{key}").into(),
            value: text.into(),
            place: value.place(self.path),
            option: None,
        });
        Ok(Some(text))
    }

    /// The schema allows no other keys.
    fn check_known(&self, node: NodeRef<'_>, path: &str, known: &[&str]) -> Result<(), Problem> {
        let stranger =
            node.entries().map(|(key, _)| key).find(|key| !key.text().is_some_and(|key| known.contains(&key)));
        let Some(key) = stranger else { return Ok(()) };
        let text = key.text().unwrap_or_default();
        let mend = match nearest(text, known.iter().copied(), |known| known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "remove it".to_owned(),
        };
        let message = format!("`{path}{text}` is no key that Flux knows");
        Err(Problem::new(Rule::UnknownKey, Severity::Error, key.place(self.path), message, mend))
    }
}

/// What to say where nothing is said.
fn silent(place: Place) -> Problem {
    let mend = "write `version: 1`, and one of `scanForFiles`, `patchUpdated` and `commandUpdated`";
    let message = "this says nothing of how manifests are made";
    Problem::new(Rule::InvalidValue, Severity::Error, place, message, mend)
}

#[cfg(test)]
mod tests;
