//! The life of a child around its driver: what every child does first and last.

use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::os::unix::net::UnixStream;
use std::panic;

use tokio::runtime;
use tracing::{debug, error, info, warn};

use super::{roles, start};
use crate::bfd;
use crate::check;
use crate::log::Log;
use crate::model::frame::{ChildOptions, FromChild, PermanentExit, Role, Shared, ToBfd, ToCheck, ToVrrp};
use crate::os::capabilities::Process;
use crate::os::ipc::{self, Link};
use crate::os::signals::Signals;
use crate::os::{capabilities, core_dump, descriptors, namespace, pid_file, process, script, usage};
use crate::report::Reporter;
use crate::vrrp::driver;

/// Why a child never came to its driver.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The system refused something that every process needs
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The parent is not understood
    #[error(transparent)]
    Ipc(#[from] ipc::Error),
    /// Something else than a configuration came first
    #[error("the parent did not begin with a configuration")]
    NoConfiguration,
}

/// Exit status after an error that another start may mend.
const FAILED: u8 = 70;

/// The whole life; the answer is the exit status.
pub(super) fn run(role: Role, command_line: &[OsString]) -> u8 {
    let ignore_interrupt = command_line.iter().any(|word| word == roles::IGNORE_INTERRUPT);
    match live(role, ignore_interrupt) {
        Ok(status) => status,
        Err(error) => {
            // There is no log without the first frame.
            start::complain(&format!("{} child: {error}", roles::words(role).process));
            PermanentExit::Fatal as u8
        }
    }
}

fn live(role: Role, ignore_interrupt: bool) -> Result<u8, Error> {
    process::end_with_parent()?;
    process::keep_descriptors_private();
    script::drop_groups();
    let socket = ipc::take_standard_input()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(async {
        let signals = Signals::listen(ignore_interrupt)?;
        match role {
            Role::Check => check(socket, signals).await,
            Role::Vrrp => vrrp(socket, signals).await,
            Role::Bfd => bfd(socket, signals).await,
        }
    });
    // Work that is still going on must not delay the end.
    runtime.shutdown_background();
    end
}

async fn check(socket: UnixStream, signals: Signals) -> Result<u8, Error> {
    let mut link = Link::<FromChild, ToCheck>::new(socket)?;
    let mut known = Vec::new();
    let (options, shared, config) = loop {
        match link.receiver.receive().await? {
            Some(ToCheck::Configure(options, shared, config)) => break (options, shared, config),
            Some(ToCheck::Bfd(news)) => known.push(news),
            Some(ToCheck::Ask | ToCheck::Show | ToCheck::Do(_)) => return Err(Error::NoConfiguration),
            // The parent has ended already.
            None => return Ok(0),
        }
    };
    let log = begin(Role::Check, &options, &shared);
    // As a task of its own it is woken by its checks without a call of the kernel, unlike what the runtime blocks on.
    let driver = tokio::spawn(check::driver::run(link, options.clone(), shared, *config, known, signals));
    let end = driver.await.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
    let status = status(end, check::driver::Error::exit);
    finish(&options, &log);
    Ok(status)
}

async fn vrrp(socket: UnixStream, signals: Signals) -> Result<u8, Error> {
    let mut link = Link::<FromChild, ToVrrp>::new(socket)?;
    let mut known = Vec::new();
    let (options, shared, config) = loop {
        match link.receiver.receive().await? {
            Some(ToVrrp::Configure(options, shared, config)) => break (options, shared, config),
            Some(ToVrrp::Bfd(news)) => known.push(news),
            Some(ToVrrp::Ask | ToVrrp::Show | ToVrrp::Do(_)) => return Err(Error::NoConfiguration),
            None => return Ok(0),
        }
    };
    let log = begin(Role::Vrrp, &options, &shared);
    let mut reporter = Reporter::start()?;
    let end = driver::run(link, &options, &shared, *config, known, signals, &mut reporter).await;
    reporter.finish().await;
    let status = status(end, driver::Error::exit);
    finish(&options, &log);
    Ok(status)
}

async fn bfd(socket: UnixStream, signals: Signals) -> Result<u8, Error> {
    let mut link = Link::<FromChild, ToBfd>::new(socket)?;
    let (options, shared) = match link.receiver.receive().await? {
        Some(ToBfd::Configure(options, shared)) => (options, shared),
        Some(ToBfd::Ask | ToBfd::Show) => return Err(Error::NoConfiguration),
        None => return Ok(0),
    };
    let log = begin(Role::Bfd, &options, &shared);
    let end = bfd::driver::run(link, &options, *shared, signals).await;
    let status = status(end, bfd::driver::Error::exit);
    finish(&options, &log);
    Ok(status)
}

/// The exit status after the end of a driver.
fn status<E: Display>(end: Result<(), E>, permanent: fn(&E) -> Option<PermanentExit>) -> u8 {
    end.map_or_else(
        |error| {
            error!("{error}");
            permanent(&error).map_or(FAILED, |permanent| permanent as u8)
        },
        |()| 0,
    )
}

/// Becomes what the first frame says. There is only one thread so far.
fn begin(role: Role, options: &ChildOptions, shared: &Shared) -> Log {
    let log = Log::open(&options.log);
    log.report_panics();
    options.core_limit.into_iter().for_each(core_dump::remember);
    match descriptors::raise_limit() {
        Ok(Some((soft, hard))) => debug!("Set open file limit to {soft}:{hard}."),
        Ok(None) => {}
        // All is well until many scripts hang.
        Err(error) => info!("Failed to set open file limit: {error}"),
    }
    // Elsewhere the events of processes are asked for in the namespace of the host.
    let asks_host = role == Role::Vrrp && namespace::is_away_from_ancestors();
    let visits_namespace = shared.global.lvs.namespace.is_some() || asks_host;
    if let Err(error) = capabilities::keep_for(Process::Child { role, visits_namespace }) {
        warn!("The process keeps all rights of its user: {error}");
    }
    log.start();
    if let Err(error) = process::set_name(&options.process_name) {
        warn!("The process cannot be named {}: {error}", options.process_name);
    }
    log
}

/// Leaves nothing behind but a line in the log.
fn finish(options: &ChildOptions, log: &Log) {
    pid_file::remove_if_of(&options.pid_file, std::process::id());
    if options.log.detail {
        report_usage();
    } else {
        info!("Stopped");
    }
    log.flush();
}

fn report_usage() {
    let (own, children) = (usage::own(), usage::children());
    if children.user.is_zero() && children.system.is_zero() {
        info!("Stopped - used {} user time, {} system time", own.user, own.system);
    } else {
        info!(
            "Stopped - used (self/children) {}/{} user time, {}/{} system time",
            own.user, children.user, own.system, children.system
        );
    }
}
