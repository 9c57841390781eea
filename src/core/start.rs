//! How a daemon starts: a recipe, from the command line to the loop, and how it ends.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use tracing::{debug, info, warn};

use super::configuration::{Reading, Refusal, Source};
use super::parent::Parent;
use super::paths::{self, Paths};
use super::{roles, track_files};
use crate::cli::{Options, RELEASE};
use crate::log::Log;
use crate::model::frame::{LogFormat, LogOptions, Role};
use crate::model::{Config, Global};
use crate::os::capabilities::Process;
use crate::os::core_dump::Pattern as CorePattern;
use crate::os::pid_file::{self, PidFile};
use crate::os::{capabilities, core_dump, host, namespace, process, process_list, usage};

#[cfg(test)]
mod tests;

/// The umask of a daemon that was told none.
const UMASK: u32 = 0o177;

/// Exit status when the system does not let us start.
const FAILED: u8 = 1;

/// How long a child of a daemon that was killed may take to end, and the kernel to end it by force.
const ORPHAN_WAIT: Duration = Duration::from_secs(10);
const FORCE_WAIT: Duration = Duration::from_secs(1);
/// How often we look for it.
const LOOK: Duration = Duration::from_millis(20);

/// The width of the log lines that show the command line.
const LINE_WIDTH: usize = 100;

/// What a daemon is from its start to its end, whatever is reloaded.
pub(super) struct Setting {
    pub(super) options: Options,
    pub(super) source: Source,
    /// Namespace that it runs in
    pub(super) namespace: Option<String>,
    pub(super) paths: Paths,
    /// The limits for core dumps that there were before ours
    pub(super) core_limit: Option<(u64, u64)>,
}

impl Setting {
    /// How the process of a role logs, or the parent.
    pub(super) fn log(&self, role: Option<Role>, global: &Global) -> LogOptions {
        log_options(&self.options, role, self.namespace.as_deref(), global.instance.as_deref())
    }

    /// Why a running daemon cannot take over a configuration: it changes what a daemon has from its start to its end.
    pub(super) fn unchangeable(&self, running: &Global, new: &Global) -> Option<String> {
        let namespace = self.options.namespace.as_ref().or(new.net_namespace.as_ref());
        let what = if namespace != self.namespace.as_ref() {
            "network namespace"
        } else if running.lvs.namespace != new.lvs.namespace {
            "IPVS network namespace"
        } else if running.instance != new.instance {
            "instance name"
        } else {
            return None;
        };
        Some(format!("Cannot change {what} at a reload - please restart {}", process::NAME))
    }

    /// Whether the command line allows a child.
    pub(super) fn allows(&self, role: Role) -> bool {
        match role {
            Role::Check => self.options.subsystems.check,
            Role::Vrrp => self.options.subsystems.vrrp,
            Role::Bfd => self.options.subsystems.bfd,
        }
    }
}

/// The pid files of a daemon that has just started.
pub(super) struct PidFiles {
    pub(super) parent: PidFile,
    pub(super) children: Vec<(Role, PidFile)>,
}

/// Says something on standard error, if anybody listens there.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}: {text}", process::NAME);
}

/// Why a daemon did not start.
pub(super) enum Failure {
    /// The configuration or the system forbids it
    Refused(Refusal),
    /// Another one runs already: nothing is wrong with that
    Running,
}

impl Failure {
    pub(super) fn new(text: impl ToString) -> Self {
        Failure::Refused(Refusal { status: FAILED, text: text.to_string() })
    }
}

fn log_options(options: &Options, role: Option<Role>, namespace: Option<&str>, instance: Option<&str>) -> LogOptions {
    let words = role.map(roles::words);
    let base = words.as_ref().map_or(roles::PARENT_IDENT, |words| words.ident);
    let process = words.as_ref().map(|words| words.file);
    let file = options.log_file.as_deref();
    LogOptions {
        ident: roles::ident(base, namespace, instance),
        detail: options.log_detail,
        console: options.log_console && options.foreground,
        facility: options.syslog.then_some(options.log_facility),
        file: file.map(|named| roles::log_file(named, process, namespace, instance)),
        format: if options.log_json { LogFormat::Json } else { LogFormat::Text },
    }
}

/// Runs the daemon; the answer is its exit status.
pub(super) fn daemon(options: Options) -> u8 {
    process::keep_descriptors_private();
    let log = Log::open(&log_options(&options, None, None, None));
    log.report_panics();
    if let Err(error) = capabilities::keep_for(Process::Parent) {
        warn!("The process keeps all rights of its user: {error}");
    }
    // In the background the lines wait for the process that stays: threads do not survive the fork.
    if options.foreground {
        log.start();
    }
    let status = match run(options, &log) {
        Ok(status) => status,
        Err(Failure::Running) => 0,
        Err(Failure::Refused(refusal)) => refusal.status,
    };
    log.flush();
    status
}

