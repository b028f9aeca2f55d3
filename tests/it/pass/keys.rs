//! The keys by which senders prove what they signed, fetched over TLS by the real binary: from whom, how much, for how
//! long, and what a webhook hears when there is none.

use std::fs;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::blocking::Client;
use ring::rsa::PublicKeyComponents;
use ring::signature::KeyPair as _;
use serde_json::json;
use tempfile::TempDir;

use super::listen::Listening;
use super::{RUNTIME, wait};
use crate::binary::{PATIENCE, landwaiter, wait_until};
use crate::git_server::Repo;
use crate::hooks::{AUDIENCE, Delivery, EMAIL, KEY, SECRET, TOPIC, fixtures};
use crate::registry_server::{Act, Seen, Server, say};
use crate::tls_server::{Authority, Proxy};

const GOOGLE: &str = "www.googleapis.com";
const SNS: &str = "sns.eu-west-1.amazonaws.com";

/// Google and Amazon behind a proxy, and a daemon that takes their webhooks. Fields are dropped in this order.
struct World {
    listening: Listening,
    publisher: Server,
    proxy: Proxy,
    _home: TempDir,
}

/// What is published under which path.
fn publish(seen: &Seen) -> Act {
    let certificate = || fs::read(fixtures().join("keys/hooks.cert.pem")).unwrap();
    match seen.path.as_str() {
        "/oauth2/v3/certs" => {
            let parts = PublicKeyComponents::<Vec<u8>>::from(KEY.public_key());
            let [n, e] = [&parts.n, &parts.e].map(|number| BASE64_URL_SAFE_NO_PAD.encode(number));
            say(200, &[], json!({"keys": [{"kid": "key-1", "kty": "RSA", "n": n, "e": e}]}).to_string())
        }
        "/good.pem" | "/elsewhere.pem" => say(200, &[], certificate()),
        "/moved.pem" => say(302, &[("location", &format!("https://{SNS}/elsewhere.pem"))], ""),
        "/large.pem" => say(200, &[], [certificate(), vec![b'\n'; 256 * 1024]].concat()),
        "/words.pem" => say(200, &[], "hello"),
        "/silent.pem" => Act::Hang,
        _ => say(404, &[], "nobody knows it"),
    }
}

impl World {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let publisher = wait(Server::start(|seen, _| publish(seen)));
        let proxy = RUNTIME.block_on(Proxy::start());
        let (authority, stranger) = (Authority::new("Our authority"), Authority::new("Their authority"));
        let port = publisher.address.port();
        for host in [GOOGLE, SNS, "evil.example.com"] {
            proxy.lead(host, authority.issue(host), port);
        }
        proxy.lead("sns.us-east-1.amazonaws.com", stranger.issue("sns.us-east-1.amazonaws.com"), port);
        proxy.lead("sns.us-west-1.amazonaws.com", authority.issue("evil.example.com"), port);
        let config = format!(
            "hooks:\n- {{name: google, sender: pubsub, secret: {{file: secret}}, audience: '{AUDIENCE}', email: {EMAIL}}}\n\
             - {{name: amazon, sender: sns, secret: {{file: secret}}, topics: ['{TOPIC}']}}\n\
             - {{name: script, sender: generic, secret: {{file: secret}}}}\n"
        );
        for (name, text) in [("ca.pem", &*authority.pem()), ("secret", SECRET), ("landwaiter.yaml", &config)] {
            fs::write(home.path().join(name), text).unwrap();
        }
        Repo::with(home.path(), "config.git", &[("README.md", "hello\n")]);
        let args = "run --git-url config.git --data-dir data --config landwaiter.yaml --listen 127.0.0.1:0";
        let mut command = landwaiter(home.path(), args.split(' '));
        command.env("HTTPS_PROXY", proxy.url()).env("SSL_CERT_FILE", "ca.pem");
        let listening = Listening::of(&mut command);
        Self { listening, publisher, proxy, _home: home }
    }

    /// What a delivery is answered.
    fn deliver(&self, source: &str, delivery: &Delivery) -> (u16, String) {
        let request = Client::builder().no_proxy().build().unwrap();
        let request = request.post(format!("http://{}/hooks/{source}/{SECRET}", self.listening.address));
        let headers = delivery.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        let answer = request.body(delivery.body.clone()).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    }

    /// What a message of SNS is answered whose certificate lies there.
    fn deliver_by(&self, url: &str) -> (u16, String) {
        let mut delivery = Delivery::load("sns", "push").proved(SECRET, Timestamp::now());
        let mut message: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
        message["SigningCertURL"] = json!(url);
        delivery.body = message.to_string().into_bytes();
        self.deliver("amazon", &delivery)
    }

    /// A message whose certificate cannot be had is refused for now, and the log says why.
    #[track_caller]
    fn check(&self, url: &str, why: &str) {
        let (status, told) = self.deliver_by(url);
        assert_eq!(status, 503, "{url}: {told}");
        assert!(told.contains("the key by which it is proved cannot be had at the moment"), "{url}: {told}");
        let daemon = &self.listening.daemon;
        let is_told =
            |line: &str| line.contains("a public key cannot be had") && line.contains(url) && line.contains(why);
        let is_logged = || daemon.log().lines().any(is_told).then_some(());
        wait_until(&format!("a line with {url} and {why}"), is_logged, || daemon.log());
    }
}

