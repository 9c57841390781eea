//! The packages that the machines install: made once for all tests by `packaging/deb`, of the binary that cargo built for them.
//! `KEEPALIVED_RS_PACKAGES` names a folder with finished ones to test instead.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// Where a machine has the packages.
pub const OURS: &str = "/var/tmp/keepalived-rs.deb";
pub const AS_KEEPALIVED: &str = "/var/tmp/keepalived-rs-as-keepalived.deb";
/// The first one with a higher version.
pub const NEWER: &str = "/var/tmp/newer.deb";

/// The files of this host.
pub struct Packages {
    pub ours: PathBuf,
    pub as_keepalived: PathBuf,
    pub newer: PathBuf,
}

/// All of them, made by whoever asks first.
pub fn packages() -> &'static Packages {
    static PACKAGES: OnceLock<Packages> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let folder = env::var_os("KEEPALIVED_RS_PACKAGES").map_or_else(made, PathBuf::from);
        let ours = named(&folder, "keepalived-rs");
        let newer = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("newer-{}.deb", std::process::id()));
        raise_version(&ours, &newer);
        Packages { as_keepalived: named(&folder, "keepalived-rs-as-keepalived"), ours, newer }
    })
}

/// Makes the packages; the folder that they are in.
fn made() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(repository.join("packaging/deb"));
    // What cargo tells a test is not meant for the cargo that this starts.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && !["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_DEB"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    run(command.arg("--debug").env_remove("LD_LIBRARY_PATH").current_dir(repository));
    repository.join("target/debian")
}

/// The newest package of this name in a folder.
fn named(folder: &Path, name: &str) -> PathBuf {
    let files = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let of_name = |path: &PathBuf| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        file.starts_with(&format!("{name}_")) && file.ends_with(".deb")
    };
    let found = files.flatten().map(|entry| entry.path()).filter(of_name);
    let newest = found.max_by_key(|path| path.metadata().and_then(|it| it.modified()).ok());
    newest.unwrap_or_else(|| panic!("no package {name} in {}", folder.display()))
}

/// The same package, as if it were of a later version.
fn raise_version(package: &Path, newer: &Path) {
    let folder = newer.with_extension("contents");
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("dpkg-deb").arg("-R").args([package, &folder]));
    let control = folder.join("DEBIAN/control");
    let text = fs::read_to_string(&control).expect("a package has a control file");
    let raised =
        |line: &str| if line.starts_with("Version: ") { format!("{line}+newer\n") } else { format!("{line}\n") };
    fs::write(&control, text.lines().map(raised).collect::<String>()).expect("write a control file");
    run(Command::new("dpkg-deb").arg("-Znone").arg("-b").args([&folder, newer]));
    let _ = fs::remove_dir_all(&folder);
}

fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = [out.stdout, out.stderr].concat();
    assert!(out.status.success(), "{command:?}: {}\n{}", out.status, String::from_utf8_lossy(&text));
}
