//! Argo CD Image Updater, as of version 1.3: a strategy, a constraint, and which tags are allowed and
//! ignored.

use std::borrow::Cow;
use std::fmt;

use super::{Broken, InvalidSetting, PeerChoice, go_regex, path_match};
use crate::image::Tag;
use crate::policy::decide::{Candidate, distinct};
use crate::policy::pattern;
use crate::policy::range::{Edition, Range};
use crate::policy::{By, Dialect, Direction, Exclude, Order, Pattern, PatternKind, Policy, version};

const DIALECT: Dialect = Dialect::ArgocdImageUpdater;

/// What Argo CD Image Updater was told about an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ArgocdImageUpdater {
    /// `update-strategy`, where it is stated.
    pub strategy: Option<Box<str>>,
    /// What stands in the place of the tag in the image list, where something does.
    pub constraint: Option<Box<str>>,
    /// `allow-tags`, where it is stated.
    pub allow_tags: Option<Box<str>>,
    /// The items of `ignore-tags`.
    pub ignore_tags: Box<[Box<str>]>,
    /// The items of `platforms`.
    pub platforms: Box<[Box<str>]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Semver,
    NewestBuild,
    Alphabetical,
    Digest,
}

/// Which tags are allowed.
enum Allowed {
    Any,
    Regex(std::sync::Arc<regex::bytes::Regex>),
    /// What is not understood allows nothing.
    Nothing,
}

impl ArgocdImageUpdater {
    /// The strategy; `None` for a name that is none, which counts as semver there.
    fn strategy(&self) -> Option<Strategy> {
        match self.strategy.as_deref().unwrap_or_default().to_lowercase().as_str() {
            "" | "semver" => Some(Strategy::Semver),
            "latest" | "newest-build" => Some(Strategy::NewestBuild),
            "name" | "alphabetical" => Some(Strategy::Alphabetical),
            "digest" => Some(Strategy::Digest),
            _ => None,
        }
    }

    fn constraint(&self) -> Option<&str> {
        self.constraint.as_deref().map(str::trim).filter(|constraint| !constraint.is_empty())
    }

    pub(super) fn needs_created(&self) -> bool {
        self.strategy() == Some(Strategy::NewestBuild)
    }

    pub(super) fn choose(&self, current: Option<&Tag>, candidates: &[Candidate]) -> PeerChoice {
        let allowed = match self.allowed() {
            Ok(allowed) => allowed,
            Err(broken) => return broken.choice("`allow-tags`"),
        };
        let ignored: Vec<_> = self
            .ignore_tags
            .iter()
            .filter_map(|glob| path_match::to_regex(glob).ok())
            .filter_map(|regex| pattern::compile_whole(&regex).ok())
            .collect();
        let wanted = |tag: &Tag| {
            let bytes = tag.as_str().as_bytes();
            let allowed = match &allowed {
                Allowed::Any => true,
                Allowed::Regex(regex) => regex.is_match(bytes),
                Allowed::Nothing => false,
            };
            allowed && !ignored.iter().any(|regex| regex.is_match(bytes))
        };
        let mut running = distinct(candidates);
        running.retain(|candidate| wanted(&candidate.tag));
        let tags = running.iter().map(|candidate| &candidate.tag);
        let best = match self.strategy().unwrap_or(Strategy::Semver) {
            Strategy::Semver => {
                let range = match Range::parse_as(Edition::V34, self.constraint().unwrap_or("*")) {
                    Ok(range) => range,
                    Err(why) => return PeerChoice::Fails(format!("the constraint is none: {}", why.what)),
                };
                let version = |tag| Some((version::loose(Tag::as_str(tag)).ok()?, tag));
                let versions = tags.filter_map(version).filter(|(version, _)| range.check(version).is_ok());
                // Of equal versions, the one whose name is the last.
                versions.max().map(|(_, tag)| tag)
            }
            Strategy::Alphabetical => tags.max(),
            Strategy::NewestBuild => {
                if let Some(needs) = PeerChoice::needs_created(running.iter().copied()) {
                    return needs;
                }
                let newest = running.iter().max_by(|a, b| a.created.cmp(&b.created).then_with(|| a.tag.cmp(&b.tag)));
                newest.map(|candidate| &candidate.tag)
            }
            Strategy::Digest => {
                let Some(constraint) = self.constraint() else {
                    return PeerChoice::Fails("`digest` needs a tag to follow, and none is stated".to_owned());
                };
                return match running.iter().find(|candidate| candidate.tag.as_str() == constraint) {
                    Some(followed) if Some(&followed.tag) == current => {
                        PeerChoice::stays(format!("it follows the digest of `{constraint}`"))
                    }
                    Some(followed) => PeerChoice::Tag(followed.tag.clone()),
                    None => PeerChoice::stays("no tag fits"),
                };
            }
        };
        best.map_or_else(|| PeerChoice::stays("no tag fits"), |tag| PeerChoice::one(tag, current))
    }

