//! The kustomize base and its components.

use std::path::Path;

use serde_json::{Value, json};

use super::{PORT, ask, files, is_known, output, text, yaml};
use crate::binary::{landwaiter, run};

const BASE: &str = "deploy/kubernetes/base";

fn base(name: &str) -> Value {
    yaml(&text(&format!("{BASE}/{name}.yaml")))
}

/// The values of patches in a component, with the paths that they are put at.
fn patched(component: &str) -> Vec<(String, Value)> {
    let component = yaml(&text(&format!("deploy/kubernetes/components/{component}/kustomization.yaml")));
    assert_eq!(component["kind"], "Component");
    let patch = yaml(component["patches"][0]["patch"].as_str().unwrap());
    let operations = patch.as_array().unwrap().iter();
    operations
        .map(|operation| {
            assert_eq!(operation["op"], "add");
            (operation["path"].as_str().unwrap().to_owned(), operation["value"].clone())
        })
        .collect()
}

#[test]
fn the_pod_may_do_what_it_needs_and_nothing_else() {
    let deployment = base("deployment");
    let spec = &deployment["spec"];
    assert_eq!((&spec["replicas"], &spec["strategy"]["type"]), (&json!(1), &json!("Recreate")));
    let pod = &spec["template"]["spec"];
    for (key, value) in [("runAsNonRoot", json!(true)), ("runAsUser", json!(65532)), ("fsGroup", json!(65532))] {
        assert_eq!(pod["securityContext"][key], value, "{key}");
    }
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&json!(false), &json!(false)));
    assert_eq!(base("serviceaccount")["automountServiceAccountToken"], false);
    let [container] = &pod["containers"].as_array().unwrap()[..] else { panic!("{pod}") };
    let expected = json!({
        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container["securityContext"], expected);
    for resource in [&container["resources"]["requests"]["cpu"], &container["resources"]["limits"]["memory"]] {
        assert!(resource.is_string(), "{container}");
    }
    for (probe, path) in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "http"}), "{probe}");
    }
    // Nothing is written but the data.
    let mounts = container["volumeMounts"].as_array().unwrap().iter();
    let writable: Vec<_> = mounts.filter(|mount| mount["readOnly"] != true).map(|mount| &mount["mountPath"]).collect();
    assert_eq!(writable, ["/var/lib/landwaiter"]);
}

#[test]
fn what_it_is_told_is_what_it_knows() {
    let deployment = base("deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["run"]));
    let mut variables: Vec<Value> = container["env"].as_array().unwrap().clone();
    for component in ["deploy-key", "pull-secret"] {
        let patched = patched(component);
        let at =
            |end: &'static str| patched.iter().filter(move |(path, _)| path.ends_with(end)).map(|(_, value)| value);
        variables.extend(at("/env/-").cloned());
        // What is named is mounted, from a volume that is there.
        let mount = at("/volumeMounts/-").next().unwrap();
        for variable in at("/env/-") {
            let folder = format!("{}/", mount["mountPath"].as_str().unwrap());
            assert!(variable["value"].as_str().unwrap().starts_with(&folder), "{variable}");
        }
        let volume = at("/volumes/-").next().unwrap();
        assert_eq!((&volume["name"], &volume["secret"]["defaultMode"]), (&mount["name"], &json!(0o440)));
    }
    is_known(variables.iter().map(|variable| variable["name"].as_str().unwrap()));
    let value = |name: &str| variables.iter().find(|variable| variable["name"] == name).unwrap()["value"].clone();
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mounted = |path: &str| mounts.iter().any(|mount| path.starts_with(mount["mountPath"].as_str().unwrap()));
    for name in ["LANDWAITER_CONFIG", "LANDWAITER_DATA_DIR"] {
        assert!(mounted(value(name).as_str().unwrap()), "{name}");
    }
    assert_eq!(value("LANDWAITER_LISTEN"), format!("0.0.0.0:{PORT}"));
}

#[test]
fn all_agree_on_the_port_and_the_labels() {
    let deployment = base("deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["ports"], json!([{"name": "http", "containerPort": PORT}]));
    let service = base("service");
    assert_eq!(service["spec"]["ports"], json!([{"name": "http", "port": PORT, "targetPort": "http"}]));
    let policy = base("networkpolicy");
    assert_eq!(policy["spec"]["ingress"], json!([{"ports": [{"port": "http", "protocol": "TCP"}]}]));
    assert_eq!(policy["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
    let monitor = yaml(&text("deploy/kubernetes/components/monitoring/servicemonitor.yaml"));
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!((&endpoint["port"], &endpoint["path"]), (&json!("http"), &json!("/metrics")));
    let labels = json!({"app.kubernetes.io/name": "landwaiter"});
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &deployment["spec"]["template"]["metadata"]["labels"],
        &service["spec"]["selector"],
        &policy["spec"]["podSelector"]["matchLabels"],
        &monitor["spec"]["selector"]["matchLabels"],
        &base("kustomization")["labels"][0]["pairs"],
    ] {
        assert_eq!(selector, &labels);
    }
    let claim = &deployment["spec"]["template"]["spec"]["volumes"][1]["persistentVolumeClaim"]["claimName"];
    assert_eq!(*claim, base("persistentvolumeclaim")["metadata"]["name"]);
}

#[test]
fn every_file_is_built_in_somewhere() {
    let kustomization = base("kustomization");
    let mut named: Vec<String> = vec![format!("{BASE}/kustomization.yaml"), format!("{BASE}/landwaiter.yaml")];
    let resources = kustomization["resources"].as_array().unwrap().iter();
    named.extend(resources.map(|name| format!("{BASE}/{}", name.as_str().unwrap())));
    named.sort();
    assert_eq!(files(BASE).into_iter().collect::<Vec<_>>(), named);
    for file in &named {
        assert!(yaml(&text(file))["metadata"]["namespace"].is_null(), "{file} names a namespace");
    }
    for file in ["landwaiter.yaml", "../example/landwaiter.yaml"] {
        let ran = run(&mut landwaiter(
            Path::new("/"),
            ["config", "check", &super::root().join(BASE).join(file).display().to_string()],
        ));
        assert_eq!(ran.code, 0, "{file}: {ran:?}");
    }
}

#[test]
fn kustomize_builds_it() {
    for folder in [BASE, "deploy/kubernetes/example"] {
        let Some(built) = ask("kubectl", &["kustomize", folder]).filter(|_| cfg!(unix)) else { return };
        let text = output(&built);
        assert!(built.status.success(), "{folder}: {text}");
        for kind in ["Deployment", "Service", "ServiceAccount", "NetworkPolicy", "PersistentVolumeClaim", "ConfigMap"] {
            assert_eq!(text.matches(&format!("\nkind: {kind}\n")).count(), 1, "{folder}: {kind}\n{text}");
        }
        for object in text.split("\n---\n") {
            assert!(format!("{object}\n").contains("  name: landwaiter\n"), "{object}");
        }
    }
}
