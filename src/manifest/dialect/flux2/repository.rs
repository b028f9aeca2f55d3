//! `ImageRepository`: where images lie, which of their tags count, and who else may name it. Knows its
//! fields, and nothing of policies.

use super::ObjectName;
use super::fields::Fields;
use super::selector::{Labels, Selector};
use crate::image::Reference;
use crate::manifest::problem::{Place, Problem, Rule};
use crate::manifest::setting::Setting;
use crate::manifest::yaml::{Kind, NodeRef};
use crate::policy::Peer;
use crate::policy::peer::{Flux2, Flux2Policy};

/// An `ImageRepository`: where the images of a policy lie.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRepository {
    /// What it is called.
    pub name: ObjectName,
    /// Where it begins.
    pub place: Place,
    /// What it says; or what is wrong with it, reported already.
    pub scanned: Result<Scanned, Problem>,
}

/// What an `ImageRepository` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Scanned {
    /// `spec.image`, without tag and digest.
    pub image: Reference,
    /// `spec.exclusionList`, where it is written.
    pub exclusion: Option<Box<[Box<str>]>>,
    /// `spec.accessFrom`
    pub access: Access,
    /// Where `spec.suspend` says that no tags are to be looked up.
    pub suspended: Option<Place>,
}

/// Which namespaces beside its own may name a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Those whose labels meet one of these.
    selectors: Vec<Selector>,
}

/// The fields of `spec`.
const FIELDS: [&str; 13] = [
    "image",
    "interval",
    "scanInterval",
    "timeout",
    "secretRef",
    "serviceAccountName",
    "certSecretRef",
    "proxySecretRef",
    "provider",
    "insecure",
    "exclusionList",
    "accessFrom",
    "suspend",
];

/// How many expressions the list may hold.
const MOST_EXCLUSIONS: usize = 25;

impl Access {
    /// Whether a namespace with these labels may name the repository.
    #[must_use]
    pub fn lets_in(&self, labels: &Labels) -> bool {
        self.selectors.iter().any(|selector| selector.matches(labels))
    }

    /// Whether no other namespace may name it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.selectors.is_empty()
    }
}

/// Reads a repository; what is wrong with it is reported.
pub(super) fn read(fields: &Fields<'_, '_>, problems: &mut Vec<Problem>) -> ImageRepository {
    let scanned = fields.doubled().map_or_else(|| scanned(fields), Err);
    problems.extend(scanned.as_ref().err().cloned());
    ImageRepository { name: fields.name().clone(), place: fields.place(), scanned }
}

/// What else it says about how its tags are looked up.
pub(super) fn settings(fields: &Fields<'_, '_>, settings: &mut Vec<Setting>) {
    let interval = |path| fields.setting(path, Some("--registry-poll-interval"));
    settings.extend(interval("spec.interval"));
    settings.extend(interval("spec.scanInterval"));
    for field in ["timeout", "provider", "insecure", "serviceAccountName"] {
        settings.extend(fields.setting(&format!("spec.{field}"), None));
    }
    for field in ["secretRef", "certSecretRef", "proxySecretRef"] {
        settings.extend(fields.setting(&format!("spec.{field}.name"), None));
    }
}

fn scanned(fields: &Fields<'_, '_>) -> Result<Scanned, Problem> {
    fields.check_known("spec", &FIELDS, false)?;
    let (image, exclusion) = (image(fields)?, exclusion(fields)?);
    let rule = Flux2 { filter: None, policy: Some(Flux2Policy::Semver("*".into())), exclusion };
    Peer::from(rule.clone()).policy().map_err(|wrong| fields.invalid(&wrong))?;
    let (access, suspended) = (access(fields)?, fields.switched_on("spec.suspend")?);
    Ok(Scanned { image, exclusion: rule.exclusion, access, suspended })
}

fn image(fields: &Fields<'_, '_>) -> Result<Reference, Problem> {
    let Some(said) = fields.text("spec.image")? else {
        let node = fields.nearest_node("spec.image");
        return Err(fields.broken(Rule::InvalidImage, node, "`spec.image` is not written", "write the repository"));
    };
    let wrong = |reason: String, mend: &str| fields.broken(Rule::InvalidImage, said.node, &reason, mend);
    let image = Reference::parse(said.text)
        .map_err(|error| wrong(format!("`spec.image` is no repository: {error}"), "write it like `ghcr.io/org/app`"))?;
    if image.tag().is_some() || image.digest().is_some() {
        let mend = format!("write `{}`", image.name());
        return Err(wrong("`spec.image` is to name a repository alone".to_owned(), &mend));
    }
    Ok(image)
}

fn exclusion(fields: &Fields<'_, '_>) -> Result<Option<Box<[Box<str>]>>, Problem> {
    let path = "spec.exclusionList";
    let Some(list) = fields.get(path)? else { return Ok(None) };
    let wrong = |reason: String, mend: &str| Err(fields.broken(Rule::InvalidValue, list, &reason, mend));
    if list.kind() != Kind::Sequence {
        return wrong(format!("`{path}` is no list"), "write a list of regular expressions");
    }
    let count = list.items().count();
    if count > MOST_EXCLUSIONS {
        return wrong(format!("`{path}` has {count} items, and {MOST_EXCLUSIONS} are allowed"), "join some with `|`");
    }
    let item = |item: NodeRef<'_>| fields.text_at(path, item).map(|text| text.text.into());
    Ok(Some(list.items().map(item).collect::<Result<_, Problem>>()?))
}

fn access(fields: &Fields<'_, '_>) -> Result<Access, Problem> {
    let path = "spec.accessFrom.namespaceSelectors";
    fields.check_known("spec.accessFrom", &["namespaceSelectors"], true)?;
    let Some(list) = fields.get(path)? else { return Ok(Access::default()) };
    if list.kind() != Kind::Sequence {
        let reason = format!("`{path}` is no list");
        return Err(fields.broken(Rule::InvalidValue, list, &reason, "write a list of `matchLabels`"));
    }
    let selector = |item: NodeRef<'_>| {
        let item = item.resolved();
        let other = item.entries().map(|(key, _)| key).find(|key| key.text() != Some("matchLabels"));
        match (item.kind(), other) {
            (Kind::Mapping, None) => match item.get("matchLabels").filter(|labels| !labels.is_null()) {
                Some(labels) => Selector::of_labels(fields, path, labels),
                None => Ok(Selector::default()),
            },
            (_, other) => {
                let reason = format!("an item of `{path}` is no `matchLabels`");
                let mend = "write `- matchLabels: {…}`; empty ones let every namespace in";
                Err(fields.broken(Rule::InvalidValue, other.unwrap_or(item), &reason, mend))
            }
        }
    };
    Ok(Access { selectors: list.items().map(selector).collect::<Result<_, Problem>>()? })
}
