//! How long it takes to choose out of 100,000 tags. The limit is 50 ms for each of these.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use landwaiter::image::Tag;
use landwaiter::policy::{Candidate, Dialect, Order, Pattern, PolicyBuilder, decide, explain};

const TAGS: u32 = 100_000;

fn builder(pattern: &str) -> PolicyBuilder {
    landwaiter::policy::Policy::builder(Pattern::parse(pattern, Dialect::Native).expect("a pattern"))
}

fn tags(name: impl Fn(u32) -> String) -> Vec<Candidate> {
    (0..TAGS)
        .map(|n| Candidate {
            tag: Tag::parse(&name(n)).expect("a tag"),
            created: Timestamp::from_second(1_700_000_000 + i64::from(n.wrapping_mul(2_654_435_761) >> 8)).ok(),
            since: None,
        })
        .collect()
}

/// A commit id that looks like one, the same in every run.
fn commit(n: u32) -> String {
    format!("{:08x}", n.wrapping_mul(2_654_435_761) ^ 0x00a5_5a00)
}

fn choose(c: &mut Criterion) {
    let branches = tags(|n| format!("{}-{}", if n % 4 == 0 { "main" } else { "feature" }, commit(n)));
    let versions =
        tags(|n| format!("v{}.{}.{}{}", n / 10_000, n / 100 % 100, n % 100, if n % 5 == 0 { "-rc.1" } else { "" }));
    let builds = tags(|n| format!("main-{}-{}", commit(n), 1_700_000_000 + n));
    let numeric = Order::parse("numeric").expect("an order");

    let glob = builder("glob:main-*").build().expect("a policy");
    c.bench_function("glob + newest: a quarter of 100,000 branch builds", |b| {
        b.iter(|| decide(black_box(&glob), Some(&branches[0].tag), black_box(&branches), Timestamp::UNIX_EPOCH));
    });
    let semver = builder("semver:>=1.2 <8 || ~9.1").build().expect("a policy");
    c.bench_function("semver: 100,000 versions, a fifth of them pre-releases", |b| {
        b.iter(|| decide(black_box(&semver), Some(&versions[12_345].tag), black_box(&versions), Timestamp::UNIX_EPOCH));
    });
    let regex =
        builder("regex:main-[0-9a-f]{8}-(?P<ts>[0-9]+)").extract("$ts").order(numeric).build().expect("a policy");
    c.bench_function("regex + numeric: 100,000 builds with a time stamp", |b| {
        b.iter(|| decide(black_box(&regex), Some(&builds[0].tag), black_box(&builds), Timestamp::UNIX_EPOCH));
    });
    let family = landwaiter::policy::Policy::builder(Pattern::family(Dialect::Native)).build().expect("a policy");
    c.bench_function("own family: 100,000 versions", |b| {
        b.iter(|| decide(black_box(&family), Some(&versions[12_345].tag), black_box(&versions), Timestamp::UNIX_EPOCH));
    });
    c.bench_function("explain, semver: 100,000 versions", |b| {
        b.iter(|| {
            explain(black_box(&semver), Some(&versions[12_345].tag), black_box(&versions), Timestamp::UNIX_EPOCH)
        });
    });
}

criterion_group!(benches, choose);
criterion_main!(benches);
