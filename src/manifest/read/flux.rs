//! What works here, and Flux version 1 would not hear under its own prefixes: its users find out which of
//! their annotations have never done anything. Advice and no more: nothing here is wrong.

use super::super::dialect::{Statement, Topic, Word, flux_knows};
use super::super::problem::{Problem, Rule, Severity};
use super::Reader;
use crate::policy::Dialect;

/// The kinds whose images Flux follows.
const KINDS: [&str; 6] = ["CronJob", "DaemonSet", "Deployment", "FluxHelmRelease", "HelmRelease", "StatefulSet"];

/// Whether Flux follows the images of this kind.
pub(super) fn follows(kind: &str) -> bool {
    KINDS.contains(&kind)
}

impl Reader<'_, '_> {
    /// Tells of each annotation under a prefix of Flux that Flux itself would not hear on this object.
    pub(super) fn report_ignored_by_flux(&mut self, statements: &[Statement], kind: &str) {
        let said = statements.iter().filter_map(|statement| match &statement.word {
            Word::Known { topic, .. } if statement.voice.dialect() == Dialect::Flux => Some((statement, *topic)),
            _ => None,
        });
        let is_about_images = |topic: Topic| topic == Topic::Automated || topic.chooses();
        if let Some((first, _)) = said.clone().find(|(_, topic)| is_about_images(*topic)) {
            let wrong = if !follows(kind) {
                Some(format!("Flux itself does not follow the images of a {kind}, and they are followed here"))
            } else if self.path.extension() == Some("json") {
                Some("Flux itself reads no JSON, and this is read here".to_owned())
            } else {
                None
            };
            if let Some(wrong) = wrong {
                return self.advise(first, wrong, "write it under `landwaiter/` to say whose it is");
            }
        }
        for (statement, topic) in said {
            let written = &statement.written;
            let name = written.rsplit_once('/').map_or(&**written, |(_, name)| name);
            if !flux_knows(topic, name) {
                let mend = match topic {
                    Topic::Pattern(_) => "write it under `landwaiter/`; Flux has `tag.<container>` alone".to_owned(),
                    _ => format!("write `landwaiter/{name}`"),
                };
                self.advise(statement, format!("Flux itself does not know `{written}`, which works here"), &mend);
            } else if matches!(topic, Topic::Path(_)) && !kind.ends_with("HelmRelease") {
                let message = format!("Flux itself reads `{written}` in a HelmRelease alone, and it works here");
                self.advise(statement, message, "write `landwaiter/image.<alias>` with the path to the image");
            }
        }
    }

    fn advise(&mut self, statement: &Statement, message: String, mend: &str) {
        let place = statement.key.clone();
        self.manifest.advice.push(Problem::new(Rule::IgnoredByFlux, Severity::Hint, place, message, mend));
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Terms, read};
    use crate::path::RepoPath;

    #[track_caller]
    fn check(file: &str, kind: &str, annotations: &str, expected: &[&str]) {
        let spec = match kind {
            "Pod" => "{containers: [{name: app, image: 'app:1.0'}]}",
            "HelmRelease" => "{values: {image: 'app:1.0'}}",
            _ => "{template: {spec: {containers: [{name: app, image: 'app:1.0'}]}}}",
        };
        let text = format!("{{kind: {kind}, metadata: {{annotations: {{\n{annotations}\n}}}}, spec: {spec}}}");
        let text = if file.ends_with("json") { text.replace('\'', "\"").replace("{kind", "{\"kind\"") } else { text };
        let manifest = read(&RepoPath::parse(file).unwrap(), text.as_bytes(), Terms::builtin());
        assert_eq!(manifest.problems, [], "{text}");
        let problems: Vec<_> = manifest.advice.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected, "{text}");
    }

    #[test]
    fn what_flux_knows_is_not_told() {
        let known = "fluxcd.io/automated: 'true', fluxcd.io/tag.app: 'semver:1', fluxcd.io/locked: 'true', \
                     fluxcd.io/locked_msg: x, fluxcd.io/ignore: sync_only, fluxcd.io/sync-checksum: x";
        for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
            check("a.yaml", kind, known, &[]);
        }
        check("a.yaml", "Pod", "landwaiter/automated: 'true', landwaiter/tag-glob: '1*'", &[]);
        check("a.yaml", "Pod", "fluxcd.io/ignore: 'true'", &[]);
        check(
            "a.yaml",
            "HelmRelease",
            "fluxcd.io/automated: 'true', repository.fluxcd.io/app: image, filter.fluxcd.io/app: 'semver:1'",
            &[],
        );
    }

    #[test]
    fn words_and_kinds_that_flux_never_knew() {
        check(
            "a.yaml",
            "Deployment",
            "flux.weave.works/automated: 'true',\nflux.weave.works/tag-glob: '1*',\nflux.weave.works/order: semver",
            &[
                "a.yaml:3:1: hint: Flux itself does not know `flux.weave.works/tag-glob`, which works here; write it under `landwaiter/`; Flux has `tag.<container>` alone",
                "a.yaml:4:1: hint: Flux itself does not know `flux.weave.works/order`, which works here; write `landwaiter/order`",
            ],
        );
        check(
            "a.yaml",
            "Job",
            "fluxcd.io/automated: 'true', fluxcd.io/tag-glob: '1*'",
            &[
                "a.yaml:2:1: hint: Flux itself does not follow the images of a Job, and they are followed here; write it under `landwaiter/` to say whose it is",
            ],
        );
        check(
            "a.yaml",
            "Deployment",
            "fluxcd.io/automated: 'true',\nrepository.fluxcd.io/app: 'spec.template.spec.containers[0].image'",
            &[
                "a.yaml:3:1: hint: Flux itself reads `repository.fluxcd.io/app` in a HelmRelease alone, and it works here; write `landwaiter/image.<alias>` with the path to the image",
            ],
        );
    }
}
