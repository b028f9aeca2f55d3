//! The comments of a file that ask for something, put together with the values that they mark.
//!
//! Native markers become workloads of their own, one each, since each has its own words. Those of Flux
//! version 2 wait for the policies that they name, which may stand in any file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Reader;
use crate::image::Reference;
use crate::manifest::dialect::flux2::{self, FluxObjects, ImagePart, Wish};
use crate::manifest::dialect::remark::{self, Remarked};
use crate::manifest::mandate;
use crate::manifest::problem::{Place, Problem, Rule, Severity};
use crate::manifest::shape;
use crate::manifest::shape::kustomization;
use crate::manifest::shape::marker::{self, Marked, Marker, Miss, Target};
use crate::manifest::subject::{Mandate, Subject};
use crate::manifest::workload::{Automation, Container, ContainerPolicy, ImageField, Workload, WorkloadId};
use crate::manifest::yaml::{Kind, NodeRef, Tree};
use crate::policy::{Dialect, Peer, Policy};

/// What the comments of a file ask for, and the objects that comments anywhere can name.
#[derive(Debug, Clone, Default)]
pub struct Markers {
    /// One for each native marker, in the order of the file.
    pub workloads: Vec<Arc<Workload>>,
    /// The values that nobody is to change.
    pub ignored: Vec<Place>,
    /// The markers of Flux version 2, in the order of the file.
    pub setters: Vec<Setter>,
    /// The objects that markers name, and those that say which markers are followed.
    pub objects: FluxObjects,
}

/// A marker of Flux version 2, `# {"$imagepolicy": "flux-system:app:tag"}`, with the value that it marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Setter {
    /// What it asks for.
    pub wish: Wish,
    /// Where the comment stands.
    pub place: Place,
    /// The mapping that the value stands in, if it stands in one.
    pub mapping: Option<Place>,
    id: WorkloadId,
    container: String,
    marked: Marked,
    /// What is wrong around it, reported already.
    wrong: Option<Problem>,
}

/// What stands in comments that may be markers, also in letters of the wrong case: three words for the
/// native ones, and two for those of Flux.
const WORDS: [&str; 5] = ["andwaiter", "andWaiter", "ANDWAITER", "magepolicy", "magePolicy"];

/// What is known of an object in which markers stand.
struct Home {
    id: WorkloadId,
    /// Why nothing in it is changed, and how to mend it.
    untouchable: Option<(String, String)>,
    /// Whether its `images` are those of kustomize.
    is_kustomization: bool,
}

/// A comment that is meant for us.
struct Speech<'a> {
    marker: Marker<'a>,
    place: Place,
    said: Said,
}

/// What a comment says.
enum Said {
    Words(Remarked),
    Wish(Wish),
    /// Nothing clear, reported already.
    Wrong(Problem),
}

