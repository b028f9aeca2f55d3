//! What a kustomization is, where its links lead, and what its entries say.

use super::split_image;
use crate::manifest::{Manifest, Severity, Terms, read};
use crate::path::RepoPath;

fn read_as(path: &str, text: &str) -> Manifest {
    read(&RepoPath::parse(path).unwrap(), text.as_bytes(), Terms::builtin())
}

/// How many kustomizations a file holds, and where their links lead.
#[track_caller]
fn check(path: &str, text: &str, expected: &[&[&str]]) {
    let manifest = read_as(path, text);
    let links = |at: usize| {
        let links = manifest.kustomizations[at].links.iter();
        links.map(|link| link.target.as_ref().map_or(".", RepoPath::as_str)).collect::<Vec<_>>()
    };
    let found: Vec<_> = (0..manifest.kustomizations.len()).map(links).collect();
    assert_eq!(found, expected, "{path}: {text}");
}

#[test]
fn a_kustomization_is_known_by_its_file_and_its_kind() {
    let resources = "resources: [a.yaml]\n";
    for path in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        check(path, resources, &[&["a.yaml"]]);
    }
    let api = "apiVersion: kustomize.config.k8s.io/v1beta1\n";
    check("k/kustomization.yaml", &format!("{api}kind: Kustomization\n{resources}"), &[&["k/a.yaml"]]);
    check("k/kustomization.yaml", &format!("{api}kind: Component\n{resources}"), &[&["k/a.yaml"]]);
    check("k/other.yaml", &format!("{api}kind: Kustomization\n{resources}"), &[]);
    check("k/kustomization.yaml", &format!("apiVersion: v1\nkind: ConfigMap\n{resources}"), &[]);
    check("k/kustomization.json", resources, &[]);
}

#[test]
fn links_are_read_in_the_order_of_kustomize() {
    let text =
        "components: [../c]\nbases:\n- ../../b/\nresources:\n- ./x/../a.yaml\n- ../..\n- https://example.com/x\n";
    check("k/l/kustomization.yaml", text, &[&["k/l/a.yaml", ".", "b", "k/c"]]);
}

#[test]
fn remote_links_are_nobodys_business_here() {
    for remote in [
        "https://github.com/org/repo//path?ref=v1",
        "ssh://git@example.com/x",
        "git@github.com:org/repo",
        "git::https://example.com/x",
        "github.com/org/repo//path?ref=v1",
        "org/repo?ref=v1",
        "example.com/org/repo.git/path",
    ] {
        check("kustomization.yaml", &format!("resources:\n- {remote}\n"), &[&[]]);
    }
    check(
        "kustomization.yaml",
        "resources: [example.com/x, '#a', a.github, .git-sync/x]\n",
        &[&["example.com/x", "#a", "a.github", ".git-sync/x"]],
    );
}

#[test]
fn what_leads_out_of_the_repository_is_told() {
    for (written, column) in [("../x", 13), ("/x", 13), ("a/../../x", 13)] {
        let manifest = read_as("kustomization.yaml", &format!("resources: [{written}]\n"));
        let [problem] = manifest.problems.as_slice() else { panic!("{:?}", manifest.problems) };
        assert_eq!((problem.severity, problem.place.line, problem.place.column), (Severity::Warning, 1, column));
        assert!(problem.message.starts_with(&format!("`{written}` leads out of the repository")), "{problem}");
        assert!(manifest.kustomizations[0].links.is_empty());
    }
}

#[test]
fn an_object_of_flux_counts_from_the_top() {
    let flux =
        |path: &str| format!("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  {path}\n");
    check("flux/web.yaml", &flux("path: ./apps/web"), &[&["apps/web"]]);
    check("flux/web.yaml", &flux("path: /apps/web/"), &[&["apps/web"]]);
    check("flux/web.yaml", &flux("path: apps\n  components: [../c]"), &[&["apps", "c"]]);
    check("flux/web.yaml", &flux("path: ./"), &[&["."]]);
    check("flux/web.yaml", &flux("prune: true"), &[&["."]]);
    check("kustomization.yaml", &flux("path: apps"), &[&["apps"]]);
    check("flux/web.yaml", &flux("path: apps\n  sourceRef: {kind: GitRepository}"), &[&["apps"]]);
    check("flux/web.yaml", &flux("path: apps\n  sourceRef: {kind: Bucket}"), &[]);
    check("flux/web.yaml", &flux("path: ../apps"), &[]);
}

