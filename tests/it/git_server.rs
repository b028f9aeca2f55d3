//! Real Git to test against: repositories made by the `git` program, and `git http-backend` behind a
//! small web server that counts, asks for passwords and fails on demand.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use base64::Engine;
use futures_util::stream;
use tokio::io::AsyncWriteExt;

/// Runs `git` in `dir`, with no configuration but the repository's, and returns what it printed.
#[track_caller]
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = command(dir, args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "git {args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text.trim_end().to_owned()
}

fn command(dir: &Path, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env_clear().stdin(Stdio::null());
    for (name, value) in environment() {
        command.env(name, value);
    }
    command
}

fn environment() -> Vec<(&'static str, String)> {
    let mut all = vec![("PATH", std::env::var("PATH").unwrap())];
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@example.com"),
        ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
        ("GIT_COMMITTER_NAME", "Ada"),
        ("GIT_COMMITTER_EMAIL", "ada@example.com"),
        ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
    ] {
        all.push((name, value.to_owned()));
    }
    all
}

/// A bare repository and the working copy of a colleague who pushes to it.
pub(crate) struct Repo {
    pub(crate) bare: PathBuf,
    pub(crate) work: PathBuf,
}

impl Repo {
    /// An empty repository `name` in `root`.
    pub(crate) fn empty(root: &Path, name: &str) -> Self {
        let bare = root.join(name);
        let work = root.join(format!("{name}.work"));
        git(root, &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]);
        git(&bare, &["config", "http.receivepack", "true"]);
        git(root, &["init", "-q", "-b", "main", work.to_str().unwrap()]);
        git(&work, &["remote", "add", "origin", bare.to_str().unwrap()]);
        Self { bare, work }
    }

    /// A repository with one commit that holds `files`.
    pub(crate) fn with(root: &Path, name: &str, files: &[(&str, &str)]) -> Self {
        let repo = Self::empty(root, name);
        repo.push(files, "first");
        repo
    }

    /// Writes files in the working copy.
    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.work.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// Commits all of the working copy on top of what it has, and pushes `main`. Returns the commit.
    pub(crate) fn push(&self, files: &[(&str, &str)], message: &str) -> String {
        self.write(files);
        git(&self.work, &["add", "-A"]);
        git(&self.work, &["commit", "-q", "--allow-empty", "-m", message]);
        git(&self.work, &["push", "-q", "--force", "origin", "HEAD:refs/heads/main"]);
        git(&self.work, &["rev-parse", "HEAD"])
    }

    /// The head of `main` on the server.
    #[track_caller]
    pub(crate) fn head(&self) -> String {
        git(&self.bare, &["rev-parse", "refs/heads/main"])
    }

    /// A hook of the bare repository: a shell script.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.bare.join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_length: Option<usize>,
    pub(crate) body: Bytes,
}

/// What the server does instead of, or around, the work of Git.
pub(crate) enum Fault {
    /// Answers by itself: status, content type, body.
    Answer(u16, &'static str, String),
    /// Answers in JSON by itself, at this time: status, `Date`, body.
    Dated(u16, String, String),
    /// Sends the client to another address.
    Redirect(String),
    /// Never answers.
    Stall,
    /// Sends five bytes of a Git answer a second.
    Drip,
    /// Lets Git do the work, and ends the connection with the answer.
    Close,
    /// Lets Git do the work and breaks the connection instead of telling.
    Break,
    /// Lets Git do the work but sends only so many bytes of what it said.
    Truncate(usize),
}

type Rule = Box<dyn Fn(&Seen) -> Option<Fault> + Send + Sync>;

#[derive(Default)]
struct Shared {
    root: PathBuf,
    login: Mutex<Option<String>>,
    speaks_version_2: Mutex<bool>,
    rule: Mutex<Option<Rule>>,
    log: Mutex<Vec<Seen>>,
}

/// `git http-backend` over the repositories in a folder. Stops when dropped.
pub(crate) struct GitServer {
    shared: Arc<Shared>,
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl GitServer {
    /// Serves the repositories in `root`.
    pub(crate) fn start(root: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared =
            Arc::new(Shared { root: root.to_owned(), speaks_version_2: Mutex::new(true), ..Shared::default() });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { shared, port, _runtime: runtime }
    }

    /// The address of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// The same with `user:password` in it.
    pub(crate) fn url_as(&self, login: &str, name: &str) -> String {
        format!("http://{login}@127.0.0.1:{}/{name}", self.port)
    }

    /// From now on only `user:password` may do anything.
    pub(crate) fn require(&self, login: &str) {
        self.require_header(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login)));
    }

