//! A config repository that is far too large: what the first pass, a commit and an idle poll cost.
//!
//! Workload: 100,000 files and 20,001 commits, each of which changes one file (`git fast-import`, then `git repack
//! -adq`); 10,000 of the files are Deployments, of which 1,000 are automated (`landwaiter/tag-semver: "1"`), one image
//! repository each. `git http-backend` and the embedded registry are on loopback, in the process that does not
//! measure; each row of the table is of a process of its own or, indented, of the same one.
//!
//! | measured | what it is |
//! |---|---|
//! | first pass | from nothing: fetch, survey, 1,000 lists, verdicts |
//! | the same again | a new process over the copy that the first one left |
//! | after a commit | somebody changed one file: `Reconciler::pass` fetches and surveys |
//! | idle poll | `Reconciler::pass_on_news` on an unchanged branch, 100 of them; nothing is due at the registry |
//! | ten paths | from nothing, with the paths of ten automated manifests given |
//! | `git clone` | `git clone --bare --depth 500` of the same |
//!
//! CPU is user and system time, memory the peak so far (`VmHWM`), the copy what stands on the disk afterwards.
//!
//! `cargo bench --bench large -- [--quick]`; the quick one is a hundredth of it.

use std::env;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use landwaiter::demo::registry::Registry;
use landwaiter::git::{self, Identity, Mirror, RemoteUrl};
use landwaiter::image::Tag;
use landwaiter::path::RepoPath;
use landwaiter::reconcile::{self, Area, Lookout, Outcome, Reconciler};
use landwaiter::registry;
use tokio::net::TcpListener;

#[path = "../tests/it/git_server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests' server, of which a part is enough here")]
mod git_server;
mod process;

use git_server::GitServer;
use process::{cpu, cpu_since, println, status};

const ROLE: &str = "LANDWAITER_LARGE_ROLE";
const POLLS: u32 = 100;

/// How much there is of everything.
#[derive(Clone, Copy)]
struct Workload {
    files: usize,
    commits: usize,
    automated: usize,
}

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if env::var(ROLE).is_ok() {
        return runtime.block_on(follow());
    }
    let workload = Workload { files: 100_000, commits: 20_000, automated: 1_000 };
    let quick = env::args().any(|arg| arg == "--quick");
    let a_hundredth = Workload { files: 1_000, commits: 200, automated: 10 };
    runtime.block_on(measure(if quick { a_hundredth } else { workload }));
}

async fn measure(workload: Workload) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let registry = Registry::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    let tag = Tag::parse("1.0.0").expect("a tag");
    for number in 0..workload.automated {
        registry.push_image(&format!("app-{number}"), &tag, Timestamp::UNIX_EPOCH, &[].into());
    }
    let router = registry.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::task::block_in_place(|| {
        make(root, workload, &host);
        let server = GitServer::start(root);
        let url = server.url("config.git");
        println("what | wall ms | CPU ms | peak RSS MB | the copy, MB");
        println("---|---|---|---|---");
        let run = |data: &str, what: &str, paths: &str| {
            let mut child = Command::new(env::current_exe().expect("a path"))
                .env(ROLE, what)
                .env("LARGE_DATA", root.join(data))
                .env("LARGE_URL", &url)
                .env("LARGE_PATHS", paths)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("a run");
            let mut input = child.stdin.take().expect("piped");
            for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
                let line = line.expect("a line");
                // It waits for somebody else to commit.
                if line == "commit" {
                    import(
                        root,
                        &commit("refs/heads/main^0", 1, &[(path(workload.files - 1), "v: changed\n".to_owned())]),
                    );
                    input.write_all(b"\n").expect("it waits");
                } else {
                    println(&line);
                }
            }
            assert!(child.wait().expect("an end").success(), "{what}");
        };
        run("whole", "first pass", "");
        run("whole", "the same again", "");
        let ten: Vec<_> = (0..10).map(|number| path(number).to_string()).collect();
        run("ten", "ten paths", &ten.join(","));
        let began = Instant::now();
        git_server::git(root, &["clone", "-q", "--bare", "--depth", "500", &url, "clone.git"]);
        println(&format!("`git clone` | {:.0} | | | {}", millis(began.elapsed()), megabytes(&root.join("clone.git"))));
    });
}

// The repository

fn path(number: usize) -> RepoPath {
    // Neighbours stand in different folders.
    RepoPath::parse(&format!("team-{}/group-{}/file-{number}.yaml", number % 100, number / 1_000)).expect("a path")
}

