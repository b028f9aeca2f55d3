//! A storm of webhooks against the real server: 1,000 a second for 30 seconds, 5,000 image repositories watched.
//!
//! Of ten deliveries eight are true ones of GitHub (signed, about a kilobyte), one is forged, and one is of a
//! repository that nobody watches. The server runs in a process of its own, with the daemon's inbox; whoever
//! empties that takes 20 ms for each repository, eight at a time, as a registry would: 400 a second, half of what is
//! told. At the end each repository that was told has to have been looked at after it was last told.
//!
//! `cargo bench --bench storm -- [SECONDS] [PER_SECOND]`

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use landwaiter::hook::{Sender, Source};
use landwaiter::http::{self, Hooks, Inbox, Limits, SecretPlace, Watched};
use landwaiter::image::Repository;
use sha2::Sha256;
use tokio::sync::Semaphore;

mod process;

use process::{cpu_since, println, status};

const ROLE: &str = "LANDWAITER_STORM_FOLDER";
const SECRET: &str = "hunter2-hunter2-hunter2";
const REPOSITORIES: usize = 5000;
const CONNECTIONS: u64 = 50;
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_AT_ONCE: usize = 8;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match env::var(ROLE) {
        Ok(folder) => runtime.block_on(serve(Path::new(&folder))),
        Err(_) => runtime.block_on(storm()),
    }
}

fn name(number: usize) -> String {
    format!("ghcr.io/fleet/app-{number}")
}

/// Microseconds, for both processes.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    u64::try_from(since.as_micros()).expect("a moment")
}

// The server

async fn serve(folder: &Path) {
    fs::write(folder.join("secret"), SECRET).expect("a secret");
    let inbox = Arc::new(Inbox::new(Inbox::CAPACITY));
    let repositories = (0..REPOSITORIES).map(|number| Repository::parse(&name(number)).expect("a name")).collect();
    inbox.watch(Watched { repositories, remotes: Vec::new() });
    let source = Source::new("github", Sender::GitHub);
    let sources = vec![(source, SecretPlace::File(folder.join("secret")))];
    let hooks = Hooks::open(sources, Arc::clone(&inbox), Limits::default()).expect("a source");
    let listener = http::bind("127.0.0.1:0").await.expect("a port");
    println(&listener.local_addr().expect("a port").to_string());

    let looks: Arc<Mutex<HashMap<Repository, u64>>> = Arc::default();
    let (count, log, most) = (Arc::new(AtomicU64::new(0)), Arc::clone(&looks), Arc::new(AtomicU64::new(0)));
    let (counted, waited, told) = (Arc::clone(&count), Arc::clone(&most), Arc::clone(&inbox));
    let looking = tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(LOOKS_AT_ONCE));
        loop {
            for repository in told.next().await.repositories {
                let place = Arc::clone(&places).acquire_owned().await.expect("a place");
                waited.fetch_max(told.len() as u64, Ordering::Relaxed);
                counted.fetch_add(1, Ordering::Relaxed);
                log.lock().expect("nobody fell").insert(repository, now());
                tokio::spawn(async move {
                    tokio::time::sleep(LOOK).await;
                    drop(place);
                });
            }
        }
    });
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let meter = tokio::spawn(async move {
        let began = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let seconds = began.elapsed().as_secs();
            println(&format!("| after {seconds} s | RSS {} kB | descriptors {} |", status("VmRSS"), descriptors()));
        }
    });
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = stop.send(());
    });
    let routes = http::dressed(hooks.routes(), Limits::default());
    http::serve(listener, routes, Limits::default(), async move { drop(stopped.await) }).await;
    meter.abort();
    while !inbox.is_empty() {
        tokio::time::sleep(LOOK).await;
    }
    // What was taken out of the inbox last is looked at, too.
    tokio::time::sleep(LOOK * u32::try_from(REPOSITORIES / LOOKS_AT_ONCE).expect("few")).await;
    looking.abort();
    let looks = looks.lock().expect("nobody fell");
    let lines: Vec<_> = looks.iter().map(|(repository, at)| format!("{repository} {at}\n")).collect();
    fs::write(folder.join("looks"), lines.concat()).expect("a file");
    for counted in hooks.counts() {
        println(&format!("| {}: {} | | |", counted.result, counted.count));
    }
    let (count, most) = (count.load(Ordering::Relaxed), most.load(Ordering::Relaxed));
    println(&format!(
        "| looks: {count} | most waiting: {most} | CPU {:.1} s |",
        cpu_since(Duration::ZERO).as_secs_f64()
    ));
    println(&format!(
        "| at the end | RSS {} kB, at most {} kB | descriptors {} |",
        status("VmRSS"),
        status("VmHWM"),
        descriptors()
    ));
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux").count()
}

