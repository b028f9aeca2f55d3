//! Registries to test against: the embedded one with faults before it, and Debian's `docker-registry`.
//! Also the pushing side, over HTTP, so that both are filled by the same code.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use landwaiter::demo::registry::Registry;
use landwaiter::image::{Digest, Repository, Tag};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    /// `If-None-Match` and `If-Modified-Since`.
    pub(crate) conditions: [Option<String>; 2],
    pub(crate) body: String,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub(crate) version: String,
    /// How many requests with this path came before.
    pub(crate) before: usize,
}

/// What the server does with a request instead of answering it well.
pub(crate) enum Act {
    /// Nothing special.
    Pass,
    /// This answer.
    Say(Response),
    /// Nothing special, but after this time: for slowness, not to wait for anything.
    Wait(Duration),
    /// Nothing special, but the connection ends with the answer.
    Close,
    /// Nothing special, but after the test gave a permit for it.
    Until(Arc<Semaphore>),
    /// Never an answer.
    Hang,
}

/// The embedded registry behind a fault, on a port of its own.
pub(crate) struct Server {
    pub(crate) registry: Registry,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
    busiest: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// A server without faults.
    pub(crate) async fn good() -> Self {
        Self::start(|_, _| Act::Pass).await
    }

    /// A server that asks `fault` before every request; it is told its own address.
    pub(crate) async fn start(fault: impl Fn(&Seen, SocketAddr) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let registry = Registry::new();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (running, busiest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let listener = listener.tap_io(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let (fault, shared_log, shared_busiest) = (Arc::new(fault), Arc::clone(&log), Arc::clone(&busiest));
        let before = from_fn(move |request: Request, next: Next| {
            let (fault, log) = (Arc::clone(&fault), Arc::clone(&shared_log));
            let (running, busiest) = (Arc::clone(&running), Arc::clone(&shared_busiest));
            async move {
                busiest.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let (seen, request) = see(request, &log).await;
                let answer = match fault(&seen, address) {
                    Act::Pass => next.run(request).await,
                    Act::Say(response) => response,
                    Act::Wait(time) => {
                        tokio::time::sleep(time).await;
                        next.run(request).await
                    }
                    Act::Close => {
                        let mut answer = next.run(request).await;
                        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                        answer
                    }
                    Act::Until(gate) => {
                        gate.acquire().await.unwrap().forget();
                        next.run(request).await
                    }
                    Act::Hang => std::future::pending().await,
                };
                running.fetch_sub(1, Ordering::SeqCst);
                answer
            }
        });
        let router = registry.router().fallback(StatusCode::NOT_FOUND).layer(before);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { registry, address, log, busiest, connections, task }
    }

    /// The repository at `path` on this server.
    pub(crate) fn repository(&self, path: &str) -> Repository {
        Repository::parse(&format!("{}/{path}", self.address)).unwrap()
    }

    /// Images with these tags, made in this order.
    pub(crate) fn fill(&self, path: &str, tags: &[&str]) -> Repository {
        for (tag, hour) in tags.iter().zip(0..) {
            let created = Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap();
            let _ = self.registry.push_image(path, &Tag::parse(tag).unwrap(), created, &[].into());
        }
        self.repository(path)
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }

    /// How many requests had this in their path.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.log().iter().filter(|seen| seen.path.contains(part)).count()
    }

    /// How many connections were made so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The most requests that ran at once.
    pub(crate) fn busiest(&self) -> usize {
        self.busiest.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn see(request: Request, log: &Mutex<Vec<Seen>>) -> (Seen, Request) {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path().to_owned();
    let text = |name| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let mut log = log.lock().unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: text(header::AUTHORIZATION),
        conditions: [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE].map(text),
        body: String::from_utf8_lossy(&body).into_owned(),
        version: format!("{:?}", parts.version),
        before: log.iter().filter(|seen: &&Seen| seen.path == path).count(),
        path,
    };
    log.push(seen.clone());
    (seen, Request::from_parts(parts, Body::from(body)))
}

impl Seen {
    pub(crate) fn is_list(&self) -> bool {
        self.path.ends_with("/tags/list")
    }

    pub(crate) fn is_token(&self) -> bool {
        self.path == "/token"
    }
}

/// A status with headers and a body.
pub(crate) fn say(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Act {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Act::Say(response.body(body.into()).unwrap())
}

/// A body that breaks off after `part`, though `whole` bytes were announced; `None` announces nothing.
pub(crate) fn half(part: &'static str, whole: Option<usize>) -> Act {
    let sent = stream::once(async { Ok(Bytes::from_static(part.as_bytes())) });
    let cut = stream::once(async {
        // What was written so far goes out while the body has nothing more to give.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("the line is dead"))
    });
    let mut response = Body::from_stream(sent.chain(cut)).into_response();
    if let Some(whole) = whole {
        response.headers_mut().insert(header::CONTENT_LENGTH, whole.into());
    }
    Act::Say(response)
}

/// A body of unannounced length.
pub(crate) fn chunked(body: String) -> Act {
    Act::Say(Body::from_stream(stream::iter([Ok::<_, std::io::Error>(body)])).into_response())
}

/// A registry that wants `Authorization: Basic` for this user.
pub(crate) fn basic(user: &str, password: &str) -> impl Fn(&Seen, SocketAddr) -> Act + Send + Sync + use<> {
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
    move |seen, _| {
        if seen.authorization.as_ref() == Some(&expected) { Act::Pass } else { refuse(r#"Basic realm="test""#) }
    }
}

/// `401` with a challenge, in the registry's form.
pub(crate) fn refuse(challenge: &str) -> Act {
    let body = r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    say(401, &[("www-authenticate", challenge)], body)
}

/// The challenge of a registry with its own token server, and a scope that is meant for nobody.
const CHALLENGE: &str = r#"Bearer realm="http://HOST/token",service="test",scope="repository:user/image:pull""#;

/// A registry that lets nobody in, with a token server that answers `token`.
pub(crate) fn closed(seen: &Seen, address: SocketAddr, token: Act) -> Act {
    if seen.is_token() { token } else { refuse(&CHALLENGE.replace("HOST", &address.to_string())) }
}

/// A registry with a token server; each token is good for `uses` requests.
pub(crate) fn bearer(uses: usize) -> impl Fn(&Seen, SocketAddr) -> Act + Send + Sync {
    let state = Mutex::new((0, 0));
    move |seen, address| {
        let mut state = state.lock().unwrap();
        let (made, spent) = &mut *state;
        if seen.is_token() {
            (*made, *spent) = (*made + 1, 0);
            return say(200, &[], format!(r#"{{"access_token":"token-{made}","expires_in":300}}"#));
        }
        if seen.authorization.as_deref() == Some(&format!("Bearer token-{made}")) && *spent < uses {
            *spent += 1;
            return Act::Pass;
        }
        closed(seen, address, Act::Hang)
    }
}

/// A server below HTTP: what it does with a line is written out in the test.
pub(crate) struct Raw {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// One permit for each line that has come to its end.
    ended: Arc<Semaphore>,
    task: JoinHandle<()>,
}

/// A connection to a [`Raw`] server, after the head of a request was read.
pub(crate) struct Line(TcpStream);

impl Raw {
    pub(crate) async fn start<F: Future<Output = std::io::Result<()>> + Send + 'static>(
        serve: impl Fn(Line) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let (counter, finished) = (Arc::clone(&connections), Arc::clone(&ended));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let (served, finished) = (serve(Line(stream)), Arc::clone(&finished));
                tokio::spawn(async move {
                    // A client that has had enough is what most of these tests want.
                    let _ = served.await;
                    finished.add_permits(1);
                });
            }
        });
        Self { address, connections, ended, task }
    }

    pub(crate) fn repository(&self, path: &str) -> Repository {
        Repository::parse(&format!("{}/{path}", self.address)).unwrap()
    }

    /// How many lines there were so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until a line has come to its end.
    pub(crate) async fn is_hung_up_on(&self) {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.ended.acquire()).await;
        ended.expect("nobody hung up").unwrap().forget();
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    pub(crate) async fn say(&mut self, words: &str) -> std::io::Result<()> {
        self.0.write_all(words.as_bytes()).await
    }

    /// Ends it as a machine does that falls over: what was sent last may be lost.
    pub(crate) fn reset(self) -> std::io::Result<()> {
        self.0.set_zero_linger()
    }
}

/// Debian's registry, on a port and in a folder of its own.
pub(crate) struct DockerRegistry {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: tempfile::TempDir,
}

impl DockerRegistry {
    /// Starts it; `htpasswd` is a file of users, with bcrypt hashes.
    pub(crate) fn start(htpasswd: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("htpasswd");
        let mut config = json!({
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": folder.path().join("data")}},
            "http": {"addr": "127.0.0.1:0"},
        });
        if let Some(htpasswd) = htpasswd {
            fs::write(&users, htpasswd).unwrap();
            config["auth"] = json!({"htpasswd": {"realm": "test", "path": users}});
        }
        let path = folder.path().join("config.yml");
        fs::write(&path, config.to_string()).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .env_clear()
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("docker-registry: {error}; `apt-get install docker-registry`"));
        let address = announced(process.stderr.take().unwrap(), "listening on ");
        Self { address, process, _folder: folder }
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The address that a process says it listens on, after `marker`: port 0 is any free port, and only
/// the process knows which. Its further words are read and dropped, so that it never has to wait.
fn announced(words: impl Read + Send + 'static, marker: &str) -> SocketAddr {
    let mut lines = BufReader::new(words).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once(marker)?;
        rest.split(['"', ' ']).next()?.parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    address.expect("the process ended without listening")
}

/// Pushes over the API, as a build does.
pub(crate) struct Pusher {
    http: reqwest::Client,
    host: String,
    user: Option<(&'static str, &'static str)>,
}

impl Pusher {
    pub(crate) fn new(address: SocketAddr, user: Option<(&'static str, &'static str)>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, host: address.to_string(), user }
    }

    pub(crate) fn repository(&self, path: &str) -> Repository {
        Repository::parse(&format!("{}/{path}", self.host)).unwrap()
    }

    /// Sends a request and gives the status, the headers and the body.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        media_type: &str,
        body: &[u8],
    ) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
        let url = if target.starts_with('/') { format!("http://{}{target}", self.host) } else { target.to_owned() };
        let mut request = self.http.request(method.parse().unwrap(), url).body(body.to_owned());
        if !media_type.is_empty() {
            request = request.header("content-type", media_type).header("accept", media_type);
        }
        if let Some((user, password)) = self.user {
            request = request.basic_auth(user, Some(password));
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap().to_vec())
    }

    /// Begins an upload and gives its location.
    pub(crate) async fn begin_upload(&self, path: &str) -> String {
        let (status, headers, _) = self.send("POST", &format!("/v2/{path}/blobs/uploads/"), "", b"").await;
        assert_eq!(status, 202);
        headers["location"].to_str().unwrap().to_owned()
    }

    pub(crate) async fn blob(&self, path: &str, content: &[u8]) -> Value {
        let location = self.begin_upload(path).await;
        let target = with_digest(&location, &Digest::sha256(content));
        let (status, _, body) = self.send("PUT", &target, "application/octet-stream", content).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        json!({"digest": Digest::sha256(content).as_str(), "size": content.len()})
    }

    /// Pushes a manifest and gives its descriptor.
    pub(crate) async fn manifest(&self, path: &str, reference: &str, manifest: &Value) -> Value {
        let media_type = manifest["mediaType"].as_str().unwrap();
        let bytes = manifest.to_string().into_bytes();
        let target = format!("/v2/{path}/manifests/{reference}");
        let (status, _, body) = self.send("PUT", &target, media_type, &bytes).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        json!({"mediaType": media_type, "digest": Digest::sha256(&bytes).as_str(), "size": bytes.len()})
    }

    /// Pushes an image whose configuration says `created`, and gives its descriptor.
    pub(crate) async fn image(&self, path: &str, reference: Option<&str>, created: &str) -> Value {
        let layer = self.blob(path, &[0; 1024]).await;
        let config = json!({"created": created, "architecture": "amd64", "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}});
        let config = self.blob(path, config.to_string().as_bytes()).await;
        let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": typed(OCI_CONFIG, config),
            "layers": [typed("application/vnd.oci.image.layer.v1.tar", layer)]});
        let digest = Digest::sha256(manifest.to_string().as_bytes());
        self.manifest(path, reference.unwrap_or(digest.as_str()), &manifest).await
    }
}

/// A descriptor with a media type.
pub(crate) fn typed(media_type: &str, mut descriptor: Value) -> Value {
    descriptor["mediaType"] = media_type.into();
    descriptor
}

/// A descriptor with a platform, for an index.
pub(crate) fn with_platform(mut descriptor: Value, os: &str, architecture: &str) -> Value {
    descriptor["platform"] = json!({"os": os, "architecture": architecture});
    descriptor
}

pub(crate) fn with_digest(location: &str, digest: &Digest) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    format!("{location}{separator}digest={digest}")
}
