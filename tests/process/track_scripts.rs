//! Tracked scripts as the daemon runs them: identity, numbers, what goes wrong with them, and their end.

use std::fs;
use std::time::{Duration, Instant};

use nix::libc;

use super::daemon::{BINARY, Daemon, PARENT, VRRP, eventually, is_alive, own_files, signal};
use super::scripts::{host, start, told};

/// A file with these blocks of scripts, all followed by one owner of its address.
fn config(scripts: &[(&str, &str)]) -> String {
    let mut text = "global_defs {\n enable_script_security\n script_user root\n}\n".to_owned();
    for (name, lines) in scripts {
        text.push_str(&format!("vrrp_script {name} {{\n {lines}\n}}\n"));
    }
    let names: String = scripts.iter().map(|(name, _)| format!("  {name}\n")).collect();
    text + "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 255\n virtual_ipaddress {\n  10.77.0.100/32\n }\n \
            notify_fault \"FOLDER/witness fault\" root :\n track_script {\n"
        + &names
        + " }\n}\n"
}

/// The states of all processes that have this parent.
fn children(parent: i32) -> Vec<String> {
    let stat = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let numbers = fs::read_dir("/proc").expect("/proc").flatten();
    let stats = numbers.map(|entry| stat(&entry.file_name().to_string_lossy()));
    let of_parent = |text: &String| {
        let rest = text.rsplit_once(") ")?.1;
        let mut fields = rest.split(' ');
        let state = fields.next()?.to_owned();
        (fields.next()? == parent.to_string()).then_some(state)
    };
    stats.filter_map(|text| of_parent(&text)).collect()
}

