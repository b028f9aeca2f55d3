//! The Dockerfile, built and started: by buildah, with base images made here, in which the compiler is the binary
//! that this test was built with.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PORT, root, skipped, text};

const BUSYBOX: &str = "/bin/busybox";

/// What the build asks of the base image, held against what it is to ask.
const APK: &str = "#!/bin/sh\n[ \"$*\" = 'add --no-cache ca-certificates musl-dev' ] || { echo \"apk $*\"; exit 1; }\n";
const CARGO: &str = "#!/bin/sh\n[ \"$*\" = 'build --profile dist --locked --bin landwaiter' ] || { echo \"cargo $*\"; exit 1; }\n\
    [ -e Cargo.lock ] && [ -e src/main.rs ] && [ ! -e rust-toolchain.toml ] && [ ! -e .git ] || { echo 'not the source'; exit 1; }\n\
    mkdir -p target/dist && cp /landwaiter target/dist/landwaiter\n";

/// A store of images of our own.
struct Builder(TempDir);

impl Builder {
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.0.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.folder("store")).arg("--runroot").arg(self.folder("run"));
        // The one that mounts nothing; next to `--root`, the variable for it counts for nothing.
        command.args(["--storage-driver", "vfs"]).args(args);
        command.env("BUILDAH_ISOLATION", "chroot").current_dir(root()).stdin(Stdio::null());
        command
    }

    /// What a command prints, or what is wrong.
    fn ask(&self, args: &[&str]) -> Result<String, String> {
        let output = self.command(args).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(format!("{said}\n{}", String::from_utf8_lossy(&output.stderr)))
        }
    }

    #[track_caller]
    fn does(&self, args: &[&str]) -> String {
        self.ask(args).unwrap_or_else(|error| panic!("buildah {args:?}: {error}"))
    }

    /// An image of what is in a folder, and nothing else.
    fn image(&self, name: &str, folder: &Path) -> Result<String, String> {
        let file = self.0.path().join(format!("{name}.Dockerfile"));
        fs::write(&file, "FROM scratch\nCOPY . /\n").unwrap();
        let (file, folder) = (file.to_str().unwrap(), folder.to_str().unwrap());
        self.ask(&["bud", "--quiet", "-t", &format!("localhost/{name}"), "-f", file, folder])
    }
}

impl Drop for Builder {
    /// Whatever is mounted would outlive the folder, and keep it from being removed.
    fn drop(&mut self) {
        let _ = self.ask(&["umount", "--all"]);
        let _ = self.ask(&["rm", "--all"]);
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let own = |line: &&str| line.split(' ').nth(1).is_some_and(|place| Path::new(place).starts_with(self.0.path()));
        let left: Vec<_> = mounts.lines().filter(own).collect();
        assert!(left.is_empty() || std::thread::panicking(), "still mounted: {left:?}");
    }
}

fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A toolchain whose compiler is done already.
fn toolchain(folder: &Path) {
    program(&folder.join("bin/apk"), APK);
    program(&folder.join("bin/cargo"), CARGO);
    fs::copy(BUSYBOX, folder.join("bin/busybox")).unwrap();
    for name in ["sh", "mkdir", "cp", "rm", "chmod"] {
        symlink("busybox", folder.join("bin").join(name)).unwrap();
    }
    let authorities = folder.join("etc/ssl/certs/ca-certificates.crt");
    program(&authorities, "authorities\n");
    let binary = folder.join("landwaiter");
    let stripped = Command::new("strip").arg("-o").arg(&binary).arg(env!("CARGO_BIN_EXE_landwaiter")).status();
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(env!("CARGO_BIN_EXE_landwaiter"), &binary).unwrap();
    }
}

