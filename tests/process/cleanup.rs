//! `--cleanup`: what a killed daemon has left behind.

use std::process::Output;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::daemon::{BINARY, Daemon, Folder, Namespace, VRRP, eventually, is_alive, own_files};

const CONF: &str = "static_ipaddress {\n 10.77.0.50/32 dev eth0\n}\nvrrp_instance VI_1 {\n state MASTER\n interface eth0\n \
                    virtual_router_id 51\n priority 255\n virtual_ipaddress {\n 10.77.0.100/32\n }\n \
                    virtual_ipaddress_excluded {\n 10.77.0.101/32\n }\n}\n";

fn addresses(namespace: &Namespace) -> Vec<String> {
    let shown =
        namespace.command().args(["ip", "-4", "-o", "address", "show", "dev", "eth0"]).output().expect("ip runs");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().nth(3)).map(str::to_owned).collect()
}

fn clean_up(namespace: &Namespace, folder: &Folder) -> Output {
    namespace.command().arg(BINARY).args(own_files(folder)).arg("--cleanup").output().expect("the binary runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_a_killed_daemon_has_left_is_removed_and_nothing_else() {
    let namespace = Namespace::with_interface();
    namespace.ip(&["addr", "add", "10.77.0.9/32", "dev", "eth0"]);
    let folder = Folder::new();
    folder.write("conf", CONF);
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    assert!(eventually(|| addresses(&namespace).len() == 5), "{:?}\n{}", addresses(&namespace), daemon.log());

    let refused = clean_up(&namespace, &daemon.folder);
    assert_eq!(
        said(&refused),
        (Some(1), String::new(), "keepalived: a daemon is running, nothing was removed\n".into())
    );
    assert_eq!(addresses(&namespace).len(), 5);

    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    for pid in [daemon.pid(), vrrp] {
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("stopped");
    }
    for pid in [daemon.pid(), vrrp] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    }
    daemon.wait();
    assert!(eventually(|| !is_alive(vrrp)));
    assert_eq!(addresses(&namespace).len(), 5, "it had no time to remove them");

    let (status, out, err) = said(&clean_up(&namespace, &daemon.folder));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    let expected =
        ["10.77.0.100/32", "10.77.0.101/32", "10.77.0.50/32"].map(|it| format!("removed address {it} from eth0"));
    assert_eq!(lines, expected);
    assert_eq!(addresses(&namespace), ["10.77.0.1/24", "10.77.0.9/32"]);
    assert!(!daemon.folder.path(VRRP).exists(), "the pid files go too");

    assert_eq!(said(&clean_up(&namespace, &daemon.folder)), (Some(0), "nothing to remove\n".into(), String::new()));
}

/// What would it be worth if the child of a killed daemon were still at work, or another daemon were to come meanwhile?
#[test]
fn children_of_a_killed_daemon_have_ended_when_a_cleanup_ends_or_the_next_daemon_begins() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    folder.write("conf", CONF);
    let start = |folder: Folder| {
        let mut command = namespace.command();
        command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
        Daemon::run(folder, command, |_| {})
    };
    let mut killed = start(folder);
    killed.wait_for_line("Entering MASTER STATE");
    let vrrp = killed.folder.pid(VRRP).expect("a pid");
    kill(Pid::from_raw(killed.pid()), Signal::SIGKILL).expect("killed");
    killed.wait();
    let (status, _, err) = said(&clean_up(&namespace, &killed.folder));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(!is_alive(vrrp));
    assert_eq!(addresses(&namespace), ["10.77.0.1/24"]);

    let again = Folder::new();
    again.write("conf", CONF);
    let mut killed = start(again);
    killed.wait_for_line("Entering MASTER STATE");
    let vrrp = killed.folder.pid(VRRP).expect("a pid");
    kill(Pid::from_raw(killed.pid()), Signal::SIGKILL).expect("killed");
    killed.wait();
    let folder = std::mem::replace(&mut killed.folder, Folder::new());
    let mut next = start(folder);
    next.wait_for_line("Entering MASTER STATE");
    assert!(!is_alive(vrrp));
    assert!(eventually(|| addresses(&namespace).len() == 4), "{:?}", addresses(&namespace));
    assert_eq!(next.folder.pid(VRRP), super::daemon::children_of(next.pid()).last().copied());
    assert_eq!(next.stop().code(), Some(0));
}