fn run(options: Options, log: &Log) -> Result<u8, Failure> {
    let foreground = options.foreground;
    let result = start(options, log);
    let reason = match &result {
        Err(Failure::Running) => Some("daemon is already running"),
        Err(Failure::Refused(refusal)) => Some(refusal.text.as_str()),
        Ok(_) => None,
    };
    if let Some(reason) = reason {
        info!("{reason}");
        // Until a start has succeeded, whoever started us looks on.
        if !foreground {
            complain(reason);
        }
    }
    if !matches!(result, Err(Failure::Running)) {
        report_end();
    }
    result
}

fn start(options: Options, log: &Log) -> Result<u8, Failure> {
    apply_umask(&options, None);
    let core_limit = options
        .core_dump
        .then(core_dump::allow)
        .and_then(|allowed| allowed.inspect_err(|error| info!("Failed to set core file size: {error}")).ok());
    introduce(&options);

    let mut source = Source::new(&options);
    if let Some(name) = &options.namespace {
        namespace::enter(name).map_err(|error| not_entered(name, &error))?;
    }
    debug!("Opening file '{}'.", source.file.display());
    let Reading { config, complaints, refusal, consolidated, .. } = source.read();
    complaints.iter().for_each(|line| info!("{line}"));
    if let Some(refusal) = refusal {
        if !options.foreground {
            complaints.iter().for_each(|line| complain(line));
        }
        return Err(Failure::Refused(refusal));
    }
    info!("Configuration file {}", source.file.display());

    apply_umask(&options, config.global.umask);
    name_process(&config.global);
    let namespace = enter_namespace(&options, &config)?;
    let paths = Paths::new(&options, &config.global, namespace.as_deref());
    // The background has no current folder of its own.
    source.file = std::path::absolute(&source.file).map_err(Failure::new)?;
    // At a reload the answer of the start still holds.
    source.default_user = false;
    let setting = Setting { options, source, namespace, paths, core_limit };
    if config.global.instance.is_some() || setting.namespace.is_some() {
        let options = setting.log(None, &config.global);
        info!("Changing syslog ident to {}", options.ident);
        log.adopt(&options);
    }
    prepare_folder(&setting)?;
    let mut files = claim(&setting)?;
    remove_marker(&setting.paths, &config.global);
    if !setting.options.foreground {
        nix::unistd::daemon(false, false).map_err(Failure::new)?;
    }
    log.start();
    files.parent.write(std::process::id()).map_err(Failure::new)?;
    let pattern = setting.options.core_pattern.as_deref().and_then(|pattern| {
        CorePattern::set(pattern).inspect_err(|error| info!("Unable to read/write core_pattern: {error}")).ok()
    });
    if config.global.processes.max_auto_priority == 0 {
        info!("NOTICE: setting config option max_auto_priority should result in better keepalived performance");
    }
    track_files::initialise(&config);

    let served = serve(&setting, *config, consolidated.as_deref(), files);
    if let Some(Err(error)) = pattern.map(CorePattern::restore) {
        info!("Unable to read/write core_pattern: {error}");
    }
    leave_folder(&setting);
    served
}

/// Runs the loop of the parent.
fn serve(setting: &Setting, config: Config, text: Option<&str>, files: PidFiles) -> Result<u8, Failure> {
    let PidFiles { parent, children } = files;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    let status = runtime.block_on(async {
        let global = config.global.clone();
        let mut parent = Parent::new(setting, config, children).map_err(Failure::new)?;
        parent.save(&global, text);
        Ok(parent.run().await)
    });
    parent.remove();
    status
}

/// Removes the file that tells of a reload, also one that a daemon before us has left.
pub(super) fn remove_marker(paths: &Paths, global: &Global) {
    if let Some(marker) = paths.reload_marker(&global.reload) {
        // Most of the time there is none.
        let _ = fs::remove_file(marker);
    }
}

/// Sets the umask that was asked for: by the command line first, then by the configuration.
pub(super) fn apply_umask(options: &Options, configured: Option<u32>) {
    umask(Mode::from_bits_truncate(umask_for(options, configured)));
}

/// The umask that counts.
pub(super) fn umask_for(options: &Options, configured: Option<u32>) -> u32 {
    options.umask.or(configured).unwrap_or(UMASK)
}

/// Shows the configured name of the parent, or the usual one.
pub(super) fn name_process(global: &Global) {
    let name = global.process_names.parent.as_deref().unwrap_or(process::NAME);
    if let Err(error) = process::set_name(name) {
        warn!("The process cannot be named {name}: {error}");
    }
}

