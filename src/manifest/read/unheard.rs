//! Words of ours where nobody hears them: annotations of the pod template, of a list, of a document
//! without a kind, of an object without images or without `automated`, and labels.

use super::super::dialect::{Statement, Topic, Word};
use super::super::mandate;
use super::super::problem::{Problem, Rule, Severity};
use super::super::shape::Find;
use super::{NodeRef, Reader, dialect};

impl<'a> Reader<'a, '_> {
    /// Annotations on the pod template do nothing; they belong on the workload.
    pub(super) fn report_template_annotations(&mut self, find: &Find<'a>, kind: &str) {
        let Some(annotations) = find.template_annotations else { return };
        let template = if kind == "ApplicationSet" { "template of the Applications" } else { "pod template" };
        let place = format!("stands on the {template}, where it is not read");
        let mend = format!("move it to `metadata.annotations` of the {kind}");
        // Those of a set are read by Argo CD Image Updater.
        if kind == "ApplicationSet" {
            self.report_statements(annotations, &place, &mend);
        } else {
            self.report_unheard(annotations, &place, &mend);
        }
    }

    /// Labels are not read in these dialects: an easy slip, and nothing would happen without a word.
    pub(super) fn report_labels(&mut self, object: NodeRef<'a>) {
        if let Some(labels) = object.get("metadata").and_then(|metadata| metadata.get("labels")) {
            let wrong = "is a label, and labels are not read";
            self.report_statements(labels, wrong, "move it to `metadata.annotations`");
        }
    }

    /// A list has no images of its own.
    pub(super) fn report_list(&mut self, list: NodeRef<'a>) {
        self.report_annotations(list, "stands on a list, where it is not read", "move it to the items that it is for");
    }

    /// Nobody can say what a document without a kind is.
    pub(super) fn report_kindless(&mut self, document: NodeRef<'a>) {
        self.report_annotations(
            document,
            "is not read, since the document has no `kind`",
            "write the `kind` of the object",
        );
    }

    /// An object without images hears nothing, and what is wrong in its annotations is wrong all the same. A
    /// native word is for us whatever it stands on; Flux has words for any object, so that those are told to
    /// whoever asks.
    pub(super) fn report_words_without_images(&mut self, statements: &[Statement], kind: &str) {
        let is_told = statements.iter().any(|statement| statement.automates() || statement.is_path());
        for (is_native, severity) in [(true, Severity::Warning), (false, Severity::Hint)] {
            let said: Vec<Statement> =
                statements.iter().filter(|statement| statement.is_native() == is_native).cloned().collect();
            let mut wrong = Vec::new();
            mandate::read(self.path, &said, &[], false, self.terms, &mut wrong);
            // That no image is there is one cause, which is told once.
            wrong.retain(|problem| !matches!(problem.rule, Rule::UnknownContainer | Rule::NoImage));
            if !is_native {
                wrong.retain(|problem| problem.rule != Rule::UnknownKey || problem.severity == Severity::Error);
            }
            let is_about_images = |statement: &&Statement| match &statement.word {
                Word::Known { topic, .. } => is_native || topic.chooses(),
                Word::Bookkeeping | Word::Unknown { .. } => false,
            };
            if let Some(first) = said.iter().find(is_about_images).filter(|_| !is_told && wrong.is_empty()) {
                let message = format!("`{}` is not heard: this {kind} shows no image", first.written);
                let mend = match kind {
                    "HelmRelease" | "FluxHelmRelease" => "write the image into its `values`, or remove it",
                    _ => "move it to the object that shows the image, or remove it",
                };
                wrong.push(Problem::new(Rule::Unheard, severity, first.key.clone(), message, mend));
            }
            if is_native { &mut self.manifest.problems } else { &mut self.manifest.advice }.extend(wrong);
        }
    }

    /// What says which tags to follow, and nothing says that anything is to be followed. Flux leaves its
    /// filters behind when somebody turns automation off. A patch may be merged into what says it.
    pub(super) fn report_waiting(&mut self, statements: &[Statement], kind: &str, is_patch: bool) {
        let known = |statement: &Statement| match &statement.word {
            Word::Known { topic, .. } => Some(*topic),
            Word::Bookkeeping | Word::Unknown { .. } => None,
        };
        let decides = |topic| {
            matches!(topic, Topic::Automated | Topic::Locked | Topic::LockedUntil | Topic::Ignore | Topic::Later)
        };
        // A word that nobody knows may be the one that is missed.
        let is_decided = statements
            .iter()
            .any(|statement| known(statement).is_some_and(decides) || matches!(statement.word, Word::Unknown { .. }));
        let mut waiting = statements.iter().filter(|statement| known(statement).is_some_and(Topic::chooses));
        let Some(first) = waiting.next().filter(|_| !is_decided && !is_patch) else { return };
        let (rule, severity) =
            if first.is_native() { (Rule::Unheard, Severity::Warning) } else { (Rule::IgnoredByFlux, Severity::Hint) };
        let prefix = match first.written.rsplit_once('/') {
            Some(("landwaiter", _)) => "landwaiter/",
            Some(("flux.weave.works", _)) => "flux.weave.works/",
            Some(_) => "fluxcd.io/",
            None => "",
        };
        let message = format!(
            "`{}` waits for `{prefix}automated`, and nothing says it: no image of this {kind} is followed",
            first.written
        );
        let mend = format!("write `{prefix}automated: \"true\"` beside it, or remove it");
        self.manifest.advice.push(Problem::new(rule, severity, first.key.clone(), message, mend));
    }

    fn report_annotations(&mut self, object: NodeRef<'a>, wrong: &str, mend: &str) {
        if let Some(annotations) = object.get("metadata").and_then(|metadata| metadata.get("annotations")) {
            self.report_unheard(annotations, wrong, mend);
        }
    }

    fn report_unheard(&mut self, words: NodeRef<'a>, wrong: &str, mend: &str) {
        self.report_statements(words, wrong, mend);
        for (written, key) in dialect::words_of_speakers(words, self.terms.dialects) {
            let (place, message) = (key.place(self.path), format!("`{written}` {wrong}"));
            self.manifest.problems.push(Problem::new(Rule::Unheard, Severity::Warning, place, message, mend));
        }
    }

    fn report_statements(&mut self, words: NodeRef<'a>, wrong: &str, mend: &str) {
        for statement in dialect::statements(words, self.path, self.terms.dialects) {
            if matches!(statement.word, Word::Known { .. }) {
                let message = format!("`{}` {wrong}", statement.written);
                self.manifest.problems.push(Problem::new(
                    Rule::Unheard,
                    Severity::Warning,
                    statement.key,
                    message,
                    mend,
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Terms, read};
    use crate::path::RepoPath;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let manifest = read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin());
        let problems: Vec<_> = manifest.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected, "{text}");
    }

    #[test]
    fn what_waits_for_automated_is_told_to_those_who_ask() {
        let advice = |annotations: &str, patch: &str| -> Vec<String> {
            let text = format!(
                "kind: Pod\nmetadata: {{annotations: {{{annotations}}}}}\nspec: {{containers: [{{name: a, image: 'a:1'{patch}}}]}}\n"
            );
            let manifest = read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin());
            manifest.advice.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            advice("landwaiter/order: newest, landwaiter/tag.a: '1*'", ""),
            [
                "a.yaml:2:26: warning: `landwaiter/order` waits for `landwaiter/automated`, and nothing says it: no image of this Pod is followed; write `landwaiter/automated: \"true\"` beside it, or remove it"
            ]
        );
        assert!(advice("filter.fluxcd.io/a: '1*'", "").contains(
            &"a.yaml:2:26: hint: `filter.fluxcd.io/a` waits for `fluxcd.io/automated`, and nothing says it: no image of this Pod is followed; write `fluxcd.io/automated: \"true\"` beside it, or remove it".to_owned()
        ));
        for decided in ["automated: 'false'", "locked: 'true'", "ignore: 'true'", "automatd: 'true'"] {
            assert_eq!(advice(&format!("landwaiter/tag.a: '1*', landwaiter/{decided}"), ""), [""; 0], "{decided}");
        }
        assert_eq!(advice("landwaiter/tag.a: '1*'", ", $patch: merge"), [""; 0]);
    }

    #[test]
    fn words_in_the_wrong_place_are_told() {
        let metadata = |key: &str| {
            format!("metadata: {{{key}: {{landwaiter/automated: 'true', fluxcd.io/sync-checksum: a, other: b}}}}\n")
        };
        let (on, pod) = (metadata("annotations"), "spec: {containers: [{name: a, image: 'a:1'}]}\n");
        check(
            &format!("kind: Pod\n{}{pod}", metadata("labels")),
            &[
                "a.yaml:2:21: warning: `landwaiter/automated` is a label, and labels are not read; move it to `metadata.annotations`",
            ],
        );
        check(
            &format!("kind: List\n{on}items:\n- {{kind: Pod}}\n"),
            &[
                "a.yaml:2:26: warning: `landwaiter/automated` stands on a list, where it is not read; move it to the items that it is for",
            ],
        );
        check(
            &format!("{on}{pod}"),
            &[
                "a.yaml:1:26: warning: `landwaiter/automated` is not read, since the document has no `kind`; write the `kind` of the object",
            ],
        );
        check(&format!("kind: Pod\n{on}{pod}"), &[]);
    }
}
