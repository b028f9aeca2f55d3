//! Answers as vendors document them, by name, and what is read out of them.

use url::Url;

use super::{Dates, Row, google};
use crate::image::Repository;

/// A tag with what is told of it: `tag pushed created digest`, `-` for what is not told.
fn shown(rows: &[Row]) -> Vec<String> {
    let row = |row: &Row| {
        let time = |time: Option<jiff::Timestamp>| time.map_or("-".to_owned(), |time| format!("{time:.0}"));
        let digest = row.digest.as_ref().map_or("-", |digest| &digest.as_str()[..11]);
        format!("{} {} {} {digest}", row.tag, time(row.pushed), time(row.created))
    };
    rows.iter().map(row).collect()
}

#[track_caller]
fn check(vendor: Dates, name: &str, expected: &[&str], is_last: bool) {
    let path = format!("{}/fixtures/registries/dates/{name}", env!("CARGO_MANIFEST_DIR"));
    let page = vendor.read(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        (shown(&page.rows), page.is_last),
        (expected.iter().map(ToString::to_string).collect(), is_last),
        "{name}"
    );
}

#[test]
fn docker_hub() {
    check(
        Dates::DockerHub,
        "docker-hub.json",
        &[
            "1.27.2 2026-01-12T09:30:11Z - sha256:aaaa",
            "1.27-alpine 2026-01-12T09:29:00Z - sha256:bbbb",
            "old 2015-03-01T00:00:00Z - -",
            "older - - -",
        ],
        false,
    );
    check(Dates::DockerHub, "docker-hub-last.json", &[], true);
}

#[test]
fn quay() {
    check(
        Dates::Quay,
        "quay.json",
        &["v1.4.0 2024-06-06T13:33:00Z - sha256:aaaa", "latest 2024-06-06T13:26:18Z - sha256:aaaa", "odd - - -"],
        false,
    );
    check(Dates::Quay, "quay-last.json", &["v0.1 2020-01-01T00:00:00Z - sha256:bbbb"], true);
}

#[test]
fn gitlab() {
    check(
        Dates::GitLab,
        "gitlab.json",
        &["1.1.0 2026-01-05T10:00:01Z - sha256:aaaa", "latest 2026-01-05T10:00:02Z - sha256:aaaa", "odd - - -"],
        true,
    );
}

#[test]
fn harbor() {
    check(
        Dates::Harbor,
        "harbor.json",
        &[
            "2.1.0 2026-01-05T10:00:01Z 2026-01-05T09:58:00Z sha256:aaaa",
            "stable 2026-01-09T08:00:00Z 2026-01-05T09:58:00Z sha256:aaaa",
            "2.0.0 2025-12-01T10:00:00Z - sha256:bbbb",
        ],
        true,
    );
}

#[test]
fn google_in_the_tag_list() {
    let path = format!("{}/fixtures/registries/dates/google.json", env!("CARGO_MANIFEST_DIR"));
    let listed: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let manifests: google::Manifests = serde_json::from_value(listed["manifest"].clone()).unwrap();
    assert_eq!(
        shown(&google::rows(&manifests)),
        [
            "1.2.0 2026-01-05T10:00:01Z 2026-01-05T09:58:00Z sha256:aaaa",
            "latest 2026-01-05T10:00:01Z 2026-01-05T09:58:00Z sha256:aaaa",
            "1.1.0 2025-12-01T10:00:00Z - sha256:bbbb",
        ]
    );
}

#[test]
fn what_is_no_answer_is_an_error() {
    for vendor in [Dates::DockerHub, Dates::Quay, Dates::GitLab, Dates::Harbor] {
        for body in ["", "<html>", "7", "\"x\"", "{\"results\": 7}", "[7]", "{\"tags\": {}}"] {
            let read = vendor.read(body.as_bytes());
            assert!(
                read.as_ref().is_err() || read.as_ref().is_ok_and(|page| page.rows.is_empty()),
                "{vendor:?} {body}"
            );
        }
    }
}

#[track_caller]
fn check_page(name: &str, set: Option<Dates>, expected: Option<&str>) {
    let repository = Repository::parse(name).unwrap();
    let registry = Url::parse(&format!("https://{}/v2/", repository.registry().api_host())).unwrap();
    let page = set.unwrap_or_else(|| Dates::usual(&repository)).page(&repository, &registry, 2);
    assert_eq!(page.map(String::from).as_deref(), expected, "{name}");
}

#[test]
fn gitlab_tells_its_latest_thousand_at_once() {
    let repository = Repository::parse("registry.gitlab.com/group/project/web").unwrap();
    let registry = Url::parse("https://registry.gitlab.com/v2/").unwrap();
    let page = Dates::usual(&repository).page(&repository, &registry, 1).map(String::from);
    let expected =
        "https://registry.gitlab.com/gitlab/v1/repositories/group/project/web/tags/list/?n=1000&sort=-published_at";
    assert_eq!(page.as_deref(), Some(expected));
}

#[test]
fn where_they_are_asked_for() {
    let hub = "https://hub.docker.com/v2/namespaces";
    let query = "page_size=100&page=2&ordering=last_updated";
    check_page("nginx", None, Some(&format!("{hub}/library/repositories/nginx/tags?{query}")));
    check_page("org/app", None, Some(&format!("{hub}/org/repositories/app/tags?{query}")));
    let quay = "api/v1/repository/team/app/tag/?onlyActiveTags=true&limit=100&page=2";
    check_page("quay.io/team/app", None, Some(&format!("https://quay.io/{quay}")));
    check_page("quay.example.com/team/app", Some(Dates::Quay), Some(&format!("https://quay.example.com/{quay}")));
    check_page(
        "harbor.example.com/shop/web/front",
        Some(Dates::Harbor),
        Some(
            "https://harbor.example.com/api/v2.0/projects/shop/repositories/web%252Ffront/artifacts?with_tag=true&\
             sort=-push_time&page_size=100&page=2",
        ),
    );
    check_page("registry.gitlab.com/group/app", None, None);
    check_page("harbor.example.com/alone", Some(Dates::Harbor), None);
    check_page("quay.io/team/app", Some(Dates::Nobody), None);
    check_page("ghcr.io/org/app", None, None);
}
