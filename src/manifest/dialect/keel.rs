//! Keel: `keel.sh/…` among the annotations or labels of a workload, and the block `keel:` in the values of
//! a chart.
//!
//! Keel has one policy for all containers of an object that it is told to look at. What a policy means is
//! the business of `policy/peer/`; here it is who is meant, and what stands in the way. `keel/settings.rs`
//! knows the keys, `keel/counting.rs` which of them count, `keel/block.rs` the images that a block names.

mod block;
mod counting;
mod settings;

use super::{Hearing, nearest};
use crate::manifest::problem::{Problem, Rule, Severity};
use crate::manifest::subject::{Mandate, Subject};
use crate::manifest::workload::{Automation, ContainerPolicy, Leftover};
use crate::manifest::yaml::NodeRef;
use crate::policy::peer::{InvalidSetting, Keel, Peer};
use crate::policy::{Dialect, Names, Policy};

pub(in crate::manifest) use block::{Block, BlockImage, BlockPath, block};
use counting::{Counting, Wrong};
pub(super) use settings::PREFIXES;
use settings::{Key, Said, Seat, Setting};

/// The kinds that Keel looks at.
const KINDS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"];

/// The words that are a policy by themselves.
const POLICIES: [&str; 6] = ["all", "major", "minor", "patch", "force", "never"];

/// How many containers are listed where none is meant. A pod has few.
const MOST_NAMES: usize = 20;

/// What there is instead of the settings that are about other things than which tag is taken.
const LEFTOVERS: [(Setting, &str); 6] = [
    (Setting::Trigger, "every repository in use is looked at, whatever triggers Keel"),
    (Setting::PollSchedule, "how often registries are asked is one option for all: --registry-poll-interval"),
    (Setting::ApprovalDeadline, "there are no approvals"),
    (Setting::Notify, "no messages are sent; every change is a commit with its reasons"),
    (Setting::ReleaseNotes, "no messages are sent; every change is a commit with its reasons"),
    (Setting::ImagePullSecret, "credentials come from the Docker configuration: --docker-config"),
];

/// What is said to Keel in an object, or in the block of a values file.
pub(super) fn read(hearing: &Hearing<'_, '_>, problems: &mut Vec<Problem>) -> Option<Mandate> {
    let block = block::in_values(hearing.object);
    let said: Vec<Said<'_>> = if let Some(block) = block {
        settings::read_block(block).collect()
    } else {
        let metadata = hearing.object.get("metadata");
        let words = |key| metadata.and_then(|metadata| metadata.get(key));
        let annotations = words("annotations").into_iter().flat_map(|found| settings::read(found, Seat::Annotation));
        let labels = words("labels").into_iter().flat_map(|found| settings::read(found, Seat::Label));
        annotations.chain(labels).collect()
    };
    let counting = Counting { path: hearing.path, said, problems, held: None };
    let mut reader = Reader { hearing, is_block: block.is_some(), counting };
    reader.report_template_labels();
    reader.mandate()
}

/// The settings of Keel among these words, wherever they stand.
pub(super) fn settings_among(words: NodeRef<'_>) -> impl Iterator<Item = (&str, NodeRef<'_>)> {
    let known = settings::read(words, Seat::Annotation).filter(|said| matches!(said.key, Key::Of { .. }));
    known.filter_map(|said| Some((said.key_node.text()?, said.key_node)))
}

struct Reader<'a, 'h, 'p> {
    hearing: &'h Hearing<'a, 'h>,
    is_block: bool,
    counting: Counting<'a, 'p>,
}

/// What is said beside a policy, as far as it counts.
struct Settings<'a> {
    policy: Said<'a>,
    match_tag: Option<Said<'a>>,
    match_pre_release: Option<Said<'a>>,
    monitor: Option<Said<'a>>,
    init: Option<Said<'a>>,
    volumes: Option<Said<'a>>,
    approvals: Option<Said<'a>>,
}

