//! A fleet: what it costs to watch hundreds and thousands of image repositories, beside the plain cost of
//! the same requests.
//!
//! Workloads, each with a config repository whose automated Deployments use the image repositories in turn:
//! (a) 100 image repositories of 1,000 tags, (b) 500 of 5,000, (c) 5,000 of 400 with 10,000 workloads. Half of
//! the tags are versions, the other half builds of a branch (`main-<commit>-<time>`); the policy is
//! `semver:1`, and the tag in Git is the best one. The passes are those of the daemon: survey of the
//! repository, requests, store, decisions, verdicts.
//!
//! | pass | what it is |
//! |---|---|
//! | cold | the first one, with nothing known |
//! | settled | every repository is due, two intervals of a minute later, and nothing has changed |
//! | one new tag | the same, and one repository has a new version: a commit for its workloads |
//! | restart | a new process with the store of the old one; nothing is due |
//! | idle | ten seconds of the daemon while nothing is due |
//!
//! The registry runs in a process of its own on loopback, so does each of the two clients: the daemon's
//! parts, and a bare loop of the same requests with `reqwest` and eight at a time. It gives no validators, as
//! most registries; with `--validators` it gives an `ETag` for each page. CPU is user and system time of the
//! client's process, memory its peak (`VmHWM`).
//!
//! `cargo bench --bench fleet -- [--quick] [--validators] [a] [b] [c]`

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use jiff::{Timestamp, ToSpan as _};
use landwaiter::daemon::{self, Standing, Stop};
use landwaiter::git::{self, Identity, Mirror, RemoteUrl};
use landwaiter::path::RepoPath;
use landwaiter::reconcile::{self, Lookout, Outcome, Reconciler};
use landwaiter::registry;
use tokio::net::TcpListener;

mod process;

use process::{cpu, cpu_since, println, status};

const ROLE: &str = "LANDWAITER_FLEET_ROLE";
const INTERVAL: Duration = Duration::from_mins(1);

/// The interval while nothing is to be due.
const LONG: Duration = Duration::from_hours(1);

/// One of the workloads.
#[derive(Debug, Clone, Copy)]
struct Workload {
    name: &'static str,
    repositories: usize,
    tags: usize,
    workloads: usize,
}

const WORKLOADS: [Workload; 3] = [
    Workload { name: "a", repositories: 100, tags: 1000, workloads: 100 },
    Workload { name: "b", repositories: 500, tags: 5000, workloads: 500 },
    Workload { name: "c", repositories: 5000, tags: 400, workloads: 10_000 },
];

