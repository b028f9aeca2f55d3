//! What the annotations of a kustomization itself say about the entries of its `images`. Must not know
//! what the kustomization builds.

use super::Reader;
use crate::image::Reference;
use crate::manifest::dialect::{Statement, Topic, Word};
use crate::manifest::mandate;
use crate::manifest::problem::{Problem, Rule, Severity};
use crate::manifest::shape::kustomization::{self, Kustomization};
use crate::manifest::shape::{Ask, Find};
use crate::manifest::subject::Subject;
use crate::manifest::workload::{Automation, ImageField};
use crate::manifest::yaml::NodeRef;

impl<'a> Reader<'a, '_> {
    /// Reads a kustomization; `false` for any other object, and for one to be read as any other.
    pub(super) fn read_kustomization(&mut self, object: NodeRef<'a>) -> bool {
        let Some(mut found) = kustomization::read(object, self.path, &mut self.manifest.problems) else { return false };
        let statements = self.statements(object);
        // Where annotations point at fields by path they speak about those, as in any kind.
        let has_entries = !found.images.is_empty() && Ask::of(self.path, &statements).paths.is_empty();
        if has_entries {
            self.judge_entries(&mut found, object, &statements);
        }
        self.manifest.kustomizations.push(found);
        has_entries
    }

    fn judge_entries(&mut self, found: &mut Kustomization, object: NodeRef<'a>, statements: &[Statement]) {
        let subjects: Vec<Subject<'_>> = found
            .images
            .iter()
            .map(|entry| Subject {
                name: Some(entry.alias()),
                position: entry.alias(),
                place: entry.place.clone(),
                tag: entry.field(None, None).as_ref().map(ImageField::reference).and_then(Reference::tag).cloned(),
                has_image: true,
                is_aside: false,
            })
            .collect();
        let problems = &mut self.manifest.problems;
        let mandate = mandate::read(self.path, statements, &subjects, false, self.terms, problems);
        found.automated = mandate.automated == Some(true);
        found.automation = self.hold(mandate.automation, mandate.place.is_some(), object, &Find::default());
        let decides =
            |topic: Topic| matches!(topic, Topic::Automated | Topic::Locked | Topic::LockedUntil | Topic::Ignore);
        let known = |statement: &Statement| match &statement.word {
            Word::Known { topic, .. } => Some(*topic),
            Word::Bookkeeping | Word::Unknown { .. } => None,
        };
        found.speaks = statements.iter().filter_map(known).any(decides);
        if found.speaks {
            let said = mandate.policies.into_iter().zip(mandate.peers);
            for (entry, (policy, peer)) in found.images.iter_mut().zip(said) {
                (entry.policy, entry.peer) = (policy, peer);
            }
        } else if let Some(statement) = statements.iter().find(|statement| known(statement).is_some())
            && found.automation == Automation::Off
        {
            let message =
                format!("`{}` is not heard: the {} does not say `automated`", statement.written, found.id.kind);
            let mend = "write `landwaiter/automated: \"true\"` beside it, or remove it to let the workloads decide";
            self.manifest.problems.push(Problem::new(
                Rule::Unheard,
                Severity::Warning,
                statement.key.clone(),
                message,
                mend,
            ));
        }
    }
}
