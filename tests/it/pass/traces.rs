//! Traces of real passes, as a collector in this process gets them, and what becomes of passes when it does not.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message as _;
use tokio::net::TcpListener;

use super::listen::Listening;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::git_server::git;
use crate::registry_server::{Server, basic};

const HOOK_SECRET: &str = "hook-hunter2-hunter2-hunter2";
const GIT_SECRET: &str = "git-hunter2";
const REGISTRY_SECRET: &str = "registry-hunter2";
const COLLECTOR_SECRET: &str = "collector-hunter2";

/// Spans are sent soon after they end, in milliseconds.
const OFTEN: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "50");

/// What the collector does with a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Good,
    Refusing,
    Hanging,
}

/// A collector that keeps what it gets.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    state: Arc<Mutex<Taken>>,
}

struct Taken {
    mood: Mood,
    connections: usize,
    requests: usize,
    headers: Vec<HeaderMap>,
    bodies: Vec<Bytes>,
}

impl Collector {
    fn start(mood: Mood) -> Self {
        let listener = wait(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Taken { mood, connections: 0, requests: 0, headers: Vec::new(), bodies: Vec::new() };
        let collector = Self { address, state: Arc::new(Mutex::new(state)) };
        let counter = Arc::clone(&collector.state);
        let listener = listener.tap_io(move |_| counter.lock().unwrap().connections += 1);
        let router = Router::new().route("/v1/traces", post(Self::take)).with_state(collector.clone());
        super::RUNTIME.spawn(async move { axum::serve(listener, router).await.unwrap() });
        collector
    }

    async fn take(State(collector): State<Self>, headers: HeaderMap, body: Bytes) -> Response {
        let mood = {
            let mut state = collector.state.lock().unwrap();
            state.requests += 1;
            if state.mood == Mood::Good {
                state.headers.push(headers);
                state.bodies.push(body);
            }
            state.mood
        };
        match mood {
            Mood::Good => StatusCode::OK.into_response(),
            Mood::Refusing => StatusCode::UNAUTHORIZED.into_response(),
            Mood::Hanging => std::future::pending().await,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    fn spans(&self) -> Vec<Span> {
        let requests: Vec<_> = self.state.lock().unwrap().bodies.clone();
        let requests = requests.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// What the first request says of who sends it.
    fn resource(&self) -> BTreeMap<String, String> {
        let body = self.state.lock().unwrap().bodies[0].clone();
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        texts(&request.resource_spans[0].resource.as_ref().unwrap().attributes)
    }
}

/// Attributes as text; numbers must be numbers.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| {
        let value = match pair.value.clone().and_then(|value| value.value) {
            Some(Value::StringValue(text)) => {
                assert!(pair.key == "landwaiter.pass.id" || text.parse::<u64>().is_err(), "{}: {text:?}", pair.key);
                text
            }
            Some(Value::IntValue(number)) => number.to_string(),
            other => format!("{other:?}"),
        };
        (pair.key.clone(), value)
    };
    attributes.iter().map(text).collect()
}

fn find<'s>(spans: &'s [Span], name: &str, attribute: (&str, &str)) -> Option<&'s Span> {
    let is = |span: &&Span| {
        span.name == name && texts(&span.attributes).get(attribute.0).is_some_and(|value| value == attribute.1)
    };
    spans.iter().find(is)
}

/// The spans below one, in the order in which they began; of several of one name side by side, one.
fn tree(spans: &[Span], root: &Span, depth: usize) -> String {
    let mut text = format!("{}{}\n", "  ".repeat(depth), root.name);
    let mut below: Vec<_> = spans.iter().filter(|span| span.parent_span_id == root.span_id).collect();
    below.sort_by_key(|span| span.start_time_unix_nano);
    let mut parts: Vec<_> = below.iter().map(|span| tree(spans, span, depth + 1)).collect();
    parts.dedup();
    for part in parts {
        text.push_str(&part);
    }
    for span in &below {
        assert_eq!(span.trace_id, root.trace_id, "{text}");
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{text}");
    }
    text
}