fn main() {
    let (role, _) = (env::var(ROLE).unwrap_or_default(), rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match role.as_str() {
        "" => print_all(),
        "server" => runtime.block_on(serve()),
        "daemon" => runtime.block_on(watch(&workload())),
        "restart" => runtime.block_on(restart()),
        "loop" => runtime.block_on(bare_loop(&workload())),
        role => panic!("{role}"),
    }
}

// The whole

fn print_all() {
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let quick = args.iter().any(|arg| arg == "--quick");
    let validators = args.iter().any(|arg| arg == "--validators");
    let names: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with("--")).collect();
    println("workload | pass | requests | wall s | CPU s | peak MB");
    println("---|---|---|---|---|---");
    for mut workload in WORKLOADS {
        if !names.is_empty() && !names.contains(&workload.name) {
            continue;
        }
        if quick {
            workload.repositories /= 20;
            workload.workloads /= 20;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let Workload { name, repositories, tags, workloads } = workload;
        println(&format!("({name}) {repositories} × {tags}, {workloads} workloads | | | | |"));
        let server = Server::start(tags, validators);
        for role in ["daemon", "restart", "loop"] {
            let own = env::current_exe().expect("a path");
            let mut command = Command::new(own);
            command.env(ROLE, role).env("FLEET_SERVER", &server.address).env("FLEET_FOLDER", folder.path());
            for (key, value) in [("R", repositories), ("T", tags), ("W", workloads)] {
                command.env(format!("FLEET_{key}"), value.to_string());
            }
            assert!(command.status().expect("a run").success(), "{role}");
        }
    }
}

fn workload() -> Workload {
    let number = |name: &str| env::var(name).expect("set").parse().expect("a number");
    Workload { name: "", repositories: number("FLEET_R"), tags: number("FLEET_T"), workloads: number("FLEET_W") }
}

/// What the process has used so far.
struct Meter {
    began: Instant,
    cpu: Duration,
    requests: u64,
}

impl Meter {
    async fn start() -> Self {
        Self { requests: requests().await, began: Instant::now(), cpu: cpu() }
    }

    async fn report(self, pass: &str) {
        let (wall, cpu) = (self.began.elapsed().as_secs_f64(), cpu_since(self.cpu).as_secs_f64());
        let requests = requests().await - self.requests;
        println(&format!("| {pass} | {requests} | {wall:.2} | {cpu:.2} | {}", status("VmHWM") / 1024));
    }
}

async fn requests() -> u64 {
    ask("control/count").await.parse().expect("a number")
}

async fn ask(path: &str) -> String {
    let url = format!("http://{}/{path}", env::var("FLEET_SERVER").expect("set"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.post(url).send().await.expect("an answer").text().await.expect("a text")
}

// The daemon's parts

async fn watch(workload: &Workload) {
    let folder = env::var("FLEET_FOLDER").expect("set");
    config_repository(Path::new(&folder), workload);
    let (reconciler, lookout) = reconciler(Path::new(&folder), INTERVAL);
    // The last of the passes below is made now.
    let start = Timestamp::now() - 6.minutes();
    let at = |pass: i64| start + (2 * pass).minutes();
    let meter = Meter::start().await;
    assert!(matches!(pass(&reconciler, at(0)).await, Some(Outcome::NothingToDo)));
    meter.report("cold").await;
    let meter = Meter::start().await;
    assert!(pass(&reconciler, at(1)).await.is_none());
    meter.report("settled").await;
    ask(&format!("control/release/{}", workload.repositories / 2)).await;
    let meter = Meter::start().await;
    assert!(matches!(pass(&reconciler, at(2)).await, Some(Outcome::Pushed { .. })));
    meter.report("one new tag").await;
    let meter = Meter::start().await;
    assert!(matches!(pass(&reconciler, at(2)).await, Some(Outcome::NothingToDo)));
    meter.report("after that commit").await;
    let meter = Meter::start().await;
    assert!(pass(&reconciler, at(3)).await.is_none());
    meter.report("settled").await;
    lookout.close(at(3)).await;
    let file = fs::metadata(Path::new(&folder).join("data/registry.redb")).expect("a store").len();
    println(&format!("| store: {} MB | | | |", file >> 20));
}

async fn restart() {
    let folder = env::var("FLEET_FOLDER").expect("set");
    let (reconciler, _lookout) = reconciler(Path::new(&folder), LONG);
    let meter = Meter::start().await;
    assert!(matches!(pass(&reconciler, Timestamp::now()).await, Some(Outcome::NothingToDo)));
    meter.report("restart").await;
    let stop = Stop::default();
    let later = async {
        // The first pass of the daemon is not idle.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let meter = Meter::start().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        meter.report("idle, 10 s").await;
        stop.request();
    };
    let standing = Standing::new("bench", RemoteUrl::local_path(Path::new(&folder)), None);
    tokio::join!(daemon::follow(&reconciler, LONG, &standing, &stop), later);
}

async fn pass(reconciler: &Reconciler, now: Timestamp) -> Option<Outcome> {
    let report = reconciler.pass_on_news(now, std::future::pending()).await.expect("a pass")?;
    assert_eq!((report.scans.failed, report.scans.asked), (0, 0));
    Some(report.outcome)
}

fn reconciler(folder: &Path, interval: Duration) -> (Reconciler, Arc<Lookout>) {
    let data_dir = folder.join("data");
    let store = Some(data_dir.join("registry.redb"));
    let url = RemoteUrl::parse(folder.join("config.git").to_str().expect("UTF-8")).expect("a path");
    let registry = registry::Options { store, poll_interval: interval, ..registry::Options::default() };
    let mirror = Mirror::open(git::Options::new(url, data_dir)).expect("a mirror");
    let lookout = Lookout::new(registry::Client::new(registry).expect("a client"));
    let author = Identity::new("Bench", "bench@example.com").expect("an identity");
    let pass = reconcile::Options { git_fresh_for: LONG, ..reconcile::Options::by(author) };
    (Reconciler::new(mirror, &lookout, pass), lookout)
}

fn config_repository(folder: &Path, workload: &Workload) {
    let host = env::var("FLEET_SERVER").expect("set");
    let best = versions(workload.tags).last().map(|number| version(*number)).expect("a tag");
    let file = |number: usize| {
        let path = RepoPath::parse(&format!("team-{}/app-{number}.yaml", number / 100)).expect("a path");
        let image = format!("{host}/{}:{best}", repository(number % workload.repositories));
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team-{}\n  annotations:\n    \
             landwaiter/automated: \"true\"\n    landwaiter/tag-semver: \"1\"\nspec:\n  replicas: 2\n  template:\n    spec:\n      \
             containers:\n        - name: app\n          image: {image}\n          ports:\n            - containerPort: 8080\n",
            number / 100
        );
        (path, text.into_bytes())
    };
    let files: Vec<_> = (0..workload.workloads).map(file).collect();
    let author = Identity::new("Bench", "bench@example.com").expect("an identity");
    git::create_repository(&folder.join("config.git"), &files, "first", &author, Timestamp::UNIX_EPOCH)
        .expect("a repository");
}

// The same requests without anything else

async fn bare_loop(workload: &Workload) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let host = env::var("FLEET_SERVER").expect("set");
    for name in ["bare loop", "bare loop again"] {
        let meter = Meter::start().await;
        let ask = |number| {
            let (client, url) = (client.clone(), format!("http://{host}/v2/{}/tags/list?n=10000", repository(number)));
            async move { client.get(url).send().await.expect("an answer").bytes().await.expect("a body").len() }
        };
        let bytes: usize = stream::iter((0..workload.repositories).map(ask))
            .buffer_unordered(8)
            .collect::<Vec<_>>()
            .await
            .iter()
            .sum();
        assert!(bytes > workload.repositories * workload.tags * 4);
        meter.report(name).await;
    }
}

// The registry

fn repository(number: usize) -> String {
    format!("team-{}/app-{number}", number / 100)
}

fn version(number: usize) -> String {
    format!("1.{}.{}", number / 100, number % 100)
}

fn versions(tags: usize) -> Vec<usize> {
    (0..tags / 2).collect()
}

/// The tags of every repository, in the order of their bytes.
fn tags(count: usize) -> Vec<String> {
    let hash = |number: usize| number.wrapping_mul(2_654_435_761) & 0xffff_ffff;
    let builds =
        (0..count - count / 2).map(|number| format!("main-{:08x}-{}", hash(number), 1_700_000_000 + number * 3600));
    let mut tags: Vec<String> = versions(count).into_iter().map(version).chain(builds).collect();
    tags.sort_unstable();
    tags
}

struct Registry {
    requests: AtomicU64,
    released: Mutex<HashSet<String>>,
    tags: Vec<String>,
    validators: bool,
}

async fn serve() {
    let registry = Registry {
        requests: AtomicU64::new(0),
        released: Mutex::default(),
        tags: tags(env::var("FLEET_TAGS").expect("set").parse().expect("a number")),
        validators: env::var("FLEET_VALIDATORS").is_ok(),
    };
    let router = Router::new()
        .route(
            "/control/count",
            post(async |State(state): State<Arc<Registry>>| state.requests.load(Ordering::Relaxed).to_string()),
        )
        .route("/control/release/{number}", post(release))
        .fallback(get(list))
        .with_state(Arc::new(registry));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println(&listener.local_addr().expect("an address").to_string());
    // It ends with whoever started it.
    let orphaned = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served.expect("a server"),
        _ = orphaned => {}
    }
}

