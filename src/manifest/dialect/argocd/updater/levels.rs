//! What is said of images and of where to write, level over level.

use super::super::settings::{Said, Settings, Several};
use super::super::write_target;
use super::{Held, Reader};
use crate::manifest::dialect::nearest;
use crate::manifest::image_list::{HelmKey, HelmKeys, WriteTarget};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::workload::Leftover;
use crate::manifest::yaml::{Kind, NodeRef};

const SETTINGS: &[&str] = &["updateStrategy", "forceUpdate", "allowTags", "ignoreTags", "pullSecret", "platforms"];
const WRITE_BACK: &[&str] = &["method", "gitConfig"];
const GIT: &[&str] = &["repository", "branch", "writeBackTarget", "pullRequest"];
const TARGETS: &[&str] = &["helm", "kustomize", "plugin"];
const PARTS: &[&str] = &["name", "tag", "spec"];

/// What is said of where to write, on one level.
#[derive(Debug, Clone, Default)]
pub(super) struct WriteBack {
    pub(super) method: Option<Said>,
    pub(super) target: Option<Said>,
    pub(super) leftovers: Vec<Leftover>,
}

/// What holds for the images of one scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) settings: Settings,
    pub(super) leftovers: Vec<Leftover>,
    /// Where it is said that signatures are to be verified.
    pub(super) verified: Option<Place>,
    pub(super) held: Held,
}

impl<'a> Reader<'_> {
    /// What is said on a level, over what is said above it.
    pub(super) fn level(&mut self, node: NodeRef<'a>, above: &Level) -> Level {
        let mut level = above.clone();
        if let Some(verification) = node.get("imagesVerification").map(NodeRef::resolved).filter(|node| !node.is_null())
        {
            let is_on = self.flag(verification, "enabled", &mut level.held) != Some(false);
            level.verified = is_on.then(|| verification.place(self.file));
        }
        let common = node.get("commonUpdateSettings").map(NodeRef::resolved).filter(|node| !node.is_null());
        let Some(common) = common else { return level };
        let wrong = self.check_keys(common, SETTINGS);
        level.held = level.held.or(wrong);
        let _ = self.flag(common, "forceUpdate", &mut level.held);
        let settings = Settings {
            strategy: self.text(common, "updateStrategy"),
            allow_tags: self.text(common, "allowTags"),
            ignore_tags: self.several(common, "ignoreTags", &mut level.held),
            platforms: self.several(common, "platforms", &mut level.held),
        };
        level.settings = settings.over(&level.settings);
        let whys = [
            ("pullSecret", "the credentials of registries are those of `--docker-config`"),
            ("forceUpdate", "no cluster is asked what runs, so that every image is updated"),
        ];
        for (key, why) in whys {
            level.leftovers.extend(self.text(common, key).map(|said| leftover(said, why)));
        }
        if let Some(platforms) = level.settings.platforms.clone().filter(|_| !level.settings.looks_at_platforms()) {
            let Several { written, place, items } = platforms;
            let said = Said { written, place, text: items.join(",") };
            level.leftovers.push(leftover(said, "only `newest-build` and `digest` look at the platforms of an image"));
        }
        level
    }

    pub(super) fn write_back(&mut self, node: NodeRef<'a>, above: &WriteBack, held: &mut Held) -> WriteBack {
        let mut write_back = above.clone();
        let Some(config) = node.get("writeBackConfig").map(NodeRef::resolved).filter(|node| !node.is_null()) else {
            return write_back;
        };
        let wrong = self.check_keys(config, WRITE_BACK);
        *held = held.take().or(wrong);
        let method = self.text(config, "method");
        let mut leftovers: Vec<Leftover> =
            method.clone().map(|said| leftover(said, "Landwaiter always commits to Git")).into_iter().collect();
        write_back.method = method.or(write_back.method);
        if let Some(git) = config.get("gitConfig").map(NodeRef::resolved).filter(|node| !node.is_null()) {
            let wrong = self.check_keys(git, GIT);
            *held = held.take().or(wrong);
            write_back.target = self.text(git, "writeBackTarget").or(write_back.target);
            let whys = [
                ("repository", "the repository is that of `--git-url`, one for all"),
                ("branch", "the branch is that of `--git-branch`, one for all"),
            ];
            leftovers.extend(whys.into_iter().filter_map(|(key, why)| Some(leftover(self.text(git, key)?, why))));
            if let Some(request) = git.get("pullRequest").filter(|request| !request.resolved().is_null()) {
                let message = "`pullRequest` asks for a review of each change, which is not supported yet";
                let mend = "remove it to have changes committed to the branch, or leave the application to Argo CD Image Updater";
                let wrong = self.error(Rule::NotSupported, request, message, mend);
                held.get_or_insert(wrong);
            }
        }
        write_back.leftovers.append(&mut leftovers);
        write_back
    }

