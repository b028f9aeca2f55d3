//! What stands in a file: workloads, containers, images, and what the annotations ask for.
//!
//! Floor 2. Pure: sees [`image`](crate::image), [`path`](crate::path) and [`policy`](crate::policy).
//! `yaml-rust2` comes in at `manifest/yaml.rs` and nowhere else. Two ways lead through it. Down: bytes,
//! tree, the images that shapes find, what is said of them, workloads. Up: a field and its new tag, edits
//! of bytes, the proof. Nothing of the tree stays in between. In reading order:
//!
//! | file | what it knows |
//! |---|---|
//! | `problem.rs` | what is wrong, where, and how to mend it; `problem/rule.rs` has the names of all rules |
//! | `workload.rs` | the values that the floors above see: workloads, containers, the field of an image |
//! | `read.rs` | one file, from bytes to workloads: the way down, top to bottom |
//! | `read/kustomize.rs`, `read/markers.rs`, `read/keel.rs`, `read/argocd.rs` | the same for the entries of kustomizations, for comments, for values with a block of Keel, for applications of Argo CD |
//! | `read/releases.rs` | objects that run charts, whoever speaks about them or not |
//! | `read/unheard.rs`, `read/flux.rs` | words of ours that nobody hears, and those that Flux itself would not |
//! | `document.rs` | one file, open for changes: the way up; and the files that other files need |
//! | `foreign.rs` | words of other dialects, object by object, as they stand |
//! | `reword.rs` | the same way up for words: annotations and comments put in the place of others |
//! | **`yaml.rs`** | text to a tree of nodes with byte spans |
//! | `yaml/build.rs`, `position.rs`, `scalar.rs`, `lenient.rs` | from the parser's events to nodes: where each begins and ends |
//! | `yaml/node.rs`, `trail.rs` | walking a tree; the way to a node, found again in another version of the file |
//! | `yaml/remark.rs`, `inset.rs`, `extent.rs` | comments and what they stand at; documents in literal blocks; where a node ends |
//! | **`edit.rs`** | spans changed, and the proof that nothing else did |
//! | `edit/batch.rs`, `insert.rs`, `proof.rs`, `obstacle.rs` | changes that go together; keys that are added; both trees side by side; why not |
//! | `edit/amend.rs`, `layout.rs` | entries and comments that change, come and go, in lines and in braces; how they are laid out |
//! | **`shape.rs`** | where images stand in an object: a list of shapes, see there |
//! | **`dialect.rs`** | how policies are written in annotations, and the shared vocabulary |
//! | `dialect/argocd.rs` | Argo CD Image Updater: lists of images, on applications and in objects of their own |
//! | `image_list.rs` | what such a list asks for, and what an application deploys, as plain data |
//! | `dialect/native.rs`, `flux.rs`, `flux2.rs`, `remark.rs`, `keel.rs`, `slip.rs` | one file for each way: two prefixes, two kinds of comments, words of their own; keys that are nearly ours |
//! | `subject.rs` | who is spoken about, and what is asked for them |
//! | **`mandate.rs`** | what the annotations of one workload ask for |
//! | `mandate/hearing.rs`, `choice.rs`, `agree.rs` | who says what; what each container follows; several dialects at once |
//! | `sidecar.rs` | what `.landwaiter.yaml` says of the files beside it |
//! | `policy_file.rs` | named policies, from files and built in |
//! | `lint_file.rs`, `switches.rs` | which rules are switched for which paths: in a file, and as a value |
//! | `setting.rs`, `fluxd.rs`, `registries_conf.rs` | what other tools are told beyond images and tags: in objects, as arguments of fluxd, in a file of Argo CD Image Updater |
//! | `terms.rs` | what reading depends on beyond the file: those policies, and whose words are heard |
//!
//! ```
//! use landwaiter::image::Tag;
//! use landwaiter::manifest::{Automation, Document, Terms, read};
//! use landwaiter::path::RepoPath;
//!
//! let text = r#"
//! kind: Deployment
//! metadata: {name: web, annotations: {landwaiter/automated: "true", landwaiter/tag.web: "semver:~1"}}
//! spec: {template: {spec: {containers: [{name: web, image: 'nginx:1.25.1'}]}}} # ours
//! "#;
//! let path = RepoPath::parse("web.yaml")?;
//! let manifest = read(&path, text.as_bytes(), Terms::builtin());
//! let workload = &manifest.workloads[0];
//! assert_eq!(workload.automation, Automation::On);
//! let document = Document::open(&path, text.as_bytes()).unwrap();
//! let changed = document.rewrite(&[(&workload.containers[0].image, Tag::parse("1.27.0")?)]);
//! assert_eq!(String::from_utf8(changed.bytes)?, text.replace("1.25.1", "1.27.0"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dialect;
mod document;
mod edit;
mod fluxd;
mod foreign;
mod image_list;
mod lint_file;
mod mandate;
mod policy_file;
mod problem;
mod read;
mod registries_conf;
mod reword;
mod setting;
mod shape;
mod sidecar;
mod subject;
mod switches;
mod terms;
mod workload;
mod yaml;

pub use dialect::flux2::{
    Access, FluxObjects, ImagePart, ImagePolicy, ImageRepository, ImageUpdateAutomation, Labels, Namespace, ObjectName,
    Reach, Scanned, Selector, Wanted, Wish,
};
pub use dialect::reference::{Word as AnnotationWord, words as annotation_words};
pub use document::{Document, Library, Rewritten};
pub use edit::{Obstacle, Refusal, yaml_text};
pub use fluxd::read_flux_args;
pub use foreign::{ForeignMeaning, ForeignObject, ForeignPart, ForeignWord};
pub use image_list::{
    Application, ApplicationReference, ApplicationSource, HelmKey, HelmKeys, ImageIndex, ImageList, ImageUpdater,
    ListedImage, SourceFolder, SourceKind, WriteTarget,
};
pub use lint_file::{LINT_FILES, LintFile, level_names, meant_rule, nothing_there, read_lint_file, second_file};
pub use policy_file::{builtin_presets, read_policy_file};
pub use problem::{Place, Problem, Rule, Severity};
pub use read::{
    ApplicationSearch, FoundImage, ImageSearch, ImagesFound, Manifest, Markers, Placeholder, Release, Scope, Setter,
    is_manifest_path, may_matter, read, read_with, runs_at, search_applications,
};
pub use registries_conf::{RegistryConf, RegistryField, read_registries_conf};
pub use reword::{Reword, Reworded, Rewording};
pub use setting::Setting;
pub use shape::kustomization::{
    ImageEntry, KUSTOMIZATION_FILES, Kustomization, KustomizationRole, Link, is_kustomization_path, split_image,
};
pub use switches::{Level, Switches};
pub use terms::Terms;
pub use workload::{Automation, Container, ContainerPolicy, ImageField, Leftover, Lock, Workload, WorkloadId};
pub use yaml::Trail;
