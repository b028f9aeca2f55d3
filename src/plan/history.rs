//! What our commit messages say, read back: which image of which workload became what, and why. The
//! counterpart of [`message`](super::message); who made a commit is known to its caller.

use std::collections::HashMap;

use super::message::{FILE, UPDATE, one_word};

/// One change as a commit message has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged<'a> {
    /// The file; empty in messages of old.
    pub file: &'a str,
    /// `namespace/Kind/name`.
    pub workload: &'a str,
    /// The container, or the alias of the image.
    pub container: &'a str,
    /// The repository, with its registry.
    pub repository: &'a str,
    /// The tag before; `None` when there was none.
    pub from: Option<&'a str>,
    /// The tag from then on.
    pub to: &'a str,
    /// The policy and why this tag was its best; empty when the message does not say.
    pub reason: &'a str,
}

/// The changes that a commit message lists, in its order; none when it is not one of ours.
#[must_use]
pub fn logged(message: &str) -> Vec<Logged<'_>> {
    // Trailers are the last paragraph, and nothing above them counts as one.
    let body = message.trim_end();
    let trailers = body.rsplit_once("\n\n").map_or("", |(_, trailers)| trailers);
    let mut file = "";
    let mut changes = Vec::new();
    for line in trailers.lines() {
        if let Some(path) = line.strip_prefix(FILE) {
            file = path;
        } else if let Some(update) = line.strip_prefix(UPDATE)
            && let [workload, container, repository, from, to] = update.split(' ').collect::<Vec<_>>()[..]
        {
            let from = Some(from).filter(|from| *from != "-");
            changes.push(Logged { file, workload, container, repository, from, to, reason: "" });
        }
    }
    if changes.is_empty() {
        return changes;
    }
    let reasons = reasons(body);
    for change in &mut changes {
        let key = (change.workload.to_owned(), change.container.to_owned(), change.to);
        change.reason = reasons.get(&key).copied().unwrap_or_default();
    }
    changes
}

/// The reasons in a message, by workload, container and new tag.
fn reasons(body: &str) -> HashMap<(String, String, &str), &str> {
    let mut reasons = HashMap::new();
    let (mut workload, mut container, mut tag) = (String::new(), String::new(), None);
    for line in body.lines() {
        let text = line.trim_start();
        match line.len() - text.len() {
            0 => {
                workload = text.rsplit_once(" (").map_or_else(String::new, |(workload, _)| workload.to_owned());
                (container, tag) = (String::new(), None);
            }
            2 => container = text.split_once(": ").map_or_else(String::new, |(name, _)| one_word(name)),
            4 if tag.is_none() => tag = text.rsplit_once(" -> ").map(|(_, to)| to),
            4 => {
                if let Some(to) = tag.take() {
                    reasons.insert((workload.clone(), container.clone(), to), text);
                }
            }
            _ => {}
        }
    }
    reasons
}

impl Logged<'_> {
    /// Whether this is the workload that somebody means: `namespace/Kind/name`, or the end of it.
    #[must_use]
    pub fn is_of(&self, workload: &str) -> bool {
        is_end(self.workload, workload)
    }

    /// Whether this is the image that somebody means: a repository, or the end of it.
    #[must_use]
    pub fn has_image(&self, image: &str) -> bool {
        is_end(self.repository, image)
    }
}

fn is_end(path: &str, end: &str) -> bool {
    let end = end.trim_start_matches('/');
    path.strip_suffix(end).is_some_and(|rest| !end.is_empty() && (rest.is_empty() || rest.ends_with('/')))
}

#[cfg(test)]
mod tests {
    use super::logged;

    const MESSAGE: &str = "\
Update 2 images in 2 workloads

ns/Pod/a (a.yaml:6)
  c: ghcr.io/org/app
    1.0 -> 1.2
    semver:1: highest version of 2 matching tags

ns/Pod/b (b/b.yaml:6)
  c d: x
    (no tag) -> 1.3
    semver:1: highest version of 2 matching tags; 1.4 was first seen 3 h ago

Landwaiter-File: a.yaml
Landwaiter-Update: ns/Pod/a c ghcr.io/org/app 1.0 1.2
Landwaiter-File: b/b.yaml
Landwaiter-Update: ns/Pod/b c_d docker.io/library/x - 1.3
";

    #[test]
    fn what_we_wrote_is_read_back() {
        let changes = logged(MESSAGE);
        let shown: Vec<_> = changes
            .iter()
            .map(|c| {
                format!(
                    "{} {} {} {} {:?} {} | {}",
                    c.file, c.workload, c.container, c.repository, c.from, c.to, c.reason
                )
            })
            .collect();
        let first =
            "a.yaml ns/Pod/a c ghcr.io/org/app Some(\"1.0\") 1.2 | semver:1: highest version of 2 matching tags";
        let second = "b/b.yaml ns/Pod/b c_d docker.io/library/x None 1.3 | semver:1: highest version of 2 matching tags; \
                      1.4 was first seen 3 h ago";
        assert_eq!(shown, [first, second]);
    }

    #[test]
    fn messages_of_others_say_nothing() {
        for message in [
            "",
            "Landwaiter-Update: ns/Pod/a c x 1 2",
            "Fix it\n\nLandwaiter-Update: ns/Pod/a c x 1 2\n\nSigned-off-by: Ada",
            "Fix it\n\nLandwaiter-Update: ns/Pod/a c x 1",
            "Fix it\n\nLandwaiter-Update: ns/Pod/a c x 1 2 3 4 5 6 7",
            "Revert \"Update x to 2\"\n\nThis reverts commit 0123.",
        ] {
            assert!(logged(message).is_empty(), "{message}");
        }
        let bare = logged("Update x to 2\n\nLandwaiter-Update: ns/Pod/a c x 1 2");
        assert_eq!((bare[0].file, bare[0].reason), ("", ""));
    }

    #[test]
    fn people_name_the_end_of_what_they_mean() {
        let changes = logged(MESSAGE);
        for (workload, expected) in [
            ("ns/Pod/a", true),
            ("Pod/a", true),
            ("a", true),
            ("/a", true),
            ("", false),
            ("d/a", false),
            ("ns/Pod", false),
        ] {
            assert_eq!(changes[0].is_of(workload), expected, "{workload}");
        }
        assert!(changes[0].has_image("org/app") && !changes[0].has_image("pp") && changes[1].has_image("x"));
    }
}
