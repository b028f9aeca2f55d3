//! A week of passes, with the clock given: whether memory and descriptors stay flat.
//!
//! 200 automated Deployments in a bare repository on this machine, 100 image repositories of 50 to 386 tags on a
//! registry in a process of its own. A pass a minute, as the daemon makes them; each repository is asked every five
//! minutes, and one of them has a release every half hour: 336 commits. Every sixth hour the registry refuses
//! everything for an hour.
//!
//! `cargo bench --bench week -- [DAYS]`

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path as FilePath;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{Timestamp, ToSpan as _};
use landwaiter::git::{self, Identity, Mirror, RemoteUrl};
use landwaiter::path::RepoPath;
use landwaiter::reconcile::{self, Lookout, Outcome, Reconciler};
use landwaiter::registry;
use tokio::net::TcpListener;

mod process;

use process::{cpu, cpu_since, println, status};

const ROLE: &str = "LANDWAITER_WEEK_ROLE";
const REPOSITORIES: usize = 100;
const WORKLOADS: usize = 200;
const TAGS: usize = 50;
const MINUTES_A_DAY: i64 = 24 * 60;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if env::var(ROLE).is_ok() { runtime.block_on(serve()) } else { runtime.block_on(live()) }
}

// The registry

#[derive(Default)]
struct Shop {
    released: BTreeMap<usize, usize>,
    is_closed: bool,
}

type Shared = Arc<Mutex<Shop>>;

async fn serve() {
    let tags = |State(shop): State<Shared>, Path(number): Path<usize>| async move {
        let shop = shop.lock().expect("nobody panics");
        if shop.is_closed {
            return Response::from(StatusCode::SERVICE_UNAVAILABLE.into_response());
        }
        let newest = TAGS + shop.released.get(&number).copied().unwrap_or_default();
        let tags: Vec<_> = (1..=newest).map(|number| format!("1.{number}.0")).collect();
        Json(serde_json::json!({"name": format!("app-{number}"), "tags": tags})).into_response()
    };
    let release = |State(shop): State<Shared>, Path(number): Path<usize>| async move {
        *shop.lock().expect("nobody panics").released.entry(number).or_default() += 1;
    };
    let close = |State(shop): State<Shared>, Path(is_closed): Path<bool>| async move {
        shop.lock().expect("nobody panics").is_closed = is_closed;
    };
    let routes = Router::new()
        .route("/v2/app-{number}/tags/list", get(tags))
        .route("/release/{number}", post(release))
        .route("/close/{is_closed}", post(close))
        .with_state(Shared::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println(&listener.local_addr().expect("a port").to_string());
    axum::serve(listener, routes).await.expect("a server");
}

// The week

async fn live() {
    let days: i64 = env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(7);
    let own = env::current_exe().expect("a path");
    let mut server = Command::new(own).env(ROLE, "registry").stdout(Stdio::piped()).spawn().expect("a registry");
    let mut address = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut address).expect("an address");
    let host = address.trim();
    let folder = tempfile::tempdir().expect("a folder");
    let (reconciler, lookout) = reconciler(folder.path(), host);
    let ask = async |path: String| {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        client.post(format!("http://{host}/{path}")).send().await.expect("an answer");
    };
    let start: Timestamp = "2026-01-05T00:00:00Z".parse().expect("a time");
    let (mut commits, mut passes) = (0, 0);
    println("| day | passes | commits | RSS MB | descriptors | threads | CPU s |\n|---|---|---|---|---|---|---|");
    for day in 0..days {
        let (began, cpu_before) = (Instant::now(), cpu());
        for minute in day * MINUTES_A_DAY..(day + 1) * MINUTES_A_DAY {
            if minute % 30 == 7 {
                ask(format!("release/{}", minute / 30 % 100)).await;
            }
            if minute % 360 == 299 || minute % 360 == 359 {
                ask(format!("close/{}", minute % 360 == 299)).await;
            }
            let report = reconciler.pass_on_news(start + minute.minutes(), std::future::pending()).await;
            passes += 1;
            if let Some(report) = report.expect("a pass") {
                commits += usize::from(matches!(report.outcome, Outcome::Pushed { .. }));
            }
        }
        println(&format!(
            "| {} | {passes} | {commits} | {:.1} | {} | {} | {:.1} |",
            day + 1,
            f64::from(status("VmRSS")) / 1024.0,
            fs::read_dir("/proc/self/fd").expect("Linux").count(),
            status("Threads"),
            cpu_since(cpu_before).as_secs_f64(),
        ));
        assert!(began.elapsed() < Duration::from_hours(1));
    }
    lookout.close(start + (days * 24).hours()).await;
    server.kill().expect("it runs");
    let _ = server.wait();
}

fn reconciler(folder: &FilePath, host: &str) -> (Reconciler, Arc<Lookout>) {
    let file = |number: usize| {
        let path = RepoPath::parse(&format!("team-{}/app-{number}.yaml", number / 20)).expect("a path");
        let image = format!("{host}/app-{}:1.{TAGS}.0", number % REPOSITORIES);
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  annotations:\n    \
             landwaiter/automated: \"true\"\n    landwaiter/tag-semver: \"1\"\nspec:\n  template:\n    spec:\n      \
             containers:\n        - name: app\n          image: {image}\n"
        );
        (path, text.into_bytes())
    };
    let files: Vec<_> = (0..WORKLOADS).map(file).collect();
    let author = Identity::new("Bench", "bench@example.com").expect("an identity");
    let bare = folder.join("config.git");
    git::create_repository(&bare, &files, "first", &author, Timestamp::UNIX_EPOCH).expect("a repository");
    let data = folder.join("data");
    let options = registry::Options {
        store: Some(data.join("registry.redb")),
        poll_interval: Duration::from_mins(5),
        attempts: 1,
        // What counts real time has to be as quick as the week.
        probe_delay: Duration::from_millis(1),
        ..registry::Options::default()
    };
    let lookout = Lookout::new(registry::Client::new(options).expect("a client"));
    let mirror = Mirror::open(git::Options::new(RemoteUrl::local_path(&bare), data)).expect("a mirror");
    (Reconciler::new(mirror, &lookout, reconcile::Options::by(author)), lookout)
}
