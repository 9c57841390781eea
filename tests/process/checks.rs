//! Health checks by the real binary, without IPVS: what is logged, which scripts are run, and what a reload keeps.

use std::fs;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sched::{CloneFlags, setns};

use super::daemon::{CHECK, Daemon, Folder, Namespace, SOON, VRRP, children_of, eventually, is_alive, own_files};

/// Does something in a namespace, on a thread that ends there.
pub fn within<T: Send>(namespace: &Namespace, job: impl FnOnce() -> T + Send) -> T {
    let file = fs::File::open(format!("/run/netns/{}", namespace.0)).expect("a namespace");
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            setns(OwnedFd::from(file).as_fd(), CloneFlags::CLONE_NEWNET).expect("enter a namespace");
            job()
        });
        work.join().expect("the work is done")
    })
}

fn listen(namespace: &Namespace, address: &'static str) -> TcpListener {
    within(namespace, || TcpListener::bind(address).expect("listen"))
}

/// A host with the address of a server, and a folder where `tell WORDS` is a script that notes its words.
fn host() -> (Namespace, Folder) {
    let namespace = Namespace::with_interface();
    namespace.ip(&["link", "set", "lo", "up"]);
    let folder = Folder::new();
    let place = folder.0.display();
    folder.program("tell", &format!("#!/bin/sh\necho \"$*\" >> {place}/told\n"));
    (namespace, folder)
}

fn configure(folder: &Folder, text: &str) {
    let text = text.replace("FOLDER", &folder.0.display().to_string());
    folder.write("conf", &format!("global_defs {{\nscript_user root\nenable_script_security\n}}\n{text}"));
}

fn start(namespace: &Namespace, folder: Folder, more: &[&str]) -> Daemon {
    let mut command = namespace.command();
    command.arg(super::daemon::BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]).args(more);
    Daemon::run(folder, command, |_| {})
}

fn told(daemon: &Daemon) -> Vec<String> {
    daemon.folder.read("told").lines().map(str::to_owned).collect()
}

/// Scripts of virtual servers and those of real servers run side by side: each kind is in its order, first the former.
fn by_kind<'a>(told: impl Iterator<Item = &'a str>) -> [Vec<&'a str>; 2] {
    let (quorum, servers) = told.partition(|line| line.contains("quorum"));
    [quorum, servers]
}

fn expect_told(daemon: &Daemon, expected: &[&str]) {
    assert!(
        eventually(|| by_kind(told(daemon).iter().map(String::as_str)) == by_kind(expected.iter().copied())),
        "{:?} were told, not {expected:?}\n{}",
        told(daemon),
        daemon.log()
    );
}

/// One server, checked quickly.
const SERVER: &str = "
virtual_server 10.9.0.1 80 {
    delay_loop 0.2
    lb_algo rr
    lb_kind NAT
    protocol TCP
    quorum_up \"FOLDER/tell quorum up\"
    quorum_down \"FOLDER/tell quorum down\"
    real_server 10.77.0.1 8000 {
        notify_up \"FOLDER/tell up\"
        notify_down \"FOLDER/tell down\"
        TCP_CHECK {
            connect_timeout 1
            delay_before_retry 0.1
            retry 1
            warmup 0
        }
    }
}
";

#[test]
fn a_server_is_removed_and_added_and_scripts_are_told() {
    let (namespace, folder) = host();
    configure(&folder, SERVER);
    let listener = listen(&namespace, "10.77.0.1:8000");
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("TCP connection to [10.77.0.1]:tcp:8000 success.");
    expect_told(&daemon, &["quorum up"]);
    drop(listener);
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:8000 from VS [10.9.0.1]:tcp:80");
    daemon.wait_for_line("Lost quorum");
    let _listener = listen(&namespace, "10.77.0.1:8000");
    daemon.wait_for_line("Adding service [10.77.0.1]:tcp:8000 to VS [10.9.0.1]:tcp:80");
    daemon.wait_for_lines("Gained quorum", 2);
    let count = |word: &str| told(&daemon).iter().filter(|line| *line == word).count();
    assert!(eventually(|| ["up", "down", "quorum down"].map(&count) == [1, 1, 1] && count("quorum up") == 2));
    assert!(daemon.stop().success());
    daemon.assert_order(&[
        "Starting Healthcheck child process",
        "IPVS: Can't initialize ipvs: No such file or directory",
        "Gained quorum 1+0=1 <= 1 for VS [10.9.0.1]:tcp:80",
        "Activating healthchecker for service [10.77.0.1]:tcp:8000 for VS [10.9.0.1]:tcp:80",
        "TCP connection to [10.77.0.1]:tcp:8000 success.",
        "TCP_CHECK on service [10.77.0.1]:tcp:8000 failed after 1 retries.",
        "Removing service [10.77.0.1]:tcp:8000 from VS [10.9.0.1]:tcp:80",
        "Lost quorum 1-0=1 > 0 for VS [10.9.0.1]:tcp:80",
        "TCP connection to [10.77.0.1]:tcp:8000 success.",
        "Adding service [10.77.0.1]:tcp:8000 to VS [10.9.0.1]:tcp:80",
        "Gained quorum 1+0=1 <= 1 for VS [10.9.0.1]:tcp:80",
        "Shutting down service [10.77.0.1]:tcp:8000 from VS [10.9.0.1]:tcp:80",
    ]);
    let absent = daemon.log().matches("Can't initialize ipvs").count();
    assert_eq!(absent, 1, "the absence of IPVS is told of once");
}

