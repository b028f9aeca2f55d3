//! From a new tag to the commit on the remote, and what there is beside it: real `git http-backend` on
//! loopback, the embedded registry, 10,000 manifests.
//!
//! Workload: a config repository with 10,000 automated Deployments (`landwaiter/tag-semver: "1"`, 16 lines each) in
//! 100 folders, of 1,000 image repositories: 899 with eleven or twelve workloads each that nobody releases, 100
//! that are released together, and one that is released again and again. The registry is a thread of the
//! measuring process; the Git server is a process of its own, which starts `git http-backend` for each request.
//!
//! | measured | what it is |
//! |---|---|
//! | release | a tag is put into the registry; `Reconciler::pass` finds it due, asks Git (one `ls-refs`) and the registry, decides, commits and pushes; ends when the remote has the commit |
//! | after it | the pass over the new head that the daemon makes next |
//! | 100 at once | the same with 100 repositories that got a tag each |
//! | push | one commit sent to a copy of the repository by `Mirror::push`, and to another copy by `git push` from a bare clone, in turn; the start of the process is included |
//! | idle poll | `Reconciler::pass_on_news` with an unchanged branch and no repository due, in a process of its own; bytes are those of the connection, both ways, with all headers |
//!
//! `cargo bench --bench latency -- [--quick]`. `LATENCY_TRACE=1` prints each release.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _};
use landwaiter::demo::registry::Registry;
use landwaiter::git::{self, Identity, Mirror, PushOutcome, RemoteUrl};
use landwaiter::image::Tag;
use landwaiter::path::RepoPath;
use landwaiter::reconcile::{self, Lookout, Outcome, Reconciler, Report};
use landwaiter::registry::{self, HostLimits, Site, Sites};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

mod process;

#[path = "../tests/it/git_server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' server, of which a part is enough here")]
mod git_server;

use git_server::GitServer;
use process::{cpu, cpu_since, println, status};

const ROLE: &str = "LANDWAITER_LATENCY_ROLE";
const MANIFESTS: usize = 10_000;
const TOGETHER: usize = 100;
const COLD: usize = 899;

