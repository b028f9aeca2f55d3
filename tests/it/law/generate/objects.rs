//! What stands in a generated file: objects with images in them, and much that only looks so.

use super::{Dice, Form, Planted, Value};

/// What is to be written.
#[derive(Debug)]
pub(super) enum Node {
    /// A text, in any style.
    Text(String),
    /// The value with this number.
    Value(usize),
    /// `*name`
    Alias(String),
    /// Anything that has no images in it, chosen by the pen.
    Odd,
    Map(Vec<(String, Self)>),
    List(Vec<Self>),
}

const NAMES: [&str; 9] = [
    "x",
    "nginx",
    "registry.example.com:5000/team/app",
    "docker.io/library/redis",
    "localhost:5000/a",
    "ghcr.io/org/a-b_c",
    "127.0.0.1:30000/x1",
    "k8s.gcr.io/pause",
    "12",
];
const TAGS: [Option<&str>; 8] =
    [Some("1"), Some("1.20"), Some("v1.2.3"), None, Some("latest"), Some("1e3"), Some("a_1-b.2"), Some("20240101")];
const KINDS: [&str; 9] = [
    "Deployment",
    "Pod",
    "CronJob",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Rollout",
    "ReplicaSet",
    "ReplicationController",
];
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const KEYS: [&str; 6] = ["x-note", "tty", "ключ", "args", "resources", "Ä b"];

/// Images whose name stands in two places.
const SPLIT: [[&str; 2]; 4] = [
    ["q.example.com:5000", "team/app"],
    ["localhost:5000", "a"],
    ["docker.io", "library/redis"],
    ["ghcr.io", "org/a-b_c"],
];

/// Builds the documents of a file, each in the order of its text, so that an anchor comes before its aliases.
struct Builder<'d, 'b> {
    dice: &'d mut Dice<'b>,
    is_json: bool,
    values: Vec<Value>,
    images: Vec<Planted>,
    /// The values of this document that others may share.
    anchored: Vec<usize>,
    names: usize,
}

/// The documents of a file, the values in them, and the images that they say.
pub(super) fn documents(dice: &mut Dice<'_>, path: &str) -> (Vec<Node>, Vec<Value>, Vec<Planted>) {
    let is_json = path == "a.json";
    let count = if path == "a.yaml" { 1 + dice.throw(4) } else { 1 };
    let mut builder = Builder { dice, is_json, values: Vec::new(), images: Vec::new(), anchored: Vec::new(), names: 0 };
    let mut documents = Vec::new();
    for _ in 0..count {
        builder.anchored.clear();
        let is_kustomization = path == "kustomization.yaml";
        documents.push(if is_kustomization { builder.kustomization() } else { builder.document() });
    }
    (documents, builder.values, builder.images)
}

impl Builder<'_, '_> {
    fn document(&mut self) -> Node {
        match self.dice.throw(11) {
            10 => self.keel_values(),
            4 | 5 => self.release(),
            6 => self.list(),
            7 => self.without_images("ConfigMap", "data"),
            8 => self.without_images("Prometheus", "spec"),
            9 => Node::Odd,
            _ => self.workload(),
        }
    }

    /// The entries in any order, each made when its turn comes.
    fn map<const N: usize>(&mut self, keys: [&str; N], mut make: impl FnMut(&mut Self, &str) -> Node) -> Node {
        let mut entries = Vec::new();
        for at in self.dice.order(N) {
            if self.dice.one_in(6) {
                entries.push((self.key(), Node::Odd));
            }
            let node = make(self, keys[at]);
            entries.push((keys[at].to_owned(), node));
        }
        Node::Map(entries)
    }

    /// A key that means nothing, and stands nowhere else.
    fn key(&mut self) -> String {
        self.names += 1;
        format!("{}{}", self.dice.pick(&KEYS), self.names)
    }

    /// `kind: List`, or a list of one kind.
    fn list(&mut self) -> Node {
        let kind = self.dice.pick(&["List", "DeploymentList"]);
        let count = self.dice.throw(4);
        self.map(["apiVersion", "kind", "items"], |builder, key| match key {
            "kind" => text(kind),
            "items" => Node::List((0..count).map(|_| builder.workload()).collect()),
            _ => text("v1"),
        })
    }

    /// An object that says images where nobody runs them.
    fn without_images(&mut self, kind: &str, body: &str) -> Node {
        self.map(["kind", "metadata", body], |builder, key| match key {
            "kind" => text(kind),
            "metadata" => Node::Map(vec![("name".into(), text("other"))]),
            _ => builder.map(["image", "a.yaml", "containers"], |_, key| match key {
                "image" => text("x:1"),
                "containers" => Node::List(vec![Node::Map(vec![("image".into(), text("nginx:1.20"))])]),
                _ => Node::Odd,
            }),
        })
    }