#[test]
fn a_reload_keeps_the_state_of_what_is_the_same() {
    let (namespace, folder) = host();
    let second = SERVER.replace("10.77.0.1 8000", "10.77.0.1 8001").replace("tell ", "tell second ");
    let second = second.replace("10.9.0.1", "10.9.0.2");
    configure(&folder, SERVER);
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:8000");
    expect_told(&daemon, &["quorum up", "down", "quorum down"]);
    let child = daemon.folder.pid(CHECK);
    configure(&daemon.folder, &format!("{SERVER}{second}"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:8001 from VS [10.9.0.2]:tcp:80");
    let of_first = || daemon.log().matches("Removing service [10.77.0.1]:tcp:8000").count();
    assert_eq!((of_first(), daemon.folder.pid(CHECK)), (1, child), "it stays removed, and the process stays");
    let activated = daemon.log().matches("Activating healthchecker for service [10.77.0.1]:tcp:8000").count();
    assert_eq!(activated, 1, "its check goes on");
    // The first virtual server is gone now.
    configure(&daemon.folder, &second);
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("Reload complete", 2);
    daemon.wait_for_line("Removing Virtual Server [10.9.0.1]:tcp:80");
    let listener = listen(&namespace, "10.77.0.1:8001");
    daemon.wait_for_line("Adding service [10.77.0.1]:tcp:8001");
    drop(listener);
    // Without virtual servers there is nothing to check.
    configure(&daemon.folder, "");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("Reload complete", 3);
    assert!(eventually(|| children_of(daemon.pid()).is_empty()), "{}", daemon.log());
    assert!(daemon.stop().success());
}

#[test]
fn scripts_of_one_server_never_overlap() {
    let (namespace, folder) = host();
    let place = folder.0.display().to_string();
    folder.program(
        "slow",
        &format!("#!/bin/sh\necho \"begin $1\" >> {place}/told\nsleep 1\necho \"end $1\" >> {place}/told\n"),
    );
    let text = SERVER.replace("FOLDER/tell up", "FOLDER/slow up").replace("FOLDER/tell down", "FOLDER/slow down");
    let text: String = text.lines().filter(|line| !line.contains("quorum")).map(|line| format!("{line}\n")).collect();
    configure(&folder, &text);
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("Removing service");
    let _listener = listen(&namespace, "10.77.0.1:8000");
    daemon.wait_for_line("Adding service");
    expect_told(&daemon, &["begin down", "end down", "begin up", "end up"]);
    assert!(daemon.stop().success());
}

#[test]
fn a_stop_with_omega_tells_scripts_and_is_quick_without_it() {
    let (namespace, folder) = host();
    configure(&folder, SERVER);
    let _listener = listen(&namespace, "10.77.0.1:8000");
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("success");
    expect_told(&daemon, &["quorum up"]);
    let begun = Instant::now();
    assert!(daemon.stop().success());
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    assert_eq!(told(&daemon), ["quorum up"]);

    let (namespace, folder) = host();
    configure(&folder, &SERVER.replace("protocol TCP", "protocol TCP\n    omega"));
    let _listener = listen(&namespace, "10.77.0.1:8000");
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("success");
    expect_told(&daemon, &["quorum up"]);
    assert!(daemon.stop().success());
    let said = || {
        let mut said = told(&daemon);
        said.sort();
        said
    };
    assert!(eventually(|| said() == ["down", "quorum down", "quorum up"]), "{:?}", said());
}

#[test]
fn checks_wait_for_the_address_of_their_service() {
    let (namespace, folder) = host();
    configure(&folder, &SERVER.replace("protocol TCP", "protocol TCP\n    ha_suspend"));
    let mut daemon = start(&namespace, folder, &["-a"]);
    daemon.wait_for_line("Deactivating healthchecker for service [10.77.0.1]:tcp:8000 for VS [10.9.0.1]:tcp:80");
    daemon.wait_for_line("Startup complete");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!daemon.log().contains("Removing service"), "{}", daemon.log());
    namespace.ip(&["addr", "add", "10.9.0.1/32", "dev", "eth0"]);
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:8000");
    namespace.ip(&["addr", "del", "10.9.0.1/32", "dev", "eth0"]);
    daemon.wait_for_line("Suspending healthchecker for service [10.77.0.1]:tcp:8000 for VS [10.9.0.1]:tcp:80");
    daemon.assert_order(&[
        "Netlink reflector reports IP 10.9.0.1 added",
        "Activating healthchecker for service [10.77.0.1]:tcp:8000 for VS [10.9.0.1]:tcp:80",
        "Netlink reflector reports IP 10.9.0.1 removed",
        "Suspending healthchecker",
    ]);
    assert!(daemon.stop().success());
}

#[test]
fn a_file_decides_of_a_server() {
    let (namespace, folder) = host();
    folder.write("health", "0\n");
    let text = SERVER.split("TCP_CHECK").next().expect("the text before the check").to_owned();
    let text = format!(
        "track_file health {{\n    file FOLDER/health\n    weight 0\n}}\n{text}FILE_CHECK {{\n            track_file health\n        }}\n    }}\n}}\n"
    );
    configure(&folder, &text);
    let mut daemon = start(&namespace, folder, &[]);
    daemon.wait_for_line("Startup complete");
    expect_told(&daemon, &["quorum up"]);
    daemon.folder.write("health", "1\n");
    daemon.wait_for_line("Removing service [10.77.0.1]:tcp:8000");
    daemon.folder.write("health", "0\n");
    daemon.wait_for_line("Adding service [10.77.0.1]:tcp:8000");
    // A file that says it at the start keeps the server out from the start.
    daemon.folder.write("health", "1\n");
    daemon.wait_for_lines("Removing service [10.77.0.1]:tcp:8000", 2);
    let child = daemon.folder.pid(CHECK).expect("a child");
    super::daemon::signal(child, libc::SIGKILL);
    daemon.wait_for_lines("Starting Healthcheck child process", 2);
    daemon.wait_for_lines("Activating BFD healthchecker", 2);
    assert_eq!(daemon.log().matches("Gained quorum").count(), 2, "{}", daemon.log());
    assert!(daemon.stop().success());
}

#[test]
fn a_hanging_check_script_does_not_outlive_the_daemon() {
    let (namespace, folder) = host();
    let place = folder.0.display().to_string();
    folder.program("hang", &format!("#!/bin/sh\ntrap '' TERM\necho $$ > {place}/pid\nwhile :; do sleep 1; done\n"));
    let text = SERVER.split("TCP_CHECK").next().expect("the text before the check").to_owned();
    let text = format!(
        "{text}MISC_CHECK {{\n            misc_path FOLDER/hang\n            warmup 0\n        }}\n    }}\n}}\n"
    );
    configure(&folder, &text);
    let mut daemon = start(&namespace, folder, &[]);
    assert!(eventually(|| daemon.folder.pid("pid").is_some()), "{}", daemon.log());
    let script = daemon.folder.pid("pid").expect("it was waited for");
    let begun = Instant::now();
    assert!(daemon.stop().success());
    assert!(begun.elapsed() < SOON / 2, "{:?}", begun.elapsed());
    assert!(eventually(|| !is_alive(script)));
}

#[test]
fn the_child_is_there_for_virtual_servers_alone() {
    let (namespace, folder) = host();
    configure(&folder, SERVER);
    let mut daemon = start(&namespace, folder, &["-P"]);
    daemon.wait_for_line("keepalived has no configuration to run");
    assert_eq!((daemon.folder.pid(CHECK), daemon.folder.pid(VRRP)), (None, None));
    assert!(daemon.stop().success());

    let (namespace, folder) = host();
    configure(&folder, SERVER);
    let mut daemon = start(&namespace, folder, &["-C"]);
    daemon.wait_for_line("Startup complete");
    assert!(daemon.folder.pid(CHECK).is_some());
    assert!(daemon.stop().success());
}

#[test]
fn without_descriptors_the_log_is_clear_and_checks_are_made_later() {
    let (namespace, folder) = host();
    let servers: String = (1..=60)
        .map(|number| {
            format!(
                "    real_server 10.77.0.1 {} {{\n        TCP_CHECK {{\n            connect_timeout 5\n            warmup 0\n        \
                 }}\n    }}\n",
                9000 + number
            )
        })
        .collect();
    let text = format!(
        "virtual_server 10.9.0.1 80 {{\n    delay_loop 0.5\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n{servers}}}\n"
    );
    configure(&folder, &text);
    // Silent servers: each check holds its descriptor for a while.
    let silent = ["add", "unreachable", "10.77.0.200"];
    namespace.ip(&[&["route"], &silent[..]].concat());
    let mut command = namespace.command();
    command
        .args([
            "/bin/sh",
            "-c",
            "ulimit -n 40; exec setpriv --bounding-set -sys_resource --inh-caps -sys_resource \"$0\" \"$@\"",
        ])
        .arg(super::daemon::BINARY)
        .args(own_files(&folder))
        .args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("60 checks may want 188 descriptors, and the process may have 40");
    daemon.wait_for_lines("Removing service", 60);
    assert!(daemon.stop().success());
}