#[test]
fn images_are_taken_apart_as_kustomize_does() {
    for (image, parts) in [
        ("x", ("x", None, None)),
        ("x:1", ("x", Some("1"), None)),
        ("localhost:5000/x", ("localhost:5000/x", None, None)),
        ("localhost:5000/x:1@sha256:0", ("localhost:5000/x", Some("1"), Some("sha256:0"))),
        ("x@sha256:0", ("x", None, Some("sha256:0"))),
        ("IMAGE", ("IMAGE", None, None)),
        ("", ("", None, None)),
    ] {
        assert_eq!(split_image(image), parts, "{image}");
    }
}

/// What an entry makes of an image with the tag `0.1`.
#[track_caller]
fn check_entry(entry: &str, image: Option<&str>, wrong: Option<&str>) {
    let manifest = read_as("kustomization.yaml", &format!("images:\n- {entry}\n"));
    let entry_read = &manifest.kustomizations[0].images[0];
    let field = entry_read.field(Some("0.1"), None);
    assert_eq!(field.as_ref().map(|field| field.reference().as_str()), image, "{entry}");
    let problem = entry_read.wrong.as_ref().map(|problem| problem.message.as_str());
    assert_eq!(problem.is_some(), wrong.is_some(), "{entry}: {problem:?}");
    assert!(problem.unwrap_or_default().starts_with(wrong.unwrap_or_default()), "{entry}: {problem:?}");
}

#[test]
fn an_entry_says_an_image() {
    let digest = format!("sha256:{}", "0".repeat(64));
    check_entry("{newTag: '1', name: x}", Some("x:1"), None);
    check_entry("{name: x, newTag: 2.50}", Some("x:2.50"), None);
    check_entry("{name: x, newTag: 0755}", Some("x:0755"), None);
    check_entry("{name: x, newName: localhost:5000/y, newTag: '1'}", Some("localhost:5000/y:1"), None);
    check_entry("{name: x}", Some("x:0.1"), None);
    check_entry("{name: x, newName: y, newTag: ''}", Some("y:0.1"), None);
    check_entry("{name: x, newTag: null}", Some("x:0.1"), None);
    check_entry("{name: IMAGE, newName: y}", Some("y:0.1"), None);
    check_entry("{name: 'postgres:11', newTag: '12'}", Some("postgres:12"), None);
    check_entry(&format!("{{name: x, digest: '{digest}'}}"), Some(&format!("x@{digest}")), None);
    check_entry(&format!("{{name: x, newTag: '1@{digest}'}}"), Some(&format!("x:1@{digest}")), None);
    check_entry(&format!("{{name: x, newTag: '1', digest: '{digest}'}}"), Some(&format!("x:1@{digest}")), None);
    check_entry("{name: x, digest: ''}", Some("x:0.1"), None);
    check_entry("{name: x, newTag: 'a b'}", Some("x"), Some("\"a b\" is not an image tag"));
    check_entry("{name: x, newTag: 'sha256:0'}", Some("x"), Some("\"sha256:0\" is not an image tag"));
    check_entry("{name: x, digest: abc}", Some("x"), Some("\"abc\" is not a digest"));
    check_entry("{name: x, newTag: 1@abc}", Some("x"), Some("\"abc\" is not a digest"));
    check_entry("{name: x, newTag: {}}", Some("x:0.1"), Some("`newTag` is no text"));
    check_entry("{name: x, tagSuffix: -a}", Some("x"), Some("`tagSuffix`"));
    check_entry("{name: x, newName: 'y:1'}", None, Some("the new name `y:1` has a tag"));
    check_entry("{name: IMAGE, newTag: '1'}", None, Some("`IMAGE` is not the name of an image"));
    check_entry("{name: '(.*)/x', newTag: '1'}", None, Some("`(.*)/x` is a pattern"));
}

#[test]
fn what_is_no_entry_is_passed_over() {
    for images in ["[]", "x", "[x, [y]]", "[{newTag: '1'}]", "[{name: ''}]", "{name: x}", "null"] {
        let manifest = read_as("kustomization.yaml", &format!("images: {images}\n"));
        assert!(manifest.kustomizations[0].images.is_empty(), "{images}");
        assert_eq!(manifest.problems, [], "{images}");
    }
}
