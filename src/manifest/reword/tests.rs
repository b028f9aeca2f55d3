//! Words before and after, and what stays as it is.

use super::{Reword, Rewording};
use crate::manifest::problem::Place;
use crate::manifest::{Document, ForeignObject, Terms, read};
use crate::path::RepoPath;
use crate::policy::{Dialect, Dialects};

fn replace(key: &str, new_key: &str) -> Reword {
    Reword::Replace { key: key.into(), new_key: new_key.into(), new_value: None }
}

fn add(key: &str, value: &str) -> Reword {
    Reword::Add { key: key.into(), value: value.into() }
}

fn remove(key: &str) -> Reword {
    Reword::Remove { key: key.into() }
}

fn label(key: &str) -> Reword {
    Reword::RemoveLabel { key: key.into() }
}

/// Rewords the object on this line of a file, and says what came of it.
fn reworded(file: &str, line: usize, column: usize, source: &str, words: &[Reword]) -> Result<String, String> {
    let path = RepoPath::parse(file).unwrap();
    let place = Place { file: path.clone(), line, column };
    let document = Document::open(&path, source.as_bytes()).unwrap();
    let reworded = document.reword(&[Rewording::Object { place, words: words.to_vec() }]);
    match reworded.refused.first() {
        Some((_, refusal)) => {
            assert_eq!(String::from_utf8_lossy(&reworded.bytes), source, "what is refused changes nothing");
            Err(refusal.to_string())
        }
        None => Ok(String::from_utf8(reworded.bytes).unwrap()),
    }
}

#[track_caller]
fn check(source: &str, words: &[Reword], expected: &str) {
    assert_eq!(reworded("a.yaml", 1, 1, source, words).as_deref(), Ok(expected), "{source:?}");
}

#[track_caller]
fn refused(source: &str, words: &[Reword], expected: &str) {
    let told = reworded("a.yaml", 1, 1, source, words).map_err(|told| told.replace("not changed: ", ""));
    assert_eq!(told, Err(expected.to_owned()), "{source:?}");
}

#[test]
fn annotations_get_other_keys() {
    check(
        "kind: Pod\nmetadata:\n  annotations:\n    fluxcd.io/automated: \"true\" # on\n    fluxcd.io/tag.app: semver:~1\n",
        &[replace("fluxcd.io/automated", "landwaiter/automated"), replace("fluxcd.io/tag.app", "landwaiter/tag.app")],
        "kind: Pod\nmetadata:\n  annotations:\n    landwaiter/automated: \"true\" # on\n    landwaiter/tag.app: semver:~1\n",
    );
    let value = Reword::Replace { key: "b".into(), new_key: "c".into(), new_value: Some("regex:.*a.*".into()) };
    check(
        "kind: Pod\nmetadata: {annotations: {b: 'regex:a'}}\n",
        &[value],
        "kind: Pod\nmetadata: {annotations: {c: 'regex:.*a.*'}}\n",
    );
}

#[test]
fn what_is_added_takes_the_lines_of_what_goes() {
    check(
        "kind: A\nmetadata:\n  annotations:\n    x/list: a=b:~1 # the app\n    x/strategy: semver\n    y: z\n",
        &[remove("x/list"), remove("x/strategy"), add("n/automated", "true")],
        "kind: A\nmetadata:\n  annotations:\n    n/automated: \"true\" # the app\n    y: z\n",
    );
    check(
        "kind: A\nmetadata:\n  annotations:\n    x: y\n    z: z\n",
        &[remove("x"), add("a", "b"), add("c", "d")],
        "kind: A\nmetadata:\n  annotations:\n    a: b\n    c: d\n    z: z\n",
    );
}

