//! `explain`, and the help of every command.

use std::fs;

use crate::binary::landwaiter;
use crate::binary::run;
use clap::CommandFactory as _;
use landwaiter::cli::Cli;
use serde_json::json;
use tempfile::TempDir;

#[test]
fn explain_gives_every_tag_a_verdict() {
    let home = TempDir::new().unwrap();
    let explain = |args: &[&str]| run(&mut landwaiter(home.path(), [&["explain", "--output", "json"], args].concat()));
    let ran = explain(&["--policy", "semver:~1.2", "--current", "1.2.0", "1.2.0", "1.2.7", "1.3.0", "latest"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let answer = ran.json();
    assert_eq!((&answer["decision"]["kind"], &answer["decision"]["tag"]), (&json!("update"), &json!("1.2.7")));
    let verdicts: Vec<_> =
        answer["candidates"].as_array().unwrap().iter().map(|c| (&c["tag"], &c["verdict"])).collect();
    assert_eq!(verdicts[0], (&json!("1.2.7"), &json!("selected")));
    assert_eq!(verdicts[1], (&json!("1.2.0"), &json!("accepted")));
    assert_eq!(verdicts.len(), 4);
    let reasons = answer["candidates"].as_array().unwrap().iter().map(|c| c["reason"].as_str().unwrap());
    assert!(reasons.clone().all(|reason| !reason.is_empty()), "{answer:#}");

    let hold = explain(&["--policy", "semver:~1.2", "--current", "1.2.7", "1.2.7"]).json();
    assert_eq!((&hold["decision"]["kind"], &hold["decision"]["hold"]), (&json!("hold"), &json!("up-to-date")));

    let numeric = ["--policy", r"regex:^b-(?P<n>\d+)$", "--order", "numeric", "--extract", "${n}", "b-9", "b-10", "x"];
    assert_eq!(explain(&numeric).json()["decision"]["tag"], "b-10");

    let newest = ["--policy", "glob:m-*", "--current", "m-a=", "m-b"];
    assert_eq!(explain(&newest).code, 2, "a current tag is a tag");
    let newest = ["--policy", "glob:m-*", "--current", "m-a", "m-a=2026-01-01T00:00:00Z", "m-b=2026-01-02T00:00:00Z"];
    assert_eq!(explain(&newest).json()["decision"]["tag"], "m-b");

    let date = ["--policy", "semver:*", "20240101", "1.2.3"];
    assert_eq!(explain(&date).json()["decision"]["tag"], "1.2.3");
    let flux = ["--policy", "semver:*", "--dialect", "flux", "20240101", "1.2.3"];
    assert_eq!(explain(&flux).json()["decision"]["tag"], "20240101");

    fs::write(
        home.path().join("tags.json"),
        r#"["1.0", {"tag": "1.1", "first_seen": "2026-01-01T00:00:00Z"},
            {"tag": "1.2", "first_seen": "2026-01-01T00:00:00Z", "pushed": "2026-01-08T00:00:00Z"}]"#,
    )
    .unwrap();
    let soak = |now: &str| {
        let soak = ["--policy", "semver:1", "--min-age", "7d", "--current", "1.0", "--tags", "tags.json", "--now", now];
        explain(&soak).json()
    };
    assert_eq!(soak("2026-01-15T00:00:00Z")["decision"]["tag"], "1.2");
    let early = soak("2026-01-14T23:59:59Z");
    assert_eq!(early["decision"]["tag"], "1.1");
    let waits = early["candidates"].as_array().unwrap().iter().find(|candidate| candidate["tag"] == "1.2").unwrap();
    assert_eq!(
        waits["reason"],
        "too young: was pushed 2026-01-08T00:00:00Z, and with min-age 7d may be taken from 2026-01-15T00:00:00Z"
    );
    let soon = soak("2026-01-02T00:00:00Z");
    assert_eq!(soon["decision"]["hold"], "too-young", "{soon:#}");
    assert_eq!(explain(&["--policy", "semver:1", "--min-age", "7", "1.0"]).code, 1);

    let invalid = explain(&["--policy", "semver:~1.", "1.0"]);
    assert_eq!((invalid.code, invalid.stdout.as_str()), (1, ""));
    assert!(invalid.stderr.contains("~1."), "{}", invalid.stderr);
    assert_eq!(explain(&["--policy", "semver:~1"]).code, 2);
}

#[test]
fn every_command_explains_itself() {
    let home = TempDir::new().unwrap();
    for command in
        ["run", "plan", "list", "lint", "explain", "tags", "doctor", "identity", "history", "demo", "status", "sync"]
    {
        let ran = run(&mut landwaiter(home.path(), [command, "--help"]));
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("Examples:"), "{command} has no examples");
    }
    let cli = Cli::command();
    for command in cli.get_subcommands() {
        let options = command.get_arguments().filter(|option| option.get_long().is_some());
        for option in options.filter(|option| !["help", "version"].contains(&option.get_id().as_str())) {
            let variable = option.get_env().and_then(|variable| variable.to_str()).unwrap_or_default();
            assert!(variable.starts_with("LANDWAITER_"), "{} {} has no variable", command.get_name(), option.get_id());
        }
    }
    assert_eq!(run(&mut landwaiter(home.path(), ["plan", "--no-such-option"])).code, 2);
    assert_eq!(run(&mut landwaiter(home.path(), ["run", "--git-url", "ftp://git@example.com/x"])).code, 2);
    assert_eq!(run(&mut landwaiter(home.path(), ["run", "--git-url", "/x", "--git-poll-interval", "10ms"])).code, 2);
}
