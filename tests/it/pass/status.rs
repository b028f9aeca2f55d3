//! What a running daemon shows of itself: the answers and their description, who may ask, and the two commands.

use std::collections::BTreeSet;
use std::fs;

use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

use super::listen::Listening;
use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Ran, landwaiter, run, wait_until};
use crate::git_server::Fault;
use crate::registry_server::{Server, say};

const TOKEN: &str = "hunter2-hunter2-hunter2";

/// No poll comes by itself.
const INTERVALS: [&str; 4] = ["--git-poll-interval", "1h", "--registry-poll-interval", "1h"];

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn get(address: &str, path: &str) -> RequestBuilder {
    client().get(format!("http://{address}{path}"))
}

#[track_caller]
fn good(answer: Response) -> Value {
    let status = answer.status().as_u16();
    let text = answer.text().unwrap();
    assert!((200..300).contains(&status), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn api(address: &str, path: &str) -> Value {
    good(get(address, &format!("/api/v1/{path}")).send().unwrap())
}

#[track_caller]
fn refused(request: RequestBuilder, status: u16, words: &str) {
    let answer = request.send().unwrap();
    let (told, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
    assert_eq!(told, status, "{body}");
    assert!(body["error"].as_str().unwrap().contains(words), "{words:?} is missing in {body}");
    for (name, value) in
        [("cache-control", "no-store"), ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY")]
    {
        assert_eq!(headers[name], value);
    }
}

/// Waits until everything is taken in that the daemon knows of.
fn settled(listening: &Listening) -> Value {
    let settled = || {
        let status = api(&listening.address, "status");
        let repository = &status["repositories"][0];
        (repository["last_good"].is_string() && repository["pending"] == false).then_some(status)
    };
    wait_until("a quiet daemon", settled, || listening.daemon.log())
}

/// Holds an answer against its schema: every field of the one stands in the other, and the other way round. Notes
/// which schemas were met.
#[track_caller]
fn holds(value: &Value, schema: &Value, description: &Value, at: &str, met: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        met.insert(name.to_owned());
        return holds(value, &description["components"]["schemas"][name], description, at, met);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(branches) = schema[key].as_array() {
            let is_null = |branch: &&Value| branch["type"] == "null";
            if let Some(words) = value.as_str().filter(|_| !branches.iter().any(|branch| is_null(&branch))) {
                assert!(
                    branches.iter().any(|branch| branch["const"] == words),
                    "{at}: {words} is none of {branches:?}"
                );
                return;
            }
            if value.is_null() {
                assert!(branches.iter().any(|branch| is_null(&branch)), "{at} is null");
                return;
            }
            return holds(value, branches.iter().find(|branch| !is_null(branch)).unwrap(), description, at, met);
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        other => panic!("{at}: no type but {other}: {schema}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) if kinds.contains(&"number") => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at} is {kind}, not {kinds:?}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value} is none of {allowed:?}");
    }
    match value {
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                holds(value, &schema["items"], description, &format!("{at}[{index}]"), met);
            }
        }
        Value::Object(fields) if schema["properties"].is_object() => {
            let described = schema["properties"].as_object().unwrap();
            let (there, known): (BTreeSet<_>, BTreeSet<_>) = (fields.keys().collect(), described.keys().collect());
            assert_eq!(there, known, "{at}");
            let required: BTreeSet<_> =
                schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(required.len(), known.len(), "{at}: every field is always there");
            for (name, value) in fields {
                assert!(
                    described[name].get("description").is_some() || described[name].get("$ref").is_some(),
                    "{at}.{name}"
                );
                holds(value, &described[name], description, &format!("{at}.{name}"), met);
            }
        }
        _ => {}
    }
}

#[test]
fn every_answer_is_as_the_description_says() {
    // Nobody listens there.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let headers = [("retry-after", "600"), ("ratelimit-limit", "100;w=600"), ("ratelimit-remaining", "0;w=600")];
    let limited = wait(Server::start(move |_, _| say(429, &headers, "slow down")));
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0", "1.1.0"]);
    let (host, lost, slow) = (registry.address, dead, limited.address);
    let scene = Scene::new(&[
        ("a.yaml", &deployment("app", &SEMVER, &format!("{host}/app:1.0.0"))),
        (
            "b.yaml",
            &deployment("kept", &[SEMVER[0], SEMVER[1], "landwaiter/locked: \"true\""], &format!("{host}/app:1.0.0")),
        ),
        ("c.yaml", &deployment("typo", &[SEMVER[0], "landwaiter/tag-smever: \"1\""], &format!("{host}/app:1.0.0"))),
        ("d.yaml", &deployment("lost", &SEMVER, &format!("{lost}/lost/app:1.0.0"))),
        ("f.yaml", &deployment("gone", &SEMVER, &format!("{lost}/gone/app:1.0.0"))),
        ("e.yaml", &deployment("slow", &SEMVER, &format!("{slow}/limited/app:1.0.0"))),
    ]);
    let listening = Listening::start(&scene, &["--git-poll-interval", "1h", "--registry-poll-interval", "1s"]);
    let address = &listening.address;
    wait_until("the commit", || (scene.commits() == 2).then_some(()), || listening.daemon.log());
    let followed = || {
        (api(address, "repositories/config/workloads?workload=/app")["containers"][0]["current"] == "1.1.0")
            .then_some(())
    };
    wait_until("the pass after it", followed, || listening.daemon.log());
    let is_out = || {
        let hosts = api(address, "registries");
        let hosts = hosts["registries"].as_array().unwrap();
        let is_out = hosts.iter().any(|host| host["outage"].is_object());
        (is_out && hosts.iter().any(|host| host["quotas"][0].is_object())).then_some(())
    };
    wait_until("an outage and a limit", is_out, || api(address, "registries").to_string());

    let description = api(address, "openapi.json");
    assert_eq!(description["openapi"], "3.1.0");
    let mut met = BTreeSet::from(["Refused".to_owned()]);
    let mut asked = BTreeSet::new();
    for (path, query) in [
        ("/api/v1/status", ""),
        ("/api/v1/repositories/{name}/workloads", ""),
        ("/api/v1/repositories/{name}/problems", ""),
        ("/api/v1/registries", ""),
        ("/api/v1/images", &*format!("?image={host}/app:1.0.0")),
        ("/api/v1/commits", ""),
        ("/api/v1/openapi.json", ""),
    ] {
        let answer = good(get(address, &format!("{}{query}", path.replace("{name}", "config"))).send().unwrap());
        let schema = &description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        holds(&answer, schema, &description, path, &mut met);
        asked.insert(path.to_owned());
    }
    let sync = client()
        .post(format!("http://{address}/api/v1/sync?repository=config"))
        .header("content-type", "application/json");
    let answer = sync.send().unwrap();
    assert_eq!(answer.status().as_u16(), 202);
    let operation = &description["paths"]["/api/v1/sync"]["post"];
    holds(
        &good(answer),
        &operation["responses"]["202"]["content"]["application/json"]["schema"],
        &description,
        "sync",
        &mut met,
    );
    asked.insert("/api/v1/sync".to_owned());
    let described: BTreeSet<_> = description["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(asked, described);
    let schemas: BTreeSet<_> = description["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(met, schemas, "a shape was met by no answer");

    says_what_it_is(address, &scene, &format!("{host}/app"));
    refused(get(address, "/api/v1/repositories/nobody/workloads"), 404, "there are: config");
    refused(get(address, "/api/v1/repositories/config/workloads?worklaod=x"), 400, "unknown field `worklaod`");
    refused(get(address, "/api/v1/images?image=ghcr.io/nobody/follows"), 404, "no container");
    refused(get(address, "/api/v1/images"), 400, "image");
    refused(get(address, "/api/v1/commits?repository=nobody"), 404, "there are: config");
    refused(get(address, "/api/v1/nothing"), 404, "there is nothing here");
    refused(get(address, "/api/v1/sync"), 405, "Allow");
}

fn says_what_it_is(address: &str, scene: &Scene, image: &str) {
    let held = |hold: &str| api(address, &format!("repositories/config/workloads?hold={hold}"));
    let (locked, unseen) = (held("locked"), held("unseen"));
    assert_eq!(locked["containers"].as_array().unwrap().len(), 1, "{locked}");
    let kept = &locked["containers"][0];
    assert_eq!((kept["file"].as_str(), kept["current"].as_str()), (Some("b.yaml"), Some("1.0.0")));
    assert_eq!(kept["workload"], "shop/Deployment/kept");
    assert_eq!(unseen["containers"].as_array().unwrap().len(), 3, "{unseen}");
    let problems = api(address, "repositories/config/problems");
    let typo = &problems["problems"][0];
    assert_eq!((typo["file"].as_str(), typo["severity"].as_str()), (Some("c.yaml"), Some("error")), "{problems}");
    assert!(typo["message"].as_str().unwrap().contains("did you mean `landwaiter/tag-semver`?"), "{typo}");

    let commits = api(address, "commits?repository=config");
    let commit = &commits["commits"][0];
    assert_eq!(
        (commit["commit"].as_str(), commit["subject"].as_str()),
        (Some(&*scene.repo.head()), Some("Update app to 1.1.0"))
    );
    assert_eq!(
        (commit["updates"][0]["from"].as_str(), commit["updates"][0]["to"].as_str()),
        (Some("1.0.0"), Some("1.1.0"))
    );

    let told = api(address, &format!("images?image={image}&workload=Deployment/app&limit=1"));
    assert_eq!((told["tags_in_all"].as_u64(), told["tags"].as_array().unwrap().len()), (Some(2), 1), "{told}");
    let explained = &told["explanations"][0];
    assert_eq!(explained["containers"][0]["workload"], "shop/Deployment/app", "{told}");
    assert_eq!(
        (explained["decision"]["hold"].as_str(), explained["candidates_in_all"].as_u64()),
        (Some("up-to-date"), Some(2))
    );
    assert_eq!(
        (explained["candidates"][0]["tag"].as_str(), explained["current"].as_str()),
        (Some("1.1.0"), Some("1.1.0"))
    );
}

fn scene() -> (Server, Scene) {
    let registry = wait(Server::good());
    registry.fill("app", &["1.0.0"]);
    let image = format!("{}/app:1.0.0", registry.address);
    let scene = Scene::new(&[("a.yaml", &deployment("app", &SEMVER, &image))]);
    fs::write(scene.home().join("token"), format!("{TOKEN}\n")).unwrap();
    (registry, scene)
}

#[test]
fn on_this_machine_everybody_may_ask_but_no_web_page() {
    let (_registry, scene) = scene();
    let listening = Listening::start(&scene, &INTERVALS);
    let address = &listening.address;
    settled(&listening);
    let port = address.rsplit(':').next().unwrap();
    good(get(&format!("localhost:{port}"), "/api/v1/status").send().unwrap());
    refused(get(address, "/api/v1/status").header("host", "evil.example.com"), 403, "use 127.0.0.1");
    let sync = || client().post(format!("http://{address}/api/v1/sync"));
    refused(sync().header("content-type", "text/plain").body("{}"), 415, "application/json");
    refused(sync(), 415, "application/json");
    refused(sync().header("content-type", "application/json").header("host", "evil.example.com"), 403, "use 127.0.0.1");
    good(sync().header("content-type", "application/json").send().unwrap());
    let unknown = client().post(format!("http://{address}/api/v1/sync?repository=nobody"));
    refused(unknown.header("content-type", "application/json"), 404, "there are: config");
}

#[test]
fn beyond_this_machine_a_token_is_shown_or_nothing_is() {
    let (_registry, scene) = scene();
    let closed = Listening::at("0.0.0.0:0", &scene, &INTERVALS);
    let here = |listening: &Listening| listening.address.replace("0.0.0.0", "127.0.0.1");
    refused(get(&here(&closed), "/api/v1/status"), 403, "--api-token FILE");
    assert_eq!(
        get(&here(&closed), "/livez").send().unwrap().status().as_u16(),
        200,
        "machines may still ask for health"
    );
    drop(closed);

    let open = Listening::at(
        "0.0.0.0:0",
        &scene,
        &[&INTERVALS[..], &["--api-token", "token", "--log-level", "debug"]].concat(),
    );
    let address = here(&open);
    let ask = |token: &str| get(&address, "/api/v1/status").header("authorization", format!("Bearer {token}"));
    refused(get(&address, "/api/v1/status"), 401, "Authorization: Bearer");
    refused(ask("another-another-another"), 401, "Authorization: Bearer");
    good(ask(TOKEN).header("host", "landwaiter.example.com").send().unwrap());
    good(client().post(format!("http://{address}/api/v1/sync")).bearer_auth(TOKEN).send().unwrap());

    fs::write(scene.home().join("token"), "another-another-another\n").unwrap();
    refused(ask(TOKEN), 401, "Authorization: Bearer");
    good(ask("another-another-another").send().unwrap());
    // A file that is being renewed, or that somebody broke, opens nothing and closes nothing.
    fs::write(scene.home().join("token"), "short").unwrap();
    refused(ask("short"), 401, "Authorization: Bearer");
    good(ask("another-another-another").send().unwrap());
    fs::remove_file(scene.home().join("token")).unwrap();
    good(ask("another-another-another").send().unwrap());
    open.daemon.wait_for_log("the last good content is still in use");
    for secret in [TOKEN, "another-another-another"] {
        assert!(!open.daemon.log().contains(secret), "a token is in the log");
    }
}

#[test]
fn a_token_that_cannot_be_used_is_told_at_the_start() {
    let (_registry, scene) = scene();
    fs::write(scene.home().join("short"), "secret").unwrap();
    for (file, words) in [("short", "can be guessed"), ("nowhere", "cannot be read")] {
        let ran = run(&mut landwaiter(scene.home(), scene.args(&["--listen", "127.0.0.1:0", "--api-token", file])));
        assert!(ran.code == 2 && ran.stderr.contains(words) && ran.stderr.contains(file), "{ran:?}");
    }
}

/// A command that asks this daemon.
fn ask(scene: &Scene, address: &str, args: &[&str]) -> Ran {
    let url = format!("http://{address}");
    run(&mut landwaiter(scene.home(), [args, &["--url", &url]].concat()))
}

#[test]
fn a_person_asks_how_it_stands_and_wakes_it() {
    let (registry, scene) = scene();
    let listening = Listening::start(&scene, &INTERVALS);
    let address = &listening.address;
    settled(&listening);
    let ran = ask(&scene, address, &["status"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in ["REPOSITORY", "config", "main", "good", "nothing to change", &scene.server.url("config.git")] {
        assert!(ran.stdout.contains(part), "{part:?} is missing in:\n{}", ran.stdout);
    }
    let status = ask(&scene, address, &["status", "--output", "json"]).json();
    assert_eq!(status["repositories"][0]["counts"]["up_to_date"], 1, "{status}");

    registry.fill("app", &["1.0.0", "1.1.0"]);
    let ran = ask(&scene, address, &["sync", "--wait", "--output", "json"]);
    let came = &ran.json()["passes"][0];
    assert_eq!((ran.code, scene.commits()), (0, 2), "{ran:?} {}", listening.daemon.log());
    assert_eq!(
        (came["outcome"].as_str(), came["commits"][0].as_str()),
        (Some("pushed"), Some(&*scene.repo.head())),
        "{ran:?}"
    );
    let ran = ask(&scene, address, &["sync", "--repository", "config", "--wait"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "config: nothing new\n"), "{ran:?}");
    let ran = ask(&scene, address, &["sync"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "asked for news of 1 config repository\n"), "{ran:?}");
    let ran = ask(&scene, address, &["sync", "--repository", "nobody"]);
    assert!(ran.code == 1 && ran.stderr.contains("there are: config"), "{ran:?}");

    scene.server.on(|_| Some(Fault::Answer(502, "text/plain", "out to lunch".to_owned())));
    let ran = ask(&scene, address, &["sync", "--wait"]);
    assert!(ran.code == 1 && ran.stdout.contains("out to lunch"), "{ran:?}");
    let ran = ask(&scene, address, &["status"]);
    assert!(ran.code == 1 && ran.stdout.contains("failing") && ran.stdout.contains("out to lunch"), "{ran:?}");
    scene.server.heal();
    let heals = || (ask(&scene, address, &["sync", "--wait"]).code == 0).then_some(());
    wait_until("it to go on", heals, || listening.daemon.log());

    scene.server.on(|_| Some(Fault::Stall));
    let ran = ask(&scene, address, &["sync", "--wait", "--wait-timeout", "100ms"]);
    assert!(ran.code == 1 && ran.stderr.contains("config is not done after 100ms; it goes on"), "{ran:?}");
}

#[test]
fn who_asks_in_vain_is_told_why() {
    let (registry, scene) = scene();
    let listening = Listening::start(&scene, &[&INTERVALS[..], &["--api-token", "token"]].concat());
    let address = &listening.address;
    let vain = |args: &[&str], code: i32, words: &str| {
        let ran = run(&mut landwaiter(scene.home(), args));
        assert!(ran.code == code && ran.stderr.contains(words), "{words:?} is missing in {ran:?}");
        assert!(!ran.stderr.contains(TOKEN), "{ran:?}");
    };
    let url = format!("http://{address}");
    vain(&["status", "--url", &url], 1, "--api-token FILE");
    assert_eq!(ask(&scene, address, &["status", "--api-token", "token"]).code, 0);
    vain(&["status", "--url", "http://127.0.0.1:1"], 1, "is the daemon running with --listen");
    vain(&["status", "--url", &format!("http://{}", registry.address)], 1, "is it Landwaiter");
    vain(&["status", "--url", "ftp://example.com"], 2, "expected http://HOST:PORT");
    vain(&["status", "--url", "http://10.0.0.1:8089", "--api-token", "token"], 2, "use https");
    vain(&["status", "--url", "http://bob:hunter2-hunter2-hunter2@127.0.0.1"], 2, "--api-token FILE");
    vain(&["status", "--url", &url, "--api-token", "nowhere"], 1, "nowhere");
}
