//! Scripts as the daemon runs them: words, environment, identity, order, and their end.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::libc;

use super::daemon::{BINARY, Daemon, Folder, Namespace, PARENT, VRRP, eventually, is_alive, own_files, signal};

/// What a script tells of itself, in one write: words, identity, umask, groups, descriptors, variables. (The shell has
/// two more descriptors: 10 is the script, and 3 the pipe by which it asks for the list. It sleeps until the shell has closed
/// the other end.)
pub const WITNESS: &str = r#"#!/bin/sh
words=
for word; do words="$words[$word]"; done
me=$$
stat=$(cat /proc/$me/stat)
rest=${stat##*) }
set -- $rest
groups=$(sed -n 's/^Groups:[[:blank:]]*//p' /proc/$me/status)
fds=$(sleep 0.1; ls /proc/$me/fd | grep -v '^10$' | tr '\n' ' ')
blocked=$(sed -n 's/^SigBlk:[[:blank:]]*//p' /proc/$me/status)
ignored=$(sed -n 's/^SigIgn:[[:blank:]]*//p' /proc/$me/status)
in=$(readlink /proc/$me/fd/0) out=$(readlink /proc/$me/fd/1)
echo "words=$words uid=$(id -u) gid=$(id -g) groups=<$groups> umask=$(umask) group=$(test "$3" = "$me" && echo own || echo not) parent=$2 fds=<$fds> in=$in out=$out blocked=$blocked notify=${NOTIFY_SOCKET-${WATCHDOG_USEC-${WATCHDOG_PID-none}}} preload=${LD_LIBRARY_PATH-none} other=${KEPT-none} cwd=$(pwd) ignored=$ignored" >> FOLDER/told
"#;

/// A host with one interface, and a folder with a witness.
pub fn host(config: &str) -> (Namespace, Folder) {
    let namespace = Namespace::with_interface();
    let folder = Folder::new();
    let place = folder.0.display().to_string();
    folder.program("witness", &WITNESS.replace("FOLDER", &place));
    folder.write("conf", &config.replace("FOLDER", &place));
    (namespace, folder)
}

pub fn start(namespace: &Namespace, folder: Folder) -> Daemon {
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", &namespace.0, "/bin/sh", "-c", "exec 7</etc/passwd; exec \"$0\" \"$@\"", BINARY])
        .args(own_files(&folder))
        .args(["-n", "-l", "-D", "-G"])
        .env("NOTIFY_SOCKET", folder.path("nobody"))
        .env("WATCHDOG_USEC", "60000000")
        .env("WATCHDOG_PID", "1")
        .env("LD_LIBRARY_PATH", "/nonexistent")
        .env("KEPT", "yes");
    Daemon::run(folder, command, |_| {})
}

pub fn told(daemon: &Daemon) -> Vec<String> {
    daemon.folder.read("told").lines().map(str::to_owned).collect()
}

/// 32 and 33 belong to the C library, which ignores them in what it starts.
const LIBRARY_SIGNALS: u64 = 1 << 31 | 1 << 32;

const INSTANCE: &str = "
global_defs {
    enable_script_security
    script_user root
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 255
    advert_int 1
    virtual_ipaddress {
        10.77.0.100/32
    }
    notify_master \"FOLDER/witness m 'q1 q2'\"
    notify_stop \"FOLDER/witness s\" nobody nogroup
    notify \"FOLDER/witness all\"
}
";

#[test]
fn scripts_see_what_keepalived_shows_them_and_nothing_else() {
    let (namespace, folder) = host(INSTANCE);
    let mut daemon = start(&namespace, folder);
    assert!(eventually(|| told(&daemon).len() >= 2), "{}\n{:?}", daemon.log(), told(&daemon));
    let vrrp = daemon.folder.pid(VRRP).expect("a pid");
    assert_eq!(daemon.stop().code(), Some(0));
    // A stop waits for its scripts, but not for ever.
    assert!(eventually(|| told(&daemon).len() >= 3), "{}\n{:?}", daemon.log(), told(&daemon));
    let told = told(&daemon);
    let by_words = |words: &str| {
        let start = format!("words={words} ");
        let found = told.iter().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("no {words} in {told:#?}")).to_owned()
    };
    let as_root = format!(
        "uid=0 gid=0 groups=<> umask=0177 group=own parent={vrrp} fds=<0 1 2 3 > in=/dev/null out=/dev/null \
         blocked=0000000000000000 notify=none preload=none other=yes cwd={}",
        std::env::current_dir().expect("a folder").display()
    );
    for words in ["[m][q1 q2]", "[all][INSTANCE][VI_1][MASTER][255]", "[all][INSTANCE][VI_1][STOP][255]"] {
        let line = by_words(words);
        let (line, ignored) = line.rsplit_once(" ignored=").expect("all fields");
        assert_eq!(line, as_root, "{words}");
        let ignored = u64::from_str_radix(ignored, 16).expect("a set of signals");
        assert_eq!(ignored & !LIBRARY_SIGNALS, 0, "{words}");
    }
    assert_eq!(told.len(), 3, "nobody may not write to the folder of root: {told:#?}");
}

