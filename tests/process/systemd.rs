//! What systemd hears.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;

use super::daemon::{
    BFD, BINARY, CHECK, Daemon, Folder, Namespace, PARENT, SOON, VRRP, eventually, is_alive, own_files, signal,
};

fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    loop {
        match socket.recv(&mut buffer) {
            Ok(length) => return String::from_utf8_lossy(&buffer[..length]).into_owned(),
            // A process of another test has stopped or gone on.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => panic!("a word to systemd: {error}"),
        }
    }
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

/// A socket that systemd would listen to, in a folder with a configuration.
fn manager(conf: &str) -> (Folder, UnixDatagram) {
    let folder = Folder::new();
    folder.write("conf", conf);
    let socket = UnixDatagram::bind(folder.path("notify")).expect("a socket");
    socket.set_read_timeout(Some(SOON)).expect("a limit");
    (folder, socket)
}

/// Hears until a word with this text comes; gives all others too.
fn hear_until(socket: &UnixDatagram, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let begun = Instant::now();
    loop {
        // The watchdog's words never end.
        assert!(begun.elapsed() < SOON, "no `{text}` in {words:?}");
        words.push(heard(socket));
        if words.last().is_some_and(|word| word.contains(text)) {
            return words;
        }
    }
}

/// What is heard within a span.
fn hear_for(socket: &UnixDatagram, span: Duration) -> Vec<String> {
    let begun = Instant::now();
    let mut words = Vec::new();
    while let Some(left) = span.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        socket.set_read_timeout(Some(left)).expect("a limit");
        let mut buffer = [0; 4096];
        if let Ok(length) = socket.recv(&mut buffer) {
            words.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
    socket.set_read_timeout(Some(SOON)).expect("a limit");
    words
}

fn guarded(folder: Folder, usec: &str) -> Daemon {
    let notify = folder.path("notify");
    Daemon::prepared(folder, &["--all"], |command| {
        command.env("NOTIFY_SOCKET", notify).env("WATCHDOG_USEC", usec);
    })
}

#[test]
fn the_watchdog_hears_of_us_more_than_twice_in_its_time() {
    let (folder, socket) = manager("");
    let mut daemon = guarded(folder, "1000000");
    hear_until(&socket, "READY=1");
    let words = hear_for(&socket, Duration::from_secs(3));
    let alive = words.iter().filter(|word| word.trim_end() == "WATCHDOG=1").count();
    assert!((6..=13).contains(&alive), "{words:?}");
    assert!(!daemon.log().contains("does not answer"), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_watchdog_of_another_process_is_not_ours() {
    let (folder, socket) = manager("");
    let notify = folder.path("notify");
    let _daemon = Daemon::prepared(folder, &["--all"], |command| {
        command.env("NOTIFY_SOCKET", notify).env("WATCHDOG_USEC", "200000").env("WATCHDOG_PID", "1");
    });
    hear_until(&socket, "READY=1");
    let words = hear_for(&socket, Duration::from_secs(1));
    assert!(!words.iter().any(|word| word.contains("WATCHDOG")), "{words:?}");
}

#[test]
fn a_child_that_stands_still_is_replaced_before_systemd_loses_patience() {
    for (file, process) in [(VRRP, "VRRP"), (CHECK, "Healthcheck"), (BFD, "BFD")] {
        let (folder, socket) = manager("");
        let mut daemon = guarded(folder, "2000000");
        daemon.wait_for_line("Startup complete");
        let stopped = daemon.folder.pid(file).expect("a pid");
        signal(stopped, libc::SIGSTOP);
        let begun = Instant::now();
        daemon.wait_for_line(&format!("{process} child process({stopped}) does not answer: Killed"));
        assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
        daemon.wait_for_lines(&format!("Starting {process} child process"), 2);
        assert!(eventually(|| daemon.folder.pid(file).is_some_and(|pid| pid != stopped && is_alive(pid))));
        // systemd has been told all the time that all is well, for it is.
        let words = hear_until(&socket, "WATCHDOG=1");
        assert!(!words.is_empty());
        assert_eq!(daemon.stop().code(), Some(0));
    }
}

#[test]
fn a_child_in_the_hands_of_a_debugger_is_left_alone() {
    let (folder, socket) = manager("");
    let mut daemon = guarded(folder, "1000000");
    daemon.wait_for_line("Startup complete");
    let held = daemon.folder.pid(VRRP).expect("a pid");
    let out = std::fs::File::create(daemon.folder.path("strace")).expect("a file");
    let mut debugger =
        Command::new("strace").arg("-p").arg(held.to_string()).stderr(out).spawn().expect("strace is installed");
    assert!(eventually(|| daemon.folder.read("strace").contains("attached")));
    signal(held, libc::SIGSTOP);
    hear_for(&socket, Duration::from_secs(2));
    // systemd is told that all is well, or it would end all.
    assert!(hear_for(&socket, Duration::from_secs(1)).iter().any(|word| word.contains("WATCHDOG=1")));
    signal(held, libc::SIGCONT);
    signal(i32::try_from(debugger.id()).expect("a pid"), libc::SIGINT);
    debugger.wait().expect("our child");
    hear_for(&socket, Duration::from_secs(1));
    assert_eq!(daemon.folder.pid(VRRP), Some(held), "{}", daemon.log());
    assert!(!daemon.log().contains("does not answer"), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_status_tells_of_a_child_that_has_died() {
    let (folder, socket) = manager("");
    let mut daemon = guarded(folder, "20000000");
    hear_until(&socket, "READY=1");
    for _ in 0..2 {
        // The first time it is started again at once.
        let old = daemon.folder.pid(VRRP).expect("a pid");
        signal(old, libc::SIGKILL);
        assert!(eventually(|| daemon.folder.pid(VRRP).is_some_and(|pid| pid != old && is_alive(pid))));
    }
    hear_until(&socket, "the VRRP process has died and will be started again");
    hear_until(&socket, "STATUS=Running: 0 VRRP instances, 0 virtual servers\n");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_refused_configuration_stays_in_the_status() {
    let (folder, socket) = manager("");
    let mut daemon = guarded(folder, "20000000");
    hear_until(&socket, "READY=1");
    daemon.folder.write("conf", "vrrp_instance VI_1 {\n interface nowhere\n virtual_router_id 7\n}\n");
    daemon.signal(libc::SIGHUP);
    hear_until(&socket, "STATUS=Running on the older configuration: Non-existent interface");
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    hear_until(&socket, "STATUS=Running on the older configuration: Non-existent interface");
    daemon.folder.write("conf", "");
    daemon.signal(libc::SIGHUP);
    let words = hear_until(&socket, "READY=1");
    assert!(words.last().is_some_and(|word| word.contains("STATUS=Running: ")), "{words:?}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_parent_that_stood_still_blames_nobody() {
    let (folder, socket) = manager("");
    let mut daemon = guarded(folder, "1000000");
    daemon.wait_for_line("Startup complete");
    let pids = [daemon.pid(), daemon.folder.pid(VRRP).expect("a pid"), daemon.folder.pid(CHECK).expect("a pid")];
    // As a freezer or the sleep of a host does it, the children last to wake.
    pids.iter().for_each(|pid| signal(*pid, libc::SIGSTOP));
    std::thread::sleep(Duration::from_secs(3));
    pids.iter().for_each(|pid| signal(*pid, libc::SIGCONT));
    hear_until(&socket, "READY=1");
    hear_for(&socket, Duration::from_secs(2));
    assert!(!daemon.log().contains("does not answer"), "{}", daemon.log());
    assert_eq!(pids[1..], [VRRP, CHECK].map(|file| daemon.folder.pid(file).expect("a pid")));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn the_status_tells_how_instances_and_servers_stand() {
    let namespace = Namespace::with_interface();
    namespace.ip(&["link", "set", "lo", "up"]);
    let conf = "
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int 0.1
    virtual_ipaddress {
        10.77.0.100
    }
}
virtual_server 10.77.0.100 80 {
    delay_loop 1
    protocol TCP
    real_server 10.77.0.1 1 {
        TCP_CHECK {
            connect_timeout 1
            retry 0
        }
    }
    real_server 10.77.0.1 2 {
        weight 1
    }
}
";
    let (folder, socket) = manager(conf);
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    command.env("NOTIFY_SOCKET", folder.path("notify"));
    let daemon = Daemon::run(folder, command, |_| {});
    let stands =
        "STATUS=Running: 1 VRRP instance (1 MASTER, 0 BACKUP, 0 FAULT), 1 virtual server (1 of 2 real servers up)";
    let words = hear_until(&socket, stands);
    assert!(words.len() < 8, "{words:?}");
    namespace.ip(&["link", "set", "eth0", "down"]);
    hear_until(&socket, "(0 MASTER, 0 BACKUP, 1 FAULT)");
    signal(daemon.folder.pid(PARENT).expect("a pid"), libc::SIGTERM);
}

#[test]
fn a_path_of_the_configuration_may_lead_to_credentials() {
    let folder = Folder::new();
    let conf = "
vrrp_instance VI_1 {
    interface lo
    virtual_router_id 51
    version 3
    unicast_src_ip 127.0.0.1
    unicast_peer {
        127.0.0.2
    }
    auth_hmac {
        key 1 file:${_ENV CREDENTIALS_DIRECTORY}/hmac
        active_key 1
    }
    virtual_ipaddress {
        127.0.0.100 dev lo
    }
}
";
    let conf = folder.write("conf", conf);
    let test = || {
        let output = Command::new(BINARY)
            .arg("-t")
            .arg("-f")
            .arg(&conf)
            .env("CREDENTIALS_DIRECTORY", &folder.0)
            .output()
            .expect("the binary runs");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let missing = test();
    assert!(missing.contains("auth_hmac key file") && missing.contains("cannot be opened"), "{missing}");
    folder.write("hmac", "0123456789abcdef0123456789abcdef");
    std::fs::set_permissions(folder.path("hmac"), std::fs::Permissions::from_mode(0o400)).expect("set");
    assert!(!test().contains("auth_hmac"), "{}", test());
}

#[test]
fn a_manager_that_does_not_listen_holds_up_nobody() {
    let (folder, socket) = manager("");
    let notify = folder.path("notify");
    let mut daemon = guarded(folder, "200000");
    hear_until(&socket, "READY=1");
    // Its queue is full, as if systemd hung.
    let filler = UnixDatagram::unbound().expect("a socket");
    filler.set_nonblocking(true).expect("set");
    while filler.send_to(b"X=1", &notify).is_ok() {}
    std::thread::sleep(Duration::from_millis(500));
    let old = daemon.folder.pid(VRRP).expect("a pid");
    signal(old, libc::SIGKILL);
    assert!(eventually(|| daemon.folder.pid(VRRP).is_some_and(|pid| pid != old && is_alive(pid))));
    // Not even what systemd has to know: it may hang for good.
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    assert_eq!(daemon.stop().code(), Some(0));
    drop(socket);
}