    fn allowed(&self) -> Result<Allowed, Broken> {
        match self.allowed_regex() {
            None => Ok(Allowed::Any),
            Some(Err(_)) => Ok(Allowed::Nothing),
            Some(Ok(regex)) => match go_regex(regex, true) {
                Ok(regex) => Ok(Allowed::Regex(regex)),
                Err(Broken::Invalid(_)) => Ok(Allowed::Nothing),
                Err(too_large) => Err(too_large),
            },
        }
    }

    /// The expression in `allow-tags`; `None` for any tag, an error with the whole text where it is none.
    fn allowed_regex(&self) -> Option<Result<&str, &str>> {
        let text = self.allow_tags.as_deref().filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case("any"))?;
        Some(match text.split_once(':') {
            Some((kind, regex)) if kind.eq_ignore_ascii_case("regexp") => Ok(regex),
            _ => Err(text),
        })
    }

    pub(super) fn policy(&self) -> Result<Policy, InvalidSetting> {
        let Some(strategy) = self.strategy() else {
            let text = self.strategy.as_deref().unwrap_or_default();
            let mend = "write `semver`, `newest-build` or `alphabetical`";
            return Err(InvalidSetting::new("update-strategy", format!("`{text}` is no strategy"), mend));
        };
        if strategy == Strategy::Digest {
            let mend = "write `newest-build`, or leave the image to the tool that does it";
            return Err(InvalidSetting::not_yet("update-strategy", "`digest` follows the digest of a tag", mend));
        }
        if strategy == Strategy::NewestBuild && !self.platforms.is_empty() {
            let what = format!("`{}` limits the platforms of an image", self.platforms.join(", "));
            return Err(InvalidSetting::not_yet("platforms", &what, "remove it, or name the tags with `allow-tags`"));
        }
        let allowed = match self.allowed_regex() {
            None => None,
            Some(Ok(regex)) => Some(
                Pattern::parse_as(PatternKind::Regex, regex, DIALECT)
                    .map_err(|error| InvalidSetting::pattern("allow-tags", &error))?,
            ),
            Some(Err(text)) => {
                let what = format!("`{text}` is no rule, so it allows no tag");
                return Err(InvalidSetting::new("allow-tags", what, "write `regexp:` and an expression, or `any`"));
            }
        };
        let order = |by| Order { by, direction: Direction::Ascending };
        let builder = match strategy {
            Strategy::Semver => {
                let range = Pattern::parse_as(PatternKind::Semver, self.constraint().unwrap_or("*"), DIALECT)
                    .map_err(|error| InvalidSetting::pattern("constraint", &error))?;
                match allowed {
                    None => Policy::builder(range),
                    Some(allowed) => Policy::builder(allowed).order(order(By::Semver)).constraint(range),
                }
            }
            Strategy::NewestBuild | Strategy::Alphabetical | Strategy::Digest => {
                let any = || {
                    Pattern::parse_as(PatternKind::Glob, "*", DIALECT)
                        .map_err(|error| InvalidSetting::pattern("allow-tags", &error))
                };
                let by = if strategy == Strategy::Alphabetical { By::Alphabetical } else { By::Newest };
                Policy::builder(allowed.map_or_else(any, Ok)?).order(order(by))
            }
        };
        builder
            .exclude(self.exclude()?)
            .build()
            .map_err(|error| InvalidSetting::new("allow-tags", error.to_string(), "write another expression"))
    }

    fn exclude(&self) -> Result<Exclude, InvalidSetting> {
        let mut items = Vec::with_capacity(self.ignore_tags.len());
        for glob in &self.ignore_tags {
            let regex = path_match::to_regex(glob).map_err(|bad| {
                let what = format!("`{glob}` is no glob, since it {}, so it ignores nothing", bad.0);
                InvalidSetting::new("ignore-tags", what, "close what is open, or remove it")
            })?;
            let is_plain = path_match::is_plain(glob);
            items.push(if is_plain { Cow::Borrowed(&**glob) } else { Cow::Owned(format!("regex:{regex}")) });
        }
        Exclude::of_items(&items).map_err(|error| InvalidSetting::pattern("ignore-tags", &error))
    }
}

impl fmt::Display for ArgocdImageUpdater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.strategy.as_deref().filter(|text| !text.is_empty()).unwrap_or("semver"))?;
        if let Some(constraint) = self.constraint() {
            write!(f, ":{constraint}")?;
        }
        if let Some(allow) = &self.allow_tags {
            write!(f, " allow-tags={allow}")?;
        }
        for (name, items) in [("ignore-tags", &self.ignore_tags), ("platforms", &self.platforms)] {
            if !items.is_empty() {
                write!(f, " {name}={}", items.join(","))?;
            }
        }
        Ok(())
    }
}
