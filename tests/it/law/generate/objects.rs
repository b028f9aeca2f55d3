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
pub(super) fn documents(dice: &mut Dice<'_>, is_json: bool) -> (Vec<Node>, Vec<Value>, Vec<Planted>) {
    let count = if is_json { 1 } else { 1 + dice.throw(4) };
    let mut builder = Builder { dice, is_json, values: Vec::new(), images: Vec::new(), anchored: Vec::new(), names: 0 };
    let mut documents = Vec::new();
    for _ in 0..count {
        builder.anchored.clear();
        documents.push(builder.document());
    }
    (documents, builder.values, builder.images)
}

impl Builder<'_, '_> {
    fn document(&mut self) -> Node {
        match self.dice.throw(8) {
            4 => self.list(),
            5 => self.without_images("ConfigMap", "data"),
            6 => self.without_images("Prometheus", "spec"),
            7 => Node::Odd,
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
            let automated = ("landwaiter/automated".to_owned(), text("true"));
            let pattern = ("fluxcd.io/tag.c".to_owned(), text("semver:~1.2"));
            entries.push(("annotations".to_owned(), Node::Map(vec![automated, pattern])));
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
        self.values.push(Value { name, tag, digest, form: Form::Plain, span: 0..0, is_shared: false, anchor: None });
        self.values.len() - 1
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