#[test]
fn no_empty_mapping_stays_behind() {
    let gone = [remove("x"), remove("y")];
    check(
        "kind: A\nmetadata:\n  name: b\n  annotations:\n    x: y\n    y: z\n",
        &gone,
        "kind: A\nmetadata:\n  name: b\n",
    );
    check("kind: A\nmetadata:\n  annotations:\n    x: y\n    y: z\n  name: b", &gone, "kind: A\nmetadata:\n  name: b");
    check("kind: A\nmetadata: {name: b, annotations: {x: y, y: z}}\n", &gone, "kind: A\nmetadata: {name: b}\n");
    refused(
        "kind: A\nmetadata: {annotations: {x: y, y: z}}\n",
        &gone,
        "a.yaml:2:11: no entry would be left here; remove the whole by hand",
    );
}

#[test]
fn labels_become_annotations() {
    check(
        "kind: A\nmetadata:\n  name: b\n  labels:\n    keel.sh/policy: minor\n    app: b\n",
        &[label("keel.sh/policy"), add("landwaiter/automated", "true"), add("landwaiter/policy", "minor")],
        "kind: A\nmetadata:\n  name: b\n  annotations:\n    landwaiter/automated: \"true\"\n    landwaiter/policy: minor\n  labels:\n    app: b\n",
    );
    check(
        "kind: A\nmetadata:\n  name: b\n  labels:\n    k: v\n",
        &[label("k"), add("a", "b")],
        "kind: A\nmetadata:\n  name: b\n  annotations:\n    a: b\n",
    );
    check(
        "kind: A\nmetadata:\n  name: b\n  labels:\n    k: v\n  annotations:\n    c: d\nspec: {}\n",
        &[label("k"), add("a", "b")],
        "kind: A\nmetadata:\n  name: b\n  annotations:\n    c: d\n    a: b\nspec: {}\n",
    );
    check(
        "kind: A\nmetadata: {name: b, labels: {k: v}}\n",
        &[label("k"), add("a", "b")],
        "kind: A\nmetadata: {name: b, annotations: {a: b}}\n",
    );
}

#[test]
fn mappings_that_are_missing_are_written() {
    let words = [add("landwaiter/automated", "true")];
    check(
        "apiVersion: v1\nkind: Pod\nspec: {}\n",
        &words,
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    landwaiter/automated: \"true\"\nspec: {}\n",
    );
    check(
        "kind: Pod\nmetadata:\n    name: a\n    namespace: b # there\n    labels:\n        c: d\n",
        &words,
        "kind: Pod\nmetadata:\n    name: a\n    namespace: b # there\n    annotations:\n        landwaiter/automated: \"true\"\n    labels:\n        c: d\n",
    );
    check(
        "kind: Pod\nmetadata: {name: a}\n",
        &words,
        "kind: Pod\nmetadata: {name: a, annotations: {landwaiter/automated: \"true\"}}\n",
    );
    check(
        "kind: Pod\nmetadata: {name: a, annotations: {}}\n",
        &words,
        "kind: Pod\nmetadata: {name: a, annotations: {landwaiter/automated: \"true\"}}\n",
    );
    refused(
        "kind: Pod\nmetadata:\n  annotations:\n  name: a\n",
        &words,
        "a.yaml:3:3: there is no mapping here; write one",
    );
    refused("kind: Pod\nmetadata: [a]\n", &words, "a.yaml:2:11: there is no mapping here; write one");
}

#[test]
fn what_is_there_already_is_not_written_twice() {
    check(
        "kind: A\nmetadata: {annotations: {a: b, x: y}}\n",
        &[add("a", "b"), remove("x")],
        "kind: A\nmetadata: {annotations: {a: b}}\n",
    );
    let doubled = "the key `a` was to be added, and stands in line 2 already; remove it";
    refused("kind: A\nmetadata: {annotations: {a: b}}\n", &[add("a", "c")], &format!("a.yaml:1:1: {doubled}"));
    refused(
        "kind: A\nmetadata: {annotations: {a: b, c: d}}\n",
        &[replace("c", "a")],
        &format!("a.yaml:1:1: {doubled}"),
    );
}