impl<'a> Reader<'a, '_, '_> {
    fn mandate(&mut self) -> Option<Mandate> {
        self.counting.report_strangers();
        let Some(policy) = self.counting.count(Setting::Policy, None) else {
            self.report_no_policy();
            return None;
        };
        let beside = Some(policy.seat);
        let text = self.counting.text(&policy);
        if let Ok("" | "never") = text {
            return Some(self.refusal(&policy));
        }
        let settings = self.settings(policy);
        let leftovers = self.leftovers(beside);
        let (peer, mut stated) = match text {
            Ok(text) => {
                let (peer, carried) = self.peer(&settings, text);
                (Some(peer), carried)
            }
            Err(wrong) => (None, Err(wrong)),
        };
        let asked = self.ask_for_approval(settings.approvals.as_ref());
        let meant = self.meant(&settings).unwrap_or_else(|wrong| {
            stated = Err(wrong);
            vec![true; self.hearing.subjects.len()]
        });
        for wrong in [stated.as_ref().err().cloned(), asked.err()].into_iter().flatten() {
            self.counting.hold(wrong);
        }
        self.report_idle(&settings, &meant);
        let policies = meant.iter().map(|meant| match (&stated, meant) {
            (_, false) => ContainerPolicy::Unstated,
            (Ok(policy), true) => ContainerPolicy::Stated(policy.clone()),
            (Err(wrong), true) => wrong.clone().into(),
        });
        Some(Mandate {
            dialect: Dialect::Keel,
            place: Some(self.counting.key_place(&settings.policy)),
            automated: Some(true),
            automation: self.counting.held.take().map_or(Automation::On, Automation::from),
            policies: policies.collect(),
            peers: meant.iter().map(|meant| peer.clone().filter(|_| *meant)).collect(),
            leftovers,
        })
    }

