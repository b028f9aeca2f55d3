//! A policy as annotations and comments of ours. Must not know whose words they take the place of.

use crate::image::{Reference, Tag};
use crate::manifest::{Automation, Lock};
use crate::policy::{NotNative, Policy};

/// What native annotations begin with.
pub(super) const PREFIX: &str = "landwaiter/";

/// The annotations that say this policy of one container: key and value.
pub(super) fn of_container(
    policy: &Policy,
    current: Option<&Tag>,
    container: &str,
) -> Result<Vec<(String, String)>, NotNative> {
    let words = policy.native_words(current)?.into_iter();
    Ok(words.map(|(word, value)| (key(word, Some(container)), value)).collect())
}

/// The annotations that say this policy of all containers.
pub(super) fn of_all(policy: &Policy, current: Option<&Tag>) -> Result<Vec<(String, String)>, NotNative> {
    let words = policy.native_words(current)?.into_iter();
    Ok(words
        .map(|(word, value)| match value.split_once(':').filter(|_| word == "tag") {
            Some((kind, body)) => (format!("{PREFIX}tag-{kind}"), body.to_owned()),
            None => (key(word, None), value),
        })
        .collect())
}

/// The key of a word, for one container where it can be said of one.
pub(super) fn key(word: &str, container: Option<&str>) -> String {
    match container.filter(|_| word != "allow-downgrade") {
        Some(container) => format!("{PREFIX}{word}.{container}"),
        None => format!("{PREFIX}{word}"),
    }
}

/// What a comment says that marks a value with this policy, behind `# `; `image` is the repository where
/// the value does not say it.
pub(super) fn comment(
    policy: &Policy,
    current: Option<&Tag>,
    automation: &Automation,
    image: Option<&Reference>,
) -> Result<String, String> {
    let mut words = policy.native_words(current).map_err(|error| error.to_string())?;
    let pattern = words.iter().position(|(word, _)| *word == "tag").map(|at| words.remove(at).1);
    let mut parts: Vec<String> = pattern.into_iter().collect();
    // A marker begins with a pattern or a word.
    if parts.is_empty() && words.is_empty() {
        parts.push("automated=true".to_owned());
    }
    for (word, value) in words {
        parts.push(format!("{word}={}", quoted(&value)?));
    }
    if let Automation::Locked(Lock { by, reason, until }) = automation {
        parts.push("locked=true".to_owned());
        let until = until.map(|until| until.to_string());
        for (word, value) in
            [("locked-by", by.as_ref()), ("locked-reason", reason.as_ref()), ("locked-until", until.as_ref())]
        {
            if let Some(value) = value {
                parts.push(format!("{word}={}", quoted(value)?));
            }
        }
    }
    parts.extend(image.map(|image| format!("image={}", image.name())));
    Ok(format!("landwaiter: {}", parts.join(" ")))
}

/// A value as it stands in a comment, in quotes where it holds blanks.
fn quoted(value: &str) -> Result<String, String> {
    if value.contains(char::is_control)
        || (value.contains('"') && value.contains([' ', '\t']))
        || value.starts_with('"')
    {
        return Err(format!("`{value}` cannot stand in a comment"));
    }
    Ok(if value.is_empty() || value.contains([' ', '\t']) { format!("\"{value}\"") } else { value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{comment, of_all, of_container};
    use crate::image::Reference;
    use crate::manifest::{Automation, Lock};
    use crate::policy::{Dialect, Exclude, Order, Pattern, Policy};

    fn policy(pattern: &str) -> Policy {
        Policy::builder(Pattern::parse(pattern, Dialect::Flux2).unwrap()).build().unwrap()
    }

    #[test]
    fn annotations_for_one_and_for_all() {
        let one = of_container(&policy("semver:~1"), None, "app").unwrap();
        assert_eq!(
            one,
            [("landwaiter/tag.app".into(), "semver:~1".into()), ("landwaiter/versions.app".into(), "full".into())]
        );
        let all = of_all(&policy("regex:^a$"), None).unwrap();
        assert_eq!(all, [("landwaiter/tag-regex".to_owned(), "a".to_owned())]);
        let family = Policy::builder(Pattern::family(Dialect::Flux)).build().unwrap();
        assert_eq!(of_all(&family, None).unwrap(), []);
    }

    #[test]
    fn comments() {
        let image = Reference::parse("ghcr.io/a/b:1").unwrap();
        let say = |policy: &Policy, automation: &Automation| comment(policy, None, automation, Some(&image)).unwrap();
        let flux = policy("semver:>=1.0 <2.0");
        assert_eq!(say(&flux, &Automation::On), "landwaiter: semver:>=1.0 <2.0 versions=full image=ghcr.io/a/b");
        let lock = Lock { reason: Some("the talk".into()), ..Lock::default() };
        assert_eq!(
            say(&flux, &Automation::Locked(lock)),
            "landwaiter: semver:>=1.0 <2.0 versions=full locked=true locked-reason=\"the talk\" image=ghcr.io/a/b"
        );
        let glob = Policy::builder(Pattern::parse("glob:a-*", Dialect::Native).unwrap());
        let glob = glob.order(Order::parse("alphabetical desc").unwrap()).exclude(Exclude::parse("a-b,a-c").unwrap());
        assert_eq!(
            comment(&glob.build().unwrap(), None, &Automation::On, None).unwrap(),
            "landwaiter: glob:a-* order=\"alphabetical desc\" exclude=a-b,a-c"
        );
        let family = Policy::builder(Pattern::family(Dialect::Flux)).build().unwrap();
        assert_eq!(comment(&family, None, &Automation::On, None).unwrap(), "landwaiter: automated=true");
        let lock = Lock { reason: Some("a \"b\" c".into()), ..Lock::default() };
        assert_eq!(
            comment(&flux, None, &Automation::Locked(lock), None).unwrap_err(),
            "`a \"b\" c` cannot stand in a comment"
        );
    }
}