fn make(root: &Path, workload: Workload, host: &str) {
    let bare = root.join("config.git");
    git_server::git(root, &["init", "-q", "--bare", "-b", "main", bare.to_str().expect("UTF-8")]);
    let file = |number: usize| {
        let automated = if number < workload.automated {
            "    landwaiter/automated: \"true\"\n    landwaiter/tag-semver: \"1\"\n"
        } else {
            "    team: \"a\"\n"
        };
        let text = if number < workload.files / 10 {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  annotations:\n{automated}spec:\n  \
                 replicas: 2\n  template:\n    spec:\n      containers:\n        - name: app\n          image: \
                 {host}/app-{number}:1.0.0\n"
            )
        } else {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{number}\ndata:\n  value: \"0\"\n")
        };
        (path(number), text)
    };
    let files: Vec<_> = (0..workload.files).map(file).collect();
    let mut stream = commit("", 0, &files);
    for number in 0..workload.commits {
        // Never one that is automated.
        let changed = workload.files / 10 + number % (workload.files - workload.files / 10);
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{changed}\ndata:\n  value: \"{number}\"\n"
        );
        stream.push_str(&commit("", number + 1, &[(path(changed), text)]));
    }
    import(root, &stream);
    git_server::git(&bare, &["repack", "-adq"]);
}

/// A commit on top of the one that was imported before it, or of `from`.
fn commit(from: &str, number: usize, files: &[(RepoPath, String)]) -> String {
    let message = format!("change {number}");
    let mut text = format!(
        "commit refs/heads/main\ncommitter Ada <ada@example.com> {} +0000\ndata {}\n{message}\n",
        1_700_000_000 + number,
        message.len()
    );
    if !from.is_empty() {
        let _ = writeln!(text, "from {from}");
    }
    for (path, bytes) in files {
        let _ = write!(text, "M 100644 inline {path}\ndata {}\n{bytes}\n", bytes.len());
    }
    text
}

fn import(root: &Path, stream: &str) {
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(root.join("config.git"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("git");
    child.stdin.take().expect("piped").write_all(stream.as_bytes()).expect("it reads");
    assert!(child.wait().expect("an end").success(), "git fast-import");
}

// What is measured

async fn follow() {
    let set = |name: &str| env::var(name).expect("set");
    let (what, data) = (set(ROLE), set("LARGE_DATA"));
    let data = Path::new(&data);
    let paths: Vec<_> = set("LARGE_PATHS").split(',').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    let identity = Identity::new("Bench", "bench@example.com").expect("an identity");
    let began = Instant::now();
    let mirror = Mirror::open(git::Options::new(RemoteUrl::parse(&set("LARGE_URL")).expect("a url"), data.to_owned()));
    let options = registry::Options {
        store: Some(data.join("registry.redb")),
        poll_interval: Duration::from_hours(24),
        ..registry::Options::default()
    };
    let lookout: Arc<Lookout> = Lookout::new(registry::Client::new(options).expect("a client"));
    let area =
        Area { paths: paths.iter().map(|path| RepoPath::parse(path).expect("a path")).collect(), ..Area::default() };
    let options = reconcile::Options { area, ..reconcile::Options::by(identity) };
    let reconciler = Reconciler::new(mirror.expect("a mirror"), &lookout, options);
    let now = Timestamp::now();
    let pass = async || {
        let report = reconciler.pass(now, std::future::pending()).await.expect("a pass");
        assert_eq!((report.scans.failed, report.scans.asked), (0, 0));
        assert!(matches!(report.outcome, Outcome::NothingToDo));
        report.scans.wanted
    };
    let wanted = pass().await;
    row(&format!("{what}, {wanted} lists"), began.elapsed(), cpu(), data);
    if what != "first pass" {
        return;
    }
    println("commit");
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await.expect("a line").expect("it");
    let (began, before) = (Instant::now(), cpu());
    pass().await;
    row("— after a commit", began.elapsed(), cpu_since(before), data);
    let (began, before) = (Instant::now(), cpu());
    for _ in 0..POLLS {
        assert!(reconciler.pass_on_news(now, std::future::pending()).await.expect("a pass").is_none());
    }
    row("— idle poll", began.elapsed() / POLLS, cpu_since(before) / POLLS, data);
}

fn row(what: &str, wall: Duration, cpu: Duration, data: &Path) {
    let (wall, cpu, peak) = (millis(wall), millis(cpu), status("VmHWM") / 1024);
    println(&format!("{what} | {wall:.1} | {cpu:.1} | {peak} | {}", megabytes(data)));
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What stands in a folder.
fn megabytes(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).filter(std::fs::Metadata::is_file).map(|file| file.len()).sum::<u64>()
        / 1_000_000
}