#[test]
fn what_is_shared_or_hidden_stays() {
    let words = [replace("a", "b")];
    refused(
        "x: &x {a: c}\nkind: A\nmetadata: {annotations: *x}\n",
        &words,
        "a.yaml:1:1: the value is an alias of line 1, where no single value stands; write the value itself",
    );
    refused(
        "x: &x {a: c}\nkind: A\nmetadata: {annotations: {<<: *x}}\n",
        &words,
        "a.yaml:1:1: entries come in with a merge key (`<<`); write them out here",
    );
    refused(
        "kind: A\nmetadata: {annotations: &x {a: c}}\ny: *x\n",
        &words,
        "a.yaml:2:29: the value belongs to the anchor of line 2, and line 3 uses it as well; write the value in both places",
    );
    refused(
        "kind: A\nmetadata: {annotations: {c: d}}\n",
        &words,
        "a.yaml:1:1: the field does not belong to this file as it was read",
    );
}

#[test]
fn any_object_of_a_file_is_found() {
    let words = [replace("a", "b")];
    let file = "a: 1\n---\nkind: A\nmetadata: {annotations: {a: c}}\n---\nkind: A\nmetadata: {annotations: {a: c}}\n";
    let second = file.replacen("{a: c}", "{b: c}", 2).replacen("{b: c}", "{a: c}", 1);
    assert_eq!(reworded("a.yaml", 6, 1, file, &words).as_deref(), Ok(second.as_str()));
    let list = "kind: List\nitems:\n- kind: A\n  metadata:\n    annotations:\n      a: c\n- kind: B\n";
    assert_eq!(reworded("a.yaml", 3, 3, list, &words).as_deref(), Ok(list.replace("a: c", "b: c").as_str()));
    let json = "{\n\t\"kind\": \"A\",\n\t\"metadata\": {\n\t\t\"annotations\": {\n\t\t\t\"a\": \"c\"\n\t\t}\n\t}\n}\n";
    assert_eq!(reworded("a.json", 1, 1, json, &words).as_deref(), Ok(json.replace("\"a\"", "\"b\"").as_str()));
    let crlf = "\u{feff}# x\r\nkind: A\r\nmetadata:\r\n  annotations:\r\n    a: c\r\n    d: e";
    assert_eq!(reworded("a.yaml", 2, 1, crlf, &words).as_deref(), Ok(crlf.replace(" a: ", " b: ").as_str()));
    assert_eq!(
        reworded("a.yaml", 2, 1, crlf, &[remove("d"), remove("a")]).unwrap_err(),
        "a.yaml:4:3: not changed: no entry would be left here; remove the whole by hand"
    );
}

#[test]
fn comments_say_something_else() {
    let path = RepoPath::parse("a.yaml").unwrap();
    let source = "\
kind: Deployment
metadata: {name: a}
spec:
  template:
    spec:
      containers:
      - name: a
        image: x/a:1 # {\"$imagepolicy\": \"ns:p\"}
      - image: x/b:1 # {\"$imagepolicy\": \"ns:q\"}
        name: b # landwaiter: stays
---
kind: Application
spec:
  source:
    helm:
      values: |
        image:
          tag: '1' # {\"$imagepolicy\": \"ns:p:tag\"}
";
    let manifest = read(&path, source.as_bytes(), Terms::builtin());
    assert_eq!(manifest.markers.setters.len(), 3);
    let document = Document::open(&path, source.as_bytes()).unwrap();
    let texts = [Some("landwaiter: semver:~1"), None, Some("landwaiter: semver:~2 image=x/a")];
    let comment = |(setter, text): (&crate::manifest::Setter, Option<&str>)| Rewording::Comment {
        place: setter.place.clone(),
        text: text.map(str::to_owned),
    };
    let rewordings: Vec<_> = manifest.markers.setters.iter().zip(texts).map(comment).collect();
    let reworded = document.reword(&rewordings);
    assert_eq!(reworded.refused, []);
    let expected = source
        .replace("{\"$imagepolicy\": \"ns:p\"}", "landwaiter: semver:~1")
        .replace(" # {\"$imagepolicy\": \"ns:q\"}", "")
        .replace("{\"$imagepolicy\": \"ns:p:tag\"}", "landwaiter: semver:~2 image=x/a");
    assert_eq!(String::from_utf8(reworded.bytes).unwrap(), expected);
    let elsewhere = Rewording::Comment { place: Place { file: path, line: 1, column: 1 }, text: None };
    assert_eq!(document.reword(&[elsewhere]).refused.len(), 1);
}

