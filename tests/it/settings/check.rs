//! `landwaiter config check` and `config schema`.

use serde_json::json;
use tempfile::TempDir;

use super::ask;
use crate::binary::{landwaiter, run};
use crate::tls_server::Authority;

const CHECK: [&str; 3] = ["config", "check", "landwaiter.yaml"];

#[tokio::test]
async fn config_repositories_come_first_with_what_is_said_of_them() {
    let config = "\
repositories:
- url: https://git.example.com/org/config.git
  name: production
  branch: main
  paths: [clusters/production]
  excludes: ['**/vendor']
  credentials: {file: secret}
  poll-interval: 30s
  settle: 0s
  dialects: [flux]
  author: {name: Bot, email: bot@example.com}
- url: git@git.example.com:org/staging.git
";
    let ran = ask(&[], config, &CHECK).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let expected = "\
production
  at           https://git.example.com/org/config.git
  branch       main
  looks in     clusters/production
  but not in   **/vendor
  as           what is in secret
  commits by   Bot <bot@example.com>
  asked every  30s
  settles in   0s
  hears        native, flux
staging
  at           git@git.example.com:org/staging.git
landwaiter.yaml makes sense
";
    assert_eq!(ran.stdout, expected);
    let broken = config.replace("{file: secret}", "{bearer-environment: NOT_THERE}");
    let ran = ask(&[], &broken, &CHECK).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "landwaiter.yaml:7:16: $NOT_THERE is not set\n1 mistake\n"));
}

#[tokio::test]
async fn what_would_be_used_is_said_registry_by_registry() {
    let authority = Authority::new("Ours").pem();
    let docker = r#"{"auths":{"docker.io":{"username":"carol","password":"hunter2"}},"credsStore":"desktop"}"#;
    let files = [("secret", "bob:hunter2\n"), ("ca.pem", authority.as_str()), ("config.json", docker)];
    let config = "\
docker-config: config.json
registries:
- prefix: ghcr.io
  credentials: {file: secret}
  interval: 90s
  ca-bundle: ca.pem
  rate: 2.5
- prefix: ghcr.io/public
  credentials: anonymous
- prefix: docker.io
- prefix: quay.io
  mirror: mirror.example.com/quay
- prefix: mirror.example.com
  proxy: none
  concurrency: 2
- prefix: 10.0.0.1:5000
  insecure-plain-http: true
";
    let ran = ask(&files, config, &CHECK).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let expected = "\
ghcr.io/public
  as           nobody
  requests     2.5 per second after a burst of 5, 8 at once
10.0.0.1:5000
  as           what docker-credential-desktop says
  requests     50 per second after a burst of 100, 8 at once
  without TLS  whoever is on the way reads what is sent, and changes the answers
docker.io
  as           the credential from config.json (user carol)
  requests     10 per second after a burst of 20, 8 at once
ghcr.io
  as           the credential from secret (user bob)
  interval     1m 30s
  requests     2.5 per second after a burst of 5, 8 at once
  authorities  those of the machine and ca.pem
mirror.example.com
  as           what docker-credential-desktop says
  requests     50 per second after a burst of 100, 2 at once
  proxy        none
quay.io
  asked at     mirror.example.com/quay
  as           what docker-credential-desktop says
  requests     50 per second after a burst of 100, 2 at once
landwaiter.yaml makes sense
";
    assert_eq!(ran.stdout, expected);

    let ran = ask(&files, config, &[&CHECK[..], &["--output", "json"]].concat()).await;
    let found = &ran.json()["registries"][3];
    let expected = json!({
        "prefix": "ghcr.io", "mirror": null, "credential": "the credential from secret (user bob)",
        "interval_seconds": 90.0, "ca_bundle": "ca.pem", "client_certificate": null, "proxy": null,
        "insecure_plain_http": false, "insecure_credentials": false, "rate": 2.5, "burst": 5, "concurrency": 8,
    });
    assert_eq!((ran.code, found), (0, &expected));
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place() {
    let config = "\
registries:
- prefix: ghcr.io
  credentials: {file: gone}
  ca-bundle: landwaiter.yaml
  client-certificate: {certificate: gone.pem, key: gone.key}
- prefix: quay.io
  credentials:
    environment: {user: NOT_SET, password: NOT_SET}
";
    let ran = ask(&[], config, &CHECK).await;
    let expected = "\
landwaiter.yaml:3:16: the credentials in gone cannot be read: No such file or directory (os error 2)
landwaiter.yaml:4:14: landwaiter.yaml for ghcr.io: there is no certificate of an authority in it; write one in PEM
landwaiter.yaml:5:23: gone.pem for ghcr.io: cannot be read: No such file or directory (os error 2)
landwaiter.yaml:8:5: the variable NOT_SET, which is to hold a credential, is not set
4 mistakes
";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, expected, ""));

    let ran = ask(&[], "registries:\n- prefix: [\n", &[&CHECK[..], &["--output", "json"]].concat()).await;
    let problem = &ran.json()["problems"][0];
    assert_eq!((ran.code, problem["file"].as_str(), problem["line"].as_u64()), (1, Some("landwaiter.yaml"), Some(2)));

    let home = TempDir::new().unwrap();
    let ran = run(&mut landwaiter(home.path(), CHECK));
    assert!(ran.code == 1 && ran.stderr.contains("the configuration file landwaiter.yaml cannot be read"), "{ran:?}");
    let empty = run(landwaiter(home.path(), CHECK).env("LANDWAITER_OUTPUT", ""));
    assert_eq!(empty.code, 1, "what is set to nothing is not set: {empty:?}");
    let ran = run(&mut landwaiter(home.path(), ["config", "check"]));
    assert!(ran.code == 2 && ran.stderr.contains("<FILE>"), "{ran:?}");
}

#[test]
fn the_schema_is_printed() {
    let home = TempDir::new().unwrap();
    let ran = run(&mut landwaiter(home.path(), ["config", "schema"]));
    assert_eq!((ran.code, ran.json()["title"].as_str()), (0, Some("Landwaiter configuration")), "{ran:?}");
}
