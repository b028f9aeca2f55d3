//! Killed at any moment, round after round, beside a person who pushes: the next start finds its way by
//! itself, nothing is done twice, and nothing is left over.
//!
//! `LANDWAITER_KILLS` sets the number of rounds, `LANDWAITER_SEED` repeats a run that failed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{SEMVER, Scene, deployment, wait};
use crate::binary::{Daemon, landwaiter, run, wait_until};
use crate::git_server::{Seen, git};
use crate::registry_server::{Act, Server, say};

const WORKLOADS: usize = 3;

/// How long a round waits for the moment that it wants to kill at.
const LONGEST: Duration = Duration::from_millis(2500);

/// What is under way when the kill comes, some time after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Start,
    Capabilities,
    Poll,
    Fetch,
    List,
    PushBegins,
    Push,
}

impl Moment {
    const ALL: [Self; 7] =
        [Self::Start, Self::Capabilities, Self::Poll, Self::Fetch, Self::List, Self::PushBegins, Self::Push];

    fn of(seen: &Seen) -> Self {
        let has = |word: &[u8]| seen.body.windows(word.len()).any(|at| at == word);
        match (seen.path.rsplit('/').next(), seen.query.as_str()) {
            (Some("refs"), "service=git-receive-pack") => Self::PushBegins,
            (Some("refs"), _) => Self::Capabilities,
            (Some("git-receive-pack"), _) => Self::Push,
            _ if has(b"command=fetch") => Self::Fetch,
            _ => Self::Poll,
        }
    }
}

/// How often each moment came.
type Counts = Arc<[AtomicUsize; Moment::ALL.len()]>;

/// A registry where each repository, `app-0` and so on, has the versions up to a number, and a config
/// repository that follows them.
struct World {
    scene: Scene,
    host: String,
    newest: Arc<[AtomicUsize; WORKLOADS]>,
    counts: Counts,
    _registry: Server,
}

fn name(workload: usize) -> String {
    format!("app-{workload}")
}

/// The manifest, with a line for the person far enough from the image that Git merges them.
fn manifest(host: &str, workload: usize, person: usize, minor: usize) -> String {
    let name = name(workload);
    let text = deployment(&name, &SEMVER, &format!("{host}/{name}:1.{minor}.0"));
    format!("# person: {person}\n# one\n# two\n# three\n{text}")
}

impl World {
    fn new() -> Self {
        let newest: Arc<[AtomicUsize; WORKLOADS]> = Arc::default();
        let counts = Counts::default();
        let (shared, counter) = (Arc::clone(&newest), Arc::clone(&counts));
        let registry = wait(Server::start(move |seen, _| {
            let workload = (0..WORKLOADS).find(|workload| seen.path.contains(&format!("/{}/", name(*workload))));
            let Some(workload) = workload.filter(|_| seen.is_list()) else { return Act::Pass };
            counter[Moment::List as usize].fetch_add(1, Ordering::SeqCst);
            let tags: Vec<_> =
                (0..=shared[workload].load(Ordering::SeqCst)).map(|minor| format!("1.{minor}.0")).collect();
            say(200, &[], serde_json::json!({"tags": tags}).to_string())
        }));
        let host = registry.address.to_string();
        let texts: Vec<_> = (0..WORKLOADS).map(|workload| manifest(&host, workload, 0, 0)).collect();
        let paths: Vec<_> = (0..WORKLOADS).map(|workload| format!("apps/{}.yaml", name(workload))).collect();
        let files: Vec<_> = paths.iter().zip(&texts).map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let scene = Scene::new(&files);
        git(&scene.repo.bare, &["config", "core.logAllRefUpdates", "true"]);
        let counter = Arc::clone(&counts);
        scene.server.on(move |seen| {
            counter[Moment::of(seen) as usize].fetch_add(1, Ordering::SeqCst);
            None
        });
        Self { scene, host, newest, counts, _registry: registry }
    }

    fn seen(&self, moment: Moment) -> usize {
        self.counts[moment as usize].load(Ordering::SeqCst)
    }

    /// Starts it, and kills it some time after the moment was there. Gives the log, and whether it had not
    /// ended by itself before.
    fn kill(&self, args: &[String], moment: Moment, rng: &mut Rng) -> (String, bool) {
        let (before, started) = (self.seen(moment), Instant::now());
        let mut daemon = Daemon::start(&mut landwaiter(self.scene.home(), args));
        let is_there = || moment == Moment::Start || self.seen(moment) > before;
        // Closer looks than those of `wait_until`: what follows within a few milliseconds is where it is to be killed.
        while !is_there() && !daemon.has_ended() && started.elapsed() < LONGEST {
            thread::sleep(Duration::from_micros(500));
        }
        let longest = if moment == Moment::Start { 200_000 } else { 60_000 };
        // Any moment, drawn by the seed, and short times more often: that is where the writing is.
        thread::sleep(Duration::from_micros(rng.u64(..=longest) * rng.u64(..=longest) / longest));
        let is_running = !daemon.has_ended();
        (daemon.kill(), is_running)
    }

