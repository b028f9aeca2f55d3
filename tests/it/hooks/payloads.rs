//! What every sender's deliveries come to: true ones, and all the ways in which they may not be.

use jiff::Timestamp;
use landwaiter::hook::{Event, Hint, Rejection, Secrets, Sender};

use super::{Delivery, SECRET};

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
        Ok(Event::Nothing(reason)) => vec![format!("nothing: {reason}")],
        Err(Rejection::ContentType(content_type)) => vec![format!("content-type: {content_type}")],
        Err(Rejection::Malformed(what)) => vec![format!("malformed: {what}")],
        Err(other) => vec![format!("{}: {other}", other.word())],
    }
}

fn now() -> Timestamp {
    "2026-11-21T18:00:00Z".parse().unwrap()
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
        let says = words(&delivery.clone().proved(SECRET).read(now()));
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
        check_unproved(&name, "with another secret", &delivery.clone().proved("hunter3-hunter3-hunter3"));
        let true_one = delivery.clone().proved(SECRET);
        if true_one.path_secret.is_some() {
            for secret in [&SECRET[1..], &format!("{SECRET}x"), &SECRET.to_uppercase(), ""] {
                let forged = Delivery { path_secret: Some(secret.to_owned()), ..true_one.clone() };
                check_unproved(&name, "with almost the secret", &forged);
            }
        } else {
            let mut longer = true_one.clone();
            longer.body.push(b' ');
            check_unproved(&name, "with a changed body", &longer);
            let forged = Delivery { path_secret: Some(SECRET.to_owned()), ..delivery.clone() };
            check_unproved(&name, "with the secret in the path", &forged);
            for (header, value) in true_one.headers.iter().filter(|header| !delivery.headers.contains(header)) {
                for forged_value in ["", "sha256=", "sha1=00", &value[..value.len() - 2], &format!("{value}00"), "ü"] {
                    let mut forged = true_one.clone();
                    forged.set(header, forged_value);
                    check_unproved(&name, "with a part of the signature", &forged);
                }
            }
        }
    }
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
            ("a number", b"12".to_vec()),
            ("a deep one", [vec![b'['; 100_000], vec![b']'; 100_000]].concat()),
        ];
        for (how, body) in bodies {
            let damaged = Delivery { body, ..delivery.clone() }.proved(SECRET).read(now());
            assert!(matches!(damaged, Err(Rejection::Malformed(_))), "{name}, {how}: {damaged:?}");
        }
        delivery.set("content-type", "text/html");
        let read = delivery.proved(SECRET).read(now());
        assert_eq!(read, Err(Rejection::ContentType("text/html".to_owned())), "{name}");
    }
}

#[test]
fn githubs_own_example_of_a_signature() {
    let secrets = Secrets::parse("It's a Secret to Everybody", false).unwrap();
    let mut delivery = Delivery::load("github", "ping");
    delivery.body = b"Hello, World!".to_vec();
    delivery.set("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    let header = |name: &str| delivery.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let head = landwaiter::hook::Head { path_secret: None, header: &header };
    let read = delivery.source().read(&secrets, &head, &delivery.body, now());
    assert_eq!(read, Ok(Event::Nothing("a ping")));
}

#[test]
fn either_secret_counts_while_it_is_changed() {
    let secrets = Secrets::parse(&format!("{SECRET}\nthe-next-secret-2027\n"), true).unwrap();
    for (secret, counts) in [(SECRET, true), ("the-next-secret-2027", true), ("the-last-secret-2025", false)] {
        for (_, delivery) in Delivery::all().into_iter().filter(|(name, _)| name.ends_with("/push")) {
            let delivery = delivery.proved(secret);
            let header =
                |name: &str| delivery.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
            let head = landwaiter::hook::Head { path_secret: delivery.path_secret.as_deref(), header: &header };
            let read = delivery.source().read(&secrets, &head, &delivery.body, now());
            assert_eq!(read.is_ok(), counts, "{delivery:?}");
        }
    }
}
