//! What is kept over restarts, kills, and files that are not what they were.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use super::state::{CONFIGS, UNWATCHED};
use super::{Config, Created, Fact, Facts, List, Store};
use crate::image::{Digest, Repository, Tag};
use crate::registry::belief::Belief;
use crate::registry::listing::{Marks, Page};

fn now() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// So many milliseconds after that.
fn at(milliseconds: i64) -> i64 {
    now().as_millisecond() + milliseconds
}

fn repository(name: &str) -> Repository {
    Repository::parse(&format!("registry.example.com/{name}")).unwrap()
}

fn list(tags: &[&str]) -> List {
    let tags: Vec<_> = tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect();
    let page =
        Page { target: "/v2/x/tags/list?n=1000".into(), etag: Some("\"1\"".into()), modified: None, hash: [7; 16] };
    List { marks: Marks { pages: vec![page] }, belief: Belief::new(&tags, 1_700_000_000) }
}

fn facts(tag: &str) -> Facts {
    let fact = Fact {
        digest: Some(Digest::sha256(tag.as_bytes())),
        created: Some(Created(Some(now()))),
        pushed: None,
        is_stale: false,
    };
    Facts::from([(Tag::parse(tag).unwrap(), fact)])
}

fn config(revision: &str) -> Config {
    Config { created: Some(now()), platform: "linux/amd64".into(), source: None, revision: Some(revision.into()) }
}

fn open(path: &Path) -> Store {
    Store::open(Some(path.to_owned()), now())
}

fn known(store: &Store, name: &str) -> Option<(List, i64)> {
    Some((store.list(&repository(name))?, store.time(&repository(name))?))
}

/// The files that were set aside.
fn aside(folder: &Path) -> Vec<PathBuf> {
    let mut aside: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    aside.retain(|path| path.to_string_lossy().contains(".bad-"));
    aside.sort();
    aside
}

#[test]
fn what_is_known_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/registry.redb");
    let (web, digest) = (repository("web"), Digest::sha256(b"config"));
    {
        let store = open(&path);
        assert_eq!(store.list(&web), None);
        store.put_list(&web, &list(&["1.0", "1.1"]), at(5));
        store.put_facts(&web, &facts("1.0"));
        store.put_config(&digest, &config("abc"), now());
        assert_eq!(known(&store, "web"), Some((list(&["1.0", "1.1"]), at(5))), "before it is written");
        store.flush(now());
        assert_eq!(known(&store, "web"), Some((list(&["1.0", "1.1"]), at(5))), "after it is written");
        store.put_time(&web, at(9));
        assert_eq!(store.time(&web), Some(at(9)));
    }
    let store = open(&path);
    assert_eq!(known(&store, "web"), Some((list(&["1.0", "1.1"]), at(9))));
    assert_eq!(store.facts(&web), facts("1.0"));
    assert_eq!(store.config(&digest, now()), Some(config("abc")));
    assert_eq!(store.facts(&repository("other")), Facts::new());
    assert_eq!(aside(folder.path()).len(), 0);
}

#[test]
fn without_a_file_everything_is_known_until_the_end() {
    let store = Store::open(None, now());
    store.put_list(&repository("web"), &list(&["1.0"]), at(5));
    store.put_config(&Digest::sha256(b"config"), &config("abc"), now());
    store.flush(now());
    assert_eq!(known(&store, "web"), Some((list(&["1.0"]), at(5))));
    store.keep(|key| key.ends_with(b"/web"));
    assert!(store.list(&repository("web")).is_some());
    store.keep(|_| false);
    assert_eq!(store.list(&repository("web")), None);
    assert!(store.config(&Digest::sha256(b"config"), now()).is_some(), "an image may belong to many repositories");
}

