//! The annotations of an application: an image list, and what is said of its images.
//!
//! A key without alias speaks of all images, one with an alias of that image. In a key, a `/` of an alias is
//! written `_`. A key that is nearly a known one holds what it was perhaps meant for: a typo must not widen
//! what is followed.

use std::collections::{BTreeMap, HashMap};

use super::items::{self, Item, Wrong};
use super::settings::{Said, Settings, Several, hold};
use super::{PREFIX, ours, write_target};
use crate::manifest::dialect::nearest;
use crate::manifest::image_list::{HelmKey, HelmKeys, ImageList, ListedImage, WriteTarget};
use crate::manifest::problem::{Place, Problem, Rule, Severity, shown};
use crate::manifest::workload::{ContainerPolicy, Leftover};
use crate::manifest::yaml::NodeRef;
use crate::path::RepoPath;

const IMAGE_LIST: &str = "image-list";

/// What is said of an application as a whole.
const OF_APPLICATION: [&str; 5] =
    [IMAGE_LIST, "write-back-method", "write-back-target", "git-branch", "git-repository"];

/// What is said of all images, or of one.
const OF_IMAGES: [&str; 5] = ["update-strategy", "allow-tags", "ignore-tags", "force-update", "pull-secret"];

/// What is said of one image only.
const OF_ONE: [&str; 5] = ["platforms", "helm.image-name", "helm.image-tag", "helm.image-spec", "kustomize.image-name"];

/// The key that `allow-tags` had in the first versions.
const OLD_ALLOW_TAGS: &str = "tag-match";

/// How many aliases are compared with a wrong one, and listed.
const MOST_ALIASES: usize = 20;

/// What Go takes for a truth value.
const TRUTHS: [&str; 12] = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];

/// Reads the annotations in the metadata, if they are any of these. Without a list they say nothing, which is
/// told at once.
pub(super) fn read(metadata: NodeRef<'_>, file: &RepoPath, problems: &mut Vec<Problem>) -> Option<ImageList> {
    let annotations = metadata.resolved().get("annotations")?;
    let mut reader = Reader {
        file,
        wide: HashMap::new(),
        own: HashMap::new(),
        strange: Vec::new(),
        problems: Vec::new(),
        wrong: None,
    };
    let first = reader.listen(annotations.resolved())?;
    let veil =
        [metadata, annotations].into_iter().find_map(|node| if node.is_alias() { Some(node) } else { node.get("<<") });
    if let Some(veil) = veil {
        let message = "annotations behind an alias or a merge key are not read".to_owned();
        let mend = "write them out under `metadata.annotations`";
        reader.give_up(error(Rule::Alias, &veil.place(file), message, mend));
    }
    let Some(list) = reader.wide.get(IMAGE_LIST).map(|word| word.said.clone()) else {
        let message = format!("`{}` says nothing without an image list", first.said.written);
        let mend = format!("write `{PREFIX}{IMAGE_LIST}: <alias>=<image>:<constraint>` beside it, or remove it");
        problems.push(Problem::new(Rule::Unheard, Severity::Warning, first.key, message, mend));
        return None;
    };
    Some(reader.read(&list))
}

/// One annotation.
#[derive(Debug, Clone)]
struct Word {
    key: Place,
    said: Said,
}

struct Reader<'f> {
    file: &'f RepoPath,
    /// What is said of the application, and of all images.
    wide: HashMap<&'static str, Word>,
    /// What is said of single images, by alias.
    own: HashMap<String, BTreeMap<&'static str, Word>>,
    /// What is none of these, by key without prefix.
    strange: Vec<(String, Word)>,
    problems: Vec<Problem>,
    /// Why nothing of this is followed.
    wrong: Option<(String, Place)>,
}

