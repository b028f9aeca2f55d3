//! The survey of a config repository, beside the plain cost of reading its blobs.
//!
//! Workload: a bare repository with 10,000 manifests in 100 folders, each a Deployment of 40 lines
//! (1.1 kB), packed by `git repack` as a server or a fresh fetch has it. 1,000 of them are automated.
//! Every round of the first three begins with nothing in memory, as the first pass does. The plain
//! reading is done on one thread; the survey shares its work out over the processors, as in a pass.
//! The second pass goes to and fro between two commits that differ in 10 of the automated manifests,
//! and remembers what the other one held.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use landwaiter::git::{Identity, Mirror, Options, PushOutcome, RemoteUrl, Snapshot, create_repository};
use landwaiter::path::RepoPath;
use landwaiter::plan::Memory;
use landwaiter::reconcile::{self, Area};

const MANIFESTS: usize = 10_000;
const EVERY: usize = 10;

fn manifest(number: usize) -> String {
    let automation = if number.is_multiple_of(EVERY) {
        "    fluxcd.io/automated: \"true\"\n    fluxcd.io/tag.app: semver:~1.2\n"
    } else {
        ""
    };
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: team-{team}\n  annotations:\n    \
         example.com/owner: team-{team}\n{automation}spec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: app-{number}\n  \
         template:\n    metadata:\n      labels:\n        app: app-{number}\n    spec:\n      containers:\n        - name: app\n          \
         image: registry.example.com/team-{team}/app-{number}:1.2.{patch}\n          ports:\n            - containerPort: 8080\n              \
         name: http\n          env:\n            - name: LOG_LEVEL\n              value: info\n            - name: DATABASE\n              \
         value: postgres://db.team-{team}.svc/app-{number}\n          resources:\n            requests:\n              cpu: 100m\n              \
         memory: 128Mi\n            limits:\n              memory: 256Mi\n          readinessProbe:\n            httpGet:\n              \
         path: /healthz\n              port: http\n            periodSeconds: 5\n",
        team = number / 100,
        patch = number % 20,
    )
}

fn repository(folder: &Path) -> Mirror {
    let path = folder.join("config.git");
    let file = |number: usize| {
        let path = RepoPath::parse(&format!("team-{}/app-{number}.yaml", number / 100)).expect("a good path");
        (path, manifest(number).into_bytes())
    };
    let files: Vec<_> = (0..MANIFESTS).map(file).collect();
    let author = Identity::new("Bench", "bench@example.com").expect("a good identity");
    create_repository(&path, &files, "first", &author, Timestamp::UNIX_EPOCH).expect("a repository");
    let packed = Command::new("git").arg("-C").arg(&path).args(["repack", "-adq"]).status().expect("git for repack");
    assert!(packed.success());
    let url = RemoteUrl::parse(path.to_str().expect("UTF-8")).expect("a path");
    Mirror::open(Options::new(url, folder.join("data"))).expect("a mirror")
}

/// The next commit, in which 10 automated manifests differ.
fn changed(mirror: &Mirror) -> Snapshot {
    let base = mirror.fetch().expect("a snapshot");
    let change = |number: usize| {
        let number = number * MANIFESTS / 10;
        let path = RepoPath::parse(&format!("team-{}/app-{number}.yaml", number / 100)).expect("a good path");
        (path, manifest(number).replace(":1.2.", ":1.2.1").into_bytes())
    };
    let changes: Vec<_> = (0..10).map(change).collect();
    let author = Identity::new("Bench", "bench@example.com").expect("a good identity");
    let commit = mirror.commit(&base, &changes, "second", &author, &author, Timestamp::UNIX_EPOCH);
    let commit = commit.expect("objects").expect("a commit");
    assert!(matches!(mirror.push(&base, commit), Ok(PushOutcome::Accepted { .. })));
    mirror.fetch().expect("a snapshot")
}

fn survey(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mirror = repository(folder.path());
    // A new snapshot has read nothing yet, as at the start of a pass over a new commit.
    let fresh = || mirror.fetch().expect("a snapshot");
    assert_eq!(fresh().files(&[]).expect("files").files.len(), MANIFESTS);

    let mut group = c.benchmark_group("10,000 manifests, 1,000 automated");
    group.sample_size(20);
    group.bench_function("list the files", |b| {
        b.iter_batched(fresh, |snapshot| black_box(snapshot.files(&[])), BatchSize::PerIteration);
    });
    let read_all = |snapshot: Snapshot| {
        let mut buffer = Vec::new();
        for file in snapshot.files(&[]).expect("files").files {
            snapshot.read(file.blob, &mut buffer).expect("a blob");
            black_box(&buffer);
        }
    };
    group.bench_function("list the files and read the blobs", |b| {
        b.iter_batched(fresh, read_all, BatchSize::PerIteration);
    });
    let survey = |snapshot: Snapshot| {
        let inventory = reconcile::survey(&snapshot, &Area::default(), &mut Memory::default()).expect("an inventory");
        assert_eq!(inventory.manifests().count(), MANIFESTS / EVERY);
        inventory
    };
    group.bench_function("survey (list, read, parse)", |b| b.iter_batched(fresh, survey, BatchSize::PerIteration));

    let commits = [fresh(), changed(&mirror)];
    let mut memory = Memory::default();
    reconcile::survey(&commits[1], &Area::default(), &mut memory).expect("an inventory");
    let mut turn = 0;
    group.bench_function("second pass, 10 changed", |b| {
        b.iter(|| {
            turn += 1;
            reconcile::survey(black_box(&commits[turn % 2]), &Area::default(), &mut memory).expect("an inventory")
        });
    });
    group.finish();
}

criterion_group!(benches, survey);
criterion_main!(benches);
