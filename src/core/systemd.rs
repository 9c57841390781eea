//! What systemd is told, whenever it listens (`NOTIFY_SOCKET`, sd_notify(3)).

use std::time::Duration;

use sd_notify::NotifyState;

/// The daemon works.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::MainPid(std::process::id()), NotifyState::Status(status)]);
}

/// Whether there is anybody to be told.
pub(super) fn listens() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// How things stand, for `systemctl status`.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// All is well: the watchdog may wait for as long again.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
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

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd could not be told: {error}");
    }
}