/// A daemon that needs a secret for everything it does, and polls nothing by itself after the first pass.
fn secretive(scene: &Scene, registry: &Server, collector: &Collector) -> Listening {
    let home = scene.home();
    for (file, text) in [
        ("hook", HOOK_SECRET.to_owned()),
        ("git", format!("bot:{GIT_SECRET}")),
        ("registry", format!("bob:{REGISTRY_SECRET}")),
    ] {
        fs::write(home.join(file), text).unwrap();
    }
    scene.server.require(&format!("bot:{GIT_SECRET}"));
    let (url, host) = (scene.server.url("config.git"), registry.address);
    let config = format!(
        "repositories:\n- {{url: \"{url}\", name: shop, credentials: {{file: git}}}}\n\
         registries:\n- {{prefix: \"{host}\", credentials: {{file: registry}}}}\n\
         hooks:\n- {{name: script, sender: generic, secret: {{file: hook}}}}\n"
    );
    fs::write(home.join("landwaiter.yaml"), config).unwrap();
    let fixed = ["run", "--config", "landwaiter.yaml", "--data-dir", "data", "--settle", "0s"];
    let seldom = ["--git-poll-interval", "1h", "--registry-poll-interval", "1h"];
    let header = format!("x-api-key={COLLECTOR_SECRET}");
    let endpoint = collector.url();
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", &header),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        OFTEN,
    ];
    Listening::run_in(&environment, home, fixed.into_iter().chain(seldom).map(str::to_owned).collect())
}

/// A registry with a newer tag than a workload has.
fn release() -> (Server, Scene) {
    let registry = wait(Server::good());
    let image = registry.fill("app", &["1.0.0", "1.1.0"]);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{image}:1.0.0")))]);
    (registry, scene)
}

/// The names of a process's threads.
fn threads(daemon: &Daemon) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.id())).unwrap().flatten();
    tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok()).collect()
}

