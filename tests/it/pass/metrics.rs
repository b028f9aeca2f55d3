//! What can be scraped after real passes: each number moves when what it counts happens.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use jiff::Timestamp;
use landwaiter::metrics::{FAMILIES, Kind};

use super::listen::Listening;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{landwaiter, run, wait_until};
use crate::git_server::git;
use crate::registry_server::{Act, Server, say};

const SECRET: &str = "hunter2-hunter2-hunter2";

/// Series by how they are written.
#[derive(Debug, Default)]
struct Scrape {
    series: BTreeMap<String, f64>,
    text: String,
}

impl Scrape {
    fn of(daemon: &Listening) -> Self {
        let (status, text) = daemon.get("/metrics");
        assert_eq!(status, 200, "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        };
        let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).map(line).collect();
        let count = series.len();
        let series: BTreeMap<_, _> = series.into_iter().collect();
        assert_eq!(series.len(), count, "a series stands there twice:\n{text}");
        Self { series, text }
    }

    /// What a series says; nothing where it is not there.
    fn get(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }

    /// Whether each series says this, or more where it is given with `+`.
    fn says(&self, wanted: &[(&str, &str)]) -> bool {
        wanted.iter().all(|(series, value)| match (self.get(series), value.strip_suffix('+')) {
            (found, _) if *value == "-" => found.is_none(),
            (Some(found), Some(least)) => found >= least.parse().unwrap(),
            (Some(found), None) => (found - value.parse::<f64>().unwrap()).abs() < 1e-9,
            (None, _) => false,
        })
    }

    /// The metrics that are there, each with the names of its labels.
    fn families(&self) -> BTreeSet<(String, Vec<String>)> {
        let family = |series: &String| {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let labels =
                labels.split("\",").filter_map(|label| label.split_once('=')).map(|(label, _)| label.to_owned());
            (name.to_owned(), labels.filter(|label| label != "le").collect())
        };
        self.series.keys().map(family).collect()
    }
}

/// The daemon over one repository that works and one that is not there.
fn start(scene: &Scene) -> Listening {
    let home = scene.home();
    std::fs::write(home.join("secret"), SECRET).unwrap();
    let (shop, lost) = (scene.server.url("config.git"), scene.server.url("nowhere.git"));
    let config = format!(
        "repositories:\n- {{url: \"{shop}\", name: shop}}\n- {{url: \"{lost}\", name: lost}}\n\
         hooks:\n- {{name: script, sender: generic, secret: {{file: secret}}}}\n"
    );
    std::fs::write(home.join("landwaiter.yaml"), config).unwrap();
    let fixed = ["run", "--config", "landwaiter.yaml", "--data-dir", "data"];
    let often = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s", "--settle", "0s"];
    Listening::run(home, fixed.into_iter().chain(often).map(str::to_owned).collect())
}

/// Waits until all of this is said.
#[track_caller]
fn says(daemon: &Listening, wanted: &[(&str, &str)]) -> Scrape {
    let look = || {
        let scrape = Scrape::of(daemon);
        scrape.says(wanted).then_some(scrape)
    };
    let missing = || {
        let scrape = Scrape::of(daemon);
        let missing: Vec<_> = wanted.iter().filter(|row| !scrape.says(&[**row])).collect();
        format!("{missing:?}\n{}\n{}", scrape.text, daemon.daemon.log())
    };
    wait_until("numbers", look, missing)
}

#[test]
fn numbers_are_for_everybody_or_for_whoever_shows_the_token() {
    let scene = Scene::new(&[("README.md", "hello\n")]);
    std::fs::write(scene.home().join("scraper"), "the-token-of-a-scraper\n").unwrap();
    std::fs::write(scene.home().join("operator"), "the-token-of-an-operator\n").unwrap();
    let status = |daemon: &Listening, path: &str, token: &str| daemon.get_as(path, token).0.as_u16();
    let open = Listening::at("0.0.0.0:0", &scene, &["--api-token", "operator"]);
    assert_eq!(open.get("/metrics").0, 200);
    drop(open);

    let args = ["--api-token", "operator", "--metrics-token", "scraper"];
    let closed = Listening::at("0.0.0.0:0", &scene, &args);
    let (refused, told) = closed.get("/metrics");
    assert!(refused == 401 && told.contains("that of --metrics-token FILE: `Authorization: Bearer TOKEN`"), "{told}");
    for (path, token, expected) in [
        ("/metrics", "the-token-of-a-scraper", 200),
        ("/metrics", "the-token-of-an-operator", 401),
        ("/api/v1/status", "the-token-of-an-operator", 200),
        ("/api/v1/status", "the-token-of-a-scraper", 401),
        ("/livez", "", 200),
    ] {
        assert_eq!(status(&closed, path, token), expected, "{path} {token}");
    }
    // A file that vanishes opens nothing and closes nothing.
    std::fs::remove_file(scene.home().join("scraper")).unwrap();
    assert_eq!(closed.get("/metrics").0, 401);
    assert_eq!(status(&closed, "/metrics", "the-token-of-a-scraper"), 200);
    closed.daemon.wait_for_log("the last good content is still in use");
    drop(closed);
    let ran =
        run(&mut landwaiter(scene.home(), scene.args(&["--listen", "127.0.0.1:0", "--metrics-token", "scraper"])));
    assert!(ran.code == 2 && ran.stderr.contains("--metrics-token: the token in scraper cannot be read"), "{ran:?}");
}