impl Reader<'_> {
    /// Sorts the annotations, and gives back the first.
    fn listen(&mut self, annotations: NodeRef<'_>) -> Option<Word> {
        let mut first = None;
        for (key, value) in annotations.entries() {
            let Some(written) = ours(key) else { continue };
            let (place, value) = (key.place(self.file), value.resolved());
            if value.text().is_none() {
                let message = format!("the value of `{written}` is not a string");
                self.give_up(error(Rule::InvalidValue, &place, message, "write one quoted value"));
            }
            let text = value.text().unwrap_or_default();
            let at = if text.is_empty() { place.clone() } else { value.place(self.file) };
            if value.text().is_some() && !value.is_null() && !value.is_string() {
                let message =
                    format!("the value of `{written}` is not quoted, and Kubernetes takes no other than strings");
                let mend = format!("write \"{}\"", shown(text));
                self.problems.push(Problem::new(Rule::UnquotedValue, Severity::Warning, at.clone(), message, mend));
            }
            let text = if value.is_null() { "" } else { text.trim() };
            let word =
                Word { key: place, said: Said { written: written.to_owned(), place: at, text: text.to_owned() } };
            first.get_or_insert_with(|| word.clone());
            self.sort(&written[PREFIX.len()..], word);
        }
        first
    }

    fn sort(&mut self, key: &str, word: Word) {
        if let Some(known) = OF_APPLICATION.iter().chain(&OF_IMAGES).find(|known| **known == key) {
            self.wide.insert(known, word);
            return;
        }
        let scoped = OF_IMAGES
            .iter()
            .chain(&OF_ONE)
            .find_map(|known| Some((key.strip_suffix(known)?.strip_suffix('.')?, *known)));
        match scoped {
            Some((alias, known)) => drop(self.own.entry(alias.to_owned()).or_default().insert(known, word)),
            None => self.strange.push((key.to_owned(), word)),
        }
    }

    fn read(mut self, list: &Said) -> ImageList {
        let items = items::read(&list.text);
        if items.is_empty() && self.wrong.is_none() {
            let message = format!("`{}` lists no image", list.written);
            let mend = "write `<alias>=<image>:<constraint>`, or remove it";
            self.give_up(error(Rule::InvalidValue, &list.place, message, mend));
        }
        let mut aliases = BTreeMap::new();
        for alias in items.iter().filter_map(|item| item.alias) {
            *aliases.entry(alias.replace('/', "_")).or_insert(0) += 1;
        }
        let doubts = self.judge_keys(&aliases);
        let wide = settings(|key| self.wide.get(key));
        self.judge_force(self.wide.get("force-update").cloned());
        let mut images = Vec::new();
        for item in &items {
            let key = item.alias.map(|alias| alias.replace('/', "_"));
            let doubt = key.as_ref().and_then(|key| doubts.get(key));
            let is_doubled = key.as_ref().is_some_and(|key| aliases.get(key).is_some_and(|times| *times > 1));
            images.extend(self.image(item, list, &wide, key.as_deref().unwrap_or_default(), is_doubled, doubt));
        }
        let target = self.target();
        let leftovers = self.leftovers(&aliases, &wide);
        let Self { problems, wrong, .. } = self;
        ImageList { place: list.place.clone(), images, target, wrong, problems, leftovers }
    }

    /// One image; `None` where what is written is none.
    fn image(
        &mut self,
        item: &Item<'_>,
        list: &Said,
        wide: &Settings,
        key: &str,
        is_doubled: bool,
        doubt: Option<&Problem>,
    ) -> Option<ListedImage> {
        let meant = match &item.image {
            Ok(meant) => meant,
            Err(wrong) => {
                let problem = wrong.problem(&list.place);
                if item.is_empty {
                    self.give_up(problem);
                } else {
                    self.problems.push(problem);
                }
                return None;
            }
        };
        let own = self.own.get(key).cloned().unwrap_or_default();
        self.judge_force(own.get("force-update").cloned());
        let settings = settings(|key| own.get(key)).over(wide);
        let constraint = Said { text: meant.constraint.unwrap_or_default().to_owned(), ..list.clone() };
        let (mut policy, peer) = settings.judge(&constraint, &mut self.problems);
        let name = item.alias.unwrap_or_else(|| last_part(&meant.image));
        if let Some(doubt) = &meant.doubt {
            self.problems.push(Problem { severity: Severity::Warning, ..doubt.problem(&list.place) });
        }
        if let Some(torn) = &item.is_torn {
            policy = hold(torn.problem(&list.place), &mut self.problems);
        }
        if is_doubled {
            let message = format!("two images have the alias `{name}`, so that nothing can be said of one of them");
            let mend = "give every image an alias of its own";
            policy = hold(error(Rule::Contradiction, &list.place, message, mend), &mut self.problems);
        }
        if let Some(doubt) = doubt {
            policy = ContainerPolicy::Invalid { reason: doubt.text(), place: doubt.place.clone() };
        }
        let is_bare = item.alias.is_some() && own.is_empty() && settings.is_empty() && meant.constraint.is_none();
        if is_bare && matches!(policy, ContainerPolicy::Stated(_)) {
            let message =
                format!("nothing is said of `{name}`, so it follows every version, the next major one as well");
            let mend = format!("write a constraint behind the image, as in `{name}={}:~1.2`", meant.image.name());
            let place = list.place.clone();
            self.problems.push(Problem::new(Rule::EverythingPattern, Severity::Hint, place, message, mend));
        }
        let part = |part: &str| helm_key(own.get(part)?);
        let helm =
            HelmKeys { spec: part("helm.image-spec"), name: part("helm.image-name"), tag: part("helm.image-tag") };
        let kustomize = part("kustomize.image-name");
        if let Some(kustomize) = kustomize.as_ref().filter(|_| helm != HelmKeys::default()) {
            let message = format!("`{name}` is said to be in the values of a chart, and in a kustomization");
            self.give_up(error(Rule::Contradiction, &kustomize.place, message, "remove one of the two"));
        }
        Some(ListedImage {
            name: name.to_owned(),
            place: list.place.clone(),
            image: meant.image.clone(),
            policy,
            peer: Some(peer),
            helm,
            kustomize_name: kustomize.map(|key| key.path),
            is_for_plugin: false,
        })
    }

    /// A truth value that is none: the tool leaves the whole application alone.
    fn judge_force(&mut self, force: Option<Word>) {
        let Some(Said { written, place, text }) = force.map(|word| word.said) else { return };
        if !TRUTHS.contains(&text.as_str()) {
            let message = format!("`{written}` is neither true nor false: `{}`", shown(&text));
            self.give_up(error(Rule::InvalidValue, &place, message, "write \"true\" or \"false\""));
        }
    }

    fn target(&mut self) -> WriteTarget {
        let said = |key: &str| self.wide.get(key).map(|word| word.said.clone()).filter(|said| !said.text.is_empty());
        let (method, target) = (said("write-back-method"), said("write-back-target"));
        let kind = method.as_ref().map_or("argocd", |said| said.text.split(':').next().unwrap_or_default().trim());
        if let Some(method) = method.as_ref().filter(|_| !matches!(kind, "argocd" | "git")) {
            let message = format!("`{}` says `{}`, which is no method", method.written, shown(&method.text));
            let mend = "write `git`, or remove it: Landwaiter always commits to Git";
            self.give_up(error(Rule::InvalidValue, &method.place, message, mend));
            return WriteTarget::Unsaid;
        }
        let Some(target) = target else { return WriteTarget::Unsaid };
        if kind != "git" {
            let message = format!("`{}` is heard only beside the method `git`", target.written);
            let mend =
                format!("write `{PREFIX}write-back-method: git` beside it; until then tags change where they count");
            self.problems.push(Problem::new(Rule::Unheard, Severity::Warning, target.place, message, mend));
            return WriteTarget::Unsaid;
        }
        write_target(&target.written, &target.text, &target.place).unwrap_or_else(|wrong| {
            self.give_up(wrong);
            WriteTarget::Unsaid
        })
    }

    /// Keys that nobody knows, and aliases that no image has. The aliases that they were perhaps meant for
    /// come back, each with the problem that holds it.
    fn judge_keys(&mut self, aliases: &BTreeMap<String, i32>) -> BTreeMap<String, Problem> {
        let mut doubts: BTreeMap<String, Problem> = BTreeMap::new();
        let strangers = self.own.iter().filter(|(alias, _)| !aliases.contains_key(*alias));
        let mut found: Vec<(Problem, Option<String>)> =
            strangers.flat_map(|(alias, words)| words.values().map(|word| stranger(word, alias, aliases))).collect();
        found.extend(self.strange.iter().map(|(key, word)| unknown(word, key, aliases)));
        found.sort();
        for (problem, meant) in found {
            match (problem.severity, meant) {
                (Severity::Error, Some(alias)) => {
                    doubts.entry(alias).or_insert_with(|| problem.clone());
                    self.problems.push(problem);
                }
                (Severity::Error, None) => self.give_up(problem),
                _ => self.problems.push(problem),
            }
        }
        doubts
    }

    /// What is said and has no equivalent.
    fn leftovers(&self, aliases: &BTreeMap<String, i32>, wide: &Settings) -> Vec<Leftover> {
        let mut leftovers: Vec<Leftover> = self.wide.iter().filter_map(|(key, word)| word.leftover(key)).collect();
        for words in self.own.iter().filter(|(alias, _)| aliases.contains_key(*alias)).map(|(_, words)| words) {
            let looks = settings(|key| words.get(key)).over(wide).looks_at_platforms();
            let unheard = words.iter().filter(|(key, _)| !(looks && **key == "platforms"));
            leftovers.extend(unheard.filter_map(|(key, word)| word.leftover(key)));
        }
        leftovers.sort_by(|a, b| a.place.cmp(&b.place));
        leftovers
    }

    /// Reports what is wrong with the application as a whole.
    fn give_up(&mut self, problem: Problem) {
        self.wrong.get_or_insert_with(|| (problem.text(), problem.place.clone()));
        self.problems.push(problem);
    }
}

