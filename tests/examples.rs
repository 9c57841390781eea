//! Every configuration under `examples/` is one that both programs accept without a complaint, on either node.
//!
//! Needs root (namespaces), iproute2 and Debian's keepalived.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;

const OURS: &str = env!("CARGO_BIN_EXE_keepalived-rs");
const KEEPALIVED: &str = "/usr/sbin/keepalived";
const SIGTERM: i32 = 15;
const NODES: [&str; 2] = ["lb01", "lb02"];
/// Where the files of an example are on a node.
const HOME: &str = "/etc/keepalived";

/// The folders of examples that have configurations, and those.
fn examples() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let list = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut list: Vec<PathBuf> = list.map(|entry| entry.expect("an entry").path()).collect();
        list.sort();
        list
    };
    let folders = entries(&root).into_iter().filter(|path| path.is_dir());
    let with_files = folders.map(|folder| {
        let files = entries(&folder).into_iter().filter(|path| path.extension().is_some_and(|it| it == "conf"));
        let files = files.collect();
        (folder, files)
    });
    let found: Vec<(PathBuf, Vec<PathBuf>)> = with_files.filter(|(_, files): &(_, Vec<_>)| !files.is_empty()).collect();
    assert!(found.len() >= 7, "only {found:?}");
    found
}

/// Has the program test a configuration on a node of this name that has the interfaces eth0 and eth1, and the files of the folder
/// in `/etc/keepalived`.
fn test_on(node: &'static str, program: &'static str, folder: &Path, file: &Path) -> Output {
    let folder = folder.to_owned();
    let file = Path::new(HOME).join(file.file_name().expect("a file"));
    let asked = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
            .expect("this test makes namespaces: it needs root");
        let nothing = None::<&str>;
        mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).expect("private mounts");
        mount(Some("tmpfs"), HOME, Some("tmpfs"), MsFlags::empty(), nothing).expect("/etc/keepalived, of the package");
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            fs::copy(&path, Path::new(HOME).join(path.file_name().expect("a file"))).expect("a copy");
        }
        sethostname(node).expect("a host name of the test's own");
        let made = Command::new("ip").args(["link", "add", "eth0", "type", "veth", "peer", "name", "eth1"]).status();
        assert!(made.expect("iproute2 is needed").success(), "a pair of interfaces");
        Command::new(program).arg("-t").arg("-f").arg(file).output()
    });
    asked.join().expect("a node").unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn all_are_accepted_by(program: &'static str) {
    for (folder, files) in examples() {
        for file in files {
            // Where there is a file for each node, it is for the node of its name.
            let own = |node: &str| file.file_stem().is_some_and(|stem| stem == "keepalived" || stem == node);
            let nodes: Vec<&str> = NODES.into_iter().filter(|node| own(node)).collect();
            assert!(!nodes.is_empty(), "{}: neither keepalived.conf nor a node's", file.display());
            for node in nodes {
                let output = test_on(node, program, &folder, &file);
                let said = String::from_utf8_lossy(&output.stderr);
                // 2.2.7 ends a test with a signal to itself where a script has a user who is not root. Newer ones do not.
                let ends_itself = program == KEEPALIVED && said.is_empty() && output.status.signal() == Some(SIGTERM);
                assert!(
                    output.status.success() || ends_itself,
                    "{program}, {node}: {}: {}\n{said}",
                    file.display(),
                    output.status
                );
            }
        }
    }
}

#[test]
fn this_program_accepts_all_examples() {
    all_are_accepted_by(OURS);
}

#[test]
fn keepalived_accepts_all_examples() {
    all_are_accepted_by(KEEPALIVED);
}

#[test]
fn an_example_with_a_mistake_would_be_seen() {
    let folder = std::env::temp_dir().join(format!("examples-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("keepalived.conf");
    fs::write(&file, "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 555\n}\n").expect("a file");
    for program in [OURS, KEEPALIVED] {
        assert!(!test_on(NODES[0], program, &folder, &file).status.success(), "{program}");
    }
    fs::remove_dir_all(&folder).expect("the folder of this test");
}

#[test]
fn the_readme_names_each_example() {
    let readme = include_str!("../README.md");
    for (folder, _) in examples() {
        let name = format!("examples/{}", folder.file_name().expect("a name").to_string_lossy());
        assert!(readme.contains(&name), "{name} is not in README.md");
    }
}

/// As in a folder that debootstrap has filled: the kernel makes no namespace of mounts private there, and nothing would work.
#[test]
fn the_commands_of_the_readme_find_a_root_in_a_chroot() {
    const INSIDE: &str = r#"
        cd /repository
        ! unshare --mount true 2>/dev/null || { echo "this root is a mount point"; exit 1; }
        . tests/toolchain
        find_root
        "${rooted[@]}" unshare --mount sh -c 'pwd; echo "$1"' sh "two words""#;
    const OUTSIDE: &str = r#"
        mount -t tmpfs none "$1"
        mkdir -p "$1"/root/{proc,usr,repository,dev}
        for folder in bin sbin lib lib64; do
            [ ! -e "/$folder" ] || cp -a "/$folder" "$1/root/"
        done
        for folder in proc usr dev; do mount --rbind "/$folder" "$1/root/$folder"; done
        mount --bind . "$1/root/repository"
        exec chroot "$1/root" bash -ec "$2""#;
    let folder = std::env::temp_dir().join(format!("examples-chroot-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["--mount", "bash", "-ec", OUTSIDE, "bash"]).arg(&folder).arg(INSIDE);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("unshare of util-linux");
    fs::remove_dir(&folder).expect("the folder of this test, with nothing mounted on it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "/repository\ntwo words\n", "{}", String::from_utf8_lossy(&output.stderr));
}
