//! The guests: two emulated machines that share a folder with the host and take their jobs from a list there.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::kernel::Kernel;

/// How long the guests may take for all jobs.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// As many as the processors that a small machine has.
const GUESTS: [&str; 2] = ["first", "second"];
/// How many light jobs run side by side in a guest.
const LANES: &str = "5";

/// What a job needs of its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It changes what is not in a namespace.
    Alone,
    /// It keeps the processor busy.
    Heavy,
    /// It mostly waits.
    Light,
}

/// A case, run with one of the two daemons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// `ours` or `theirs`.
    pub who: &'static str,
    pub case: &'static str,
    pub kind: Kind,
}

/// The folder that the guests and the host share, with guests that run.
pub struct Share {
    folder: PathBuf,
    started: Instant,
    /// Held as long as this process runs.
    _lock: File,
}

impl Share {
    /// Starts the guests with these jobs, once for all tests.
    pub fn of(jobs: impl FnOnce() -> Vec<Job>) -> &'static Self {
        static SHARE: OnceLock<Share> = OnceLock::new();
        SHARE.get_or_init(|| Self::start(&jobs()))
    }

    fn start(jobs: &[Job]) -> Self {
        let kernel = Kernel::current();
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vm");
        fs::create_dir_all(&base).expect("create a folder for the guests");
        let lock = File::create(base.join("lock")).expect("create a lock file");
        lock.lock().expect("wait for another run of these tests");
        let folder = base.join("share");
        let _ = fs::remove_dir_all(&folder);
        for name in ["begun", "unfinished", "results"] {
            fs::create_dir_all(folder.join(name)).expect("create the share");
        }
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm");
        for name in ["guest", "cases"] {
            copy(&here.join(name), &folder.join(name));
        }
        let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("write into the share");
        for (name, kind) in [("alone", Kind::Alone), ("heavy", Kind::Heavy), ("light", Kind::Light)] {
            let chosen = jobs.iter().filter(|job| job.kind == kind);
            write(name, chosen.map(|job| format!("{} {}\n", job.who, job.case)).collect());
        }
        write("lanes", LANES.to_owned());
        strip(&ours(), &folder.join("ours"));
        strip(&hands(), &folder.join("hands"));
        write("modules", kernel.modules.display().to_string());
        for guest in GUESTS {
            let console = File::create(folder.join(format!("{guest}.console"))).expect("create a console's file");
            let command = emulator(&kernel, &folder, guest, console);
            // The machine ends with the thread that started it, so that none is left behind.
            thread::spawn(move || watch(command));
        }
        Self { folder, started: Instant::now(), _lock: lock }
    }

    /// Waits until a job is done; what it found to be wrong is told by a panic, with the log of the daemon.
    pub fn expect(&self, who: &str, case: &str) {
        let folder = self.folder.join("results").join(format!("{who} {case}"));
        while !folder.exists() {
            let consoles = || GUESTS.map(|guest| self.read(&format!("{guest}.log"), 2000)).join("\n");
            assert!(self.started.elapsed() < LIMIT, "{who} {case} was not done in time\n{}", consoles());
            let over = GUESTS.iter().all(|guest| self.read(&format!("{guest}.log"), 40).contains(" end\n"));
            // What was done last may have come between the two looks.
            assert!(!over || folder.exists(), "no guest did {who} {case}\n{}", consoles());
            thread::sleep(Duration::from_millis(200));
        }
        let failures = fs::read_to_string(folder.join("failures")).expect("a job tells its failures");
        let show = |name: &str| tail(&folder.join(name), 6000);
        if folder.join("first").exists() {
            println!("{case} with {who} was played twice; the first time:\n{}", show("first/failures"));
        }
        assert!(failures.is_empty(), "{case} with {who}:\n{failures}\n{}\n{}", show("output"), show("log"));
    }

    fn read(&self, name: &str, end: usize) -> String {
        tail(&self.folder.join(name), end)
    }
}

/// The end of a file.
fn tail(path: &Path, most: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(most)..]).into_owned()
}

/// The program under test; `KEEPALIVED_RS` names another one than cargo built.
fn ours() -> PathBuf {
    env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}

/// The program of `tests/guest`, which tests the hands for IPVS where that is.
fn hands() -> PathBuf {
    let out = Command::new(env!("CARGO"))
        .args(["test", "--no-run", "--test", "guest", "--message-format", "json", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("run cargo");
    assert!(out.status.success(), "cargo test --no-run --test guest: {}", String::from_utf8_lossy(&out.stderr));
    let told = String::from_utf8_lossy(&out.stdout);
    let program = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message.pointer("/target/name")? == "guest";
        is_it.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
    };
    told.lines().find_map(program).expect("cargo names the program of tests/guest")
}

/// The guest reads programs slowly.
fn strip(program: &Path, to: &Path) {
    let status = Command::new("strip").arg("-o").args([to, program]).status().expect("run strip (package binutils)");
    assert!(status.success(), "strip {}: {status}", program.display());
}

/// Without KVM: these tests run where there is none.
fn emulator(kernel: &Kernel, share: &Path, guest: &str, console: File) -> Command {
    let share = share.display();
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1", "-m", "2048"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot", "-nic", "none"])
        .args([Path::new("-kernel"), &kernel.image, Path::new("-initrd"), &kernel.initrd])
        .args(["-append", &format!("console=ttyS0 quiet panic=-1 mitigations=off guest={guest} ")])
        .args(["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"])
        .args(["-virtfs", &format!("local,path={share},mount_tag=share,security_model=none,multidevs=remap")])
        .stdin(Stdio::null())
        .stderr(console.try_clone().expect("a second handle of the console's file"))
        .stdout(console);
    command
}

fn watch(mut command: Command) {
    let mut machine = Machine(command.spawn().expect("run qemu-system-x86_64 (package qemu-system-x86) by setpriv"));
    let started = Instant::now();
    while machine.0.try_wait().expect("look after a guest").is_none() && started.elapsed() < LIMIT {
        thread::sleep(Duration::from_millis(200));
    }
}

/// A guest, switched off with this value.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("create a folder of the share");
    for entry in fs::read_dir(from).expect("read a folder of the tests") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copy a file into the share");
        }
    }
}