    /// From now on only who sends this `Authorization` may do anything.
    pub(crate) fn require_header(&self, authorization: &str) {
        *self.shared.login.lock().unwrap() = Some(authorization.to_owned());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on as a server of 2017.
    pub(crate) fn speak_version_0(&self) {
        *self.shared.speaks_version_2.lock().unwrap() = false;
    }

    /// From now on `rule` is asked first.
    pub(crate) fn on(&self, rule: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) {
        *self.shared.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// Back to normal.
    pub(crate) fn heal(&self) {
        *self.shared.rule.lock().unwrap() = None;
    }

    /// The requests since the last call.
    pub(crate) fn take_log(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.log.lock().unwrap())
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        // Whoever asked is gone.
        return Response::new(Body::empty());
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text("authorization"),
        content_length: text("content-length").and_then(|value| value.parse().ok()),
        body,
    };
    shared.log.lock().unwrap().push(seen.clone());
    let answer = |status: u16, kind: &str, body: String| {
        Response::builder().status(status).header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
    };
    let login = shared.login.lock().unwrap().clone();
    if login.is_some() && seen.authorization != login {
        return answer(401, "text/plain", format!("bad login {:?}", seen.authorization));
    }
    let fault = shared.rule.lock().unwrap().as_ref().and_then(|rule| rule(&seen));
    match &fault {
        Some(Fault::Answer(status, kind, body)) => return answer(*status, kind, body.clone()),
        Some(Fault::Dated(status, date, body)) => {
            let mut response = answer(*status, "application/json; charset=utf-8", body.clone());
            response.headers_mut().insert(header::DATE, date.parse().unwrap());
            return response;
        }
        Some(Fault::Redirect(to)) => {
            return Response::builder().status(301).header(header::LOCATION, to).body(Body::empty()).unwrap();
        }
        Some(Fault::Stall) => std::future::pending().await,
        _ => {}
    }
    let protocol = text("git-protocol").filter(|_| *shared.speaks_version_2.lock().unwrap());
    let (status, kind, mut body) =
        run_backend(&shared.root, &seen, protocol, text("content-type"), login.is_some()).await;
    let broken = || Err(std::io::Error::other("on demand"));
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    match fault {
        Some(Fault::Break) => response.body(Body::from_stream(stream::iter([broken()] as [Result<Bytes, _>; 1]))),
        Some(Fault::Truncate(length)) => {
            body.truncate(length);
            response.body(Body::from_stream(stream::iter([Ok(Bytes::from(body)), broken()])))
        }
        Some(Fault::Drip) => response.body(Body::from_stream(stream::unfold(body, |mut rest| async {
            let first = rest.drain(..1.min(rest.len())).next()?;
            // The slowness is what a test asks for; nobody waits here for anything.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![first])), rest))
        }))),
        Some(Fault::Close) => response.header(header::CONNECTION, "close").body(Body::from(body)),
        _ => response.body(Body::from(body)),
    }
    .unwrap()
}

async fn run_backend(
    root: &Path,
    seen: &Seen,
    protocol: Option<String>,
    content_type: Option<String>,
    logged_in: bool,
) -> (StatusCode, String, Vec<u8>) {
    let mut command = tokio::process::Command::new("git");
    command.arg("http-backend").env_clear().envs(environment());
    command
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &seen.method)
        .env("PATH_INFO", &seen.path)
        .env("QUERY_STRING", &seen.query)
        .env("CONTENT_LENGTH", seen.body.len().to_string())
        .env("CONTENT_TYPE", content_type.unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(protocol) = protocol {
        command.env("GIT_PROTOCOL", protocol);
    }
    if logged_in {
        command.env("REMOTE_USER", "someone");
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = seen.body.clone();
    let writing = tokio::spawn(async move { drop(stdin.write_all(&body).await) });
    let output = child.wait_with_output().await.unwrap().stdout;
    writing.await.unwrap();
    let end = output.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let headers = String::from_utf8_lossy(&output[..end]).into_owned();
    let field = |name: &str| {
        headers
            .lines()
            .find_map(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")).map(str::to_owned))
    };
    let status = field("Status").map_or(200, |status| status[..3].parse().unwrap());
    (StatusCode::from_u16(status).unwrap(), field("Content-Type").unwrap_or_default(), output[end + 4..].to_vec())
}