#[test]
fn a_pass_that_commits_is_a_tree_of_spans_and_none_of_them_holds_a_secret() {
    let registry = wait(Server::start(basic("bob", REGISTRY_SECRET)));
    let image = registry.fill("app", &["1.0.0", "1.1.0"]);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &format!("{image}:1.0.0")))]);
    let collector = Collector::start(Mood::Good);
    let mut listening = secretive(&scene, &registry, &collector);
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || listening.daemon.log());
    let story = || format!("{:#?}\n{}", collector.spans(), listening.daemon.log());
    let accepted = ("landwaiter.pass.result", "accepted");
    wait_until("the pass", || find(&collector.spans(), "pass", accepted).map(drop), story);
    let asked = registry.count("/tags/list");
    let news = format!(r#"{{"image":"{image}"}}"#);
    assert_eq!(listening.post("/hooks/script", HOOK_SECRET, &news), 202);
    assert_eq!(listening.post("/hooks/script", "wrong-wrong-wrong-wrong", &news), 401);
    assert_eq!(listening.post("/hooks/my-password", HOOK_SECRET, &news), 401);
    let hook = "POST /hooks/{name}";
    for result in ["taken", "unproved"] {
        let found = || find(&collector.spans(), hook, ("landwaiter.webhook.result", result)).map(drop);
        wait_until(result, found, || listening.daemon.log());
    }
    wait_until("the scan", || (registry.count("/tags/list") > asked).then_some(()), || listening.daemon.log());
    listening.daemon.signal("TERM");
    assert_eq!(listening.daemon.wait(), Some(0));

    let (spans, log) = (collector.spans(), listening.daemon.log());
    let pass = find(&spans, "pass", accepted).unwrap();
    assert_eq!(
        tree(&spans, pass, 0),
        "\
pass
  fetch
    git list
      GET
      POST
    git receive
      POST
    read
  registries
    scan
      GET tags
  decide
  draft
  publish
    commit
    push
      git send
        GET
        POST
",
        "{log}"
    );
    let head = git(&scene.repo.bare, &["rev-parse", "main"]);
    let base = git(&scene.repo.bare, &["rev-parse", "main~1"]);
    let said = texts(&pass.attributes);
    let number = said["landwaiter.pass.id"].clone();
    assert!(log.contains(&format!("pass{{repository=\"shop\" id={number}}}: updated")), "{number}: {log}");
    let said: Vec<_> = said.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(
        said,
        [
            ("landwaiter.holds", "0"),
            ("landwaiter.pass.id", &number),
            ("landwaiter.pass.result", "accepted"),
            ("landwaiter.updates", "1"),
            ("vcs.ref.base.revision", &base),
            ("vcs.ref.head.name", "main"),
            ("vcs.ref.head.revision", &head),
            ("vcs.repository.name", "shop"),
        ]
    );
    let tags = find(&spans, "GET tags", ("http.response.status_code", "200")).unwrap();
    let said = texts(&tags.attributes);
    assert_eq!(
        [&*said["server.address"], &said["server.port"], &said["http.request.method"]],
        ["127.0.0.1", &registry.address.port().to_string(), "GET"]
    );
    assert_eq!(said["url.full"], format!("http://{}/v2/app/tags/list", registry.address));
    assert_eq!(tags.kind(), SpanKind::Client);
    let hook = find(&spans, hook, ("landwaiter.webhook.result", "taken")).unwrap();
    let said = texts(&hook.attributes);
    assert_eq!((&*said["landwaiter.webhook.type"], &*said["landwaiter.webhook.source"]), ("generic", "script"));
    assert_eq!((&*said["http.response.status_code"], hook.kind()), ("202", SpanKind::Server));
    let said = collector.resource();
    for (key, value) in [
        ("service.name", "landwaiter"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", "test"),
    ] {
        assert_eq!(said.get(key).map(String::as_str), Some(value), "{said:?}");
    }

    // Only the collector is told its own secret, and that beside the spans.
    let taken = collector.state.lock().unwrap();
    assert!(taken.headers.iter().all(|headers| headers["x-api-key"] == COLLECTOR_SECRET));
    for secret in [HOOK_SECRET, GIT_SECRET, REGISTRY_SECRET, COLLECTOR_SECRET, "my-password"] {
        let encoded = [format!("bot:{secret}"), format!("bob:{secret}")].map(|pair| BASE64_STANDARD.encode(pair));
        for form in [secret, &encoded[0], &encoded[1]] {
            let holds = |body: &Bytes| body.windows(form.len()).any(|at| at == form.as_bytes());
            assert!(!taken.bodies.iter().any(holds), "{form} was sent");
            assert!(!log.contains(form), "{form}: {log}");
        }
    }
}

#[test]
fn a_pass_that_fails_says_why() {
    let scene = Scene::new(&[("a.yaml", "")]);
    let collector = Collector::start(Mood::Good);
    let args = ["--once", "--git-branch", "release", "--otlp-endpoint", &collector.url()];
    let ran = run(&mut landwaiter(scene.home(), scene.args(&args)));
    assert_eq!(ran.code, 1, "{ran:?}");
    let spans = collector.spans();
    let pass = find(&spans, "pass", ("landwaiter.pass.result", "failed")).unwrap();
    for span in [pass, find(&spans, "fetch", ("error.type", "failed")).unwrap()] {
        let status = span.status.as_ref().unwrap();
        assert!(status.message.contains("release"), "{status:?}");
        assert_eq!(status.code, 2);
    }
}

#[test]
fn a_collector_that_refuses_is_told_of_once_and_once_more_when_it_is_over() {
    let (_registry, scene) = release();
    let collector = Collector::start(Mood::Refusing);
    let often = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s", "--otlp-endpoint", &collector.url()];
    let daemon = Daemon::start(landwaiter(scene.home(), scene.args(&often)).envs([OFTEN]));
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    wait_until("three requests", || (collector.requests() >= 3).then_some(()), || daemon.log());
    collector.state.lock().unwrap().mood = Mood::Good;
    daemon.wait_for_log("takes traces again");
    let spans = collector.spans().len();
    wait_until("more spans", || (collector.spans().len() > spans).then_some(()), || daemon.log());
    let log = daemon.log();
    let warned = format!("traces cannot be sent to {}/v1/traces: it answers 401 Unauthorized;", collector.url());
    assert_eq!(log.matches(&warned).count(), 1, "{log}");
    assert_eq!(log.matches("takes traces again lost=").count(), 1, "{log}");
    assert_eq!(log.matches("traces").count(), 4, "{log}");
}

#[test]
fn a_dead_collector_delays_neither_a_pass_nor_the_end() {
    let (_registry, scene) = release();
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{dead}");
    let mut daemon = Daemon::start(landwaiter(scene.home(), scene.args(&["--otlp-endpoint", &endpoint])).envs([OFTEN]));
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    daemon.wait_for_log("traces cannot be sent");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let log = daemon.log();
    assert_eq!(log.matches("Connection refused").count(), 1, "{log}");
    assert_eq!(log.matches("traces cannot be sent").count(), 1, "{log}");
}

#[test]
fn a_collector_that_never_answers_is_left_behind() {
    let (_registry, scene) = release();
    let collector = Collector::start(Mood::Hanging);
    let patient = ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
    let args = scene.args(&["--otlp-endpoint", &collector.url()]);
    let mut daemon = Daemon::start(landwaiter(scene.home(), args).envs([OFTEN, patient]));
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
    wait_until("a request", || (collector.requests() > 0).then_some(()), || daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0), "{}", daemon.log());
}

