//! The alerts and the dashboard: read by Prometheus's own tool where it is installed, and about metrics that there are.

use std::collections::BTreeSet;

use landwaiter::metrics::{FAMILIES, Kind};
use serde_json::Value;

use super::{ask, output, text, yaml};

/// What else these speak of.
const NOT_OURS: [&str; 1] = ["landwaiter"];

#[test]
fn promtool_finds_nothing_wrong_and_each_alert_comes_when_it_should() {
    for args in
        [["check", "rules", "deploy/monitoring/rules.yaml"], ["test", "rules", "deploy/monitoring/rules-test.yaml"]]
    {
        if let Some(said) = ask("promtool", &args) {
            assert!(said.status.success(), "{}", output(&said));
        }
    }
    let rules = yaml(&text("deploy/monitoring/rules.yaml"));
    let tests = text("deploy/monitoring/rules-test.yaml");
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let alert = rule["alert"].as_str().unwrap();
        assert!(tests.matches(&format!("alertname: {alert}\n")).count() >= 1, "{alert} is not tested");
        assert!(tests.contains(&format!("alertname: {alert}}}")), "it is not tested that {alert} keeps still");
    }
}

#[test]
fn the_alerts_and_the_dashboard_speak_of_metrics_that_there_are() {
    let known = FAMILIES.iter().flat_map(|family| match family.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", family.name)).to_vec(),
        Kind::Counter | Kind::Gauge => vec![family.name.to_owned()],
    });
    let known: BTreeSet<_> = known.collect();
    let mut queries = Vec::new();
    let rules = yaml(&text("deploy/monitoring/rules.yaml"));
    queries.extend(rules["groups"][0]["rules"].as_array().unwrap().iter().map(|rule| said(&rule["expr"])));
    let dashboard: Value = serde_json::from_str(&text("deploy/monitoring/dashboard.json")).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        queries.extend(panel["targets"].as_array().into_iter().flatten().map(|target| said(&target["expr"])));
    }
    queries.extend(dashboard["templating"]["list"].as_array().unwrap().iter().map(|list| said(&list["query"])));
    assert!(queries.len() > 25, "{}", queries.len());
    for query in queries {
        let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let ours = words.filter(|word| word.starts_with("landwaiter") || word.starts_with("process_"));
        for word in ours.filter(|word| !NOT_OURS.contains(word)) {
            assert!(known.contains(word), "there is no {word}: {query}");
        }
    }
}

fn said(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
