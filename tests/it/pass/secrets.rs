//! A daemon is given a secret of every kind and asked to say all it can: none of them is in what it says, answers,
//! commits or keeps.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use super::listen::Listening;
use super::{RUNTIME, SEMVER, deployment, wait};
use crate::binary::{landwaiter, run, wait_until};
use crate::git_server::{GitServer, Repo, git};
use crate::hooks::Delivery;
use crate::leaks::Seen;
use crate::registry_server::{Act, Server, basic, refuse, say};
use crate::ssh_server::key;
use crate::tls_server::{Authority, Proxy};

const GIT: &str = "git.example.com";
const REGISTRY: &str = "registry.example.com";

const GIT_PASSWORD: &str = "git-Pa55/word+of?one=%2";
const GIT_TOKEN: &str = "git-B3arer/token+of~two==";
const GIT_REFUSED: &str = "git-r3fused/by+three&all=";
const REGISTRY_PASSWORD: &str = "registry-Pa55/word+by?h2=";
const TOKEN_PASSWORD: &str = "registry-Pa55/for+a?token=";
const MINTED: &str = "minted-T0ken/of+the~server==";
const ECHOED: &str = "registry-3choed/by+whom?it=shows";
const PROXY_PASSWORD: &str = "proxy-Pa55word+in=the~environment";
const PASSPHRASE: &str = "sign-Pa55/phrase+of?the=key";
const HUB: &str = "hook-s3cret.in-the_path~0123";
const GITHUB: &str = "hook-s3cret/of+the?mac=";
const HARBOR: &str = "hook-s3cret/in+a?header=";
const API_TOKEN: &str = "api-t0ken/of+the?operator=";

const METRICS_TOKEN: &str = "metrics-t0ken/of+the?scraper=";

const SECRETS: [(&str, &str); 14] = [
    ("the password of Git", GIT_PASSWORD),
    ("the bearer token of Git", GIT_TOKEN),
    ("the password that Git refuses", GIT_REFUSED),
    ("the password of a registry", REGISTRY_PASSWORD),
    ("the password of a token server", TOKEN_PASSWORD),
    ("the token that it made", MINTED),
    ("the password that a registry repeats", ECHOED),
    ("the password of the proxy", PROXY_PASSWORD),
    ("the passphrase", PASSPHRASE),
    ("the secret in the path of a hook", HUB),
    ("the secret that signs a hook", GITHUB),
    ("the secret in the header of a hook", HARBOR),
    ("the API token", API_TOKEN),
    ("the token of the metrics", METRICS_TOKEN),
];

/// Three config repositories, three registries, and a proxy before the first of each. Fields are dropped in this order.
struct World {
    servers: [GitServer; 3],
    repos: Vec<Repo>,
    tokens: Server,
    echo: Server,
    _secure: Server,
    proxy: Proxy,
    home: TempDir,
}

