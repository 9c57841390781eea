//! What systemd hears.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::libc;

use super::daemon::{Daemon, Folder, SOON};

fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("a word to systemd");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn systemd_hears_of_start_reload_and_stop() {
    let folder = Folder::new();
    folder.write("conf", "");
    let path = folder.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(SOON)).expect("a limit");
    let mut daemon = Daemon::prepared(folder, &["--all"], |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    let ready = format!("READY=1\nMAINPID={}\nSTATUS=Running: ", daemon.pid());
    let word = heard(&socket);
    assert!(word.starts_with(&ready), "{word}");
    daemon.wait_for_line("Startup complete");

    daemon.signal(libc::SIGHUP);
    let word = heard(&socket);
    let time = word.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.lines().next());
    assert!(time.is_some_and(|time| time.parse::<u64>().is_ok()), "{word}");
    let word = heard(&socket);
    assert!(word.starts_with(&ready), "{word}");

    std::fs::remove_file(daemon.folder.path("conf")).expect("removed");
    daemon.signal(libc::SIGHUP);
    assert!(heard(&socket).starts_with("RELOADING=1\n"));
    let word = heard(&socket);
    assert!(word.starts_with("READY=1\n") && word.contains("STATUS=Running on the older configuration: "), "{word}");

    assert_eq!(daemon.stop().code(), Some(0));
    let word = heard(&socket);
    assert!(word.starts_with("STOPPING=1\n"), "{word}");
    // The children say nothing of their own.
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a limit");
    assert!(socket.recv(&mut [0; 16]).is_err());
}