#[test]
fn nothing_changed_is_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let store = open(&path);
    store.put_list(&repository("web"), &list(&["1.0"]), at(5));
    store.flush(now());
    let written = fs::read(&path).unwrap();
    for second in 1..1000 {
        store.put_time(&repository("web"), at(second));
        store.flush(now() + second.seconds());
    }
    assert!(fs::read(&path).unwrap() == written, "times alone are not worth a write");
    store.flush(now() + 25.hours());
    drop(store);
    assert_eq!(open(&path).time(&repository("web")).unwrap(), at(999));
}

#[test]
fn a_file_that_is_no_store_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    for (number, content) in
        [&b"hello"[..], &[0; 9000], &[255; 5000], b"redb\x1a\x0a\xa9\x0d\x0a and more"].iter().enumerate()
    {
        fs::write(&path, content).unwrap();
        let store = open(&path);
        store.put_list(&repository("web"), &list(&["1.0"]), at(5));
        drop(store);
        assert!(open(&path).list(&repository("web")).is_some(), "another one is begun");
        let aside = aside(folder.path());
        assert_eq!(aside.len(), (number + 1).min(3), "and they do not pile up");
        assert_eq!(fs::read(aside.last().unwrap()).unwrap(), *content);
    }
}

#[test]
fn a_store_of_a_newer_program_is_set_aside() {
    use super::disk::{Disk, Table};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let disk = Disk::open(&path).unwrap();
    let schema = (Table::Meta, b"schema"[..].into());
    disk.write(&[(schema, Some(2_u64.to_le_bytes().into()))].into()).unwrap();
    drop(disk);
    assert!(matches!(Disk::open(&path), Err(super::Trouble::Unusable(why)) if why.contains("newer Landwaiter")));
    assert_eq!(open(&path).list(&repository("web")), None);
    assert_eq!(aside(folder.path()).len(), 1);
}

/// Whatever happens to the bytes, what is read is what was written, or nothing.
#[test]
fn a_damaged_file_never_tells_a_lie() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let store = open(&path);
    let names: Vec<_> = (0..40).map(|number| format!("team/app-{number}")).collect();
    for name in &names {
        store.put_list(&repository(name), &list(&["1.0", "1.1", "2.0"]), at(5));
    }
    drop(store);
    let good = fs::read(&path).unwrap();
    fastrand::seed(4);
    for round in 0..60 {
        let mut bytes = good.clone();
        match round % 3 {
            0 => bytes.truncate(fastrand::usize(..bytes.len())),
            1 => (0..8).for_each(|_| bytes[fastrand::usize(..good.len())] ^= 1 << fastrand::u8(..8)),
            _ => {
                let at = fastrand::usize(..bytes.len());
                let end = (at + 4096).min(bytes.len());
                bytes[at..end].fill(fastrand::u8(..));
            }
        }
        fs::write(&path, &bytes).unwrap();
        let store = open(&path);
        for name in &names {
            let found = store.list(&repository(name));
            assert!(found.is_none_or(|found| found == list(&["1.0", "1.1", "2.0"])), "round {round}");
        }
        store.put_list(&repository("new"), &list(&["9"]), at(1));
        drop(store);
        assert!(open(&path).list(&repository("new")).is_some(), "round {round}: the store is good again");
    }
}

#[test]
fn two_daemons_with_one_folder_do_not_get_into_each_others_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let first = open(&path);
    let second = open(&path);
    for (store, tag) in [(&first, "1.0"), (&second, "2.0")] {
        store.put_list(&repository("web"), &list(&[tag]), at(5));
        store.flush(now());
        assert_eq!(known(store, "web"), Some((list(&[tag]), at(5))));
    }
    drop((first, second));
    assert_eq!(known(&open(&path), "web"), Some((list(&["1.0"]), at(5))));
    assert_eq!(aside(folder.path()).len(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_leaves_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = open(&file.join("registry.redb"));
    store.put_list(&repository("web"), &list(&["1.0"]), at(5));
    store.flush(now());
    assert!(store.list(&repository("web")).is_some());
}

#[test]
fn a_folder_that_vanishes_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/registry.redb");
    let store = open(&path);
    store.put_list(&repository("web"), &list(&["1.0"]), at(5));
    store.flush(now());
    fs::remove_dir_all(folder.path().join("data")).unwrap();
    store.put_list(&repository("api"), &list(&["1.0"]), at(5));
    drop(store);
    assert!(open(&path).list(&repository("api")).is_some());
}

