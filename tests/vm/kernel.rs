//! Debian's kernel package, unpacked for a guest, with the initial RAM disk that boots it. Kept under `target/vm`.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package whose dependence names the kernel.
const KERNEL: &str = "linux-image-amd64";
/// What the initial RAM disk needs to reach the host's files.
const MODULES: [&str; 4] = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];
const INIT: &str = include_str!("guest/initramfs-init");

/// A kernel to boot.
pub struct Kernel {
    pub image: PathBuf,
    pub initrd: PathBuf,
    /// The folder of its modules, named like its version.
    pub modules: PathBuf,
}

impl Kernel {
    /// The kernel of Debian that is current; downloaded (70 MB) and unpacked if it is not there yet.
    pub fn current() -> Self {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../vm");
        fs::create_dir_all(&cache).expect("create target/vm");
        let cache = cache.canonicalize().expect("target/vm is there");
        let lock = File::create(cache.join("lock")).expect("create the cache's lock file");
        lock.lock().expect("wait for another test that unpacks the kernel");
        let (package, version) = kernel_package();
        let name = format!("{package}_{version}").replace([':', '/'], "_");
        let folder = cache.join(name);
        if !folder.join("initrd.gz").is_file() {
            let _ = fs::remove_dir_all(&folder);
            unpack(&package, &folder.join("root"));
            let release = release(&folder);
            run("depmod", &["-b", text(&folder.join("root")), &release], &folder);
            make_initrd(&folder, &release);
        }
        let release = release(&folder);
        Self {
            image: folder.join(format!("root/boot/vmlinuz-{release}")),
            initrd: folder.join("initrd.gz"),
            modules: folder.join("root/lib/modules").join(release),
        }
    }
}

/// The name and version of the package that holds the kernel.
fn kernel_package() -> (String, String) {
    let here = Path::new("/");
    let described = |package: &str| run("apt-cache", &["show", "--no-all-versions", package], here);
    let field = |shown: &str, name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.unwrap_or_else(|| panic!("apt-cache show tells no {name} {shown}"))
    };
    let depends = field(&described(KERNEL), "Depends: ");
    let package = depends.split([' ', ',']).find(|word| word.starts_with("linux-image-"));
    let package = package.unwrap_or_else(|| panic!("{KERNEL} depends on {depends:?}")).to_owned();
    let version = field(&described(&package), "Version: ");
    (package, version)
}

/// Downloads a package and unpacks it. It is not installed.
fn unpack(package: &str, to: &Path) {
    let folder = to.with_extension("download");
    fs::create_dir_all(&folder).expect("create a folder for a download");
    // The user that apt downloads as may write here.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("open the folder of a download");
    run("apt-get", &["download", package], &folder);
    let mut entries = fs::read_dir(&folder).expect("read the folder of a download");
    let file = entries.next().expect("apt-get download left a file").expect("a file").path();
    fs::create_dir_all(to).expect("create a folder for a package");
    run("dpkg-deb", &["-x", text(&file), text(to)], &folder);
    fs::remove_dir_all(&folder).expect("remove a download");
}

fn release(folder: &Path) -> String {
    let mut found = fs::read_dir(folder.join("root/lib/modules")).expect("the kernel package has modules");
    let entry = found.next().expect("the modules of one kernel").expect("a folder");
    entry.file_name().to_string_lossy().into_owned()
}

/// Busybox, the modules and `guest/initramfs-init`.
fn make_initrd(folder: &Path, release: &str) {
    unpack("busybox-static", &folder.join("busybox"));
    let disk = folder.join("initrd");
    for name in ["bin", "dev", "proc", "sys", "host", "top", "root", "modules"] {
        fs::create_dir_all(disk.join(name)).expect("create a folder of the initial RAM disk");
    }
    fs::copy(folder.join("busybox/bin/busybox"), disk.join("bin/busybox")).expect("copy busybox");
    for name in ["sh", "mount", "insmod", "mkdir", "switch_root", "echo", "cat"] {
        symlink("busybox", disk.join("bin").join(name)).expect("link a command to busybox");
    }
    let mut order = Vec::new();
    for module in MODULES {
        let root = folder.join("root");
        let shown = run("modprobe", &["-d", text(&root), "-S", release, "--show-depends", module], folder);
        for file in shown.lines().filter_map(|line| line.strip_prefix("insmod ")) {
            let file = Path::new(file.trim());
            let name = file.file_name().expect("a module is a file").to_string_lossy().into_owned();
            if !order.contains(&name) {
                fs::copy(file, disk.join("modules").join(&name)).expect("copy a module");
                order.push(name);
            }
        }
    }
    fs::write(disk.join("modules/list"), order.join("\n") + "\n").expect("write the list of modules");
    let mut init = File::create(disk.join("init")).expect("create the first process");
    init.write_all(INIT.as_bytes()).expect("write the first process");
    init.set_permissions(fs::Permissions::from_mode(0o755)).expect("make the first process executable");
    let pack =
        "set -o pipefail; find . | cpio -o -H newc --quiet | gzip -1 >../unfinished && mv ../unfinished ../initrd.gz";
    run("bash", &["-c", pack], &disk);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths here are text")
}

/// Runs a program that must succeed, and gives what it printed.
fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let out = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap_or_else(|e| panic!("run {program} (packages kmod, cpio, apt, dpkg): {e}"));
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {arguments:?}: {}\n{errors}", out.status);
    String::from_utf8_lossy(&out.stdout).into_owned()
}