    fn workload(&mut self) -> Node {
        let kind = self.dice.pick(&KINDS);
        let namespace = self.dice.pick(&[None, Some("n"), Some("nordic-1")]);
        let name = self.dice.pick(&["a", "web", "ümlaut", "x.y"]);
        let id = format!("{}/{kind}/{name}", namespace.unwrap_or("-"));
        self.map(["apiVersion", "kind", "metadata", "spec"], |builder, key| match key {
            "kind" => text(kind),
            "metadata" => builder.metadata(namespace, name),
            "spec" => builder.spec(kind, &id),
            _ => text("apps/v1"),
        })
    }

    fn metadata(&mut self, namespace: Option<&str>, name: &str) -> Node {
        let mut entries = Vec::new();
        if let Some(namespace) = namespace {
            entries.push(("namespace".to_owned(), text(namespace)));
        }
        entries.push(("name".to_owned(), text(name)));
        if self.dice.one_in(3) {
            let said = self.dice.pick(&[
                [("landwaiter/automated", "true"), ("fluxcd.io/tag.c", "semver:~1.2")],
                [("keel.sh/policy", "minor"), ("keel.sh/monitorContainers", "^c$")],
            ]);
            let said = said.map(|(key, value)| (key.to_owned(), text(value)));
            entries.push(("annotations".to_owned(), Node::Map(said.into())));
        }
        if self.dice.one_in(3) {
            let label = self.label();
            entries.push(("labels".to_owned(), Node::Map(vec![("app".into(), text("x")), ("image".into(), label)])));
        }
        Node::Map(entries)
    }

    /// A label that says an image, or shares that of a container, or lends it its own.
    fn label(&mut self) -> Node {
        if self.is_json {
            return text("x:1");
        }
        match (self.dice.throw(3), self.anchored.first().copied()) {
            (1, Some(value)) => {
                self.values[value].is_shared = true;
                self.alias(value)
            }
            (2, _) => {
                let value = self.value();
                self.share(value);
                self.values[value].is_shared = true;
                Node::Value(value)
            }
            _ => text("x:1"),
        }
    }

    fn spec(&mut self, kind: &str, id: &str) -> Node {
        let within = |key: &str, node| Node::Map(vec![(key.to_owned(), node)]);
        match kind {
            "Pod" => self.pod(id),
            "CronJob" => {
                let pod = self.pod(id);
                within("jobTemplate", within("spec", within("template", within("spec", pod))))
            }
            _ => self.map(["replicas", "template"], |builder, key| match key {
                "template" => builder.map(["metadata", "spec"], |builder, key| match key {
                    "spec" => builder.pod(id),
                    _ => Node::Odd,
                }),
                _ => Node::Odd,
            }),
        }
    }

    fn pod(&mut self, id: &str) -> Node {
        let mut entries = vec![("restartPolicy".to_owned(), text("Always"))];
        for at in self.dice.order(LISTS.len()) {
            let count = if at == 0 { 1 + self.dice.throw(3) } else { self.dice.throw(6).saturating_sub(3) };
            if count > 0 {
                let containers = (0..count).map(|_| self.container(id)).collect();
                entries.push((LISTS[at].to_owned(), Node::List(containers)));
            }
        }
        Node::Map(entries)
    }

    fn container(&mut self, id: &str) -> Node {
        let name = self.dice.pick(&["c", "app", "side-car", "x1"]);
        self.map(["name", "image", "env"], |builder, key| match key {
            "name" => text(name),
            "image" => builder.image(id, name),
            _ => builder.env(),
        })
    }

    /// What operators are told to run.
    fn env(&mut self) -> Node {
        let odd = if self.dice.one_in(2) { Node::Odd } else { text("x:1") };
        Node::List(vec![Node::Map(vec![("name".into(), text("RELATED_IMAGE")), ("value".into(), odd)])])
    }

    fn image(&mut self, id: &str, container: &str) -> Node {
        let shared = self.anchored.last().copied().filter(|_| self.dice.one_in(4));
        let value = shared.unwrap_or_else(|| self.value());
        self.images.push(Planted { workload: id.to_owned(), container: container.to_owned(), value });
        if shared.is_some() {
            return self.alias(value);
        }
        if !self.is_json && self.dice.one_in(6) {
            self.share(value);
        }
        Node::Value(value)
    }

    fn value(&mut self) -> usize {
        let (name, tag, digest) = (self.dice.pick(&NAMES), self.dice.pick(&TAGS), self.dice.one_in(12));
        let tag = if name == "12" { tag.map(|_| "30") } else { tag };
        self.add(name.to_owned(), Some(name), tag, digest)
    }

    fn add(&mut self, name: String, written: Option<&'static str>, tag: Option<&'static str>, digest: bool) -> usize {
        let (form, span) = (Form::Plain, 0..0);
        self.values.push(Value { name, written, tag, digest, form, span, is_shared: false, anchor: None });
        self.values.len() - 1
    }