impl Word {
    fn leftover(&self, key: &str) -> Option<Leftover> {
        let why = match key {
            "write-back-method" => "Landwaiter always commits to Git",
            "git-branch" => "the branch is that of `--git-branch`, one for all",
            "git-repository" => "the repository is that of `--git-url`, one for all",
            "pull-secret" => "the credentials of registries are those of `--docker-config`",
            "force-update" => "no cluster is asked what runs, so that every image is updated",
            "platforms" => "only `newest-build` and `digest` look at the platforms of an image",
            _ => return None,
        };
        let Said { written, text, .. } = &self.said;
        Some(Leftover { key: written.as_str().into(), value: text.as_str().into(), place: self.key.clone(), why })
    }
}

/// What is said on one level.
fn settings<'w>(word: impl Fn(&str) -> Option<&'w Word>) -> Settings {
    let said = |key: &str| Some(word(key)?.said.clone()).filter(|said| !said.text.is_empty());
    Settings {
        strategy: said("update-strategy"),
        allow_tags: said("allow-tags"),
        ignore_tags: said("ignore-tags").map(Several::of),
        platforms: said("platforms").map(Several::of),
    }
}

fn helm_key(word: &Word) -> Option<HelmKey> {
    let Said { written, place, text } = word.said.clone();
    (!text.is_empty()).then_some(HelmKey { written, place, path: text })
}

