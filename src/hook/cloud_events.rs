//! CloudEvents, one by one or many at once: of Harbor, Azure, ECR, zot, CDEvents, or with data in our generic form.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::names::Names;
use super::proof::Way;
use super::sender::{json, one_or_many, parsed};
use super::{Event, Head, Hint, Rejection, Source, acr, ecr, generic, harbor};

pub(super) const WAY: Way = Way::HEADER;
pub(super) const PROOF: &str = "the secret in Authorization (or X-Api-Key, X-Webhook-Secret), or at the end of the URL";

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    data: Value,
}

pub(super) fn event(source: &Source, head: &Head<'_>, body: &[u8]) -> Result<Event, Rejection> {
    let told: Vec<Told> = match (head.get("ce-type"), head.get("ce-source")) {
        // The binary form: what describes the event is in headers, and the body is its data.
        (Some(kind), from) => {
            vec![Told { kind: kind.to_owned(), source: from.unwrap_or_default().to_owned(), data: json(head, body)? }]
        }
        (None, _) => one_or_many(json(head, body)?)?,
    };
    let mut hint = Hint::default();
    let mut nothing = "no event";
    for told in told {
        match one(source, head, told)? {
            Event::News(Hint { repositories, pushes }) => {
                hint.repositories.extend(repositories);
                hint.pushes.extend(pushes);
            }
            Event::Nothing(why) => nothing = why,
            other => return Ok(other),
        }
    }
    Ok(if hint.is_empty() { Event::Nothing(nothing) } else { Event::News(hint) })
}

fn one(source: &Source, head: &Head<'_>, Told { kind, source: from, data }: Told) -> Result<Event, Rejection> {
    let again = |value: &Value| serde_json::to_vec(value).unwrap_or_default();
    let whole = || again(&serde_json::json!({"type": kind, "data": data}));
    if kind.starts_with("harbor.") {
        return harbor::event(source, head, &whole());
    }
    if kind.starts_with("Microsoft.") {
        return acr::event(source, head, &whole());
    }
    if kind.starts_with("com.amazon.ecr") || kind == "ECR Image Action" {
        return of_ecr(source, &from, &data);
    }
    if kind.starts_with("zotregistry.") {
        return of_zot(source, &kind, &data);
    }
    if kind.starts_with("dev.cdevents.") {
        return of_cdevents(source, &kind, &data);
    }
    generic::told(source, one_or_many(data)?)
}

/// An event of ECR, whole, or with its registry in the source: `arn:aws:ecr:<region>:<account>:repository/<name>`.
fn of_ecr(source: &Source, from: &str, data: &Value) -> Result<Event, Rejection> {
    if let Ok(told) = parsed::<ecr::Body>(data.to_string().as_bytes()) {
        return ecr::told(source, &told);
    }
    if data["action-type"].as_str().is_some_and(|action| action != "PUSH") {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let parts: Vec<_> = from.splitn(6, ':').collect();
    let [_, _, "ecr", region, account, repository] = parts[..] else { return Err(Rejection::no_repository(from)) };
    let name = repository.strip_prefix("repository/").unwrap_or(repository);
    let mut names = Names::new(source.images.as_ref());
    names.add(Some(&ecr::registry(account, region)), name).ok_or_else(|| Rejection::no_repository(from))?;
    names.event("nothing was pushed")
}

/// zot does not say by which name its images are pulled: `images` does.
fn of_zot(source: &Source, kind: &str, data: &Value) -> Result<Event, Rejection> {
    if kind != "zotregistry.image.updated" {
        return Ok(Event::Nothing("nothing was pushed"));
    }
    let name = data["name"].as_str().unwrap_or_default();
    let mut names = Names::new(source.images.as_ref());
    names.add(None, name).ok_or_else(|| Rejection::no_repository(name))?;
    names.event("nothing was pushed")
}

/// An artifact of CDEvents is named by a package URL: `pkg:oci/app@sha256:…?repository_url=ghcr.io/team/app`.
fn of_cdevents(source: &Source, kind: &str, data: &Value) -> Result<Event, Rejection> {
    if !(kind.starts_with("dev.cdevents.artifact.published.") || kind.starts_with("dev.cdevents.artifact.packaged.")) {
        return Ok(Event::Nothing("no artifact was published"));
    }
    let missing = || Rejection::Malformed("a CDEvent without `subject.id`".into());
    let id = data["subject"]["id"].as_str().ok_or_else(missing)?;
    let purl = Url::parse(id).ok().filter(|url| url.scheme() == "pkg" && url.path().starts_with("oci/"));
    let Some(purl) = purl else { return Ok(Event::Nothing("an artifact that is no image")) };
    let image = purl.query_pairs().find_map(|(name, value)| (name == "repository_url").then(|| value.into_owned()));
    let image = image.ok_or_else(|| Rejection::no_repository(id))?;
    let mut names = Names::new(source.images.as_ref());
    names.add_image(&image).ok_or_else(|| Rejection::no_repository(&image))?;
    names.event("no artifact was published")
}