async fn release(State(state): State<Arc<Registry>>, axum::extract::Path(number): axum::extract::Path<usize>) {
    state.released.lock().expect("alive").insert(repository(number));
}

async fn list(
    State(state): State<Arc<Registry>>,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    state.requests.fetch_add(1, Ordering::Relaxed);
    let Some(name) = uri.path().strip_prefix("/v2/").and_then(|rest| rest.strip_suffix("/tags/list")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_released = state.released.lock().expect("alive").contains(name);
    let etag = format!("\"{}\"", u8::from(is_released));
    if state.validators && headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let tags = &state.tags;
    let last = query.get("last").map_or("", String::as_str);
    let size = query.get("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    let rest = &tags[tags.partition_point(|tag| tag.as_str() <= last)..];
    let page = &rest[..size.min(rest.len())];
    let mut body = format!("{{\"name\":\"{name}\",\"tags\":[");
    if is_released {
        body.push_str("\"1.9999.0\",");
    }
    for (index, tag) in page.iter().enumerate() {
        body.extend([if index > 0 { "," } else { "" }, "\"", tag, "\""]);
    }
    body.push_str("]}");
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().expect("a header"));
    if state.validators {
        headers.insert(header::ETAG, etag.parse().expect("a header"));
    }
    if page.len() < rest.len() {
        let link = format!("</v2/{name}/tags/list?n={size}&last={}>; rel=\"next\"", page[page.len() - 1]);
        headers.insert(header::LINK, link.parse().expect("a header"));
    }
    response
}

/// The registry's process.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(tags: usize, validators: bool) -> Self {
        let mut command = Command::new(env::current_exe().expect("a path"));
        command.env(ROLE, "server").env("FLEET_TAGS", tags.to_string());
        if validators {
            command.env("FLEET_VALIDATORS", "yes");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a server");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut address).expect("an address");
        Self { child, address: address.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