    /// The settings that count beside this policy.
    fn settings(&mut self, policy: Said<'a>) -> Settings<'a> {
        let beside = Some(policy.seat);
        let mut count = |setting| self.counting.count(setting, beside);
        Settings {
            match_tag: count(Setting::MatchTag),
            match_pre_release: count(Setting::MatchPreRelease),
            monitor: count(Setting::MonitorContainers),
            init: count(Setting::InitContainers),
            volumes: count(Setting::ImageVolumes),
            approvals: count(Setting::Approvals),
            policy,
        }
    }

    fn leftovers(&mut self, beside: Option<Seat>) -> Vec<Leftover> {
        let mut left = Vec::new();
        for (setting, why) in LEFTOVERS {
            if let Some(said) = self.counting.count(setting, beside) {
                left.push(self.counting.leftover(&said, why));
            }
        }
        left
    }

    /// What Keel is told, and the policy that it comes to.
    fn peer(&mut self, settings: &Settings<'a>, text: &str) -> (Peer, Result<Policy, Wrong>) {
        // What is neither true nor false is told in the words of the place where it stands.
        let flags = [&settings.match_tag, &settings.match_pre_release];
        let wrong = flags.map(|said| said.as_ref().and_then(|said| self.counting.flag(said).err()));
        let [match_tag, match_pre_release] =
            flags.map(|said| said.as_ref().and_then(|said| said.value.text()).map(Box::from));
        let peer = Peer::from(Keel { policy: text.into(), match_tag, match_pre_release });
        let carried = match (wrong.into_iter().flatten().next(), peer.policy()) {
            (Some(wrong), _) => Err(wrong),
            (None, Ok(policy)) => Ok(policy),
            (None, Err(error)) => Err(self.report_setting(&error, text, settings)),
        };
        (peer, carried)
    }

    fn report_setting(&mut self, error: &InvalidSetting, text: &str, settings: &Settings<'a>) -> Wrong {
        let match_tag = settings.match_tag.as_ref().filter(|_| error.setting() == "matchTag");
        let said = match_tag.unwrap_or(&settings.policy);
        let rule = match error.setting() {
            "matchTag" => Rule::NotSupported,
            _ if text.starts_with("glob:") || text.starts_with("regexp:") => Rule::InvalidPattern,
            _ => Rule::InvalidValue,
        };
        let mend = meant_policy(text).unwrap_or_else(|| error.mend().to_owned());
        let place = self.counting.value_place(said);
        self.counting.wrong(rule, place, format!("`{}`: {}", said.written, error.what()), &mend)
    }

    /// A policy that says that nothing is to happen.
    fn refusal(&mut self, policy: &Said<'a>) -> Mandate {
        if policy.value.text() == Some("") {
            let (place, message) =
                (self.counting.value_place(policy), format!("`{}` is empty, so Keel changes nothing", policy.written));
            self.counting.report(Rule::UnclearWording, Severity::Hint, place, message, "write `never`, or a policy");
        }
        let nobody = self.hearing.subjects.len();
        Mandate {
            dialect: Dialect::Keel,
            place: Some(self.counting.key_place(policy)),
            automated: Some(false),
            automation: Automation::Ignored,
            policies: vec![ContainerPolicy::Unstated; nobody],
            peers: vec![None; nobody],
            leftovers: Vec::new(),
        }
    }

    /// Somebody wants people to agree to each update, and there is nothing here for that yet.
    fn ask_for_approval(&mut self, approvals: Option<&Said<'a>>) -> Result<(), Wrong> {
        let Some(said) = approvals else { return Ok(()) };
        let number = self.counting.number(said)?;
        if number == 0 {
            return Ok(());
        }
        let approvals = if number == 1 { "an approval" } else { &format!("{number} approvals") };
        let message = format!("`{}` asks for {approvals}, which is not supported yet", said.written);
        let mend = "remove it to let the images follow their tags without approval";
        let place = self.counting.value_place(said);
        Err(self.counting.wrong(Rule::NotSupported, place, message, mend))
    }

    /// Which of the subjects are meant.
    fn meant(&mut self, settings: &Settings<'a>) -> Result<Vec<bool>, Wrong> {
        let mut flag = |said: &Option<Said<'a>>| said.as_ref().map_or(Ok(false), |said| self.counting.flag(said));
        let (init, volumes) = (flag(&settings.init), flag(&settings.volumes));
        let names = settings.monitor.as_ref().map(|said| self.names(said)).transpose()?;
        // Keel polls by a label as well, and first by that.
        let denies = |said: &Said<'_>| {
            let is_label =
                said.seat == Seat::Label && matches!(said.key, Key::Of { setting: Setting::InitContainers, .. });
            is_label && said.value.text() != Some("true")
        };
        let (init, volumes) = (init? && !self.counting.said.iter().any(denies), volumes?);
        let is_meant = |subject: &Subject<'_>| {
            let of = |list: &str| subject.position.strip_prefix(list).is_some_and(|rest| rest.starts_with('['));
            let (is_listed, prefix) = match () {
                () if of("initContainers") => (init, ""),
                () if of("volumes") => (volumes, "volumes."),
                () => (!of("ephemeralContainers") && !subject.is_aside, ""),
            };
            // A volume may have a longer name here, where a container has its own.
            let name = subject.name.unwrap_or_default();
            let name = name.strip_prefix(prefix).unwrap_or(name);
            is_listed && names.as_ref().is_none_or(|names| names.have(name))
        };
        Ok(self.hearing.subjects.iter().map(is_meant).collect())
    }

    fn names(&mut self, said: &Said<'a>) -> Result<Names, Wrong> {
        let text = self.counting.text(said)?;
        Names::parse(text, Dialect::Keel).map_err(|error| {
            let place = self.counting.value_place(said);
            let message = format!("`{}`: {}; Keel looks at every container then", said.written, error.message());
            self.counting.wrong(Rule::InvalidPattern, place, message, error.mend())
        })
    }

    /// Tells of a policy that comes to nothing, and of one that Keel itself does not read.
    fn report_idle(&mut self, settings: &Settings<'a>, meant: &[bool]) {
        let policy = &settings.policy;
        let Hearing { kind, subjects, is_patch, .. } = *self.hearing;
        let place = self.counting.key_place(policy);
        if !self.is_block && !KINDS.contains(&kind) {
            let message =
                format!("Keel does not look at a {kind}; Landwaiter follows `{}` all the same", policy.written);
            let mend = "for Keel, move it to the workload that runs the image";
            self.counting.report(Rule::UnclearWording, Severity::Hint, place.clone(), message, mend);
        }
        if subjects.is_empty() {
            let (message, mend) = if self.is_block {
                let message = "this block shows no image that could be followed".to_owned();
                (message, "name `images` by paths in this file")
            } else {
                let message = format!("this {kind} shows no image, so there is none to follow");
                (message, "in a patch, show the container with its image")
            };
            self.counting.report(Rule::NoImage, Severity::Warning, place, message, mend);
        } else if let Some(monitor) = settings.monitor.as_ref().filter(|_| !meant.contains(&true)) {
            let mut names: Vec<&str> = subjects.iter().filter_map(|subject| subject.name).collect();
            names.sort_unstable();
            names.truncate(MOST_NAMES);
            let message = format!(
                "`{}` is found in the name of no container here that is looked at, so nothing is followed",
                monitor.written
            );
            let severity = if is_patch { Severity::Hint } else { Severity::Warning };
            let place = self.counting.value_place(monitor);
            let mend = format!("there are: {}", names.join(", "));
            self.counting.report(Rule::UnknownContainer, severity, place, message, &mend);
        }
    }

    /// Settings without a policy do nothing. One that is mistyped was told of.
    fn report_no_policy(&mut self) {
        let is_mistyped = |said: &Said<'_>| matches!(said.key, Key::Unknown { meant: Some((Setting::Policy, _)) });
        if self.counting.said.iter().any(is_mistyped) {
            return;
        }
        let known = |said: &&Said<'a>| matches!(said.key, Key::Of { .. });
        let first = self.counting.said.iter().find(known).map(|said| (said.written.clone(), said.key_node));
        let images = || self.is_block.then(|| block::images_key(self.hearing.object)).flatten();
        let Some((written, key)) = first.or_else(|| Some(("keel.images".into(), images()?))) else { return };
        let policy = if self.is_block { "keel.policy" } else { "keel.sh/policy" };
        let message = format!("`{written}` stands here without `{policy}`, so Keel does nothing");
        let place = key.place(self.hearing.path);
        let mend = format!("write `{policy}`, or remove it");
        self.counting.report(Rule::Unheard, Severity::Warning, place, message, &mend);
    }

    /// Labels of the pod template are not those of the workload. Its annotations are told of for all dialects.
    fn report_template_labels(&mut self) {
        if self.is_block {
            return;
        }
        let spec = self.hearing.object.get("spec");
        let job = spec.and_then(|spec| spec.get("jobTemplate")?.get("spec"));
        let template = job.or(spec).and_then(|spec| spec.get("template"));
        let Some(labels) = template.and_then(|template| template.get("metadata")?.get("labels")) else { return };
        let mend = format!("move it to `metadata.annotations` of the {}", self.hearing.kind);
        for (written, key) in settings_among(labels) {
            let message = format!("`{written}` is a label of the pod template, where Keel does not read it");
            let place = key.place(self.hearing.path);
            self.counting.report(Rule::Unheard, Severity::Warning, place, message, &mend);
        }
    }
}

/// How to mend a text that is nearly a policy.
fn meant_policy(text: &str) -> Option<String> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let tail = rest.trim();
    match (text.contains(':'), kind.as_str()) {
        (true, "glob" | "regexp") if !text.starts_with(&format!("{kind}:")) => {
            Some(format!("did you mean `{kind}:{tail}`?"))
        }
        (true, "regex") => Some(format!("did you mean `regexp:{tail}`?")),
        (true, "newest") => Some("for the newest of them write `landwaiter/tag-regex` instead".to_owned()),
        (true, "semver") => Some(format!("for a constraint write `landwaiter/tag-semver: \"{tail}\"` instead")),
        (false, _) => {
            let meant = nearest(text.trim(), POLICIES.into_iter(), |policy| policy)?;
            (meant != text).then(|| format!("did you mean `{meant}`?"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
