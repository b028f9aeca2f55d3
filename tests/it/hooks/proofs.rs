//! What proves a delivery beyond the secret itself: signatures that others make, moments, and public keys.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use landwaiter::hook::{Event, Rejection};
use serde_json::{Value, json};

use super::{Delivery, SECRET, claims, mac_bytes, now, sns_signed, token, token_of};

#[test]
fn githubs_own_example_of_a_signature() {
    let mut delivery = Delivery::load("github", "ping");
    delivery.body = b"Hello, World!".to_vec();
    delivery.set("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    assert_eq!(delivery.read_with("It's a Secret to Everybody", now()), Ok(Event::Nothing("a ping")));
}

#[test]
fn either_secret_counts_while_it_is_changed() {
    let secrets = format!("{SECRET}\nthe-next-secret-2027\n");
    for (secret, counts) in [(SECRET, true), ("the-next-secret-2027", true), ("the-last-secret-2025", false)] {
        for (name, delivery) in Delivery::all() {
            let read = delivery.proved(secret, now()).read_with(&secrets, now());
            assert_eq!(!matches!(read, Err(Rejection::Unproved(_))), counts, "{name}: {read:?}");
        }
    }
}

#[test]
fn a_secret_is_shown_in_any_of_its_places() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("bob:{SECRET}")));
    for (header, value) in [
        ("authorization", SECRET),
        ("authorization", &format!("Bearer {SECRET}")),
        ("authorization", &format!("bearer  {SECRET} ")),
        ("authorization", &basic),
        ("x-api-key", SECRET),
        ("x-webhook-secret", SECRET),
    ] {
        for sender in ["harbor", "distribution", "ecr", "acr"] {
            let mut delivery = Delivery::load(sender, "push");
            delivery.set(header, value);
            assert!(delivery.read(now()).is_ok(), "{sender} {header}: {value}");
        }
        let mut stranger = Delivery::load("docker-hub", "push");
        stranger.set(header, value);
        assert!(stranger.read(now()).is_err(), "{header}");
    }
    let in_path = Delivery { path_secret: Some(SECRET.to_owned()), ..Delivery::load("harbor", "push") };
    assert!(in_path.read(now()).is_ok());
}

/// A delivery with the signature of Standard Webhooks.
fn standard(sender: &str, name: &str, key: &[u8], moment: Timestamp) -> Delivery {
    let mut delivery = Delivery::load(sender, name);
    let (id, second) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", moment.as_second().to_string());
    let text = [format!("{id}.{second}.").as_bytes(), &delivery.body].concat();
    let mac = BASE64_STANDARD.encode(mac_bytes(key, &text));
    delivery.set("webhook-id", id);
    delivery.set("webhook-timestamp", &second);
    delivery.set("webhook-signature", &format!("v1,AAAA v1a,BBBB v1,{mac}"));
    delivery
}

#[test]
fn standard_webhooks_are_signed_with_their_moment() {
    let encoded = format!("whsec_{}", BASE64_STANDARD.encode(SECRET));
    for (sender, name) in [("gitlab", "push"), ("generic", "image")] {
        let read = |moment| standard(sender, name, SECRET.as_bytes(), moment).read(now());
        assert!(read(now()).is_ok(), "{sender}");
        assert!(standard(sender, name, SECRET.as_bytes(), now()).read_with(&encoded, now()).is_ok(), "{sender}");
        for minutes in [-6, 6, -600_000] {
            let stale = read(now() + SignedDuration::from_mins(minutes));
            assert!(matches!(stale, Err(Rejection::Stale(_))), "{sender}: {stale:?}");
        }
        let forgeries: [&dyn Fn(&mut Delivery); 6] = [
            &|delivery| delivery.set("webhook-timestamp", &(now().as_second() + 1).to_string()),
            &|delivery| delivery.set("webhook-timestamp", "soon"),
            &|delivery| delivery.set("webhook-id", "msg_other"),
            &|delivery| delivery.headers.retain(|(name, _)| name != "webhook-id"),
            &|delivery| delivery.set("webhook-signature", "v1,"),
            &|delivery| delivery.body.push(b' '),
        ];
        for forge in forgeries {
            let mut forged = standard(sender, name, SECRET.as_bytes(), now());
            forge(&mut forged);
            let read = forged.read(now());
            assert!(matches!(read, Err(Rejection::Unproved(_))), "{sender}: {read:?}");
        }
    }
}