#[test]
fn tables_of_the_packet_filter_go_with_the_instances_that_need_them() {
    let namespace = Namespace::with_interface();
    let nft = |words: &[&str]| {
        let output = namespace.command().arg("nft").args(words).output().expect("nft runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let folder = Folder::new();
    for table in ["keepalived", "other"] {
        nft(&["add", "table", "ip6", table]);
    }
    folder.write("conf", CONF);
    assert_eq!(said(&clean_up(&namespace, &folder)), (Some(0), "nothing to remove\n".into(), String::new()));
    folder.write("conf", &CONF.replace("priority 255", "no_accept\n priority 100"));
    let removed = "removed nftables table ip6 keepalived\n".to_owned();
    assert_eq!(said(&clean_up(&namespace, &folder)), (Some(0), removed, String::new()));
    assert_eq!(nft(&["list", "tables"]), "table ip6 other\n");
}

#[test]
fn routes_rules_and_links_go_too_and_all_of_it_is_told() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    folder.write(
        "conf",
        "static_routes {\n 10.78.0.0/24 dev eth0\n}\nstatic_rules {\n iif eth0 table 6 preference 60 no_track\n \
         from 10.79.0.0/24 table 7 preference 61\n from 10.80.0.0/24 table 8 preference 62 no_track\n}\n\
         vrrp_instance VI_1 {\n interface eth0\n use_vmac\n virtual_router_id 51\n virtual_ipaddress {\n \
         10.77.0.100/32\n }\n virtual_routes {\n blackhole 10.81.0.0/24\n }\n}\n",
    );
    // As a daemon sets them; the last rule is somebody else's, and the kernel would take it for ours.
    namespace.ip(&["route", "add", "10.78.0.0/24", "dev", "eth0", "proto", "18", "scope", "global"]);
    namespace.ip(&["route", "add", "blackhole", "10.81.0.0/24", "proto", "18"]);
    namespace.ip(&["rule", "add", "iif", "eth0", "table", "6", "preference", "60"]);
    namespace.ip(&["rule", "add", "from", "10.79.0.0/24", "table", "7", "preference", "61", "proto", "18"]);
    namespace.ip(&["rule", "add", "from", "10.80.0.0/24", "fwmark", "5", "table", "8", "preference", "62"]);
    let vmac = ["link", "add", "vrrp.51", "link", "eth0", "address", "00:00:5e:00:01:33", "type", "macvlan"];
    namespace.ip(&[&vmac[..], &["mode", "private"]].concat());

    let (status, out, err) = said(&clean_up(&namespace, &folder));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let lines: Vec<&str> = out.lines().collect();
    let expected = [
        "removed rule from all iif eth0 priority 60 lookup 6",
        "removed rule from 10.79.0.0/24 priority 61 lookup 7",
        "removed route blackhole 10.81.0.0/24",
        "removed route 10.78.0.0/24 dev eth0",
        "removed interface vrrp.51",
    ];
    assert_eq!(lines, expected);
    let rules = namespace.command().args(["ip", "rule"]).output().expect("ip runs").stdout;
    let rules = String::from_utf8_lossy(&rules).into_owned();
    assert!(rules.contains("10.80.0.0/24") && rules.lines().count() == 4, "{rules}");
    assert_eq!(said(&clean_up(&namespace, &folder)), (Some(0), "nothing to remove\n".into(), String::new()));
}

#[test]
fn sysctls_that_a_macvlan_needed_are_as_before() {
    let namespace = Namespace::with_interface();
    let arp_ignore = || {
        let output = namespace.command().args(["cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore"]).output();
        String::from_utf8_lossy(&output.expect("cat runs").stdout).trim().to_owned()
    };
    assert_eq!(arp_ignore(), "0");
    let folder = Folder::new();
    folder.write("conf", &CONF.replace("virtual_router_id", "use_vmac\n virtual_router_id"));
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    assert!(eventually(|| daemon.log().contains("Entering MASTER STATE")), "{}", daemon.log());
    assert_eq!(arp_ignore(), "1");
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    for signal in [Signal::SIGSTOP, Signal::SIGKILL] {
        for pid in [daemon.pid(), vrrp] {
            kill(Pid::from_raw(pid), signal).expect("signalled");
        }
    }
    daemon.wait();
    assert!(eventually(|| !is_alive(vrrp)));
    assert_eq!(said(&clean_up(&namespace, &daemon.folder)).0, Some(0));
    assert_eq!(arp_ignore(), "0");
}

#[test]
fn a_configuration_that_cannot_be_run_removes_nothing() {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    let (status, out, err) = said(&clean_up(&namespace, &folder));
    assert_eq!((status.is_some_and(|it| it != 0), out.as_str()), (true, ""), "{err}");
    assert!(err.contains("Config files missing"), "{err}");
    assert_eq!(addresses(&namespace), ["10.77.0.1/24"]);
}
