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
/// A processor whose threads run beside each other, without KVM: these machines run where there is none.
pub const PROCESSOR: &[&str] = &["-accel", "tcg,thread=multi"];
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
    /// `ours` or `theirs`; what the case says.
    pub who: String,
    pub case: &'static str,
    pub kind: Kind,
}

/// What guests are to do.
pub struct Plan {
    pub jobs: Vec<Job>,
    /// The folder of the cases
    pub cases: PathBuf,
    /// Whether cases need the program of `tests/guest`
    pub hands: bool,
    /// Their names; the first does what has to be done alone
    pub guests: &'static [&'static str],
    /// How their processors are emulated
    pub processor: &'static [&'static str],
}

/// The folder that the guests and the host share, with guests that run.
pub struct Share {
    folder: PathBuf,
    guests: &'static [&'static str],
    started: Instant,
    /// Held as long as this process runs.
    _lock: File,
}

impl Share {
    /// Starts the guests with these jobs, once for all tests.
    pub fn of(plan: impl FnOnce() -> Plan) -> &'static Self {
        static SHARE: OnceLock<Share> = OnceLock::new();
        SHARE.get_or_init(|| Self::start(&plan()))
    }

    fn start(plan: &Plan) -> Self {
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
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vm/guest"), &folder.join("guest"));
        copy(&plan.cases, &folder.join("cases"));
        let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("write into the share");
        for (name, kind) in [("alone", Kind::Alone), ("heavy", Kind::Heavy), ("light", Kind::Light)] {
            let chosen = plan.jobs.iter().filter(|job| job.kind == kind);
            write(name, chosen.map(|job| format!("{} {}\n", job.who, job.case)).collect());
        }
        write("lanes", LANES.to_owned());
        strip(&ours(), &folder.join("ours"));
        if plan.hands {
            strip(&hands(), &folder.join("hands"));
        }
        write("modules", kernel.modules.display().to_string());
        for guest in plan.guests {
            let console = File::create(folder.join(format!("{guest}.console"))).expect("create a console's file");
            let command = emulator(&kernel, &folder, guest, plan.processor, console);
            // The machine ends with the thread that started it, so that none is left behind.
            thread::spawn(move || watch(command));
        }
        Self { folder, guests: plan.guests, started: Instant::now(), _lock: lock }
    }

    /// Waits until a job is done; what it found to be wrong is told by a panic, with the log of the daemon.
    pub fn expect(&self, who: &str, case: &str) {
        let folder = self.folder.join("results").join(format!("{who} {case}"));
        while !folder.exists() {
            let told = |guest: &&str| self.read(&format!("{guest}.log"), 2000);
            let consoles = || self.guests.iter().map(told).collect::<Vec<_>>().join("\n");
            assert!(self.started.elapsed() < LIMIT, "{who} {case} was not done in time\n{}", consoles());
            let over = self.guests.iter().all(|guest| self.read(&format!("{guest}.log"), 40).contains(" end\n"));
            // What was done last may have come between the two looks.
            assert!(!over || folder.exists(), "no guest did {who} {case}\n{}", consoles());
            thread::sleep(Duration::from_millis(200));
        }
        let failures = fs::read_to_string(folder.join("failures")).expect("a job tells its failures");
        let show = |name: &str| tail(&folder.join(name), 6000);
        assert!(failures.is_empty(), "{case} with {who}:\n{failures}\n{}\n{}", show("output"), show("log"));
    }

    /// A file that a job has left.
    pub fn result(&self, who: &str, case: &str, name: &str) -> String {
        let file = self.folder.join("results").join(format!("{who} {case}")).join(name);
        fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
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

fn emulator(kernel: &Kernel, share: &Path, guest: &str, processor: &[&str], console: File) -> Command {
    let share = share.display();
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "qemu-system-x86_64"])
        .args(processor)
        .args(["-cpu", "max", "-smp", "1", "-m", "2048"])
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