/// How often the repository is asked that is released again and again, by the clock of the bench.
const OFTEN: Duration = Duration::from_secs(1);
/// The same for those that are released together.
const ONCE: Duration = Duration::from_hours(1);
/// And for all others.
const NEVER: Duration = Duration::from_hours(24 * 365);

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match env::var(ROLE).unwrap_or_default().as_str() {
        "poll" => runtime.block_on(poll()),
        "server" => serve(),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() {
    let quick = env::args().any(|arg| arg == "--quick");
    let releases = if quick { 30 } else { 300 };
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let registry = Registry::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let router = registry.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let release = |image: &str, minor: usize| {
        let tag = Tag::parse(&format!("1.{minor}.0")).expect("a tag");
        registry.push_image(image, &tag, Timestamp::UNIX_EPOCH, &[].into());
    };
    (0..MANIFESTS).for_each(|number| release(&image(number), 0));
    config_repository(root, &host);
    let mut server = Server::start(root);
    let url = server.url("config.git");

    let start = Timestamp::now() - 12.hours();
    let reconciler = reconciler(root, "data", &url, &host);
    let began = Instant::now();
    let report = pass(&reconciler, start).await;
    assert!(matches!(report.outcome, Outcome::NothingToDo));
    println("what | n | least ms | p50 ms | p99 ms | CPU ms each");
    println("---|---|---|---|---|---");
    println(&format!("first pass | 1 | {:.0} | | | ", millis(began.elapsed())));

    let (mut alone, mut after) = (Vec::new(), Vec::new());
    let (mut alone_cpu, mut after_cpu) = (Duration::ZERO, Duration::ZERO);
    for number in 1..=releases {
        let now = start + (i64::try_from(number).expect("few") * 5).seconds();
        release("hot/app", number);
        let (began, before) = (Instant::now(), cpu());
        let report = pass(&reconciler, now).await;
        alone.push(began.elapsed());
        alone_cpu += cpu_since(before);
        assert_eq!(pushed(&report), report.plan.changes.len(), "{:?}", report.outcome);
        let (began, before) = (Instant::now(), cpu());
        assert!(matches!(pass(&reconciler, now).await.outcome, Outcome::NothingToDo));
        after.push(began.elapsed());
        after_cpu += cpu_since(before);
        if env::var("LATENCY_TRACE").is_ok() {
            println(&format!("{:.1} {:.1}", millis(alone[number - 1]), millis(after[number - 1])));
        }
    }
    let each = |sum: Duration| format!("{:.0}", millis(sum / u32::try_from(releases).expect("few")));
    table("release", alone, &each(alone_cpu));
    table("after it", after, &each(after_cpu));

    for round in 1..=if quick { 2_i64 } else { 5 } {
        (0..TOGETHER)
            .for_each(|number| release(&format!("together/app-{number}"), usize::try_from(round).expect("few")));
        let began = Instant::now();
        let report = pass(&reconciler, start + (5 * round).hours()).await;
        let elapsed = began.elapsed();
        assert_eq!(pushed(&report), TOGETHER, "one commit for all");
        table("100 at once", vec![elapsed], "");
        assert!(matches!(pass(&reconciler, start + (5 * round).hours()).await.outcome, Outcome::NothingToDo));
    }
    drop(reconciler);
    tokio::task::block_in_place(|| compare_pushes(root, &server, if quick { 5 } else { 50 }));
    idle(root, &mut server, &host).await;
}

/// The Git server's process, which ends with us.
struct Server {
    child: Child,
    said: BufReader<ChildStdout>,
    base: String,
}

impl Server {
    fn start(root: &Path) -> Self {
        let mut command = Command::new(env::current_exe().expect("a path"));
        command.env(ROLE, "server").env("LATENCY_ROOT", root).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a server");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let mut server = Self { child, said, base: String::new() };
        server.base = server.line();
        server
    }

    fn url(&self, name: &str) -> String {
        format!("{}{name}", self.base)
    }

    /// How many requests there were since the last call.
    fn requests(&mut self) -> usize {
        self.child.stdin.as_mut().expect("piped").write_all(b"\n").expect("a line");
        self.line().parse().expect("a number")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve() {
    let server = GitServer::start(Path::new(&env::var("LATENCY_ROOT").expect("set")));
    println(&server.url(""));
    for _ in std::io::stdin().lines() {
        println(&server.take_log().len().to_string());
    }
}

/// How many files the commit changed that was pushed.
fn pushed(report: &Report) -> usize {
    let is_pushed = matches!(&report.outcome, Outcome::Pushed { push: PushOutcome::Accepted { .. }, .. });
    assert!(is_pushed, "{:?}", report.outcome);
    report.plan.changes.len()
}

async fn pass(reconciler: &Reconciler, now: Timestamp) -> Report {
    let report = reconciler.pass(now, std::future::pending()).await.expect("a pass");
    assert_eq!((report.scans.failed, report.scans.asked), (0, 0));
    report
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn table(what: &str, mut times: Vec<Duration>, cpu: &str) {
    times.sort_unstable();
    let at = |percent: usize| millis(times[(times.len() * percent).div_ceil(100) - 1]);
    println(&format!("{what} | {} | {:.1} | {:.1} | {:.1} | {cpu}", times.len(), at(1), at(50), at(99)));
}

// The world

/// The image repository of a workload.
fn image(number: usize) -> String {
    match number {
        0 => "hot/app".to_owned(),
        1..=TOGETHER => format!("together/app-{}", number - 1),
        _ => format!("cold/app-{}", number % COLD),
    }
}

fn path(number: usize) -> RepoPath {
    // Neighbours stand in different folders.
    RepoPath::parse(&format!("team-{}/app-{number}.yaml", number % 100)).expect("a path")
}

fn config_repository(root: &Path, host: &str) {
    let file = |number: usize| {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team-{}\n  annotations:\n    \
             landwaiter/automated: \"true\"\n    landwaiter/tag-semver: \"1\"\nspec:\n  replicas: 2\n  template:\n    spec:\n      \
             containers:\n        - name: app\n          image: {host}/{}:1.0.0\n          ports:\n            - containerPort: 8080\n",
            number % 100,
            image(number),
        );
        (path(number), text.into_bytes())
    };
    let files: Vec<_> = (0..MANIFESTS).map(file).collect();
    let bare = root.join("config.git");
    git::create_repository(&bare, &files, "first", &identity(), Timestamp::UNIX_EPOCH).expect("a repository");
    git_server::git(&bare, &["config", "http.receivepack", "true"]);
    git_server::git(&bare, &["repack", "-adq"]);
}

fn identity() -> Identity {
    Identity::new("Bench", "bench@example.com").expect("an identity")
}

fn mirror(root: &Path, data: &str, url: &str) -> Mirror {
    let url = RemoteUrl::parse(url).expect("a url");
    Mirror::open(git::Options::new(url, root.join(data))).expect("a mirror")
}

fn reconciler(root: &Path, data: &str, url: &str, host: &str) -> Reconciler {
    let site = |path: &str, interval| Site {
        prefix: format!("{host}/{path}").parse().expect("a prefix"),
        credential: None,
        mirror: None,
        interval: Some(interval),
        ca_bundle: None,
        client_certificate: None,
        proxy: None,
        dates: None,
        plain_http: false,
        credential_over_plain_http: false,
        limits: HostLimits::default(),
    };
    let options = registry::Options {
        store: Some(root.join(data).join("registry.redb")),
        poll_interval: NEVER,
        sites: Sites::new(vec![site("hot", OFTEN), site("together", ONCE)]),
        ..registry::Options::default()
    };
    let pass =
        reconcile::Options { git_fresh_for: Duration::ZERO, patience: None, ..reconcile::Options::by(identity()) };
    let lookout = Lookout::new(registry::Client::new(options).expect("a client"));
    Reconciler::new(mirror(root, data, url), &lookout, pass)
}

// A push, and a push by Git

fn compare_pushes(root: &Path, server: &Server, rounds: usize) {
    for name in ["ours.git", "theirs.git"] {
        git_server::git(root, &["clone", "-q", "--bare", "config.git", name]);
        git_server::git(&root.join(name), &["config", "http.receivepack", "true"]);
    }
    git_server::git(root, &["clone", "-q", "--bare", &server.url("theirs.git"), "clone.git"]);
    let mirror = mirror(root, "ours", &server.url("ours.git"));
    let ours = root.join("ours.git");
    let (mut native, mut program) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let base = mirror.fetch().expect("a snapshot");
        let file = path(round * 7);
        let blob = base.blob(&file).expect("a tree").expect("a file");
        let mut bytes = Vec::new();
        base.read(blob, &mut bytes).expect("a blob");
        bytes.extend(b"# more\n");
        let commit = mirror.commit(&base, &[(file, bytes)], "one", &identity(), &identity(), Timestamp::now());
        let commit = commit.expect("objects").expect("a commit");
        let began = Instant::now();
        let outcome = mirror.push(&base, commit);
        native.push(began.elapsed());
        assert!(matches!(outcome, Ok(PushOutcome::Accepted { .. })));
        git_server::git(&root.join("clone.git"), &["fetch", "-q", ours.to_str().expect("UTF-8"), "main"]);
        let began = Instant::now();
        git_server::git(&root.join("clone.git"), &["push", "-q", "origin", "FETCH_HEAD:refs/heads/main"]);
        program.push(began.elapsed());
    }
    table("Mirror::push", native, "");
    table("git push", program, "");
}

// Polls in a process of their own

/// What went through, both ways.
#[derive(Default)]
struct Traffic {
    out: AtomicU64,
    back: AtomicU64,
}

async fn idle(root: &Path, server: &mut Server, host: &str) {
    const POLLS: usize = 300;
    let traffic = Arc::new(Traffic::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let target = server.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let counted = Arc::clone(&traffic);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(&target).await.expect("the server");
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            let (out, back) = (Arc::clone(&counted), Arc::clone(&counted));
            tokio::spawn(carry(near_in, far_out, move |bytes| _ = out.out.fetch_add(bytes, Ordering::SeqCst)));
            tokio::spawn(carry(far_in, near_out, move |bytes| _ = back.back.fetch_add(bytes, Ordering::SeqCst)));
        }
    });
    let mut child = tokio::process::Command::new(env::current_exe().expect("a path"))
        .env(ROLE, "poll")
        .env("LATENCY_ROOT", root)
        .env("LATENCY_URL", format!("http://{address}/config.git"))
        .env("LATENCY_HOST", host)
        .env("LATENCY_POLLS", POLLS.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a run");
    let (mut input, mut output) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let mut ready = [0; 1];
    output.read_exact(&mut ready).await.expect("it is ready");
    server.requests();
    let before = (traffic.out.load(Ordering::SeqCst), traffic.back.load(Ordering::SeqCst));
    input.write_all(b"\n").await.expect("it waits");
    let mut told = String::new();
    output.read_to_string(&mut told).await.expect("what it took");
    assert!(child.wait().await.expect("an end").success());
    let each = |sum: u64| sum / u64::try_from(POLLS).expect("few");
    println(&format!(
        "idle poll: {} requests in {POLLS} polls; {} bytes out and {} back each; {}",
        server.requests(),
        each(traffic.out.load(Ordering::SeqCst) - before.0),
        each(traffic.back.load(Ordering::SeqCst) - before.1),
        told.trim()
    ));
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: impl Fn(u64) + Send,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        count(u64::try_from(read).unwrap_or_default());
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}

async fn poll() {
    let set = |name: &str| env::var(format!("LATENCY_{name}")).expect("set");
    let polls: u32 = set("POLLS").parse().expect("a number");
    let reconciler = reconciler(Path::new(&set("ROOT")), "idle", &set("URL"), &set("HOST"));
    let now = Timestamp::now();
    pass(&reconciler, now).await;
    println("");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await.expect("a line").expect("it");
    let (began, before) = (Instant::now(), cpu());
    for _ in 0..polls {
        assert!(reconciler.pass_on_news(now, std::future::pending()).await.expect("a pass").is_none());
    }
    let wall = millis(began.elapsed() / polls);
    println(&format!(
        "{wall:.2} ms each, of which CPU {:.2} ms; peak RSS {} MB",
        millis(cpu_since(before) / polls),
        status("VmHWM") / 1024
    ));
}