    /// Our copies, if there are any yet.
    fn copies(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.scene.home().join("data")).into_iter().flatten().flatten();
        folders.map(|entry| entry.path().join("repo.git")).filter(|copy| copy.join("HEAD").exists()).collect()
    }
}

/// One `git` command of the person; whether it went well.
fn may_fail(dir: &Path, args: &[&str]) -> bool {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gc.auto=0"]).args(args);
    command.current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// Commits and pushes until told to stop: to a file of their own, and each third time to one of ours too.
/// Gives the number of commits.
fn person(clone: &Path, is_over: &AtomicBool) -> usize {
    let mut step = 0;
    while !is_over.load(Ordering::SeqCst) {
        step += 1;
        std::fs::write(clone.join("notes.txt"), format!("{step}\n")).unwrap();
        if step % 3 == 0 {
            let file = clone.join("apps/app-0.yaml");
            let text = std::fs::read_to_string(&file).unwrap();
            let (first, rest) = text.split_once('\n').unwrap();
            assert_eq!(first, format!("# person: {}", step - 3), "the person lost a step");
            std::fs::write(&file, format!("# person: {step}\n{rest}")).unwrap();
        }
        assert!(may_fail(clone, &["add", "-A"]) && may_fail(clone, &["commit", "-q", "-m", &format!("step {step}")]));
        let is_taken = (0..500).any(|_| {
            may_fail(clone, &["push", "-q", "origin", "HEAD:main"]) || {
                assert!(may_fail(clone, &["pull", "-q", "--rebase", "origin", "main"]), "the person has a conflict");
                false
            }
        });
        assert!(is_taken, "step {step} was never taken");
        // The pace of the person: without a rest nobody else would ever be first.
        thread::sleep(Duration::from_millis(60));
    }
    step
}

/// Files below `folder` that nobody finished or freed. An object that a killed one was writing straight into a
/// repository on this machine stays for an hour.
fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, file) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if ["tmp", "incoming-"].iter().any(|start| file.starts_with(start))
                || [".lock", ".keep", ".new", ".old"].iter().any(|end| file.ends_with(end))
                || file.contains("broken")
            {
                found.push(path);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Kills it in round after round, and looks at what became of everything in the end.
fn rounds(world: &World, url: &str, moments: &[Moment], rounds: usize) {
    let seed = std::env::var("LANDWAITER_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let story = format!("LANDWAITER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let scene = &world.scene;
    let clone = scene.home().join("clone");
    git(scene.home(), &["clone", "-q", scene.repo.bare.to_str().unwrap(), clone.to_str().unwrap()]);
    let data = scene.home().join("data").display().to_string();
    let intervals = ["--git-poll-interval", "1s", "--registry-poll-interval", "1s"];
    let args = |more: &[&str]| -> Vec<String> {
        let fixed = ["run", "--git-url", url, "--data-dir", &data];
        [&fixed[..], &intervals, more].concat().into_iter().map(str::to_owned).collect()
    };
    let (daemon, once) = (args(&[]), args(&["--once"]));
    let grouped = args(&["--once", "--commit-grouping", "file"]);
    let (stop, mut kills) = (AtomicBool::new(false), Vec::new());
    let steps = thread::scope(|scope| {
        let person = scope.spawn(|| person(&clone, &stop));
        for round in 1..=rounds {
            // Mostly something new, sometimes for all of them.
            for newest in world.newest.iter() {
                newest.fetch_add(usize::from(rng.u8(..3) > 0), Ordering::SeqCst);
            }
            // Whoever makes one pass asks the registries at once; the daemon when it is time to.
            let args = rng.choice([&daemon, &once, &grouped]).unwrap();
            let moment = *rng.choice(moments).unwrap();
            let (log, is_killed) = world.kill(args, moment, &mut rng);
            kills.extend(is_killed.then_some(moment));
            for word in ["set aside", "damaged", "cannot", "panicked", "in use"] {
                assert!(!log.contains(word), "{story}, round {round}, killed at {moment:?}: {word:?} in\n{log}");
            }
            if round % 10 == 0 {
                for copy in world.copies() {
                    git(&copy, &["fsck", "--strict", "--no-dangling"]);
                }
            }
        }
        stop.store(true, Ordering::SeqCst);
        person.join().unwrap()
    });

    let ran = run(&mut landwaiter(scene.home(), &once));
    assert_eq!(ran.code, 0, "{story}: {ran:?}");
    let (commits, head) = (scene.commits(), scene.repo.head());
    let ran = run(&mut landwaiter(scene.home(), &once));
    assert_eq!((ran.code, scene.repo.head()), (0, head), "{story}: {ran:?}");

    // The end is what it would be without any kill.
    let minor = |workload: usize| world.newest[workload].load(Ordering::SeqCst);
    assert_eq!(scene.file("notes.txt"), steps.to_string(), "{story}");
    for workload in 0..WORKLOADS {
        let person = if workload == 0 { steps / 3 * 3 } else { 0 };
        let expected = manifest(&world.host, workload, person, minor(workload));
        assert_eq!(scene.file(&format!("apps/{}.yaml", name(workload))) + "\n", expected, "{story}");
    }
    // Each workload's updates are a chain: each begins where the one before ended, and goes up.
    let bare = &scene.repo.bare;
    let updates = git(bare, &["log", "--reverse", "--format=%(trailers:key=Landwaiter-Update,valueonly)", "main"]);
    let mut at = [0; WORKLOADS];
    let number = |tag: &str| tag.split('.').nth(1).unwrap().parse::<usize>().unwrap();
    for update in updates.lines().filter(|line| !line.is_empty()) {
        let words: Vec<_> = update.split(' ').collect();
        let at = &mut at[words[1].trim_start_matches("app-").parse::<usize>().unwrap()];
        assert!(number(words[3]) == *at && number(words[4]) > *at, "{story}: {update}\n{updates}");
        *at = number(words[4]);
    }
    assert_eq!(at, std::array::from_fn(minor), "{story}");
    // History is a line, and the branch only ever moved on along it.
    let log = git(bare, &["log", "--format=%H %P|%an|%s", "main"]);
    assert!(log.lines().all(|line| line.split('|').next().unwrap().split(' ').count() <= 2), "{story}: a merge");
    assert_eq!(log.matches("|Ada|step ").count(), steps, "{story}: each step of the person is there once");
    assert_eq!(log.lines().count(), commits);
    let order: Vec<_> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let moves = git(bare, &["log", "-g", "--format=%H", "main"]);
    let places: Vec<_> = moves.lines().map(|id| order.iter().position(|known| *known == id)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{story}: {places:?}");

    // A server may still be at what a killed client had asked for.
    wait_until("a clean remote", || leftovers(bare).is_empty().then_some(()), || format!("{:?}", leftovers(bare)));
    assert_eq!(leftovers(&scene.home().join("data")), Vec::<PathBuf>::new(), "{story}");
    for copy in world.copies() {
        let unfinished = std::fs::read_dir(copy.join("objects")).unwrap().flatten();
        assert!(unfinished.into_iter().all(|entry| entry.path().is_dir()), "{story}");
    }
    scene.is_sound();
    for copy in world.copies() {
        git(&copy, &["fsck", "--strict", "--no-dangling"]);
    }
    let told: Vec<_> = moments
        .iter()
        .map(|moment| format!("{moment:?} {}", kills.iter().filter(|kill| *kill == moment).count()))
        .collect();
    told_by(&format!(
        "{story}: {rounds} rounds, {} killed ({}), {steps} pushes of a person, {} commits of ours",
        kills.len(),
        told.join(", "),
        commits - steps - 1
    ));
}

#[expect(clippy::print_stderr, reason = "the seed of a run, and what it came to")]
fn told_by(text: &str) {
    eprintln!("{text}");
}

/// As many as were asked for, or as many as a usual test run has time for.
fn kills(usual: usize) -> usize {
    std::env::var("LANDWAITER_KILLS").map_or(usual, |kills| kills.parse().unwrap())
}

#[test]
fn killed_at_any_moment_between_servers_it_needs_no_repair() {
    let world = World::new();
    // Time for the kill to come while the server is at it.
    world.scene.repo.hook("pre-receive", "sleep 0.01");
    world.scene.repo.hook("post-receive", "sleep 0.01");
    rounds(&world, &world.scene.server.url("config.git"), &Moment::ALL, kills(40));
}

#[test]
fn killed_at_any_moment_on_a_local_path_it_needs_no_repair() {
    let world = World::new();
    rounds(&world, world.scene.repo.bare.to_str().unwrap(), &[Moment::Start, Moment::List], kills(40));
}
