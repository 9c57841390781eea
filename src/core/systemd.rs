//! What systemd is told, whenever it listens (`NOTIFY_SOCKET`, sd_notify(3)).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

/// The variable that names systemd's socket; a name in the abstract namespace begins with `@`.
const SOCKET: &str = "NOTIFY_SOCKET";

/// How long a word may wait for systemd.
const PATIENCE: Duration = Duration::from_secs(1);

/// The daemon works.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::MainPid(std::process::id()), NotifyState::Status(status)]);
}

/// Whether there is anybody to be told.
pub(super) fn listens() -> bool {
    std::env::var_os(SOCKET).is_some()
}

/// How things stand, for `systemctl status`.
pub(super) fn status(text: &str) {
    mention(&NotifyState::Status(text));
}

/// All is well: the watchdog may wait for as long again.
pub(super) fn alive() {
    mention(&NotifyState::Watchdog);
}

/// Within which time [`alive`] is expected; `None`: never.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|span| !span.is_zero())
}

/// A new configuration is being read. The timestamp is what `Type=notify-reload` asks for.
pub(super) fn reloading() {
    let since = NotifyState::monotonic_usec_now();
    let status = NotifyState::Status("Reloading the configuration");
    match since {
        Ok(since) => tell(&[NotifyState::Reloading, since, status]),
        Err(_) => tell(&[NotifyState::Reloading, status]),
    }
}

/// The end begins.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping")]);
}

/// The end begins because of an error (an errno).
pub(super) fn failed(errno: nix::errno::Errno) {
    if let Ok(number) = u32::try_from(errno as i32) {
        tell(&[NotifyState::Errno(number)]);
    }
}

/// Says what has to be known. A systemd that does not listen just now is waited for, but not for long: one that hangs must
/// not take us along.
fn tell(states: &[NotifyState<'_>]) {
    report(say(states, |socket| socket.set_write_timeout(Some(PATIENCE))));
}

/// Says what is said again and again, and so need not wait.
fn mention(state: &NotifyState<'_>) {
    report(say(std::slice::from_ref(state), |socket| socket.set_nonblocking(true)));
}

/// sd_notify(3), over a socket that is made ready by `prepare`.
fn say(states: &[NotifyState<'_>], prepare: impl FnOnce(&UnixDatagram) -> io::Result<()>) -> io::Result<()> {
    let Some(name) = std::env::var_os(SOCKET) else {
        return Ok(());
    };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    let socket = UnixDatagram::unbound()?;
    prepare(&socket)?;
    let text: String = states.iter().map(|state| format!("{state}\n")).collect();
    socket.send_to_addr(text.as_bytes(), &address).map(drop)
}

fn report(said: io::Result<()>) {
    if let Err(error) = said {
        tracing::debug!("systemd could not be told: {error}");
    }
}
