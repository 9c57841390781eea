//! What systemd is told, whenever it listens (`NOTIFY_SOCKET`, sd_notify(3)).

use sd_notify::NotifyState;

/// The daemon works.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::MainPid(std::process::id()), NotifyState::Status(status)]);
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