fn login(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

/// A registry with a token server, for alice.
fn token_registry() -> Server {
    wait(Server::start(|seen, address| match seen.authorization.as_deref() {
        Some(shown) if seen.is_token() && shown == login("alice", TOKEN_PASSWORD) => {
            say(200, &[], serde_json::json!({"token": MINTED, "refresh_token": MINTED}).to_string())
        }
        Some(shown) if shown == format!("Bearer {MINTED}") => Act::Pass,
        _ => refuse(&format!(r#"Bearer realm="http://{address}/token",service="test",scope="repository:app:pull""#)),
    }))
}

/// A registry that lets nobody in, and repeats what it was shown wherever it can.
fn echo_registry() -> Server {
    wait(Server::start(|seen, _| {
        let shown = seen.authorization.clone().unwrap_or_default();
        let challenge = format!(r#"Basic realm="{shown}""#);
        let message = format!("{shown} is wrong, and so is {ECHOED}");
        let body = serde_json::json!({"errors": [{"code": "UNAUTHORIZED", "message": message, "detail": shown}]});
        say(401, &[("www-authenticate", &challenge), ("x-shown", &shown)], body.to_string())
    }))
}

impl World {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let secure = wait(Server::start(basic("bob", REGISTRY_PASSWORD)));
        let (tokens, echo) = (token_registry(), echo_registry());
        let proxy = RUNTIME.block_on(Proxy::start());
        proxy.require(&login("prox", PROXY_PASSWORD));
        let authority = Authority::new("Our authority");
        let mut repos = Vec::new();
        for (name, image) in [
            ("one", format!("{REGISTRY}/app")),
            ("two", format!("{}/app", tokens.address)),
            ("three", format!("{}/app", echo.address)),
        ] {
            let text = deployment(name, &SEMVER, &format!("{image}:1.0.0"));
            let refused = deployment("echoed", &SEMVER, &format!("{}/app:1.0.0", echo.address));
            let files = [("a.yaml", text.as_str()), ("b.yaml", refused.as_str())];
            repos.push(Repo::with(home.path(), &format!("{name}.git"), &files));
        }
        let servers = [(); 3].map(|()| GitServer::start(home.path()));
        servers[0].require(&format!("bot:{GIT_PASSWORD}"));
        servers[1].require_header(&format!("Bearer {GIT_TOKEN}"));
        // It repeats what it is shown.
        servers[2].require("nobody:at all");
        for registry in [&secure, &tokens] {
            registry.fill("app", &["1.0.0", "1.1.0"]);
        }
        proxy.lead(GIT, authority.issue(GIT), servers[0].port());
        proxy.lead(REGISTRY, authority.issue_speaking(REGISTRY, &["h2"]), secure.address.port());
        let file = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
        for (name, text) in [
            ("ca.pem", authority.pem().as_str()),
            ("git-one", &format!("bot:{GIT_PASSWORD}\n")),
            ("git-two", GIT_TOKEN),
            ("git-three", &format!("bot:{GIT_REFUSED}")),
            ("registry", &format!("bob:{REGISTRY_PASSWORD}\n")),
            ("tokens", &format!("alice:{TOKEN_PASSWORD}")),
            ("hub", HUB),
            ("github", GITHUB),
            ("harbor", HARBOR),
            ("token", API_TOKEN),
            ("scraper", METRICS_TOKEN),
            ("passphrase", PASSPHRASE),
        ] {
            file(name, text);
        }
        key(&home.path().join("key"), "ed25519", PASSPHRASE);
        let auths = serde_json::json!({"auths": {echo.address.to_string(): {"username": "eve", "password": ECHOED}}});
        file("config.json", &auths.to_string());
        let world = Self { servers, repos, tokens, echo, _secure: secure, proxy, home };
        fs::write(world.home.path().join("landwaiter.yaml"), world.config()).unwrap();
        world
    }

    fn config(&self) -> String {
        format!(
            "docker-config: config.json\ndata-dir: data\nrepositories:\n\
             - {{url: 'https://{GIT}/one.git', credentials: {{file: git-one}}, signing: {{key: key, passphrase: passphrase}}}}\n\
             - {{url: '{two}', credentials: {{bearer-file: git-two}}}}\n\
             - {{url: '{three}', credentials: {{file: git-three}}}}\n\
             registries:\n\
             - {{prefix: {REGISTRY}, credentials: {{file: registry}}}}\n\
             - {{prefix: '{tokens}', credentials: {{environment: {{user: TOKEN_USER, password: TOKEN_PASSWORD}}}}}}\n\
             hooks:\n\
             - {{name: hub, sender: docker-hub, secret: {{file: hub}}}}\n\
             - {{name: github, sender: github, secret: {{file: github}}}}\n\
             - {{name: harbor, sender: harbor, secret: {{environment: HARBOR}}}}\n",
            two = self.servers[1].url("two.git"),
            three = self.servers[2].url("three.git"),
            tokens = self.tokens.address,
        )
    }

    /// A command of the binary that says all it can.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = landwaiter(self.home.path(), args);
        let way = self.proxy.url().replace("http://", &format!("http://prox:{PROXY_PASSWORD}@"));
        command.env("HTTPS_PROXY", way).env("SSL_CERT_FILE", "ca.pem").env("LANDWAITER_CONFIG", "landwaiter.yaml");
        command.env("TOKEN_USER", "alice").env("TOKEN_PASSWORD", TOKEN_PASSWORD).env("HARBOR", HARBOR);
        command.env("LANDWAITER_LOG_LEVEL", "trace,landwaiter=trace").env("RUST_BACKTRACE", "full");
        command
    }

    fn commits(&self, repo: usize) -> usize {
        git(&self.repos[repo].bare, &["rev-list", "--count", "main"]).parse().unwrap()
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().build().unwrap()
}

fn note(seen: &mut Seen, place: &str, request: RequestBuilder) -> u16 {
    let answer = request.send().unwrap();
    let status = answer.status().as_u16();
    seen.add(place, format!("{:?}\n{}", answer.headers().clone(), answer.text().unwrap()));
    status
}

/// Webhooks, true and forged, and secrets that are shown where none is asked for.
fn tell(address: &str, seen: &mut Seen) {
    for (name, sender, secret) in
        [("hub", "docker-hub", HUB), ("github", "github", GITHUB), ("harbor", "harbor", HARBOR)]
    {
        let delivery = Delivery::load(sender, "push").proved(secret, Timestamp::now());
        let secret = delivery.path_secret.as_ref().map(|secret| format!("/{secret}")).unwrap_or_default();
        let post = |path: &str, body: Vec<u8>| {
            let request = client().post(format!("http://{address}{path}")).body(body);
            delivery.headers.iter().fold(request, |request, (name, value)| request.header(name, value))
        };
        let path = format!("/hooks/{name}{secret}");
        assert_eq!(note(seen, &path, post(&path, delivery.body.clone())), 202, "{name}");
        let forged = [delivery.body.clone(), b"?".to_vec()].concat();
        assert!(note(seen, "a forged hook", post(&path, forged)) >= 400);
        let elsewhere = format!("/hooks/nobody{secret}");
        assert_eq!(note(seen, "a hook of nobody", post(&elsewhere, delivery.body.clone())), 401);
    }
    for (method, path, status) in [
        ("GET", format!("/hooks/hub/{HUB}"), 405),
        ("POST", format!("/hooks/hub/{HUB}/{HUB}"), 404),
        ("POST", format!("/hooks/hub?secret={HUB}"), 401),
        ("OPTIONS", format!("/hooks/hub/{HUB}"), 401),
        ("GET", format!("/api/v1/status?token={API_TOKEN}"), 401),
        ("GET", format!("/{API_TOKEN}"), 404),
    ] {
        let request = client().request(method.parse().unwrap(), format!("http://{address}{path}"));
        assert_eq!(note(seen, "a secret in the wrong place", request), status, "{method} {path}");
    }
    for shown in [login("me", API_TOKEN), format!("Token {API_TOKEN}"), "Bearer another-another-another".to_owned()] {
        let request = client().get(format!("http://{address}/api/v1/status")).header("authorization", shown);
        assert_eq!(note(seen, "a token in another form", request), 401);
    }
}

/// All that can be asked for, by the daemon's own description.
fn ask(address: &str, image: &str, seen: &mut Seen) {
    let get = |path: &str| client().get(format!("http://{address}{path}")).bearer_auth(API_TOKEN);
    let description: Value =
        serde_json::from_str(&get("/api/v1/openapi.json").send().unwrap().text().unwrap()).unwrap();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for name in ["one", "two", "three"] {
            let path = path.replace("{name}", name).replace("/images", &format!("/images?image={image}"));
            let request = if operations["post"].is_object() {
                client().post(format!("http://{address}{path}")).bearer_auth(API_TOKEN)
            } else {
                get(&path)
            };
            let status = note(seen, &path, request);
            assert!((200..300).contains(&status), "{path}: {status}");
        }
    }
    for (path, token, status) in [
        ("/livez", API_TOKEN, 200),
        ("/readyz", API_TOKEN, 200),
        ("/metrics", METRICS_TOKEN, 200),
        ("/metrics", API_TOKEN, 401),
    ] {
        let request = client().get(format!("http://{address}{path}")).bearer_auth(token);
        assert_eq!(note(seen, path, request), status, "{path}");
    }
}

/// What other commands say of all that.
fn print(world: &World, address: &str, seen: &mut Seen) {
    let (url, image) = (format!("http://{address}"), format!("{}/app:1.0.0", world.echo.address));
    let commands: [&[&str]; 8] = [
        &["status", "--url", &url, "--api-token", "token"],
        &["status", "--url", &url, "--api-token", "token", "--output", "json"],
        &["status", "--url", &url, "--api-token", "harbor"],
        &["sync", "--url", &url, "--api-token", "token"],
        &["doctor"],
        &["config", "check", "landwaiter.yaml"],
        &["config", "check", "landwaiter.yaml", "--output", "json"],
        &["explain", "--policy", "semver:1", "--image", &image],
    ];
    for args in commands {
        let ran = run(&mut world.command(args));
        assert!(ran.code >= 0 && !(ran.stdout.is_empty() && ran.stderr.is_empty()), "{args:?}: {ran:?}");
        seen.add(&format!("the output of {}", args.join(" ")), ran.stdout);
        seen.add(&format!("the log of {}", args.join(" ")), ran.stderr);
    }
}

fn add_objects(bare: &Path, seen: &mut Seen) {
    for object in git(bare, &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]).lines() {
        seen.add(&format!("{} in {}", object, bare.display()), git(bare, &["cat-file", "-p", object]));
    }
}

#[test]
fn no_secret_is_in_what_a_daemon_says_answers_commits_or_keeps() {
    let world = World::new();
    let args = ["run", "--git-poll-interval", "1s", "--registry-poll-interval", "1s", "--listen", "127.0.0.1:0"];
    let args = [&args[..], &["--api-token", "token", "--metrics-token", "scraper", "--log-format", "json"]].concat();
    let mut listening = Listening::of(&mut world.command(&args));
    let landed = || ((world.commits(0), world.commits(1)) == (2, 2)).then_some(());
    wait_until("both commits", landed, || listening.daemon.log());
    let mut seen = Seen::default();
    tell(&listening.address, &mut seen);
    listening.daemon.wait_for_log("bad login");
    ask(&listening.address, &format!("{REGISTRY}/app"), &mut seen);
    print(&world, &listening.address, &mut seen);
    listening.daemon.signal("TERM");
    assert_eq!(listening.daemon.wait(), Some(0));

    let log = listening.daemon.log();
    for target in ["landwaiter::registry", "h2", "hyper_util", "reqwest", "rustls"] {
        assert!(log.contains(&format!(r#""target":"{target}"#)), "nothing of {target} is in the log");
    }
    seen.add("the log", log);
    seen.add_files(&world.home.path().join("data"));
    for repo in &world.repos {
        add_objects(&repo.bare, &mut seen);
    }
    assert!(seen.has("SSH SIGNATURE") && seen.has("is wrong, and so is") && seen.has("landwaiter_webhooks_total"));
    let leaks = seen.leaks(&SECRETS);
    assert!(leaks.is_empty(), "{} secrets got out:\n{}", leaks.len(), leaks.join("\n"));
}
