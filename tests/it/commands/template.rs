//! What commits would say, before there is one.

use super::{TAGS, shop};

#[test]
fn samples_show_what_a_template_makes_of_them() {
    let checkout = shop();
    let ran = checkout.run(&["template"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for part in [
        "A sample, one update:\n\n    Update web to 1.4.2\n\n    shop/Deployment/web (apps/web.yaml:21)\n",
        "A sample, an image that had no tag, in no namespace:\n\n    Update report to 2.0.0\n",
        "A sample, many updates:\n\n    Update 5 images in 4 workloads\n",
        "\n    Landwaiter-Update: -/CronJob/report report docker.io/library/report - 2.0.0\n",
    ] {
        assert!(ran.stdout.contains(part), "{part:?} is missing in:\n{}", ran.stdout);
    }
    std::fs::write(checkout.path().join("t"), "{{ repository }}@{{ branch }}: {{ updates|length }} {{ group }}")
        .unwrap();
    let args = ["template", "t", "--output", "json", "--commit-skip-ci", "--commit-sign-off", "--git-branch", "blue"];
    let ran = checkout.run(&[&args[..], &["--git-url", "git@example.com:team/fleet.git"]].concat());
    let commits = ran.json()["commits"].as_array().unwrap().clone();
    let first = |at: usize| commits[at]["message"].as_str().unwrap().lines().next().unwrap().to_owned();
    assert_eq!(first(0), "team/fleet@blue: 1 none [skip ci]");
    assert_eq!(first(1), "team/fleet@blue: 1 apps/report.yaml [skip ci]");
    assert_eq!(commits[1]["group"], "apps/report.yaml");
    assert_eq!(commits[2]["sample"], "many updates");
    let last = commits[2]["message"].as_str().unwrap().lines().last().unwrap().to_owned();
    assert_eq!(last, "Signed-off-by: Landwaiter <landwaiter@localhost>");
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let checkout = shop();
    std::fs::write(checkout.path().join("t"), "Deploy\n{{ updates[0].shortname }}").unwrap();
    for more in [&[][..], &["--dir", "."], &["--output", "json"]] {
        let ran = checkout.run(&[&["template", "t"], more].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.stderr.contains("t:2:11: there is no `updates[0].shortname`; did you mean `short_name`?"),
            "{ran:?}"
        );
    }
    let ran = checkout.run(&["template", "none"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("cannot read the commit template none"), "{ran:?}");
}

#[test]
fn the_next_commits_of_a_checkout() {
    let checkout = shop();
    std::fs::write(checkout.path().join("tags.json"), TAGS).unwrap();
    let planned = checkout.run(&["plan", "--tags", "tags.json", "--output", "json"]).json();
    let updates = planned["updates"].as_array().unwrap().len();
    let of_checkout = ["template", "--dir", ".", "--tags", "tags.json"];
    let ran = checkout.run(&of_checkout);
    assert!(ran.code == 0 && ran.stdout.starts_with("The next commit:\n\n    Update "), "{ran:?}");
    assert_eq!(ran.stdout.matches("\n    Landwaiter-Update: ").count(), updates, "{}", ran.stdout);

    let ran = checkout.run(&[&of_checkout[..], &["--commit-grouping", "image"]].concat());
    assert!(ran.stdout.starts_with("Commit 1 of 1, ghcr.io/shop/web:\n"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("\n    Landwaiter-Update: ").count(), updates, "{}", ran.stdout);

    std::fs::write(checkout.path().join("tags.json"), "{}").unwrap();
    let ran = checkout.run(&of_checkout);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Nothing would be committed.\n"), "{ran:?}");
    assert_eq!(checkout.run(&["template", "--tags", "tags.json"]).code, 2, "whose tags?");
}
