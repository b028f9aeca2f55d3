//! Words of ours where nobody hears them: annotations of the pod template, of a list, of a document
//! without a kind, and labels.

use super::super::dialect::Word;
use super::super::problem::{Problem, Rule, Severity};
use super::super::shape::Find;
use super::{NodeRef, Reader, dialect};

impl<'a> Reader<'a, '_> {
    /// Annotations on the pod template do nothing; they belong on the workload.
    pub(super) fn report_template_annotations(&mut self, find: &Find<'a>, kind: &str) {
        let Some(annotations) = find.template_annotations else { return };
        let template = if kind == "ApplicationSet" { "template of the Applications" } else { "pod template" };
        let place = format!("stands on the {template}, where it is not read");
        self.report_unheard(annotations, &place, &format!("move it to `metadata.annotations` of the {kind}"));
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