#[test]
fn what_was_recorded_is_not_heard_again() {
    for (name, age) in [("sns/push", 61.minutes()), ("nexus/component", 61.minutes()), ("pubsub/push", 62.minutes())] {
        let (sender, name) = name.split_once('/').unwrap();
        let delivery = Delivery::load(sender, name).proved(SECRET, now());
        assert!(delivery.read(now() + SignedDuration::from_mins(50)).is_ok(), "{sender}");
        let read = delivery.read(now() + age);
        assert!(matches!(&read, Err(Rejection::Stale(why)) if why.contains("recorded")), "{sender}: {read:?}");
        let read = delivery.read(now() - SignedDuration::from_mins(20));
        assert!(matches!(&read, Err(Rejection::Stale(why)) if why.contains("clocks")), "{sender}: {read:?}");
    }
}

#[track_caller]
fn check_unproved(read: &Result<Event, Rejection>, why: &str) {
    assert_eq!(read, &Err(Rejection::Unproved(Box::leak(why.to_owned().into()))));
}

/// A message of SNS, changed before and after it is signed.
fn sns(before: impl Fn(&mut Value), after: impl Fn(&mut Value)) -> Result<Event, Rejection> {
    let mut delivery = Delivery::load("sns", "push").proved(SECRET, now());
    let mut message: Value = serde_json::from_slice(&delivery.body).unwrap();
    before(&mut message);
    let mut message: Value = serde_json::from_slice(&sns_signed(message.to_string().as_bytes())).unwrap();
    after(&mut message);
    delivery.body = message.to_string().into_bytes();
    delivery.read(now())
}

#[test]
fn sns_signs_all_that_counts() {
    let nothing = |_: &mut Value| {};
    assert!(sns(nothing, nothing).is_ok());
    for (name, value) in [
        ("Message", "{}"),
        ("MessageId", "1"),
        ("Subject", "other"),
        ("Timestamp", "2026-11-21T17:59:59.000Z"),
        ("Type", "SubscriptionConfirmation"),
        ("Signature", "AAAA"),
    ] {
        check_unproved(&sns(nothing, |message| message[name] = json!(value)), "the signature is not that of SNS");
    }
    // Another topic is not ours, however well it is signed: everybody can have one.
    let other = sns(|message| message["TopicArn"] = json!("arn:aws:sns:eu-west-1:666666666666:images"), nothing);
    check_unproved(&other, "the topic is not the one of this source");
    for url in [
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.txt",
        "https://evil.example/SimpleNotificationService-0.pem",
    ] {
        let read = sns(nothing, |message| message["SigningCertURL"] = json!(url));
        check_unproved(&read, "the certificate does not lie with SNS");
    }
    let unknown =
        sns(nothing, |message| message["SigningCertURL"] = json!("https://sns.eu-west-1.amazonaws.com/x.pem"));
    assert!(matches!(&unknown, Err(Rejection::KeyWanted(name)) if name.url().ends_with("/x.pem")), "{unknown:?}");
    check_unproved(&sns(nothing, |message| message["SignatureVersion"] = json!("3")), "the signature has another form");
    let elsewhere = sns(
        |message| {
            message["Type"] = json!("SubscriptionConfirmation");
            message["Token"] = json!("1");
            message["SubscribeURL"] = json!("https://evil.example/confirm");
        },
        nothing,
    );
    assert!(matches!(elsewhere, Err(Rejection::Malformed(_))), "{elsewhere:?}");
}