    /// The values of a chart: an image at the top, and one level down.
    fn release(&mut self) -> Node {
        let id = "-/HelmRelease/r";
        self.map(["apiVersion", "kind", "metadata", "spec"], |builder, key| match key {
            "kind" => text("HelmRelease"),
            "metadata" => builder.metadata(None, "r"),
            "spec" => {
                let mut values = vec![("replicas".to_owned(), text("1"))];
                if builder.dice.one_in(2) {
                    values.extend(builder.in_values(id, "chart-image"));
                }
                for key in ["web", "ключ", "x.y"].into_iter().take(builder.dice.throw(4)) {
                    let mut inner = builder.in_values(id, key);
                    if builder.dice.one_in(3) {
                        inner.push((builder.key(), Node::Odd));
                    }
                    values.push((key.to_owned(), Node::Map(inner)));
                }
                builder.map(["chart", "values"], |_, key| match key {
                    "values" => Node::Map(std::mem::take(&mut values)),
                    _ => Node::Odd,
                })
            }
            _ => text("helm.toolkit.fluxcd.io/v2"),
        })
    }

    /// The entries that say an image in values, in one of the eight shapes and in any order.
    fn in_values(&mut self, id: &str, container: &str) -> Vec<(String, Node)> {
        let [registry, path] = self.dice.pick(&SPLIT);
        let tag = self.dice.pick(&TAGS).or(Some("1"));
        let shape = self.dice.throw(8);
        let (name, written) = match shape {
            0 | 4 => (path.to_owned(), Some(path)),
            3 | 7 => (format!("{registry}/{path}"), Some(path)),
            2 | 6 => (format!("{registry}/{path}"), None),
            _ => (path.to_owned(), None),
        };
        let value = self.add(name, written, tag, false);
        self.images.push(Planted { workload: id.to_owned(), container: container.to_owned(), value });
        let name_key = if shape < 4 { "image" } else { "repository" };
        let mut parts = vec![(name_key, if written.is_some() { Node::Value(value) } else { text(path) })];
        if written.is_none() {
            parts.push(("tag", Node::Value(value)));
        }
        if matches!(shape, 2 | 3 | 6 | 7) {
            parts.push(("registry", text(registry)));
        }
        let turn = self.dice.throw(parts.len());
        parts.rotate_left(turn);
        let parts: Vec<_> = parts.into_iter().map(|(key, node)| (key.to_owned(), node)).collect();
        if shape < 4 { parts } else { vec![("image".to_owned(), Node::Map(parts))] }
    }

    /// Values without an object, in which a block of Keel says where two images stand.
    fn keel_values(&mut self) -> Node {
        let id = if self.is_json { "-/Values/a.json" } else { "-/Values/a.yaml" };
        let paths = |image: &[(&str, &str)]| {
            Node::Map(image.iter().map(|(key, path)| ((*key).to_owned(), text(path))).collect())
        };
        self.map(["keel", "web", "api"], |builder, key| {
            if key == "keel" {
                return builder.map(["policy", "images"], |_, key| match key {
                    "policy" => text("all"),
                    _ => Node::List(vec![
                        paths(&[("repository", "web.image"), ("tag", "web.version")]),
                        paths(&[("repository", "api.image")]),
                    ]),
                });
            }
            let [_, path] = builder.dice.pick(&SPLIT);
            let tag = builder.dice.pick(&TAGS).or(Some("1"));
            let is_split = key == "web";
            let value = builder.add(path.to_owned(), Some(path).filter(|_| !is_split), tag, false);
            builder.images.push(Planted { workload: id.to_owned(), container: format!("{key}.image"), value });
            let image = ("image".to_owned(), if is_split { text(path) } else { Node::Value(value) });
            let version = is_split.then(|| ("version".to_owned(), Node::Value(value)));
            Node::Map(std::iter::once(image).chain(version).collect())
        })
    }

    fn kustomization(&mut self) -> Node {
        self.map(["apiVersion", "kind", "resources", "images"], |builder, key| match key {
            "kind" => text("Kustomization"),
            "resources" => Node::List(vec![text("a.yaml")]),
            "images" => {
                let count = builder.dice.throw(SPLIT.len() + 1);
                Node::List(SPLIT.iter().take(count).map(|split| builder.entry(*split)).collect())
            }
            _ => text("kustomize.config.k8s.io/v1beta1"),
        })
    }

    fn entry(&mut self, [registry, path]: [&'static str; 2]) -> Node {
        let new_name = self.dice.one_in(3).then(|| format!("{registry}/{path}"));
        let tag = self.dice.pick(&TAGS).or(Some("1"));
        let value = self.add(new_name.clone().unwrap_or_else(|| path.to_owned()), None, tag, false);
        let workload = "-/Kustomization/-".to_owned();
        self.images.push(Planted { workload, container: path.to_owned(), value });
        let mut entries = vec![("name".to_owned(), text(path)), ("newTag".to_owned(), Node::Value(value))];
        entries.extend(new_name.map(|name| ("newName".to_owned(), Node::Text(name))));
        let turn = self.dice.throw(entries.len());
        entries.rotate_left(turn);
        Node::Map(entries)
    }

    /// Gives a value an anchor.
    fn share(&mut self, value: usize) {
        self.values[value].anchor = Some(format!("i{value}"));
        self.anchored.push(value);
    }

    fn alias(&self, value: usize) -> Node {
        Node::Alias(self.values[value].anchor.clone().unwrap())
    }
}

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}