fn follower(host: SocketAddr, name: &str, more: &[&str]) -> String {
    deployment(name, &[&SEMVER, more].concat(), &format!("{host}/app:1.0.0"))
}

/// A registry that says what it grants for one of its repositories.
fn registry() -> Server {
    wait(Server::start(|seen, _| {
        if !seen.path.ends_with("/limited/tags/list") {
            return Act::Pass;
        }
        let limits = [("ratelimit-limit", "9000;w=60"), ("ratelimit-remaining", "8000;w=60")];
        say(200, &limits, r#"{"tags": ["1.0.0"]}"#)
    }))
}

/// Workloads that follow one image, one of each kind that is held, one of a registry with limits and six of a dead one.
fn scene(host: SocketAddr, dead: SocketAddr) -> Scene {
    let app = |name: &str, more: &[&str]| follower(host, name, more);
    let limited = deployment("limited", &SEMVER, &format!("{host}/limited:1.0.0"));
    let mut files = vec![
        ("a.yaml".to_owned(), app("app", &[])),
        ("locked.yaml".to_owned(), app("locked", &["landwaiter/locked: \"true\""])),
        ("typo.yaml".to_owned(), app("typo", &[]).replace("tag-semver", "tag-smever")),
        ("limited.yaml".to_owned(), limited),
    ];
    for number in 0..6 {
        let text = deployment("dead", &SEMVER, &format!("{dead}/app-{number}:1.0.0"));
        files.push((format!("dead/{number}.yaml"), text.replace("name: dead", &format!("name: dead-{number}"))));
    }
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    Scene::new(&files)
}

/// The series of a registry.
fn series(host: SocketAddr, name: &str, more: &str) -> String {
    let label = if name.contains("_registry_") { "host" } else { "registry" };
    format!("{name}{{{label}=\"{host}\"{more}}}")
}

/// Checks that each metric is there, as it is told of.
#[track_caller]
fn is_complete(last: &Scrape) {
    let known = FAMILIES.iter().map(|family| {
        let labels = family.labels.iter().map(|label| (*label).to_owned()).collect();
        (family.name.to_owned(), labels)
    });
    assert_eq!(last.families(), known.collect(), "{}", last.text);
    for family in FAMILIES {
        assert_eq!(family.kind == Kind::Counter, family.name.ends_with("_total"), "{}", family.name);
        assert!(last.text.contains(&format!(" {}\n", family.help)), "{}", family.name);
    }
}

#[test]
fn every_number_moves_with_what_it_counts() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let registry = registry();
    let host = registry.address;
    registry.fill("app", &["1.0.0"]);
    let scene = scene(host, dead);
    let (began, daemon) = (Timestamp::now(), start(&scene));

    let of_dead = |name: &str, more: &str| series(dead, name, more);
    let of_good = |name: &str, more: &str| series(host, name, more);
    let version = format!("landwaiter_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    let first = says(
        &daemon,
        &[
            (&version, "1"),
            ("landwaiter_repositories", "2"),
            (r#"landwaiter_passes_total{repository="shop",result="nothing-to-do"}"#, "1+"),
            (r#"landwaiter_passes_total{repository="shop",result="nothing-new"}"#, "1+"),
            (r#"landwaiter_passes_total{repository="lost",result="failed"}"#, "1+"),
            (r#"landwaiter_pass_duration_seconds_count{repository="shop"}"#, "1+"),
            (r#"landwaiter_pass_duration_seconds_bucket{le="+Inf",repository="shop"}"#, "1+"),
            (r#"landwaiter_containers{repository="shop",decision="up-to-date"}"#, "2"),
            (r#"landwaiter_containers{repository="shop",decision="locked"}"#, "1"),
            (r#"landwaiter_containers{repository="shop",decision="unseen"}"#, "6"),
            (r#"landwaiter_problems{repository="shop",severity="error"}"#, "1+"),
            (r#"landwaiter_pushes_total{repository="shop",outcome="accepted"}"#, "0"),
            (r#"landwaiter_last_good_pass_timestamp_seconds{repository="shop"}"#, "1+"),
            (r#"landwaiter_last_good_pass_timestamp_seconds{repository="lost"}"#, "-"),
            (r#"landwaiter_failing_since_timestamp_seconds{repository="shop"}"#, "-"),
            (r#"landwaiter_failing_since_timestamp_seconds{repository="lost"}"#, "1+"),
            (&of_dead("landwaiter_image_repositories", ",state=\"failed\""), "6"),
            (&of_good("landwaiter_image_repositories", ",state=\"known\""), "2"),
            (&of_dead("landwaiter_tags", ""), "0"),
            (&of_good("landwaiter_tags", ""), "2"),
            (&of_dead("landwaiter_scan_age_seconds", ""), "-"),
            (&of_good("landwaiter_scan_age_seconds", ""), "0+"),
            (&of_dead("landwaiter_registry_dead", ""), "1"),
            (&of_good("landwaiter_registry_dead", ""), "0"),
            (&of_dead("landwaiter_registry_requests_total", ",code=\"none\""), "5+"),
            (&of_good("landwaiter_registry_requests_total", ",code=\"200\""), "1+"),
            (&of_good("landwaiter_registry_rate_limit", ",counted=\"rest\""), "9000"),
            (&of_good("landwaiter_registry_rate_limit_remaining", ",counted=\"rest\""), "7000+"),
            ("process_open_fds", "3+"),
            ("process_resident_memory_bytes", "1000000+"),
        ],
    );
    let good = first.get(r#"landwaiter_last_good_pass_timestamp_seconds{repository="shop"}"#).unwrap();
    assert!(good >= began.as_duration().as_secs_f64(), "{good}");

    registry.fill("app", &["1.0.0", "1.1.0"]);
    let second = says(
        &daemon,
        &[
            (r#"landwaiter_passes_total{repository="shop",result="accepted"}"#, "1"),
            (r#"landwaiter_pushes_total{repository="shop",outcome="accepted"}"#, "1"),
            (r#"landwaiter_commits_pushed_total{repository="shop"}"#, "1"),
            (r#"landwaiter_updates_pushed_total{repository="shop"}"#, "1"),
            (r#"landwaiter_tag_to_push_seconds_count{repository="shop"}"#, "1"),
            (&of_good("landwaiter_tags", ""), "3"),
        ],
    );
    let good = second.get(r#"landwaiter_last_good_pass_timestamp_seconds{repository="shop"}"#).unwrap();
    assert!(good > began.as_duration().as_secs_f64(), "{good}");

    scene.repo.hook("pre-receive", "exit 1");
    registry.fill("app", &["1.0.0", "1.1.0", "1.2.0"]);
    says(
        &daemon,
        &[
            (r#"landwaiter_pushes_total{repository="shop",outcome="refused"}"#, "1+"),
            (r#"landwaiter_containers{repository="shop",decision="update"}"#, "1"),
            (r#"landwaiter_failing_since_timestamp_seconds{repository="shop"}"#, "1+"),
        ],
    );
    scene.repo.hook("pre-receive", "exit 0");
    says(
        &daemon,
        &[
            (r#"landwaiter_commits_pushed_total{repository="shop"}"#, "2"),
            (r#"landwaiter_tag_to_push_seconds_count{repository="shop"}"#, "2"),
            (r#"landwaiter_failing_since_timestamp_seconds{repository="shop"}"#, "-"),
        ],
    );

    // A container that comes by Git is updated for no tag that was news.
    git(&scene.repo.work, &["pull", "-q", "origin", "main"]);
    scene.repo.push(&[("late.yaml", &follower(host, "late", &[]))], "another one");
    says(
        &daemon,
        &[
            (r#"landwaiter_updates_pushed_total{repository="shop"}"#, "3"),
            (r#"landwaiter_tag_to_push_seconds_count{repository="shop"}"#, "2"),
        ],
    );

    for secret in [SECRET, "forged-forged-forged"] {
        daemon.post("/hooks/script", secret, r#"{"image": "ghcr.io/a/b"}"#);
    }
    let last = says(
        &daemon,
        &[
            (r#"landwaiter_webhooks_total{source="script",type="generic",result="unwatched"}"#, "1"),
            (r#"landwaiter_webhooks_total{source="script",type="generic",result="unproved"}"#, "1"),
        ],
    );

    is_complete(&last);
    assert!(!last.text.contains(SECRET));
}