impl<'a> Reader<'a, '_> {
    /// Reads the markers of the file.
    pub(super) fn read_markers(&mut self, tree: &'a Tree) {
        let hears_flux2 = self.terms.dialects.contains(Dialect::Flux2);
        let words = if hears_flux2 { &WORDS[..] } else { &WORDS[..3] };
        let mut groups: BTreeMap<(usize, usize), Vec<Speech<'a>>> = BTreeMap::new();
        for marker in marker::find(tree, words) {
            let Some(speech) = self.listen(&marker) else { continue };
            let Some(target) = &marker.target else {
                let message = "the marker marks nothing";
                let mend = if marker.remark.is_alone {
                    "write it on the line above a value, or behind it"
                } else {
                    "write it behind a value, or alone on the line above"
                };
                self.manifest.problems.push(Problem::new(Rule::Marker, Severity::Error, speech.place, message, mend));
                continue;
            };
            groups.entry((target.node.line(), target.node.column())).or_default().push(speech);
        }
        // Objects can be large, and hold many markers.
        let mut homes: HashMap<(usize, usize), Home> = HashMap::new();
        for group in groups.into_values() {
            let differs = group.iter().skip(1).find(|other| other.marker.remark.text != group[0].marker.remark.text);
            let wrong = differs.map(|other| {
                let message = format!(
                    "the value is marked twice, and the marker in line {} says something else",
                    group[0].place.line
                );
                Problem::new(
                    Rule::Contradiction,
                    Severity::Error,
                    other.place.clone(),
                    message,
                    "remove one of the two",
                )
            });
            self.manifest.problems.extend(wrong.clone());
            // Of two that say the same, the one behind the value is the one that Flux reads.
            let behind = group.iter().position(|speech| !speech.marker.remark.is_alone && wrong.is_none());
            let behind = behind.unwrap_or_default();
            let Some((target, speech)) =
                group.into_iter().nth(behind).and_then(|speech| Some((speech.marker.target?, speech)))
            else {
                continue;
            };
            let object = target.object;
            let home = homes.entry((object.line(), object.column())).or_insert_with(|| self.home_of(object));
            self.follow(speech, target, home, wrong);
        }
    }

    /// What a comment says; `None` for one that is not meant for us, or that only seemed to be.
    fn listen(&mut self, marker: &Marker<'a>) -> Option<Speech<'a>> {
        let (comment, place) = (marker.remark.text, marker.place(self.path));
        let error = |(message, mend): (String, String)| {
            Problem::new(Rule::Marker, Severity::Error, place.clone(), message, mend)
        };
        let said = if let Some(text) = remark::text(comment) {
            match remark::read(text, &place) {
                Ok(words) => Said::Words(words),
                Err(unclear) if unclear.is_marker => Said::Wrong(error((unclear.message, unclear.mend))),
                Err(unclear) => {
                    self.manifest.problems.push(Problem::new(
                        Rule::Marker,
                        Severity::Warning,
                        place,
                        unclear.message,
                        unclear.mend,
                    ));
                    return None;
                }
            }
        } else if remark::is_shouted(comment, &place) {
            let message = "the comment looks like a marker, and `landwaiter` is not in lower case".to_owned();
            Said::Wrong(error((message, "write `landwaiter:`".to_owned())))
        } else if remark::lacks_colon(comment) {
            let message = "the comment looks like a marker, and there is no colon behind `landwaiter`";
            self.manifest.problems.push(Problem::new(
                Rule::Marker,
                Severity::Warning,
                place,
                message,
                "write `landwaiter:`",
            ));
            return None;
        } else {
            match flux2::read_comment(comment)? {
                Ok(wish) => Said::Wish(wish),
                Err(wrong) => Said::Wrong(error(wrong)),
            }
        };
        if let Said::Wrong(problem) = &said {
            self.manifest.problems.push(problem.clone());
        }
        Some(Speech { marker: *marker, place, said })
    }

    /// Does what a comment says, unless something is wrong with it.
    fn follow(&mut self, speech: Speech<'a>, target: Target<'a>, home: &Home, wrong: Option<Problem>) {
        let wrong = wrong.or_else(|| self.obstacle(&target, home, &speech.place)).or_else(|| self.crowd(&speech));
        let id = home.id.clone();
        let container = target.node.trail().to_string();
        let marked = Marked::read(&target, self.path);
        let place = speech.place;
        let held = |image: ImageField, problem: &Problem| {
            Workload::marked(id.clone(), place.clone(), container.clone(), image, hold(problem), unsaid(problem))
        };
        match speech.said {
            Said::Wrong(problem) => {
                let image = marked.and_then(|marked| marked.own()).ok();
                self.manifest.markers.workloads.extend(image.map(|image| Arc::new(held(image, &problem))));
            }
            Said::Wish(wish) => {
                let marked = if target.node.kind() == Kind::Mapping { Err(Miss::NoValue) } else { marked };
                match marked {
                    Ok(marked) => {
                        let mapping = target.entry.map(|entry| entry.mapping.place(self.path));
                        self.manifest.markers.setters.push(Setter {
                            wish,
                            place,
                            mapping,
                            id,
                            container,
                            marked,
                            wrong,
                        });
                    }
                    Err(miss) => self.manifest.problems.push(missed(&miss, place)),
                }
            }
            Said::Words(Remarked { statements, image: name }) => {
                let image = marked.clone().and_then(|marked| match &name {
                    Some(name) => marked.image_or_tag(name),
                    None => marked.own(),
                });
                let tag = image.as_ref().ok().and_then(|image| image.reference().tag().cloned());
                let subject = Subject {
                    name: Some(&container),
                    position: &container,
                    place: target.node.place(self.path),
                    tag,
                    has_image: true,
                    is_aside: false,
                };
                let problems = &mut self.manifest.problems;
                let mandate = mandate::read(self.path, &statements, &[subject], false, self.terms, problems);
                let Mandate { automated, automation, policies, .. } = mandate;
                let automated = automated == Some(true);
                if automation == Automation::Ignored {
                    self.ignore(target.node, place);
                    return;
                }
                let policy = policies.into_iter().next().unwrap_or(ContainerPolicy::Unstated);
                match image {
                    Ok(image) => {
                        self.report_refusal(&image, automated, &policy);
                        let automation = wrong.as_ref().map_or(automation, hold);
                        let workload =
                            Workload { automated, ..Workload::marked(id, place, container, image, automation, policy) };
                        self.manifest.markers.workloads.push(Arc::new(workload));
                    }
                    Err(miss) => {
                        let problem = missed(&miss, place.clone());
                        let image = marked.and_then(|marked| marked.own()).ok();
                        self.manifest.markers.workloads.extend(image.map(|image| Arc::new(held(image, &problem))));
                        self.manifest.problems.push(problem);
                    }
                }
            }
        }
    }

    /// Hands off a value, or the values of a mapping.
    fn ignore(&mut self, node: NodeRef<'a>, place: Place) {
        let is_scalar = |node: &NodeRef<'_>| matches!(node.resolved().kind(), Kind::Scalar(_));
        match node.kind() {
            Kind::Mapping => {
                let values = node.entries().map(|(_, value)| value).filter(is_scalar);
                self.manifest.markers.ignored.extend(values.map(|value| value.place(self.path)));
            }
            _ if is_scalar(&node) => self.manifest.markers.ignored.push(node.place(self.path)),
            _ => self.manifest.problems.push(missed(&Miss::NoValue, place)),
        }
    }

    /// What holds a marker whatever it says: a seal, an object that is never changed, or a key that
    /// stands twice.
    fn obstacle(&mut self, target: &Target<'a>, home: &Home, marker: &Place) -> Option<Problem> {
        let problem = if let Some(seal) = self.sealed {
            super::workload::sealed(Severity::Error, seal.place(self.path))
        } else if let Some((what, mend)) = &home.untouchable {
            Problem::new(
                Rule::Untouchable,
                Severity::Error,
                marker.clone(),
                format!("the marker stands in {what}"),
                mend.clone(),
            )
        } else {
            let entry = target.entry?;
            if let Some(wrong) = kustomization::selector(target, entry, home.is_kustomization) {
                let mend = "write the tag as `newTag`, and the marker behind it";
                let problem = Problem::new(Rule::Marker, Severity::Error, marker.clone(), wrong, mend);
                self.manifest.problems.push(problem.clone());
                return Some(problem);
            }
            let entry = Some(entry).filter(|entry| entry.is_doubled)?;
            let message = format!("the key `{}` stands twice in its mapping", entry.key.text().unwrap_or_default());
            Problem::new(
                Rule::DoubledKey,
                Severity::Error,
                entry.key.place(self.path),
                message,
                "remove one of the two",
            )
        };
        self.manifest.problems.push(problem.clone());
        Some(problem)
    }

    /// What holds a marker of Flux that stands above its value: Flux takes all comments there for one.
    fn crowd(&mut self, speech: &Speech<'a>) -> Option<Problem> {
        let line = speech.marker.remark.crowded_by.filter(|_| matches!(speech.said, Said::Wish(_)))?;
        let message = format!(
            "Flux does not read a marker above its value where another comment stands beside it or behind the value, \
             as in line {line}"
        );
        let mend = "write the marker behind the value, and nothing else in its comment";
        let problem = Problem::new(Rule::Marker, Severity::Error, speech.place.clone(), message, mend);
        self.manifest.problems.push(problem.clone());
        Some(problem)
    }

    /// The object that a marked value stands in; for a file without objects, the file.
    fn home_of(&self, object: NodeRef<'a>) -> Home {
        let kind = object.get_text("kind").unwrap_or_default();
        let id = match kind {
            "" => WorkloadId::of_values(self.path.file_name()),
            kind => WorkloadId::of(object, kind),
        };
        let is_kustomization = kustomization::is_kustomization(object, self.path);
        Home { id, untouchable: shape::untouchable(object, kind), is_kustomization }
    }
}

