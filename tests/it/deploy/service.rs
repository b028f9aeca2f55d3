//! The systemd unit and the compose file.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PORT, ask, is_known, output, text, yaml};

const UNIT: &str = "deploy/systemd/landwaiter.service";

/// How exposed a unit may be, in tenths, as `systemd-analyze security` counts it: ours is at 12.
const EXPOSURE: &str = "15";

#[test]
fn the_unit_takes_every_right_away() {
    let unit = text(UNIT);
    let mut settings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in unit.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')) {
        settings.entry(key).or_default().push(value);
    }
    for (key, value) in [
        ("Type", "notify"),
        ("WatchdogSec", "60s"),
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateDevices", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("SystemCallFilter", "@system-service"),
        ("StateDirectory", "landwaiter"),
        ("ExecStart", "/usr/bin/landwaiter run"),
    ] {
        assert_eq!(settings.get(key).map(|values| values[0]), Some(value), "{key}");
    }
    let variables: BTreeMap<_, _> = settings["Environment"].iter().filter_map(|value| value.split_once('=')).collect();
    is_known(variables.keys().copied());
    assert_eq!(variables["LANDWAITER_LISTEN"], format!("127.0.0.1:{PORT}"));
    assert_eq!(variables["LANDWAITER_DATA_DIR"], format!("/var/lib/{}", settings["StateDirectory"][0]));
}

#[test]
fn systemd_takes_the_unit() {
    let home = TempDir::new().unwrap();
    let unit = home.path().join("landwaiter.service");
    // It looks whether the program is there.
    fs::write(&unit, text(UNIT).replace("/usr/bin/landwaiter", env!("CARGO_BIN_EXE_landwaiter"))).unwrap();
    let unit = unit.to_str().unwrap();
    let Some(verified) = ask("systemd-analyze", &["verify", "--man=no", unit]) else { return };
    let said = output(&verified);
    assert!(verified.status.success() && !said.contains("landwaiter.service:"), "{said}");
    let threshold = format!("--threshold={EXPOSURE}");
    let rated = ask("systemd-analyze", &["security", "--offline=true", "--no-pager", &threshold, unit]).unwrap();
    let said = output(&rated);
    assert!(rated.status.success() && said.contains("Overall exposure level"), "{said}");
}

#[test]
fn the_compose_file_takes_every_right_away() {
    let compose = yaml(&text("deploy/compose.yaml"));
    let service = &compose["services"]["landwaiter"];
    for (key, value) in [
        ("user", json!("65532:65532")),
        ("read_only", json!(true)),
        ("cap_drop", json!(["ALL"])),
        ("security_opt", json!(["no-new-privileges:true"])),
        ("command", json!(["run"])),
        ("ports", json!([format!("127.0.0.1:{PORT}:{PORT}")])),
    ] {
        assert_eq!(service[key], value, "{key}");
    }
    let variables = service["environment"].as_object().unwrap();
    is_known(variables.keys().map(String::as_str));
    assert_eq!(variables["LANDWAITER_LISTEN"], format!("0.0.0.0:{PORT}"));
    let volumes: Vec<_> = service["volumes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let writable: Vec<_> = volumes.iter().filter(|volume| !volume.ends_with(":ro")).collect();
    assert_eq!(writable, [&"data:/var/lib/landwaiter"]);
    for secret in service["secrets"].as_array().unwrap() {
        assert!(compose["secrets"][secret.as_str().unwrap()]["file"].is_string(), "{secret}");
        let path = format!("/run/secrets/{}", secret.as_str().unwrap());
        assert!(variables.values().any(|value| *value == path), "nobody is told of {path}");
    }
}