#[test]
fn what_nobody_watches_is_forgotten_some_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let store = open(&path);
    for (name, days) in [("old", UNWATCHED + 1), ("young", UNWATCHED - 1)] {
        let listed = now() - (days * 24).hours();
        store.put_list(&repository(name), &list(&["1.0"]), listed.as_millisecond());
        store.put_facts(&repository(name), &facts("1.0"));
    }
    drop(store);
    let store = open(&path);
    assert!(store.list(&repository("old")).is_some());
    store.flush(now());
    assert_eq!(store.list(&repository("old")), None);
    assert_eq!(store.facts(&repository("old")), Facts::new());
    assert!(store.list(&repository("young")).is_some());
}

#[test]
fn the_images_used_last_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let digest = |number: usize| Digest::parse(&format!("sha256:{number:064x}")).unwrap();
    let store = open(&path);
    for number in 0..CONFIGS + 10 {
        store.put_config(
            &digest(number),
            &Config::default(),
            now() - (1000 - i64::try_from(number).unwrap().min(999)).hours(),
        );
    }
    assert!(store.config(&digest(3), now()).is_some(), "this one is used again");
    store.flush(now());
    drop(store);
    let store = open(&path);
    store.flush(now());
    let kept = (0..30).filter(|number| store.config(&digest(*number), now()).is_some()).count();
    assert!(store.config(&digest(3), now()).is_some() && kept == 20, "{kept}");
}

/// Not a test by itself: the process that the test below kills. It says what it is sure to have written.
#[test]
#[expect(clippy::print_stdout, reason = "it is read by whoever kills it")]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var("LANDWAITER_TEST_STORE") else { return };
    let store = open(Path::new(&path));
    let mut round = store.time(&repository("round")).map_or(0, |time| time - at(0));
    loop {
        round += 1;
        let tags: Vec<_> = (0..round % 300).map(|number| format!("{round}-{number:03}")).collect();
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        for number in 0..5 {
            store.put_list(&repository(&format!("app-{number}")), &list(&tags), at(round));
        }
        store.put_list(&repository("round"), &list(&[]), at(round));
        store.state().written = None;
        store.flush(now());
        println!("written {round}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn a_process_that_is_killed_leaves_a_whole_store_behind() {
    use std::io::{BufRead as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.redb");
    let mut before = 0;
    for kill in 0..40 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["registry::store::tests::writes_until_it_is_killed", "--exact", "--nocapture"])
            .env("LANDWAITER_TEST_STORE", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let killer = std::thread::spawn(move || {
            // Any moment at all: what is tested is that none of them matters.
            std::thread::sleep(Duration::from_micros(fastrand::u64(10_000..80_000)));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let said =
            output.lines().map_while(Result::ok).filter_map(|line| line.strip_prefix("written ")?.parse().ok()).last();
        killer.join().unwrap();

        let store = open(&path);
        let round = store.time(&repository("round")).map_or(0, |time| time - at(0));
        assert!(round >= said.unwrap_or(before), "kill {kill}: what was written is gone");
        for number in 0..5 {
            let found = known(&store, &format!("app-{number}"));
            let found = found.map_or((0, 0), |(list, time)| (list.belief.tags.len(), time - at(0)));
            assert_eq!(found, (usize::try_from(round % 300).unwrap(), round), "kill {kill}: a part of a change");
        }
        before = round;
    }
    assert!(before > 0);
    assert_eq!(aside(folder.path()).len(), 0, "no kill damages the file");
}