#[test]
fn a_tracked_script_sees_what_keepalived_shows_it_and_runs_as_its_user() {
    let scripts = [
        ("root", "script \"FOLDER/witness root 'two words'\"\n interval 100"),
        ("groups", "script \"FOLDER/witness groups\"\n user root :\n interval 100"),
        ("nobody", "script </etc/shadow\n user nobody nogroup\n interval 100"),
        ("open", "script </etc/shadow\n interval 100"),
    ];
    let (namespace, folder) = host(&config(&scripts));
    let mut daemon = start(&namespace, folder);
    let vrrp = || daemon.folder.pid(VRRP).expect("a pid");
    assert!(eventually(|| told(&daemon).len() == 3), "{}\n{:?}", daemon.log(), told(&daemon));
    let line = |words: &str| {
        let start = format!("words={words} ");
        told(&daemon).iter().find_map(|line| line.strip_prefix(&start).map(str::to_owned)).unwrap_or_default()
    };
    let seen = |groups: &str| {
        format!(
            "uid=0 gid=0 groups=<{groups}> umask=0177 group=own parent={} fds=<0 1 2 3 > in=/dev/null out=/dev/null \
             blocked=0000000000000000 notify=none preload=none other=yes ",
            vrrp()
        )
    };
    for (words, groups) in [("[root][two words]", ""), ("[groups]", "0 "), ("[fault]", "0 ")] {
        assert!(line(words).starts_with(&seen(groups)), "{words}: {:?}", told(&daemon));
    }
    daemon.wait_for_line("VRRP_Script(open) succeeded");
    daemon.wait_for_line("VRRP_Script(nobody) failed (exited with status ");
    daemon.wait_for_line("(VI_1) Entering FAULT STATE");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn two_hundred_scripts_run_and_leave_no_bodies() {
    let names: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    let scripts: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), "script FOLDER/quick\n interval 2\n timeout 60")).collect();
    let (namespace, folder) = host(&config(&scripts));
    let place = folder.0.display().to_string();
    folder.program("quick", &format!("#!/bin/sh\necho >> {place}/runs\n"));
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_lines(") succeeded", 200);
    daemon.wait_for_line("Entering MASTER STATE");
    let runs = || daemon.folder.read("runs").len();
    assert!((0..3).any(|_| eventually(|| runs() >= 600)), "{} runs\n{}", runs(), daemon.log());
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    // Those that are just ending are bodies for a moment.
    assert!(eventually(|| !children(vrrp).iter().any(|state| state == "Z")), "{:?}", children(vrrp));
    assert_eq!(daemon.log().matches("Entering").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_program_that_vanishes_is_a_failure_and_told_once() {
    let (namespace, folder) = host(&config(&[("gone", "script FOLDER/check\n interval 0.2\n timeout 60")]));
    let program = "#!/bin/sh\nexit 0\n";
    folder.program("check", program);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    let path = daemon.folder.path("check");
    fs::remove_file(&path).expect("removed");
    daemon.wait_for_line("(VI_1) Entering FAULT STATE");
    std::thread::sleep(Duration::from_secs(1));
    let line = format!("Error exec-ing command '{}', error 2: No such file or directory", path.display());
    daemon.assert_order(&[&line, "VRRP_Script(gone) failed", "(VI_1): entering FAULT state due to script gone"]);
    assert_eq!(daemon.log().matches("Error exec-ing").count(), 1, "{}", daemon.log());
    daemon.folder.program("check", program);
    daemon.wait_for_lines("Entering MASTER STATE", 2);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn init_fail_is_bad_until_it_has_proved_good() {
    let scripts = [("doubted", "script FOLDER/check\n interval 0.2\n timeout 60\n rise 3\n init_fail")];
    let (namespace, folder) = host(&config(&scripts));
    let place = folder.0.display().to_string();
    folder.program("check", &format!("#!/bin/sh\necho >> {place}/runs\n"));
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    assert!(daemon.folder.read("runs").len() >= 3);
    daemon.assert_order(&[
        "(VI_1): entering FAULT state due to script doubted",
        "(VI_1) Entering FAULT STATE (init)",
        "VRRP_Script(doubted) succeeded",
        "(VI_1) Entering MASTER STATE",
    ]);
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Asked to stop, a script has a second; asked by a reload that changes it, two.
#[test]
fn scripts_that_do_not_obey_are_killed() {
    let (namespace, folder) = host(&config(&[("deaf", "script FOLDER/check\n interval 60")]));
    let place = folder.0.display().to_string();
    let text = format!("#!/bin/sh\ntrap '' TERM\necho $$ >> {place}/pids\nwhile :; do sleep 0.05; done\n");
    folder.program("check", &text);
    folder.program("other", &text);
    let mut daemon = start(&namespace, folder);
    let pids = |daemon: &Daemon| daemon.folder.read("pids").lines().map(str::to_owned).collect::<Vec<_>>();
    let lives = |pid: &str| fs::exists(format!("/proc/{pid}")).unwrap_or_default();
    assert!(eventually(|| pids(&daemon).len() == 1), "{}", daemon.log());
    let conf = daemon.folder.read("conf");
    daemon.folder.write("conf", &conf.replace("/check", "/other"));
    daemon.signal(nix::libc::SIGHUP);
    assert!(eventually(|| pids(&daemon).len() == 2), "{}", daemon.log());
    let old = pids(&daemon)[0].clone();
    assert!(eventually(|| !lives(&old)), "the one before the reload is there still");
    let begun = Instant::now();
    assert_eq!(daemon.stop().code(), Some(0));
    let taken = begun.elapsed();
    assert!(taken >= Duration::from_secs(1) && taken < Duration::from_secs(15), "{taken:?}");
    let left = pids(&daemon)[1].clone();
    assert!(eventually(|| !lives(&left)), "the last one is there still");
}

#[test]
fn results_count_in_the_background_too() {
    let (namespace, folder) = host(&config(&[("S", "script FOLDER/check\n interval 1")]));
    folder.program("check", &format!("#!/bin/sh\ntest ! -e {}\n", folder.path("bad").display()));
    let started = namespace.command().arg(BINARY).args(own_files(&folder)).arg("-G").status();
    assert!(started.expect("the daemon starts").success());
    assert!(eventually(|| folder.pid(PARENT).is_some()));
    let pid = folder.pid(PARENT).expect("a pid");
    let holds = || {
        let shown = namespace.command().args(["ip", "addr", "show", "dev", "eth0"]).output().expect("ip runs");
        String::from_utf8_lossy(&shown.stdout).contains("10.77.0.100")
    };
    assert!(eventually(holds), "it has proved good");
    folder.write("bad", "");
    assert!(eventually(|| !holds()), "it has failed");
    signal(pid, libc::SIGTERM);
    assert!(eventually(|| !is_alive(pid)));
}