#[test]
fn a_stop_waits_for_stop_scripts_but_not_for_ever() {
    let slow = "#!/bin/sh\ntrap '' TERM\nsleep 30 &\necho begun >> FOLDER/slow.out\nwait\nsleep 30\n";
    for (text, least, most) in
        [("#!/bin/sh\nsleep 0.3\necho done > FOLDER/slow.out\n", 300, 5000), (slow, 1000, 10_000)]
    {
        let config = INSTANCE.replace("notify_stop \"FOLDER/witness s\" nobody nogroup", "notify_stop FOLDER/slow");
        let (namespace, folder) = host(&config);
        folder.program("slow", &text.replace("FOLDER", &folder.0.display().to_string()));
        let mut daemon = start(&namespace, folder);
        daemon.wait_for_line("Entering MASTER STATE");
        let begun = Instant::now();
        assert_eq!(daemon.stop().code(), Some(0));
        let taken = begun.elapsed();
        assert!(taken >= Duration::from_millis(least) && taken < Duration::from_millis(most), "{taken:?}");
        assert!(eventually(|| !daemon.folder.read("slow.out").is_empty()));
    }
}

/// Otherwise the work of a master that is gone would end after that of the backup that came after it.
#[test]
fn scripts_of_a_killed_process_are_asked_to_end() {
    let config = INSTANCE.replace("FOLDER/witness m 'q1 q2'\"", "FOLDER/slow\" nobody nogroup");
    let (namespace, folder) = host(&config);
    let place = folder.0.display().to_string();
    std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o755)).expect("permitted");
    let told = folder.write("told", "");
    chown(&told, Some(65_534), None).expect("owned");
    folder.program(
        "slow",
        &format!("#!/bin/sh\ntrap 'echo ended $$ >> {place}/told; exit' TERM\necho begun >> {place}/told\nwhile :; do sleep 0.05; done\n"),
    );
    let mut daemon = start(&namespace, folder);
    let count =
        |daemon: &Daemon, word: &str| daemon.folder.read("told").lines().filter(|l| l.starts_with(word)).count();
    assert!(eventually(|| count(&daemon, "begun") == 1), "{}", daemon.log());
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    assert!(eventually(|| count(&daemon, "ended") == 1), "{}", daemon.folder.read("told"));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_script_that_cannot_be_started_is_told() {
    let (namespace, folder) = host(INSTANCE);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    std::fs::remove_file(daemon.folder.path("witness")).expect("removed");
    assert_eq!(daemon.stop().code(), Some(0));
    let path = daemon.folder.path("witness");
    daemon.wait_for_line(&format!("Error exec-ing command '{}', error 2: No such file or directory", path.display()));
}

#[test]
fn the_parent_runs_one_script_before_and_one_after_its_children() {
    let (namespace, folder) = host(
        "global_defs {\n enable_script_security\n script_user root\n startup_script FOLDER/first\n \
         shutdown_script FOLDER/last\n}\n",
    );
    let place = folder.0.display().to_string();
    folder.program("first", &format!("#!/bin/sh\necho first $PPID >> {place}/told\nexit 3\n"));
    folder.program("last", &format!("#!/bin/sh\necho last $PPID >> {place}/told\n"));
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Warning - keepalived has no configuration to run");
    daemon.assert_order(&["Running startup script ", "startup script script failed, status 3", "Warning - "]);
    let parent = daemon.folder.pid(PARENT).expect("a pid");
    assert_eq!(daemon.stop().code(), Some(0));
    daemon.assert_order(&[
        "Stopping",
        "Running shutdown script ",
        "shutdown script script succeeded",
        "Stopped Keepalived",
    ]);
    assert_eq!(told(&daemon), [format!("first {parent}"), format!("last {parent}")]);
}

