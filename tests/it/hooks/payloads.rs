//! What every sender's deliveries come to: true ones, and all the ways in which they may not be.

use landwaiter::hook::{Event, Hint, Rejection, Sender};

use super::{Delivery, SECRET, now};

/// What a delivery says, in the words of the fixtures.
fn words(result: &Result<Event, Rejection>) -> Vec<String> {
    match result {
        Ok(Event::News(Hint { repositories, pushes })) => {
            let images = repositories.iter().map(ToString::to_string);
            let pushes = pushes.iter().flat_map(|push| {
                let branch = push.branch.as_deref().unwrap_or("*");
                push.remotes.iter().map(move |remote| format!("git {remote} {branch}"))
            });
            images.chain(pushes).collect()
        }
        Ok(Event::Confirm(url)) => vec![format!("confirm: {url}")],
        Ok(Event::Validation(code)) => vec![format!("validation: {code}")],
        Ok(Event::Nothing(reason)) => vec![format!("nothing: {reason}")],
        Err(Rejection::ContentType(content_type)) => vec![format!("content-type: {content_type}")],
        Err(Rejection::Malformed(what)) => vec![format!("malformed: {what}")],
        Err(other) => vec![format!("{}: {other}", other.word())],
    }
}

#[track_caller]
fn check_unproved(name: &str, how: &str, delivery: &Delivery) {
    let read = delivery.read(now());
    assert!(matches!(read, Err(Rejection::Unproved(_))), "{name}, {how}: {read:?}");
}

#[test]
fn each_says_what_it_says() {
    let all = Delivery::all();
    for (name, delivery) in &all {
        let says = words(&delivery.clone().proved(SECRET, now()).read(now()));
        assert_eq!(says, delivery.says, "{name}");
    }
    for sender in Sender::names() {
        let own: Vec<_> = all.iter().filter(|(name, _)| name.starts_with(&format!("{sender}/"))).collect();
        let has_news = own.iter().any(|(_, delivery)| !delivery.says[0].contains(": "));
        assert!(has_news, "{sender} has no fixture with news");
    }
}

#[test]
fn nothing_is_heard_of_a_stranger() {
    for (name, delivery) in Delivery::all() {
        check_unproved(&name, "without a proof", &delivery);
        check_unproved(&name, "with another secret", &delivery.clone().proved("hunter3-hunter3-hunter3", now()));
        let true_one = delivery.clone().proved(SECRET, now());
        let forge = |how: &str, change: &dyn Fn(&mut Delivery)| {
            let mut forged = true_one.clone();
            change(&mut forged);
            check_unproved(&name, how, &forged);
        };
        if true_one.path_secret.is_some() {
            for secret in [&SECRET[1..], &format!("{SECRET}x"), &SECRET.to_uppercase(), ""] {
                forge("with almost the secret", &|forged| forged.path_secret = Some(secret.to_owned()));
            }
        }
        // Whatever was added to the headers counts in all its parts.
        for (header, value) in true_one.headers.iter().filter(|header| !delivery.headers.contains(header)) {
            for forged in [
                "",
                "x",
                "sha256=",
                "sha1=00",
                "Bearer ",
                "Basic !",
                &value[..value.len() - 2],
                &format!("{value}00"),
                "ü",
            ] {
                forge("with a part of the proof", &|other| other.set(header, forged));
            }
        }
        if signs(delivery.source.sender) {
            forge("with a changed body", &|forged| forged.body.push(b' '));
            forge("with the secret in the path", &|forged| forged.path_secret = Some(SECRET.to_owned()));
            let mut shown = delivery.clone();
            shown.set("authorization", SECRET);
            check_unproved(&name, "with the secret itself", &shown);
        }
    }
}

/// Whether a kind of sender signs the body, and nothing else counts.
fn signs(sender: Sender) -> bool {
    matches!(sender, Sender::GitHub | Sender::Gitea | Sender::Bitbucket | Sender::JFrog | Sender::Nexus)
}

#[test]
fn what_is_proved_and_makes_no_sense_is_told() {
    for (name, mut delivery) in Delivery::all() {
        if delivery.says[0].contains(": ") {
            continue;
        }
        let bodies = [
            ("truncated", delivery.body[..delivery.body.len() / 2].to_vec()),
            ("empty", Vec::new()),
            ("no JSON", b"<html>502 Bad Gateway</html>".to_vec()),
            ("not UTF-8", b"{\"repository\":\"\xff\xfe\"}".to_vec()),
            ("another JSON", b"[[[[[[]]]]]]".to_vec()),
            ("a JSON of nothing", b"{}".to_vec()),
            ("a number", b"12".to_vec()),
            ("a deep one", [vec![b'['; 100_000], vec![b']'; 100_000]].concat()),
        ];
        for (how, body) in bodies {
            let damaged = Delivery { body, ..delivery.clone() }.proved(SECRET, now()).read(now());
            assert!(matches!(damaged, Err(Rejection::Malformed(_))), "{name}, {how}: {damaged:?}");
        }
        if delivery.source.sender == Sender::Sns {
            // What SNS sends is said to be a text.
            continue;
        }
        delivery.set("content-type", "text/html");
        let read = delivery.proved(SECRET, now()).read(now());
        assert_eq!(read, Err(Rejection::ContentType("text/html".to_owned())), "{name}");
    }
}

/// Each delivery with a part taken out, doubled or turned into something else: whatever it is, it is answered.
#[test]
fn no_damage_to_a_body_does_more_than_to_be_told() {
    let mut random = fastrand::Rng::with_seed(7);
    for (name, delivery) in Delivery::all() {
        let whole = delivery.clone().proved(SECRET, now());
        for _ in 0..200 {
            let mut damaged = whole.clone();
            let (from, to) = (random.usize(..whole.body.len()), random.usize(..whole.body.len()));
            let part = from.min(to)..from.max(to);
            match random.u8(..4) {
                0 => drop(damaged.body.drain(part)),
                1 => damaged.body.extend_from_within(part),
                2 => damaged.body[part].fill(random.u8(..)),
                _ => damaged.body[from] = random.u8(..),
            }
            let read = damaged.proved(SECRET, now()).read(now());
            if let Ok(Event::News(hint)) = &read {
                assert!(!hint.is_empty(), "{name}: {read:?}");
            }
        }
    }
}