/// What an image without alias is called.
pub(super) fn last_part(image: &crate::image::Reference) -> &str {
    image.name().rsplit('/').next().unwrap_or_default()
}

/// A word about an alias that no image has. Where one is nearly called so, that one was meant.
fn stranger(word: &Word, alias: &str, aliases: &BTreeMap<String, i32>) -> (Problem, Option<String>) {
    let names = || aliases.keys().take(MOST_ALIASES);
    let meant = nearest(alias, names(), |known| known.as_str()).cloned();
    let message = format!("`{}` speaks about `{alias}`, and no image has that alias", word.said.written);
    let mend = match &meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if aliases.is_empty() => "write the alias and a `=` before an image of the list".to_owned(),
        None => format!("there are: {}", names().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    let severity = if meant.is_some() { Severity::Error } else { Severity::Warning };
    (Problem::new(Rule::UnknownContainer, severity, word.key.clone(), message, mend), meant)
}

/// A key that is none, with the alias that it is about.
fn unknown(word: &Word, key: &str, aliases: &BTreeMap<String, i32>) -> (Problem, Option<String>) {
    let scoped =
        key.match_indices('.').map(|(dot, _)| key.split_at(dot)).find(|(alias, _)| aliases.contains_key(*alias));
    let scoped = scoped.map(|(alias, rest)| (alias, &rest[1..]));
    let words = OF_IMAGES.iter().chain(if scoped.is_some() { &OF_ONE } else { &OF_APPLICATION });
    let meant = match scoped.map_or(key, |(_, rest)| rest) {
        OLD_ALLOW_TAGS => Some("allow-tags"),
        rest => nearest(rest, words, |known| known).copied(),
    };
    let message = format!("`{}` is no key that Argo CD Image Updater knows", word.said.written);
    let mend = match (meant, scoped) {
        (Some(meant), Some((alias, _))) => format!("did you mean `{PREFIX}{alias}.{meant}`?"),
        (Some(meant), None) => format!("did you mean `{PREFIX}{meant}`?"),
        (None, _) => "remove it".to_owned(),
    };
    let severity = if meant.is_some() { Severity::Error } else { Severity::Warning };
    let problem = Problem::new(Rule::UnknownKey, severity, word.key.clone(), message, mend);
    (problem, scoped.map(|(alias, _)| alias.to_owned()))
}

impl Wrong {
    fn problem(&self, place: &Place) -> Problem {
        error(self.rule, place, self.what.clone(), self.mend.clone())
    }
}

fn error(rule: Rule, place: &Place, message: String, mend: impl Into<String>) -> Problem {
    Problem::new(rule, Severity::Error, place.clone(), message, mend)
}