    pub(super) fn target(&mut self, write_back: &WriteBack, held: &mut Held) -> WriteTarget {
        let kind =
            write_back.method.as_ref().map_or("argocd", |said| said.text.split(':').next().unwrap_or_default().trim());
        if let Some(method) = write_back.method.as_ref().filter(|_| !matches!(kind, "argocd" | "git")) {
            let message = format!("`{}` says `{}`, which is no method", method.written, shown(&method.text));
            let mend = "write `git`, or remove it: Landwaiter always commits to Git";
            let wrong = self.tell(Rule::InvalidValue, method.place.clone(), message, mend.to_owned());
            held.get_or_insert(wrong);
            return WriteTarget::Unsaid;
        }
        let Some(target) = &write_back.target else { return WriteTarget::Unsaid };
        if kind != "git" {
            let message = format!("`{}` is heard only beside the method `git`", target.written);
            let mend = "write `method: git`; until then tags change where they count";
            self.problems.push(Problem::new(Rule::Unheard, Severity::Warning, target.place.clone(), message, mend));
            return WriteTarget::Unsaid;
        }
        write_target(&target.written, &target.text, &target.place).unwrap_or_else(|problem| {
            held.get_or_insert_with(|| (problem.text(), problem.place.clone()));
            self.problems.push(problem);
            WriteTarget::Unsaid
        })
    }

    /// `manifestTargets`: where the image is written.
    pub(super) fn manifest_targets(&mut self, node: NodeRef<'a>, held: &mut Held) -> (HelmKeys, Option<String>, bool) {
        let nothing = (HelmKeys::default(), None, false);
        let Some(targets) = node.get("manifestTargets").map(NodeRef::resolved).filter(|node| !node.is_null()) else {
            return nothing;
        };
        let wrong = self.check_keys(targets, TARGETS);
        *held = held.take().or(wrong);
        let part = |kind: &str| targets.get(kind).map(NodeRef::resolved).filter(|node| !node.is_null());
        let (chart, kustomize, plugin) = (part("helm"), part("kustomize"), part("plugin"));
        for part in [chart, kustomize, plugin].into_iter().flatten() {
            let wrong = self.check_keys(part, PARTS);
            *held = held.take().or(wrong);
        }
        if [chart, kustomize, plugin].into_iter().flatten().count() > 1 {
            let message = "`manifestTargets` says two kinds at once";
            let wrong =
                self.error(Rule::Contradiction, targets, message, "keep one of `helm`, `kustomize` and `plugin`");
            held.get_or_insert(wrong);
            return nothing;
        }
        let key = |name: &str| {
            let value = chart?.get(name)?;
            let path = value.written()?.trim().to_owned();
            Some(HelmKey { written: format!("manifestTargets.helm.{name}"), place: value.place(self.file), path })
        };
        let keys = HelmKeys { spec: key("spec"), name: key("name"), tag: key("tag") };
        let kustomize = kustomize.and_then(|kustomize| kustomize.get("name")?.written().map(str::to_owned));
        (keys, kustomize, plugin.is_some())
    }

    pub(super) fn text(&self, node: NodeRef<'a>, key: &str) -> Option<Said> {
        let value = node.get(key)?;
        let text = value.written()?.trim().to_owned();
        Some(Said { written: key.to_owned(), place: value.place(self.file), text }).filter(|said| !said.text.is_empty())
    }

    pub(super) fn several(&mut self, node: NodeRef<'a>, key: &str, held: &mut Held) -> Option<Several> {
        let value = node.get(key).filter(|value| !value.resolved().is_null())?;
        if value.resolved().kind() != Kind::Sequence {
            let wrong = self.error(
                Rule::InvalidValue,
                value,
                format!("`{key}` is no list"),
                "write its values below it, each behind a dash",
            );
            held.get_or_insert(wrong);
            return None;
        }
        let items = value.resolved().items().filter_map(|item| item.resolved().text().map(str::to_owned)).collect();
        Some(Several { written: key.to_owned(), place: value.place(self.file), items })
    }

    pub(super) fn flag(&mut self, node: NodeRef<'a>, key: &str, held: &mut Held) -> Option<bool> {
        let value = node.get(key).filter(|value| !value.resolved().is_null())?;
        match value.resolved().text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                let wrong = self.error(
                    Rule::InvalidValue,
                    value,
                    format!("`{key}` is neither true nor false"),
                    "write `true` or `false`",
                );
                held.get_or_insert(wrong);
                None
            }
        }
    }

    /// Keys that are none. One that is nearly a known one would have said something, so it holds.
    pub(super) fn check_keys(&mut self, node: NodeRef<'a>, known: &[&str]) -> Held {
        let mut held = None;
        for (key, _) in node.entries() {
            let Some(text) = key.text().filter(|text| !known.contains(text)) else { continue };
            let lower: Vec<(String, &str)> = known.iter().map(|known| (known.to_ascii_lowercase(), *known)).collect();
            let meant = nearest(text, lower.iter(), |(lower, _)| lower.as_str()).map(|(_, known)| *known);
            let (severity, mend) = match meant {
                Some(meant) => (Severity::Error, format!("did you mean `{meant}`?")),
                None if text == "<<" => (Severity::Error, "write out what the merge key brings".to_owned()),
                None => (Severity::Warning, "remove it".to_owned()),
            };
            let message = format!("`{}` is no key that Argo CD Image Updater knows here", shown(text));
            let problem = Problem::new(Rule::UnknownKey, severity, key.place(self.file), message, mend);
            if severity == Severity::Error {
                held.get_or_insert_with(|| (problem.text(), problem.place.clone()));
            }
            self.problems.push(problem);
        }
        held
    }
}

fn leftover(said: Said, why: &'static str) -> Leftover {
    Leftover { key: said.written.into(), value: said.text.into(), place: said.place, why }
}