#[test]
fn values_get_comments() {
    let path = RepoPath::parse("a.yaml").unwrap();
    let source = "\
kind: Application
spec:
  source:
    helm:
      values: |
        image: {name: x/a, tag: '1'}
        other: &b x/b:1
      parameters: [{name: a, value: '2'}, {name: b, value: '3'}] # c
  again: &d 4
  more: *d
";
    let document = Document::open(&path, source.as_bytes()).unwrap();
    let mark = |value: &str, text: &str| {
        let at = source.find(value).unwrap();
        let line = source[..at].matches('\n').count() + 1;
        let column = at - source[..at].rfind('\n').unwrap();
        let place = Place { file: path.clone(), line, column };
        Rewording::Mark { place, text: text.to_owned() }
    };
    let rewordings = [
        mark("'1'", "landwaiter: one"),
        mark("x/b:1", "landwaiter: two"),
        mark("'2'", "landwaiter: crowded"),
        mark("'3'", "landwaiter: three"),
        mark("4\n", "landwaiter: shared"),
        mark("*d", "landwaiter: no value"),
    ];
    let reworded = document.reword(&rewordings);
    let expected = source
        .replace("tag: '1'}", "tag: '1'} # landwaiter: one")
        .replace("x/b:1", "x/b:1 # landwaiter: two")
        .replace("      parameters", "      # landwaiter: three\n      parameters");
    let refused: Vec<_> = reworded.refused.iter().map(|(at, refusal)| format!("{at} {}", refusal.obstacle())).collect();
    assert_eq!(
        refused,
        [
            "2 the entry is not laid out as `key: value` with nothing else on its lines; write it so",
            "4 the value belongs to the anchor of line 9, and line 10 uses it as well; write the value in both places",
            "5 the field does not belong to this file as it was read",
        ]
    );
    assert_eq!(String::from_utf8(reworded.bytes).unwrap(), expected);
}

#[test]
fn the_template_of_an_application_set_is_an_object() {
    let path = RepoPath::parse("a.yaml").unwrap();
    let source = "\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all, annotations: {keel.sh/policy: all}}
spec:
  template:
    metadata:
      annotations:
        argocd-image-updater.argoproj.io/image-list: x/a
        keel.sh/policy: all
    spec: {}
";
    let told = |dialects: &[Dialect]| -> Vec<(usize, Vec<String>)> {
        let objects = Document::open(&path, source.as_bytes()).unwrap().foreign_objects(Dialects::of(dialects));
        let keys = |object: &ForeignObject| object.words.iter().map(|word| word.key.to_string()).collect();
        objects.iter().map(|object| (object.place.line, keys(object))).collect()
    };
    let (keel, list) = ("keel.sh/policy".to_owned(), "argocd-image-updater.argoproj.io/image-list".to_owned());
    assert_eq!(told(&Dialect::ALL), [(1, vec![keel.clone()]), (6, vec![list])]);
    assert_eq!(told(&[Dialect::Keel]), [(1, vec![keel])]);
    let word = remove("argocd-image-updater.argoproj.io/image-list");
    let changed = reworded("a.yaml", 6, 5, source, &[word]).unwrap();
    assert_eq!(changed, source.replace("        argocd-image-updater.argoproj.io/image-list: x/a\n", ""));
}