/// The script obeys SIGTERM, what it has begun does not.
#[test]
fn a_startup_script_that_timed_out_leaves_nothing_behind() {
    let (namespace, folder) = host(
        "global_defs {\n enable_script_security\n script_user root\n startup_script FOLDER/first\n \
         startup_script_timeout 1\n}\n",
    );
    let place = folder.0.display().to_string();
    folder.program(
        "first",
        &format!("#!/bin/sh\nsh -c 'trap \"\" TERM; while :; do sleep 1; done' &\necho $! > {place}/told\nwait\n"),
    );
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Warning - keepalived has no configuration to run");
    daemon.assert_order(&["Running startup script ", "startup script timed out", "Warning - "]);
    let left: i32 = daemon.folder.read("told").trim().parse().expect("a pid");
    assert!(eventually(|| !is_alive(left)), "{left} lives on");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_stop_interrupts_the_startup_script() {
    let (namespace, folder) =
        host("global_defs {\n enable_script_security\n script_user root\n startup_script FOLDER/first\n}\n");
    folder.program("first", "#!/bin/sh\nsleep 60\n");
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Running startup script ");
    let begun = Instant::now();
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_reload_during_the_startup_script_is_not_lost() {
    const GLOBAL: &str = "global_defs {\n enable_script_security\n script_user root\n startup_script FOLDER/first\n}\n";
    let (namespace, folder) = host(GLOBAL);
    let place = folder.0.display().to_string();
    folder.program("first", &format!("#!/bin/sh\nwhile [ ! -e {place}/go ]; do sleep 0.05; done\n"));
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Running startup script ");
    daemon.signal(libc::SIGHUP);
    std::thread::sleep(Duration::from_millis(100));
    daemon.folder.write("go", "");
    daemon.wait_for_line("Reload complete");
    daemon.assert_order(&[
        "startup script script succeeded",
        "Processing queued reload",
        "Reloading ...",
        "Reload complete",
    ]);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn scripts_that_hang_leave_room_for_others_which_see_the_limit_of_the_daemon() {
    let config = "global_defs {\n script_user root\n}\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n \
                  priority 255\n virtual_ipaddress {\n  10.77.0.100/32\n }\n notify FOLDER/hang\n \
                  track_interface {\n  tick\n }\n}\n";
    let (namespace, folder) = host(config);
    namespace.ip(&["link", "add", "tick", "type", "veth", "peer", "name", "tock"]);
    let place = folder.0.display().to_string();
    folder.program("hang", &format!("#!/bin/sh\nulimit -n >> {place}/limits\nexec sleep 600\n"));
    let mut command = Command::new("ip");
    command
        .args(["netns", "exec", &namespace.0, "/bin/sh", "-c", "ulimit -Sn 64; exec \"$0\" \"$@\"", BINARY])
        .args(own_files(&folder))
        .args(["-n", "-l", "-D", "-G"]);
    let mut daemon = Daemon::run(folder, command, |_| {});
    daemon.wait_for_line("Entering FAULT STATE");
    let limits = || daemon.folder.read("limits");
    // The script of the start is no answer to what follows.
    assert!(eventually(|| !limits().is_empty()), "{}", daemon.log());
    for _ in 0..40 {
        let before = limits().len();
        namespace.ip(&["link", "set", "tick", "up"]);
        namespace.ip(&["link", "set", "tock", "up"]);
        assert!(eventually(|| limits().len() > before), "{}", daemon.log());
        let before = limits().len();
        namespace.ip(&["link", "set", "tock", "down"]);
        assert!(eventually(|| limits().len() > before), "{}", daemon.log());
    }
    assert!(limits().lines().all(|limit| limit == "64"), "{}", limits());
    assert!(!daemon.log().contains("exec-ing"), "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn what_is_wrong_with_a_script_is_said_with_the_mend() {
    let (namespace, folder) = host(INSTANCE);
    chown(&folder.0, None, Some(50)).expect("owned");
    std::fs::set_permissions(&folder.0, PermissionsExt::from_mode(0o775)).expect("permitted");
    let place = folder.0.display().to_string();
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    daemon.wait_for_line(&format!(
        "Unsafe permissions found for script '{place}/witness' - disabling. {place} is writable by group staff: chmod \
         g-w {place}"
    ));
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(told(&daemon).is_empty(), "{:?}", told(&daemon));
}

/// What was looked at is what is run, whatever the link leads to by then; with `use_symlink_paths` it is the link.
#[test]
fn a_script_behind_a_link_is_run_by_its_real_path() {
    for (global, name) in [("", "real"), ("    use_symlink_paths\n", "link")] {
        let config = INSTANCE.replace("global_defs {\n", &format!("global_defs {{\n{global}"));
        let (namespace, folder) = host(&config.replace("\"FOLDER/witness all\"", "FOLDER/link"));
        let place = folder.0.display().to_string();
        folder.program("real", &format!("#!/bin/sh\necho \"$0 $*\" >> {place}/told.link\n"));
        std::os::unix::fs::symlink("real", folder.path("link")).expect("a link");
        let mut daemon = start(&namespace, folder);
        daemon.wait_for_line("Entering MASTER STATE");
        assert_eq!(daemon.stop().code(), Some(0));
        let line = |state: &str| format!("{place}/{name} INSTANCE VI_1 {state} 255");
        // They run side by side, and which of them writes first is chance.
        let told = || daemon.folder.read("told.link");
        assert!(eventually(|| told().lines().count() == 2), "{}", told());
        assert!(told().lines().all(|told| told == line("MASTER") || told == line("STOP")), "{}", told());
        assert!(told().contains(&line("MASTER")) && told().contains(&line("STOP")), "{}", told());
    }
}