impl Setter {
    /// The workload that follows `policy` with the image of this repository; a problem where the marked
    /// value is not that image.
    ///
    /// # Errors
    /// The problem. It holds the value, see [`hold`](Self::hold).
    pub fn follow(
        &self,
        name: &Reference,
        policy: Policy,
        peer: &Peer,
        automation: Automation,
    ) -> Result<Workload, Problem> {
        let found = match self.wish.part {
            ImagePart::Tag => self.marked.tag(name),
            _ => self.marked.image(name),
        };
        let image = found.map_err(|miss| match (&miss, self.wish.part) {
            (Miss::NoImage { text }, ImagePart::Whole) => {
                let message =
                    format!("`{text}` is no image of `{}`, which the policy `{}` is for", name.repository(), self.wish);
                let mend = format!("for the tag alone write `{}:{}:tag`", self.wish.namespace, self.wish.policy);
                self.problem(Rule::Marker, message, mend)
            }
            _ => self.problem(Rule::Marker, miss.to_string(), miss.mend()),
        })?;
        let automation = self.wrong.as_ref().map_or(automation, hold);
        let policy = ContainerPolicy::Stated(policy);
        let (id, place, container) = (self.id.clone(), self.place.clone(), self.container.clone());
        let mut workload = Workload::marked(id, place, container, image, automation, policy);
        workload.containers.iter_mut().for_each(|container| container.peer = Some(peer.clone()));
        Ok(workload)
    }

