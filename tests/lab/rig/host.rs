//! One host of the lab: a thread that lives in namespaces of its own and does there what it is asked to.
//!
//! A machine has its own network, mount, host name and process namespace. Its first process is a `cat` that ends when
//! the test process ends, however that happens, and takes every process of the machine with it; the namespaces have
//! no names, so that nothing has to be found again and removed. A switch has only a network namespace.

use std::any::Any;
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::Pid;

type Job = Box<dyn FnOnce() + Send>;

/// A host; dropping it ends its processes and removes its interfaces.
pub struct Host {
    name: String,
    jobs: Option<Sender<Job>>,
    worker: Option<JoinHandle<()>>,
    init: Option<Child>,
}

impl Host {
    /// A host with nothing but a network of its own.
    pub fn switch(name: &str) -> Self {
        let host = Self::spawn(name, CloneFlags::CLONE_NEWNET);
        host.ip("link set lo up");
        host
    }

    /// A host that looks like a machine to a daemon: own network, `/run`, `/tmp`, `/proc` and host name. `shared` is
    /// a folder of the outside that the machine sees as `/run/lab`.
    pub fn machine(name: &str, shared: &Path) -> Self {
        let host = Self::keeper(name);
        let shared = shared.to_owned();
        host.within(move || {
            fs::create_dir("/run/lab").expect("create /run/lab");
            bind(&shared, Path::new("/run/lab"));
            mount_new("tmpfs", "/tmp");
            mount_new("sysfs", "/sys");
        });
        host
    }

    /// A host for processes that make machines of their own: own network, mounts, processes and `/run`, the rest as
    /// outside.
    pub fn keeper(name: &str) -> Self {
        let mut host = Self::spawn(
            name,
            CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWIPC
                | CloneFlags::CLONE_NEWPID,
        );
        let init = host.within(|| {
            // Orphans of the machine come to its first process; with SIGCHLD ignored the kernel buries them.
            Command::new("env")
                .args(["--ignore-signal=CHLD", "cat"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("start the first process of a machine")
        });
        host.init = Some(init);
        let hostname = name.to_owned();
        host.within(move || {
            nix::unistd::sethostname(hostname).expect("set the machine's host name");
            mount_private();
            mount_new("tmpfs", "/run");
        });
        host.run("mount", &["-t", "proc", "proc", "/proc"]);
        host.ip("link set lo up");
        host
    }

    fn spawn(name: &str, namespaces: CloneFlags) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "the lab makes network namespaces: run it as root");
        let (jobs, todo) = channel::<Job>();
        let worker = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                unshare(namespaces).expect("make namespaces (needs root and a kernel with namespaces)");
                for job in todo {
                    job();
                }
            })
            .expect("start a thread for a host");
        Self { name: name.to_owned(), jobs: Some(jobs), worker: Some(worker), init: None }
    }

    /// The host's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `job` on the host and gives back what it returns; a panic of the job goes on in the caller.
    pub fn within<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, wait) = channel::<Result<T, Box<dyn Any + Send>>>();
        let job = move || {
            let _ = answer.send(catch_unwind(AssertUnwindSafe(job)));
        };
        let jobs = self.jobs.as_ref().expect("the host is still there");
        jobs.send(Box::new(job)).expect("the host's thread takes jobs");
        match wait.recv().expect("the host's thread answers") {
            Ok(value) => value,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Starts a process on the host.
    pub fn start(&self, mut command: Command) -> std::io::Result<Running> {
        self.within(move || command.spawn()).map(Running)
    }

    /// Runs a program to its end on the host and gives its standard output; panics if it fails.
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        self.try_run(program, args).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Like [`Host::run`], with the failure as a value.
    pub fn try_run(&self, program: &str, args: &[&str]) -> Result<String, String> {
        let text = format!("{}: {program} {}", self.name, args.join(" "));
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        let out = self.within(move || command.output()).map_err(|e| format!("{text}: cannot be run: {e}"))?;
        if !out.status.success() {
            let stderr = String::from_utf8_lossy(&out.stderr);
            return Err(format!("{text}: {}: {}", out.status, stderr.trim()));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Runs lines of `ip` in one go and gives the output; panics if one of them fails.
    pub fn ip(&self, lines: &str) -> String {
        let lines = lines.to_owned();
        let (out, text) = self.within(move || {
            let mut ip = Command::new("ip")
                .args(["-batch", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("run ip (package iproute2)");
            let mut stdin = ip.stdin.take().expect("ip has a standard input");
            stdin.write_all(lines.as_bytes()).expect("tell ip what to do");
            drop(stdin);
            (ip.wait_with_output().expect("wait for ip"), lines)
        });
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{}: ip refused {text:?}: {stderr}", self.name);
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Sets a kernel parameter of the host, for example `net/ipv6/conf/all/keep_addr_on_down`.
    pub fn sysctl(&self, name: &str, value: &str) {
        let (path, value) = (format!("/proc/sys/{name}"), value.to_owned());
        self.within(move || fs::write(&path, value).unwrap_or_else(|e| panic!("write {path}: {e}")));
    }

    /// The addresses of the host as (interface or label, address), in the kernel's order.
    pub fn addresses(&self) -> Vec<(String, IpAddr)> {
        self.within(|| {
            nix::ifaddrs::getifaddrs()
                .expect("read the addresses of a host")
                .filter_map(|a| {
                    let address = a.address?;
                    let ip = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
                        (Some(v4), _) => IpAddr::V4(v4.ip()),
                        (_, Some(v6)) => IpAddr::V6(v6.ip()),
                        _ => return None,
                    };
                    Some((a.interface_name, ip))
                })
                .collect()
        })
    }

    /// A process of the machine by which others can name its network namespace.
    pub fn init_pid(&self) -> u32 {
        self.init.as_ref().expect("a machine has a first process").id()
    }

    /// Makes `file` of the outside visible on the host as `at`.
    pub fn show_file(&self, file: &Path, at: &Path) {
        let (file, at) = (file.to_owned(), at.to_owned());
        self.within(move || {
            if let Some(folder) = at.parent() {
                fs::create_dir_all(folder).expect("create the folder of a shown file");
            }
            fs::write(&at, "").expect("create a place for a shown file");
            bind(&file, &at);
        });
    }

    /// Puts an empty folder over `folder`, so that the host can have files of its own there.
    pub fn own_folder(&self, folder: &str) {
        let folder = folder.to_owned();
        self.within(move || mount_new("tmpfs", &folder));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut init) = self.init.take() {
            drop(init.stdin.take());
            let _ = init.wait();
        }
        drop(self.jobs.take());
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// A process that was started on a host; dropping it ends it. (A machine can only go when its processes are reaped.)
pub struct Running(Child);

impl Running {
    /// The process's id as the outside sees it.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("a process id"))
    }

    /// How the process ended, or nothing while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("ask for the state of a process")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn mount_private() {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).expect("make mounts private to a machine");
}

fn mount_new(kind: &str, at: &str) {
    mount(Some(kind), at, Some(kind), MsFlags::empty(), None::<&str>)
        .unwrap_or_else(|e| panic!("mount a {kind} on {at} of a machine: {e}"));
}

fn bind(from: &Path, to: &Path) {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .unwrap_or_else(|e| panic!("show {} as {} on a machine: {e}", from.display(), to.display()));
}