#[test]
fn keys_are_fetched_once_by_tls_from_those_who_prove_who_they_are() {
    let world = World::new();
    let google = Delivery::load("pubsub", "push").proved(SECRET, Timestamp::now());
    let good = format!("https://{SNS}/good.pem");
    for _ in 0..3 {
        assert_eq!(world.deliver("google", &google).0, 202);
        assert_eq!(world.deliver_by(&good).0, 202);
    }
    assert_eq!((world.publisher.count("/oauth2/v3/certs"), world.publisher.count("/good.pem")), (1, 1));

    world.check(&format!("https://{SNS}/moved.pem"), "the answer was 302");
    assert_eq!(world.publisher.count("/elsewhere.pem"), 0, "the redirect was followed");
    world.check(&format!("https://{SNS}/large.pem"), "the answer is longer than 262144 bytes");
    world.check(&format!("https://{SNS}/words.pem"), "it is no certificate in PEM");
    world.check(&format!("https://{SNS}/missing.pem"), "the answer was 404");
    let asked = world.publisher.log().len();
    world.check("https://sns.us-east-1.amazonaws.com/good.pem", "is not trusted (UnknownIssuer)");
    world.check("https://sns.us-west-1.amazonaws.com/good.pem", "is not for that name (NotValidForName)");
    world.check("https://sns.ap-south-1.amazonaws.com/good.pem", "tunnel");
    for elsewhere in
        ["https://evil.example.com/good.pem", &good.replace("https", "http"), &good.replace(".com", ".com:8443")]
    {
        assert_eq!(world.deliver_by(elsewhere).0, 401, "{elsewhere}");
    }
    assert_eq!(world.publisher.log().len(), asked, "somebody was asked who did not prove who he is");
    assert!(world.proxy.log().iter().all(|line| !line.contains("evil") && !line.contains("8443")));
    // What was missed a moment ago is not asked for again.
    world.check(&format!("https://{SNS}/missing.pem"), "the answer was 404");
    assert_eq!(world.publisher.count("/missing.pem"), 1);
}

#[test]
fn whoever_publishes_a_key_and_says_nothing_holds_up_nobody_else() {
    let world = World::new();
    let good = format!("https://{SNS}/good.pem");
    assert_eq!(world.deliver_by(&good).0, 202);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| world.check(&format!("https://{SNS}/silent.pem"), "timed out"));
        let is_asked = || (world.publisher.count("/silent.pem") == 1).then_some(());
        wait_until("the question", is_asked, || world.listening.daemon.log());
        assert_eq!(world.deliver_by(&good).0, 202);
        let secret = format!("Bearer {SECRET}");
        assert_eq!(world.listening.post("/hooks/script", &secret, r#"{"image": "ghcr.io/a/b"}"#), 202);
        assert_eq!(
            (world.listening.get("/livez").0, world.listening.get("/readyz").0.as_u16()),
            (200.try_into().unwrap(), 200)
        );
        assert!(!silent.is_finished(), "it came to an end before it was to be waited for");
        silent.join().unwrap();
    });
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
