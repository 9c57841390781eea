//! The machine on which both programs are asked: namespaces of the calling thread, gone when it ends.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;

use crate::cases::Case;
use crate::verdict::{Exit, Verdict};

/// Where the configuration of a case is.
pub const FOLDER: &str = "/run/c";
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";

/// Puts the calling thread on a machine of its own: interfaces eth0, eth1, eth2, ens33, host name `lb01`, the users root
/// and nobody, an empty `/run`.
pub fn enter() {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
        .expect("these tests make namespaces: they need root");
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).expect("private mounts");
    for folder in ["/run", "/tmp"] {
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), nothing).expect("an empty folder");
    }
    for (name, text) in [("passwd", PASSWD), ("group", GROUP)] {
        let file = format!("/run/{name}");
        fs::write(&file, text).expect("a file in /run");
        let target = format!("/etc/{name}");
        mount(Some(&file[..]), &target[..], nothing, MsFlags::MS_BIND, nothing).expect("users of the test's own");
    }
    sethostname("lb01").expect("a host name of the test's own");
    fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").expect("a network of the test's own");
    ip("link set lo up");
    for name in ["eth0", "eth1", "eth2", "ens33"] {
        ip(&format!("link add {name} type veth peer name far-{name}"));
        ip(&format!("link set far-{name} up"));
        ip(&format!("link set {name} up"));
    }
}

fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status().expect("iproute2 is needed");
    assert!(status.success(), "ip {words}");
}

/// Writes the files of a case.
pub fn lay_out(case: &Case) {
    let folder = Path::new(FOLDER);
    let _ = fs::remove_dir_all(folder);
    fs::create_dir(folder).expect("a folder in /run");
    for file in &case.files {
        let path = folder.join(&file.name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in /run");
        match file.name.strip_suffix('/') {
            Some(_) => fs::create_dir_all(&path).expect("a folder in /run"),
            None => {
                fs::write(&path, &file.bytes).expect("a file in /run");
                fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).expect("permissions");
            }
        }
    }
}

/// What the program says of the case that was laid out, if it says it in time.
pub fn ask(program: &Path, case: &Case, limit: Duration) -> Verdict {
    let mut child = Command::new(program)
        .args(["-t", "-f", "c.conf", "-p", "/run/p", "-r", "/run/r", "-c", "/run/k", "-b", "/run/b"])
        .args(&case.arguments)
        .current_dir(FOLDER)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let (output, in_time) = read(&mut child, limit);
    if !in_time {
        child.kill().expect("a child of the test");
    }
    let status = child.wait().expect("a child of the test");
    let exit = match (in_time, status.code(), status.signal()) {
        (false, ..) => Exit::Hang,
        (_, Some(code), _) => Exit::Code(code),
        (_, None, signal) => Exit::Signal(signal.unwrap_or_default()),
    };
    Verdict::new(exit, &String::from_utf8_lossy(&output))
}

/// Reads what the child says up to its end. `false`: it took too long.
fn read(child: &mut Child, limit: Duration) -> (Vec<u8>, bool) {
    let mut pipe = child.stderr.take().expect("a pipe");
    let mut output = Vec::new();
    let mut buffer = [0; 65536];
    let timeout = PollTimeout::try_from(limit).expect("some seconds");
    loop {
        use std::os::fd::AsFd;
        let ready = poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], timeout).expect("a pipe can be polled");
        if ready == 0 || output.len() > 10_000_000 {
            return (output, false);
        }
        match pipe.read(&mut buffer).expect("a pipe can be read") {
            0 => return (output, true),
            count => output.extend_from_slice(&buffer[..count]),
        }
    }
}