    /// The workload that holds the marked value because of a problem; `None` where the value does not say
    /// an image by itself.
    #[must_use]
    pub fn hold(&self, problem: &Problem) -> Option<Workload> {
        let image = self.marked.own().ok()?;
        let (automation, policy) = (hold(problem), unsaid(problem));
        Some(Workload::marked(self.id.clone(), self.place.clone(), self.container.clone(), image, automation, policy))
    }

    /// What is wrong where the value is to be the name of this repository, and is not.
    #[must_use]
    pub fn misnomer(&self, name: &Reference) -> Option<Problem> {
        let message = || format!("the marker names the repository `{name}`, and `{}` stands here", self.marked.text());
        (!self.marked.is_name_of(name)).then(|| {
            self.problem(Rule::Marker, message(), "write the repository of the policy, or name another policy")
        })
    }

    /// A problem with this marker.
    #[must_use]
    pub fn problem(&self, rule: Rule, message: impl Into<String>, mend: impl Into<String>) -> Problem {
        Problem::new(rule, Severity::Error, self.place.clone(), message, mend)
    }
}

impl Workload {
    /// The one image of a marker.
    fn marked(
        id: WorkloadId,
        place: Place,
        name: String,
        image: ImageField,
        automation: Automation,
        policy: ContainerPolicy,
    ) -> Self {
        let containers = vec![Container { name, image, policy, peer: None, is_replaceable: false }];
        let words_at = place.clone();
        Self { id, place, words_at, automated: true, automation, containers, leftovers: Vec::new() }
    }
}

/// Whether a text, such as a file that cannot be parsed, seems to hold a marker.
pub(super) fn are_mentioned(bytes: &[u8]) -> bool {
    ["# landwaiter:", "{\"$imagepolicy\""].iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
}

fn missed(miss: &Miss, place: Place) -> Problem {
    Problem::new(Rule::Marker, Severity::Error, place, miss.to_string(), miss.mend())
}

fn hold(problem: &Problem) -> Automation {
    Automation::Held { reason: problem.text(), place: problem.place.clone() }
}

fn unsaid(problem: &Problem) -> ContainerPolicy {
    ContainerPolicy::Invalid { reason: problem.text(), place: problem.place.clone() }
}

#[cfg(test)]
mod tests;