// The storm

/// What was answered to one sender, and when each repository was told last.
#[derive(Default)]
struct Answered {
    codes: HashMap<u16, u64>,
    micros: Vec<u64>,
    told: HashMap<String, u64>,
}

async fn storm() {
    let mut numbers = env::args().skip(1).filter_map(|arg| arg.parse::<u64>().ok());
    let (seconds, rate) = (numbers.next().unwrap_or(30), numbers.next().unwrap_or(1000));
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Command::new(env::current_exe().expect("a path"))
        .env(ROLE, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a server");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let address = lines.next().expect("a line").expect("an address");
    let printing = std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println(&line)));
    println(&format!("{rate} a second for {seconds} s | | |\n---|---|---"));

    let began = Instant::now();
    let senders: Vec<_> = (0..CONNECTIONS)
        .map(|sender| tokio::spawn(send(format!("http://{address}/hooks/github"), sender, rate, seconds)))
        .collect();
    let mut all = Answered::default();
    for sender in senders {
        let Answered { codes, micros, told } = sender.await.expect("a sender");
        for (code, count) in codes {
            *all.codes.entry(code).or_default() += count;
        }
        all.micros.extend(micros);
        for (repository, at) in told {
            let last = all.told.entry(repository).or_default();
            *last = (*last).max(at);
        }
    }
    let wall = began.elapsed().as_secs_f64();
    drop(server.stdin.take());
    assert!(server.wait().expect("an end").success());
    printing.join().expect("printed");

    let looks = fs::read_to_string(folder.path().join("looks")).expect("looks");
    let looks: HashMap<&str, u64> = looks
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, at)| (name, at.parse().expect("at")))
        .collect();
    let late = all.told.iter().filter(|(name, at)| looks.get(name.as_str()).is_none_or(|look| look < at)).count();
    all.micros.sort_unstable();
    let share = |part: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share"
        )]
        let index = ((all.micros.len() - 1) as f64 * part) as usize;
        all.micros[index]
    };
    println(&format!("| sent: {} in {wall:.1} s, answered {:?} | | |", all.micros.len(), all.codes));
    println(&format!(
        "| answered in {} µs (median), {} µs (99 %), {} µs (longest) | | |",
        share(0.5),
        share(0.99),
        share(1.0)
    ));
    println(&format!("| told: {} repositories, not looked at after they were last told: {late} | | |", all.told.len()));
    assert_eq!(late, 0, "a hint was lost");
}

/// One of many senders, with its part of the rate.
async fn send(url: String, sender: u64, rate: u64, seconds: u64) -> Answered {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut answered = Answered::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(CONNECTIONS) / u32::try_from(rate).expect("a rate"));
    for turn in 0..rate * seconds / CONNECTIONS {
        ticks.tick().await;
        let number = usize::try_from(sender + turn * CONNECTIONS).expect("few");
        let kind = number / 7 % 10;
        // Neighbours in time are far from each other in the set, and each comes again and again.
        let repository = name(number * 7919 % REPOSITORIES + if kind == 0 { REPOSITORIES } else { 0 });
        let body = format!(
            r#"{{"action":"published","package":{{"name":"app","namespace":"fleet","package_type":"CONTAINER","package_version":{{"package_url":"{repository}:1.{number}"}},"description":"{}"}}}}"#,
            "x".repeat(800)
        );
        let mut mac =
            Hmac::<Sha256>::new_from_slice(if kind == 1 { b"forged" } else { SECRET.as_bytes() }).expect("a key");
        mac.update(body.as_bytes());
        let mac: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let request = client.post(&url).header("x-github-event", "package").header("content-type", "application/json");
        let (sent, at) = (Instant::now(), now());
        let answer =
            request.header("x-hub-signature-256", format!("sha256={mac}")).body(body).send().await.expect("an answer");
        let code = answer.status().as_u16();
        let _ = answer.bytes().await;
        answered.micros.push(u64::try_from(sent.elapsed().as_micros()).expect("short"));
        *answered.codes.entry(code).or_default() += 1;
        if code == 202 && kind > 1 {
            answered.told.insert(repository, at);
        }
    }
    answered
}
