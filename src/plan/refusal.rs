//! What people took back. Git is the memory: our own commits say what we set, and the file says
//! what stands there now. Where the two differ, a person decided, and we never fight a person.

use std::collections::HashMap;

use super::message::{Trailer, trailers};
use crate::image::Tag;
use crate::path::RepoPath;

/// The updates that our own commits made, per place, newest first.
#[derive(Debug, Default, Clone)]
pub struct Refusals {
    ours: HashMap<Key, Vec<Ours>>,
}

/// A container in a file. The file belongs to it: the same workload may stand once per environment.
type Key = (String, String, String);

#[derive(Debug, Clone)]
struct Ours {
    old: String,
    new: String,
    commit: String,
}

impl Refusals {
    /// Reads commits, newest first, given as id and message. Commits of others say nothing here.
    pub fn read<'a>(history: impl IntoIterator<Item = (String, &'a str)>) -> Self {
        let mut ours = HashMap::<_, Vec<_>>::new();
        for (commit, message) in history {
            for Trailer { file, workload, container, old, new, .. } in trailers(message) {
                let entry = Ours { old, new, commit: commit.clone() };
                ours.entry((file, workload, container)).or_default().push(entry);
            }
        }
        Self { ours }
    }

    /// The commit that had set `proposed`, if somebody moved the container away from it since.
    ///
    /// Our updates are walked back from the newest to the one that led to `current` or started
    /// there; whatever we set on that way was taken back.
    #[must_use]
    pub fn refusal_of(
        &self,
        file: &RepoPath,
        workload: &str,
        container: &str,
        current: Option<&Tag>,
        proposed: &Tag,
    ) -> Option<&str> {
        let current = current.map_or("-", Tag::as_str);
        let key = (file.to_string(), workload.to_owned(), container.to_owned());
        for ours in self.ours.get(&key)? {
            if ours.new == current {
                return None;
            }
            if ours.new == proposed.as_str() {
                return Some(&ours.commit);
            }
            if ours.old == current {
                return None;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::image::Tag;
    use crate::path::RepoPath;

    /// History as `old>new` pairs, newest first.
    #[track_caller]
    fn check(history: &[&str], current: &str, proposed: &str, refused: bool) {
        let messages: Vec<_> = history
            .iter()
            .map(|step| {
                let (old, new) = step.split_once('>').unwrap();
                format!("x\n\nLandwaiter-File: a.yaml\nLandwaiter-Update: -/Pod/a c docker.io/library/a {old} {new}\n")
            })
            .collect();
        let refusals = Refusals::read(messages.iter().map(|message| ("c0ffee".to_owned(), message.as_str())));
        let tag = |text| Tag::parse(text).unwrap();
        let file = RepoPath::parse("a.yaml").unwrap();
        let found = refusals.refusal_of(&file, "-/Pod/a", "c", Some(&tag(current)), &tag(proposed));
        assert_eq!(found.is_some(), refused, "{history:?} at {current}, proposing {proposed}");
    }

    #[test]
    fn a_person_who_moves_back_is_respected() {
        check(&["1>2"], "1", "2", true);
        check(&["2>3", "1>2"], "1", "3", true);
        check(&["2>3", "1>2"], "1", "2", true);
        check(&["2>3", "1>2"], "2", "3", true);
    }

    #[test]
    fn a_newer_tag_lifts_the_hold() {
        check(&["1>2"], "1", "3", false);
    }

    #[test]
    fn our_own_state_is_no_refusal() {
        check(&["1>2"], "2", "3", false);
        check(&["2>3", "1>2"], "3", "2", false);
        check(&[], "1", "2", false);
        check(&["2>3", "1>2"], "2", "2", false);
    }

    #[test]
    fn another_file_is_another_place() {
        let message = "x\n\nLandwaiter-File: staging/a.yaml\nLandwaiter-Update: -/Pod/a c docker.io/library/a 1 2\n";
        let refusals = Refusals::read([("c0ffee".to_owned(), message)]);
        let (one, two) = (Tag::parse("1").unwrap(), Tag::parse("2").unwrap());
        let refused = |file| {
            let file = RepoPath::parse(file).unwrap();
            refusals.refusal_of(&file, "-/Pod/a", "c", Some(&one), &two).is_some()
        };
        assert!(refused("staging/a.yaml"));
        assert!(!refused("production/a.yaml"));
    }
}
