//! A workload: the images that an object shows, put together with what its words ask for.

use std::sync::Arc;

use super::super::dialect::{self, Hearing, Statement};
use super::super::document::{Document, doubled_key};
use super::super::edit::Obstacle;
use super::super::mandate;
use super::super::problem::{Place, Problem, Rule, Severity};
use super::super::shape::{Find, Slot};
use super::super::subject::{Mandate, Subject};
use super::super::workload::{Automation, Container, ContainerPolicy, ImageField, Workload, WorkloadId};
use super::super::yaml::NodeRef;
use super::{Placeholder, Reader, flux};
use crate::policy::Dialect;

impl<'a> Reader<'a, '_> {
    /// Puts what was found together with what is asked for.
    pub(super) fn judge(&mut self, id: WorkloadId, object: NodeRef<'a>, statements: &[Statement], mut find: Find<'a>) {
        self.manifest.needs.append(&mut find.needs);
        self.manifest.problems.append(&mut find.problems);
        let (path, is_patch) = (self.path, find.is_patch);
        let hearing = |subjects| Hearing { object, kind: &id.kind, path, subjects, is_patch };
        if find.slots.is_empty() {
            dialect::speak(&hearing(&[]), self.terms.dialects, &mut self.manifest.problems);
            self.report_no_containers(statements, &id.kind, find.hidden);
            self.report_words_without_images(statements, &id.kind);
            return;
        }
        self.report_ignored_by_flux(statements, &id.kind);
        self.report_waiting(statements, &id.kind, find.is_patch);
        let images: Vec<Option<Result<ImageField, Problem>>> = find.slots.iter().map(|slot| self.image(slot)).collect();
        let subjects: Vec<Subject<'_>> = find
            .slots
            .iter()
            .zip(&images)
            .map(|(slot, image)| Subject {
                name: slot.name.as_deref(),
                position: &slot.position,
                place: slot.node.place(slot.file.unwrap_or(self.path)),
                tag: image.as_ref().and_then(|image| image.as_ref().ok()?.reference().tag().cloned()),
                has_image: image.is_some(),
                is_aside: slot.is_aside,
            })
            .collect();
        let problems = &mut self.manifest.problems;
        let own = mandate::read(self.path, statements, &subjects, find.is_patch, self.terms, problems);
        let others = dialect::speak(&hearing(&subjects), self.terms.dialects, problems);
        let all = mandate::agree(own, others, &subjects, problems);
        let Mandate { place, automated, automation, policies, mut peers, leftovers, .. } = all;
        if !flux::follows(&id.kind) {
            for peer in &mut peers {
                *peer = peer.take().filter(|peer| peer.dialect() != Dialect::Flux);
            }
        }
        let automated = automated == Some(true);
        let automation = self.hold(automation, place.is_some(), object, &find);
        let mut containers = Vec::with_capacity(images.len());
        let named = find.slots.iter().zip(&subjects).zip(images).zip(policies.into_iter().zip(peers)).enumerate();
        for (at, (((slot, subject), image), (policy, peer))) in named {
            let name = subject.name.unwrap_or(&slot.position).to_owned();
            let is_replaceable = find.pods.contains(&at);
            match image {
                Some(Ok(image)) => {
                    self.report_refusal(&image, automated, &policy);
                    containers.push(Container { name, image, policy, peer, is_replaceable });
                }
                Some(Err(problem)) => {
                    self.manifest.problems.extend(automated.then(|| problem.clone()));
                    let text = slot.spot.and_then(|spot| spot.carrier().resolved().text()).filter(|_| is_replaceable);
                    if let Some(text) = text.map(str::to_owned) {
                        let workload = self.manifest.workloads.len();
                        self.manifest.placeholders.push(Placeholder { workload, name, text, policy, peer, problem });
                    }
                }
                None => {}
            }
        }
        let place = object.place(self.path);
        let words_at = place.clone();
        let workload = Workload { id, place, words_at, automated, automation, containers, leftovers };
        self.manifest.workloads.push(Arc::new(workload));
    }

    /// The image of a container, if it says one.
    fn image(&self, slot: &Slot<'a>) -> Option<Result<ImageField, Problem>> {
        let parts = slot.spot?;
        let file = slot.file.unwrap_or(self.path);
        let sealed = slot.file.and_then(|file| self.library.get(file)).is_some_and(Document::is_sealed);
        Some(match parts.read(file) {
            Ok(field) => Ok(field.with_obstacle(sealed.then_some(Obstacle::Sealed))),
            Err(misread) => {
                let alias = slot.name.as_deref().unwrap_or(&slot.position);
                let message = format!("`{alias}` is not followed: {misread}");
                let mend = "write an image such as `registry.example.com/app:1.2`";
                Err(Problem::new(Rule::InvalidImage, Severity::Error, parts.carrier().place(file), message, mend))
            }
        })
    }

    /// What holds a workload beyond its annotations: a seal, doubled keys, aliases in the way.
    pub(super) fn hold(
        &mut self,
        automation: Automation,
        annotated: bool,
        object: NodeRef<'a>,
        find: &Find<'a>,
    ) -> Automation {
        let severity = if annotated { Severity::Error } else { Severity::Warning };
        let mut obstacles = Vec::new();
        if let Some(seal) = self.sealed {
            obstacles.push(sealed(severity, seal.place(self.path)));
        }
        let metadata = object.get("metadata");
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        let is_ours = |key: &NodeRef<'a>| {
            let written = key.resolved().text().filter(|_| key.is_alias());
            written.is_some_and(|written| dialect::is_ours(written, self.terms.dialects))
        };
        let behind_alias = [metadata, annotations].into_iter().flatten().find_map(|node| {
            if node.is_alias() { Some(node) } else { node.get("<<") }.or_else(|| {
                let mut keys = node.entries().map(|(key, _)| key);
                keys.find(is_ours)
            })
        });
        if let Some(alias) = behind_alias {
            let message = "annotations behind an alias or a merge key are not read";
            let mend = "write them out under `metadata.annotations`";
            obstacles.push(Problem::new(Rule::Alias, Severity::Warning, alias.place(self.path), message, mend));
        }
        let doubled = object.doubled_keys().into_iter();
        obstacles.extend(doubled.map(|keys| doubled_key(severity, keys, self.path, "remove one of the two")));
        if let Some(alias) = find.hidden.filter(|_| annotated) {
            self.manifest.problems.push(hidden_containers(alias.place(self.path)));
        }
        let first = obstacles.first().map(|problem| (problem.text(), problem.place.clone()));
        // A seal is worth a word only where somebody wants a change.
        let untold = usize::from(self.sealed.is_some() && !annotated);
        self.manifest.problems.extend(obstacles.into_iter().skip(untold));
        match (first, automation) {
            (Some((reason, place)), Automation::Off | Automation::On | Automation::Locked(_)) => {
                Automation::Held { reason, place }
            }
            (_, automation) => automation,
        }
    }

    /// An image that will not be changed is worth a word where somebody waits for it.
    pub(super) fn report_refusal(&mut self, image: &ImageField, automated: bool, policy: &ContainerPolicy) {
        let stated = matches!(policy, ContainerPolicy::Stated(_));
        self.manifest.problems.extend(image.warning().filter(|_| automated && stated));
    }

    /// Somebody asked for automation of an object that shows no containers.
    fn report_no_containers(&mut self, statements: &[Statement], kind: &str, hidden: Option<NodeRef<'a>>) {
        let Some(statement) = statements.iter().find(|statement| statement.automates()) else { return };
        let is_told = |place: &Place| self.manifest.problems.iter().rev().any(|problem| problem.place == *place);
        let paths = statements.iter().filter(|statement| statement.is_path());
        if paths.map(|statement| &statement.value.place).any(is_told) {
            return;
        }
        let problem = if let Some(alias) = hidden {
            hidden_containers(alias.place(self.path))
        } else {
            let message = format!("this {kind} shows no image, so there is none to follow");
            let prefix = if statement.written.contains('/') { "landwaiter/" } else { "" };
            let elsewhere = match kind {
                "Application" | "ApplicationSet" => "or annotate the workload that shows it",
                "HelmRelease" | "FluxHelmRelease" => "or write it into its `values`",
                _ => "in a patch, show the container with its image",
            };
            let mend = format!("say where the image stands with `{prefix}image.<alias>: <path>`; {elsewhere}");
            Problem::new(Rule::NoImage, Severity::Warning, statement.key.clone(), message, mend)
        };
        self.manifest.problems.push(problem);
    }
}

pub(super) fn sealed(severity: Severity, place: Place) -> Problem {
    let message = "the file is encrypted with SOPS, whose checksum covers every byte, so it is never changed";
    Problem::new(Rule::Untouchable, severity, place, message, "move the workload to a file of its own, without secrets")
}

fn hidden_containers(place: Place) -> Problem {
    let message = "containers behind an alias or a merge key are not followed";
    Problem::new(Rule::Alias, Severity::Warning, place, message, "write them out where the workload stands")
}