/// The libraries of the binary, which is not static as the real one is.
fn libraries(folder: &Path) {
    let ldd = Command::new("ldd").arg(env!("CARGO_BIN_EXE_landwaiter")).output().unwrap();
    for path in String::from_utf8(ldd.stdout).unwrap().split_whitespace().filter(|word| word.starts_with('/')) {
        let to = folder.join(&path[1..]);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
}

/// The builder with its base images, or why there is none.
fn builder() -> Result<Builder, String> {
    if !Path::new(BUSYBOX).exists() {
        return Err(format!("{BUSYBOX} is not there (busybox-static)"));
    }
    let builder = Builder(TempDir::new().unwrap());
    let (build, run) = (builder.folder("build-image"), builder.folder("run-image"));
    toolchain(&build);
    libraries(&run);
    builder.image("build", &build)?;
    builder.image("run", &run)?;
    // Whether this machine lets anybody run something in an image.
    let probe = builder.ask(&["from", "localhost/build"])?;
    builder.ask(&["run", "--network", "none", &probe, "sh", "-c", "exit 0"])?;
    Ok(builder)
}

#[test]
fn the_image_is_built_and_started() {
    let builder = match builder() {
        Ok(builder) => builder,
        Err(why) => return skipped(&format!("the Dockerfile is not built: {why}")),
    };
    let arguments = ["BUILD_IMAGE=localhost/build", "RUN_IMAGE=localhost/run", "VERSION=1.2.3", "REVISION=abc"];
    let arguments: Vec<_> = arguments.iter().flat_map(|argument| ["--build-arg", argument]).collect();
    builder.does(
        &[&["bud", "--quiet", "--network", "none", "-t", "localhost/landwaiter"], &arguments[..], &["."]].concat(),
    );

    let inspected: Value =
        serde_json::from_str(&builder.does(&["inspect", "--type", "image", "localhost/landwaiter"])).unwrap();
    let config = &inspected["OCIv1"]["config"];
    for (key, value) in [
        ("User", json!("65532:65532")),
        ("Entrypoint", json!(["/usr/bin/landwaiter"])),
        ("Cmd", json!(["run"])),
        ("Volumes", json!({"/var/lib/landwaiter": {}})),
        ("ExposedPorts", json!({format!("{PORT}/tcp"): {}})),
    ] {
        assert_eq!(config[key], value, "{key}");
    }
    let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap().to_owned();
    assert_eq!(["version", "revision", "licenses", "title"].map(label), ["1.2.3", "abc", "Apache-2.0", "landwaiter"]);
    assert_eq!(label("description"), env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(label("source"), env!("CARGO_PKG_REPOSITORY"));

    let container = builder.does(&["from", "localhost/landwaiter"]);
    let inside = PathBuf::from(builder.does(&["mount", &container]));
    let owner = |path: &str| inside.join(path).metadata().map(|file| (file.uid(), file.mode() & 0o7777)).unwrap();
    assert_eq!(owner("usr/bin/landwaiter"), (0, 0o755));
    assert_eq!((owner("var/lib/landwaiter").0, owner("tmp").1), (65532, 0o1777));
    assert_eq!(fs::read_to_string(inside.join("etc/ssl/certs/ca-certificates.crt")).unwrap(), "authorities\n");
    let files =
        walkdir::WalkDir::new(&inside).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    let programs: Vec<_> = files
        .filter(|entry| entry.path().components().any(|part| part.as_os_str() == "bin"))
        .map(|entry| entry.path().strip_prefix(&inside).unwrap().display().to_string())
        .collect();
    assert_eq!(programs, ["usr/bin/landwaiter"], "no shell, nothing else");

    // A daemon in it, with a registry and a repository of its own, as the user without rights.
    let said = builder.does(&["run", &container, "/usr/bin/landwaiter", "--version"]);
    assert_eq!(said, format!("landwaiter {}", env!("CARGO_PKG_VERSION")));
    let said = builder.does(&["run", &container, "/usr/bin/landwaiter", "demo", "--dir", "/var/lib/landwaiter"]);
    assert!(said.contains("Landwaiter-Update: "), "{said}");
}

#[test]
fn what_the_build_takes_is_there() {
    assert!(text("Cargo.toml").contains("\n[profile.dist]\n"));
    let ignored = text(".dockerignore");
    assert!([".git", "target"].iter().all(|name| ignored.lines().any(|line| line == *name)), "{ignored}");
    let dockerfile = text("Dockerfile");
    let channel = text("rust-toolchain.toml");
    let version = channel.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"')).unwrap();
    let image = version.split('.').take(2).collect::<Vec<_>>().join(".");
    assert!(dockerfile.contains(&format!("BUILD_IMAGE=docker.io/library/rust:{image}-alpine")), "{version}");
}
