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
    let ran = ask(&[("secret", "bob:hunter2\n")], config, &CHECK).await;
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
    let ran = ask(&[], config, &CHECK).await;
    let told = "landwaiter.yaml:2:8: the credential secret cannot be read: No such file or directory (os error 2)\n1 mistake\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (1, told));
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

#[tokio::test]
async fn where_webhooks_are_sent_to_and_how_they_are_proved() {
    let config = "\
hooks:
- name: hub
  sender: docker-hub
  secret: {file: secret}
- name: packages
  sender: github
  secret: {file: secret}
  images: containers.github.example.com
";
    let files = [("secret", "hunter2-hunter2-hunter2\n"), ("weak", "hunter2\n")];
    let ran = ask(&files, config, &CHECK).await;
    let expected = "\
/hooks/hub/<secret>
  sender       docker-hub
  proved by    the secret at the end of the URL
  secret       the secret in secret
/hooks/packages
  sender       github
  proved by    HMAC-SHA256 of the body in X-Hub-Signature-256
  secret       the secret in secret
  images       containers.github.example.com
landwaiter.yaml makes sense
";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, expected), "{ran:?}");
    let ran = ask(&files, config, &[&CHECK[..], &["--output", "json"]].concat()).await;
    assert_eq!(ran.json()["hooks"][0]["path"], "/hooks/hub/<secret>", "{ran:?}");

    let config = config.replace("{file: secret}", "{file: weak}").replacen("{file: weak}", "{environment: NOT_SET}", 1);
    let ran = ask(&files, &config, &CHECK).await;
    let expected = "\
landwaiter.yaml:4:11: the secret in the variable NOT_SET is not set
landwaiter.yaml:7:11: the secret in weak: a secret in it has fewer than 16 characters, or fewer than 8 different ones, and can be guessed; make one with `openssl rand -hex 32`
2 mistakes
";
    assert_eq!((ran.code, ran.stdout.as_str()), (1, expected), "{ran:?}");
}