/// Made with `openssl dgst -sha1 -sign`.
const VERSION_1: &str = "LY/I5n2YMWLS3E/YD9CjvzLDEbqLoXEsWjioWDztQD6wdg87V1PxK4EZlwGBbb/sq9HsKiagBdZwGekRptdYIaonB9ufZaeBOaAsxCKqMdIPLiaf9CuUwVrpcEAHU2k3FTbHyzf+FD8iXmRnS7m/9mKEN0GDz7fVuMUgdJTqB33w8hy4j+aB6lT23uFYy/NNL7jT4iuKni1NDIYy5mp2WRuCjg+YCYNKmH92Pk1HkzvKSAo1WgASmih3zTSVMQdhM/3C8HtTzo/OWaMmUbGKSBrhxeo3wxXMnLA0FJCx7pPA9J2wQeq+B/WFqINYYxWO2fMgCFqwfYy8ieXB8pbYHg==";

#[test]
fn the_first_version_of_the_signature_of_sns() {
    let body = json!({
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": super::TOPIC, "Message": "hello",
        "Timestamp": "2026-11-21T17:59:00.000Z", "SignatureVersion": "1", "Signature": VERSION_1,
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
    });
    let mut delivery = Delivery::load("sns", "words").proved(SECRET, now());
    delivery.body = body.to_string().into_bytes();
    assert_eq!(delivery.read(now()), Ok(Event::Nothing("the message is no event of EventBridge")));
    delivery.body = body.to_string().replace("hello", "hullo").into_bytes();
    check_unproved(&delivery.read(now()), "the signature is not that of SNS");
}

fn pubsub(token: &str) -> Result<Event, Rejection> {
    let mut delivery = Delivery::load("pubsub", "push").proved(SECRET, now());
    delivery.set("authorization", &format!("Bearer {token}"));
    delivery.read(now())
}

#[test]
fn a_token_of_google_is_for_us_and_of_that_account() {
    assert!(pubsub(&token(&claims(now()))).is_ok());
    let with = |name: &str, value: Value| {
        let mut claims = claims(now());
        claims[name] = value;
        pubsub(&token(&claims))
    };
    check_unproved(&with("iss", json!("https://evil.example")), "the token is of another issuer");
    check_unproved(&with("aud", json!("https://other.example.com")), "the token is for another audience");
    check_unproved(&with("aud", json!(["https://landwaiter.example.com"])), "the token has another form");
    check_unproved(&with("email", json!("mallory@evil.example")), "the token is that of another service account");
    check_unproved(&with("email_verified", json!(false)), "the token is that of another service account");
    check_unproved(&with("exp", json!("never")), "the token has another form");

    let head = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid, "typ": "JWT"});
    check_unproved(&pubsub(&token_of(&head("none", "key-1"), &claims(now()))), "the token is not signed with RS256");
    check_unproved(&pubsub(&token_of(&head("HS256", "key-1"), &claims(now()))), "the token is not signed with RS256");
    let unknown = pubsub(&token_of(&head("RS256", "key-2"), &claims(now())));
    assert!(
        matches!(&unknown, Err(Rejection::KeyWanted(name)) if name.url().starts_with("https://www.googleapis.com/"))
    );

    let good = token(&claims(now()));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = token(&json!({"aud": "x"}));
    let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    check_unproved(&pubsub(&forged), "the token is not signed by Google");
    check_unproved(&pubsub(&format!("{signed}.")), "the token is not signed by Google");
    for nonsense in ["", "a", "a.b", "a.b.c", "....", signed] {
        check_unproved(&pubsub(nonsense), "the token has another form");
    }
}

#[test]
fn a_thousand_tags_are_one_repository_and_a_flood_of_names_has_an_end() {
    let resources = |names: &dyn Fn(usize) -> String, count| {
        let resources: Vec<_> = (0..count).map(|n| json!({"tag": n.to_string(), "resource_url": names(n)})).collect();
        let mut delivery = Delivery::load("harbor", "push").proved(SECRET, now());
        let body = json!({"type": "PUSH_ARTIFACT", "event_data": {"resources": resources}});
        delivery.body = body.to_string().into_bytes();
        match delivery.read(now()) {
            Ok(Event::News(hint)) => hint.repositories.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(resources(&|n| format!("hub.example.com/team/app:1.{n}"), 1000), 1);
    assert_eq!(resources(&|n| format!("hub.example.com/team/app-{n}:1"), 1000), 1000);
    assert_eq!(resources(&|n| format!("hub.example.com/team/app-{n}:1"), 5000), 1000);
}
