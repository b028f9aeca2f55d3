//! What files say to Flux beyond images: which variable of ours says the same, and why the rest needs none.

use super::{Environment, relative};
use crate::manifest::Setting;

/// Why a field has no equivalent, by the end of its path.
const REASONS: [(&str, &str); 12] = [
    ("sourceRef.name", "set LANDWAITER_GIT_URL to the address of that GitRepository"),
    ("gitRepositoryRef.name", "set LANDWAITER_GIT_URL to the address of that GitRepository"),
    ("ref.tag", "a branch is read, and nothing else"),
    ("ref.semver", "a branch is read, and nothing else"),
    ("ref.name", "a branch is read, and nothing else"),
    ("ref.commit", "a branch is read, and nothing else"),
    (
        "messageTemplate",
        "its language is another one: say the same in a template for LANDWAITER_COMMIT_TEMPLATE, or leave it: the default names every change with its reason",
    ),
    ("messageTemplateValues", "write them into the template itself"),
    ("signingKey.secretRef.name", "mount that Secret, and name the file of the key with LANDWAITER_GIT_SIGNING_KEY"),
    ("push.branch", "commits go to the branch that is read; other branches and pull requests come later"),
    ("push.refspec", "commits go to the branch that is read; other branches and pull requests come later"),
    ("push.options", "there are no options for a push yet"),
];

pub(super) fn add(environment: &mut Environment, settings: &[Setting]) {
    for Setting { owner, key, value, place, option } in settings {
        let what = format!("{key} of {owner}");
        let reason = REASONS.iter().find(|(end, _)| key.ends_with(end)).map(|(_, why)| *why);
        match (option, reason) {
            (Some("--git-path"), _) => {
                let folder = relative(value);
                if !folder.is_empty() {
                    environment.set("--git-path", folder, (what, place.clone()), None);
                }
            }
            (Some(option), None) => environment.set(option, value.to_string(), (what, place.clone()), None),
            (_, Some(why)) => environment.leave(&what, value, place, why),
            (None, None) if &**owner == ".flux.yaml" => {
                environment.leave(
                    &what,
                    value,
                    place,
                    "no commands are run, and no patches are written: files are changed as they are",
                );
            }
            (None, None) => environment.leave(&what, value, place, "there is no option for it"),
        }
    }
}