fn introduce(options: &Options) {
    info!("Starting {RELEASE}");
    info!("Running on {}", host::kernel());
    let words: Vec<_> = options.command_line.iter().map(|word| format!("'{}'", word.display())).collect();
    wrap("Command line", &words).iter().for_each(|line| info!("{line}"));
}

/// Words after a heading, in lines of bounded width; further lines are indented to stand below the first word.
fn wrap(heading: &str, words: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = format!("{heading}:");
    let mut is_first = true;
    for word in words {
        if !is_first && line.len() + 1 + word.len() > LINE_WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(heading.len() + 1)));
        }
        line.push(' ');
        line.push_str(word);
        is_first = false;
    }
    lines.push(line);
    lines
}

pub(super) fn not_entered(name: &str, error: &namespace::Error) -> Failure {
    Failure::new(format!("Unable to set network namespace {name} - exiting: {error}"))
}

/// Enters the namespace that the configuration asks for, unless the command line has asked for one already.
pub(super) fn enter_namespace(options: &Options, config: &Config) -> Result<Option<String>, Failure> {
    match (&options.namespace, &config.global.net_namespace) {
        (Some(name), configured) => {
            if let Some(configured) = configured {
                info!("Overriding config net_namespace '{configured}' with command line namespace '{name}'");
            }
            Ok(Some(name.clone()))
        }
        (None, Some(name)) => {
            namespace::enter(name).map_err(|error| not_entered(name, &error))?;
            Ok(Some(name.clone()))
        }
        (None, None) => Ok(None),
    }
}

pub(super) fn prepare_folder(setting: &Setting) -> Result<(), Failure> {
    if !setting.paths.needs_folder {
        return Ok(());
    }
    let folder = Path::new(paths::PID_DIR);
    let made = namespace::make_folder(folder);
    if let Some(name) = &setting.namespace {
        let bound = made.and_then(|()| namespace::bind_private(&paths::namespace_folder(name), folder));
        return bound.map_err(|error| Failure::new(format!("{}: {error}", folder.display())));
    }
    made.map_err(|error| Failure::new(format!("{}: {error}", folder.display())))
}

/// Removes the folders of pid files that nobody uses any more.
pub(super) fn leave_folder(setting: &Setting) {
    if !setting.paths.needs_folder {
        return;
    }
    if let Some(name) = &setting.namespace {
        namespace::unbind(Path::new(paths::PID_DIR));
        // They stay while another daemon has files there.
        let _ = fs::remove_dir(paths::namespace_folder(name));
    }
    let _ = fs::remove_dir(paths::PID_DIR);
}

/// Claims the pid files of the parent and of all children that may run; all or none.
pub(super) fn claim(setting: &Setting) -> Result<PidFiles, Failure> {
    let mut parent = PidFile::claim(&setting.paths.parent).map_err(not_claimed)?;
    if let Some(pid) = parent.daemon_without_lock() {
        info!("Process {pid} of pid file {} is alive", parent.path().display());
        return Err(Failure::Running);
    }
    let mut files = PidFiles { parent, children: Vec::new() };
    for role in roles::ALL.into_iter().filter(|role| setting.allows(*role)) {
        match PidFile::claim(setting.paths.of(role)) {
            Ok(mut file) => {
                outlive_orphan(role, &mut file);
                files.children.push((role, file));
            }
            Err(error) => {
                files.parent.remove();
                files.children.into_iter().for_each(|(_, file)| file.remove());
                return Err(not_claimed(error));
            }
        }
    }
    Ok(files)
}

/// Waits for a child of a daemon that was killed: it is taking away what it has set, and would take away the same of ours.
fn outlive_orphan(role: Role, file: &mut PidFile) {
    let is_orphan = |pid: &u32| process_list::ancestors(*pid).next().is_none_or(|parent| !process::is_named(parent));
    let Some(pid) = file.daemon_without_lock().filter(is_orphan) else {
        return;
    };
    let ends_within = |span| {
        let begun = Instant::now();
        while process::is_named(pid) && begun.elapsed() < span {
            thread::sleep(LOOK);
        }
        !process::is_named(pid)
    };
    let short = roles::words(role).short;
    info!("{short} process {pid} of a daemon that is gone has not ended yet");
    if !ends_within(ORPHAN_WAIT) {
        info!("{short} process failed to die - forcing termination");
        process::send_signal(pid, Signal::SIGKILL);
        ends_within(FORCE_WAIT);
    }
}

fn not_claimed(error: pid_file::Error) -> Failure {
    match error {
        pid_file::Error::Held(_) => {
            info!("{error}");
            Failure::Running
        }
        pid_file::Error::Io { .. } => Failure::new(error),
    }
}

fn report_end() {
    let (own, children) = (usage::own(), usage::children());
    debug!("CPU usage (self/children) user: {}/{} system: {}/{}", own.user, children.user, own.system, children.system);
    info!("Stopped {RELEASE}");
}
