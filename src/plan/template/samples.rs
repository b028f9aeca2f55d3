//! Updates that a template is tried on, and that people are shown: one and many, with and without a tag before.

use crate::plan::message::Row;

/// Updates that might share a commit.
pub(in crate::plan) struct Sample {
    /// What it is a sample of.
    pub(in crate::plan) name: &'static str,
    /// What the commit is about, where it is one of several.
    pub(in crate::plan) group: Option<&'static str>,
    /// The updates.
    pub(in crate::plan) rows: Vec<Row>,
}

/// One update; one of an image that had no tag, in no namespace; and many.
pub(in crate::plan) fn samples() -> Vec<Sample> {
    let web = || {
        let (image, from, to) = ("ghcr.io/org/web", Some("1.4.1"), "1.4.2");
        row("apps/web.yaml", 21, ["shop", "Deployment", "web"], "web", image, from, to)
    };
    let cron = || row("apps/report.yaml", 14, ["-", "CronJob", "report"], "report", "report", None, "2.0.0");
    let (mut migrate, mut blue) = (web(), web());
    (migrate.line, migrate.container) = (17, "migrate".to_owned());
    (blue.file, blue.namespace) = ("clusters/blue/web.yaml".to_owned(), Some("blue".to_owned()));
    blue.workload = blue.workload.replace("shop/", "blue/");
    let db = "quay.io/org/db";
    let db = row("clusters/blue/db.yaml", 30, ["blue", "StatefulSet", "db"], "db", db, Some("16.1"), "16.3");
    vec![
        Sample { name: "one update", group: None, rows: vec![web()] },
        Sample {
            name: "an image that had no tag, in no namespace",
            group: Some("apps/report.yaml"),
            rows: vec![cron()],
        },
        Sample { name: "many updates", group: None, rows: vec![cron(), migrate, web(), db, blue] },
    ]
}

fn row(
    file: &str,
    line: usize,
    [namespace, kind, name]: [&str; 3],
    container: &str,
    image: &str,
    from: Option<&str>,
    to: &str,
) -> Row {
    let repository = if image.contains('/') { image.to_owned() } else { format!("docker.io/library/{image}") };
    Row {
        file: file.to_owned(),
        line,
        workload: format!("{namespace}/{kind}/{name}"),
        namespace: Some(namespace.to_owned()).filter(|namespace| namespace != "-"),
        kind: kind.to_owned(),
        name: name.to_owned(),
        container: container.to_owned(),
        image: image.to_owned(),
        short_name: image.rsplit('/').next().unwrap_or(image).to_owned(),
        repository,
        from: from.map(str::to_owned),
        to: to.to_owned(),
        policy: "semver:*".to_owned(),
        reason: "highest version of 12 matching tags".to_owned(),
    }
}