#[test]
fn without_traces_there_is_no_thread_and_no_connection() {
    let collector = Collector::start(Mood::Good);
    let endpoint = collector.url();
    let is_theirs = |name: &String| name.starts_with("OpenTelemetry");
    for (environment, wanted) in [
        (vec![], false),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_SDK_DISABLED", "true")], false),
        (vec![("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)], true),
    ] {
        let (_registry, scene) = release();
        let mut daemon = Daemon::start(landwaiter(scene.home(), scene.args(&[])).envs(environment.clone()));
        wait_until("the commit", || (scene.commits() == 2).then_some(()), || daemon.log());
        assert_eq!(threads(&daemon).iter().any(is_theirs), wanted, "{environment:?}");
        daemon.signal("TERM");
        assert_eq!(daemon.wait(), Some(0));
        assert_eq!(collector.state.lock().unwrap().connections > 0, wanted, "{environment:?}");
    }
}

#[test]
fn the_log_is_the_same_with_traces_and_without() {
    let lines = |more: &[&str]| {
        let (_registry, scene) = release();
        let json = ["--once", "--log-format", "json", "--log-level", "landwaiter=debug,warn"];
        let ran = run(&mut landwaiter(scene.home(), scene.args(&[&json, more].concat())));
        assert_eq!((ran.code, scene.commits()), (0, 2), "{ran:?}");
        // What differs from run to run are times, ports and names of commits; their keys do not.
        let shape = |line: &str| {
            let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            let span = line.get("span").cloned().unwrap_or_default();
            format!("{} {:?} {span}", line["target"], line.keys().collect::<Vec<_>>())
        };
        let mut shapes: Vec<_> = ran.stderr.lines().map(shape).collect();
        shapes.sort();
        shapes
    };
    let collector = Collector::start(Mood::Good);
    assert_eq!(lines(&["--otlp-endpoint", &collector.url()]), lines(&[]));
    assert!(!collector.spans().is_empty());
}

#[test]
fn an_endpoint_that_is_no_url_is_refused_at_the_start() {
    let (_registry, scene) = release();
    let ran = scene.once(&["--otlp-endpoint", "collector:4318"]);
    let expected = "error: --otlp-endpoint: \"collector:4318\" is not a URL to which traces can be sent: expected \
                    something like http://collector:4318\n";
    assert_eq!((ran.code, &*ran.stderr, scene.commits()), (2, expected, 1));
}
