//! What Flux version 1 was told of the containers of a workload, in its own words.
//!
//! It hears its own prefixes and no other, and what nobody said of a container it takes for `glob:*`. Must not
//! know what is made of it here.

use crate::manifest::dialect::{Statement, Topic, Word};
use crate::manifest::subject::Subject;
use crate::manifest::workload::ContainerPolicy;
use crate::policy::peer::Flux;
use crate::policy::{Dialect, Peer};

/// What it was told of each container that something is asked for; nothing where nobody asked it to automate.
pub(super) fn peers(
    statements: &[Statement],
    subjects: &[Subject<'_>],
    policies: &[ContainerPolicy],
) -> Vec<Option<Peer>> {
    let said = || statements.iter().filter(|statement| statement.voice.dialect() == Dialect::Flux);
    let is_automated = said().any(Statement::automates);
    let peer = |(subject, policy): (&Subject<'_>, &ContainerPolicy)| {
        let name = subject.name.filter(|_| is_automated && *policy != ContainerPolicy::Unstated)?;
        let about = said().filter(|statement| {
            matches!(&statement.word,
                Word::Known { topic: Topic::Pattern(None), container: Some(container), .. } if container == name)
        });
        let pattern = about.min_by_key(|statement| statement.voice).and_then(|statement| statement.value.text.clone());
        Some(Peer::from(Flux { pattern }))
    };
    subjects.iter().zip(policies).map(peer).collect()
}

#[cfg(test)]
mod tests {
    use crate::manifest::{Terms, read};
    use crate::path::RepoPath;

    #[track_caller]
    fn check(kind: &str, annotations: &str, expected: &str) {
        let text = format!(
            "kind: {kind}\nmetadata: {{annotations: {{{annotations}}}}}\nspec: {{template: {{spec: {{containers: [{{name: a, image: 'a:1'}}, {{name: b, image: 'b:1'}}]}}}}}}\n"
        );
        let manifest = read(&RepoPath::parse("a.yaml").unwrap(), text.as_bytes(), Terms::builtin());
        let containers = manifest.workloads.iter().flat_map(|workload| &workload.containers);
        let told = containers.map(|container| match &container.peer {
            Some(peer) => format!("{} {}: {peer}", container.name, peer.name()),
            None => format!("{}: -", container.name),
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected, "{annotations}");
    }

    #[test]
    fn flux_hears_its_own_words() {
        let on = "fluxcd.io/automated: 'true'";
        check("Deployment", on, "a flux: glob:*, b flux: glob:*");
        check(
            "Deployment",
            &format!("{on}, filter.fluxcd.io/a: 'semver:~1', fluxcd.io/tag.b: 'regexp:^1'"),
            "a flux: semver:~1, b flux: regexp:^1",
        );
        // A word of ours that counts more is none to it.
        check(
            "Deployment",
            &format!("{on}, fluxcd.io/tag.a: '1*', landwaiter/tag.a: '2*', landwaiter/tag.b: '3*'"),
            "a flux: 1*, b flux: glob:*",
        );
        // What is wrong here is what it was told all the same.
        check("Deployment", &format!("{on}, fluxcd.io/tag.a: 'semver:~1.'"), "a flux: semver:~1., b flux: glob:*");
        check("Deployment", "landwaiter/automated: 'true', fluxcd.io/tag.a: '1*'", "a: -, b: -");
        check("Deployment", "fluxcd.io/automated: 'false', fluxcd.io/tag.a: '1*'", "a: -, b: -");
        // It does not follow the images of any other kind.
        check("Job", on, "a: -, b: -");
    }
}
