//! Named pipes: who makes them, what comes through them, and the scripts that read.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::Path;

use nix::libc;
use nix::sched::{CloneFlags, setns};

use super::daemon::{BINARY, Daemon, Folder, Namespace, VRRP, eventually, own_files, signal};

/// Reads to the end, notes each line with the name of the pipe, and is asked to end only if it does not.
const READER: &str = "#!/bin/sh
umask 022
for pipe; do :; done
note() { echo \"${pipe##*/} $*\" >> FOLDER/told; }
note \"begins: $*\"
trap 'note asked; exit' TERM
while IFS= read -r line; do note \"$line\"; done < \"$pipe\"
note ends
";

const INSTANCE: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 255
    virtual_ipaddress {
        10.77.0.100/32
    }
}
";

fn host(global: &str, rest: &str) -> (Namespace, Folder) {
    let namespace = Namespace::with_interface();
    namespace.ip(&["link", "set", "lo", "up"]);
    let folder = Folder::new();
    configure(&folder, global, rest);
    folder.program("reader", &READER.replace("FOLDER", &folder.0.display().to_string()));
    (namespace, folder)
}

fn configure(folder: &Folder, global: &str, rest: &str) {
    let text = format!("global_defs {{\n enable_script_security\n script_user root\n{global}\n}}\n{rest}");
    folder.write("conf", &text.replace("FOLDER", &folder.0.display().to_string()));
}

fn start(namespace: &Namespace, folder: Folder) -> Daemon {
    let mut command = namespace.command();
    command.arg(BINARY).args(own_files(&folder)).args(["-n", "-l", "-D", "-G"]);
    Daemon::run(folder, command, |_| {})
}

fn told(daemon: &Daemon) -> Vec<String> {
    daemon.folder.read("told").lines().map(str::to_owned).collect()
}

/// What a script noted of a pipe.
fn told_of(daemon: &Daemon, pipe: &str) -> Vec<String> {
    told(daemon).iter().filter_map(|line| Some(line.strip_prefix(pipe)?.strip_prefix(' ')?.to_owned())).collect()
}

fn open(path: &Path) -> File {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    opened.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn content(file: &mut File) -> String {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = file.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(text).expect("text")
}

#[test]
fn pipes_tell_of_states_to_the_end_and_go_away() {
    let global = " notify_fifo FOLDER/all nobody nogroup\n vrrp_notify_fifo FOLDER/vrrp\n lvs_notify_fifo FOLDER/lvs";
    let (namespace, folder) = host(global, INSTANCE);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    let (all, vrrp) = (daemon.folder.path("all"), daemon.folder.path("vrrp"));
    let found = all.metadata().expect("a pipe");
    assert!(found.file_type().is_fifo());
    assert_eq!((found.mode() & 0o777, found.uid(), found.gid()), (0o600, 65_534, 65_534));
    assert!(!daemon.folder.path("lvs").exists(), "nobody would write to it");
    let mut readers = [open(&all), open(&vrrp)];
    assert_eq!(daemon.stop().code(), Some(0));
    for reader in &mut readers {
        assert_eq!(content(reader), "INSTANCE \"VI_1\" MASTER 255\nINSTANCE \"VI_1\" STOP 255\n");
    }
    assert!(!all.exists() && !vrrp.exists());
}

#[test]
fn scripts_read_all_lines_and_begin_anew_with_a_reload() {
    let global = " notify_fifo FOLDER/all\n vrrp_notify_fifo FOLDER/vrrp\n notify_fifo_script FOLDER/reader\n \
                  vrrp_notify_fifo_script \"FOLDER/reader 'a b' c\"\n fifo_write_vrrp_states_on_reload";
    let (namespace, folder) = host(global, INSTANCE);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    let heard = |count: usize| ["all", "vrrp"].iter().all(|pipe| told_of(&daemon, pipe).len() == count);
    assert!(eventually(|| heard(2)), "{:?}\n{}", told(&daemon), daemon.log());
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    assert!(eventually(|| heard(5)), "{:?}\n{}", told(&daemon), daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
    let place = daemon.folder.0.display();
    for (pipe, words) in [("all", format!("{place}/all")), ("vrrp", format!("a b c {place}/vrrp"))] {
        let (begins, master) = (format!("begins: {words}"), "INSTANCE \"VI_1\" MASTER 255");
        let stop = "INSTANCE \"VI_1\" STOP 255";
        let mut told = told_of(&daemon, pipe);
        // It may come to the end of the old pipe before it is asked to end.
        let first_end = told.remove(2);
        assert!(["asked", "ends"].contains(&first_end.as_str()), "{first_end}");
        assert_eq!(told, [&begins, master, &begins, master, stop, "ends"], "{pipe}");
    }
    assert!(!daemon.log().contains("fifo script terminated"), "{}", daemon.log());
}

/// keepalived 2.4 has one process alone run the script of the pipe for all events.
#[test]
fn one_script_hears_of_both_processes() {
    let server = "virtual_server 10.9.0.1 80 {\n delay_loop 0.2\n lb_algo rr\n protocol TCP\n \
                  real_server 10.77.0.1 8000 {\n TCP_CHECK {\n connect_timeout 1\n retry 0\n warmup 0\n }\n }\n}\n";
    let global = " notify_fifo FOLDER/all\n notify_fifo_script FOLDER/reader\n lvs_notify_fifo FOLDER/lvs";
    let (namespace, folder) = host(global, &format!("{INSTANCE}{server}"));
    let listener = listen(&namespace);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    daemon.wait_for_line("TCP connection to [10.77.0.1]:tcp:8000 success.");
    let mut lvs = open(&daemon.folder.path("lvs"));
    drop(listener);
    daemon.wait_for_line("Lost quorum");
    let down = "RS [10.77.0.1]:tcp:8000 [10.9.0.1]:tcp:80 DOWN\n\0VS [10.9.0.1]:tcp:80 DOWN\n\0";
    assert!(eventually(|| told_of(&daemon, "all").len() == 5), "{:?}\n{}", told(&daemon), daemon.log());
    assert_eq!(content(&mut lvs), format!("VS [10.9.0.1]:tcp:80 UP\n\0{down}"));
    assert_eq!(daemon.stop().code(), Some(0));
    let mut told = told_of(&daemon, "all");
    assert!(told.remove(0).starts_with("begins: "));
    assert_eq!(told.pop().as_deref(), Some("ends"));
    let position = |line: &str| told.iter().position(|it| it == line).unwrap_or_else(|| panic!("{line}: {told:?}"));
    assert_eq!(told.len(), 5, "{told:?}");
    position("INSTANCE \"VI_1\" MASTER 255");
    position("INSTANCE \"VI_1\" STOP 255");
    assert!(position("VS [10.9.0.1]:tcp:80 UP") < position("RS [10.77.0.1]:tcp:8000 [10.9.0.1]:tcp:80 DOWN"));
}

fn listen(namespace: &Namespace) -> TcpListener {
    let file = File::open(format!("/run/netns/{}", namespace.0)).expect("a namespace");
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            setns(OwnedFd::from(file).as_fd(), CloneFlags::CLONE_NEWNET).expect("enter a namespace");
            TcpListener::bind("10.77.0.1:8000").expect("listen")
        });
        work.join().expect("the work is done")
    })
}

#[test]
fn a_script_that_ends_is_told_of_and_stays_away_until_a_reload() {
    let global = " vrrp_notify_fifo FOLDER/vrrp\n vrrp_notify_fifo_script FOLDER/once";
    let (namespace, folder) = host(global, INSTANCE);
    folder.program("once", &format!("#!/bin/sh\necho once >> {}/told\n", folder.0.display()));
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("vrrp notify fifo script terminated");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_lines("vrrp notify fifo script terminated", 2);
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(told(&daemon), ["once", "once"]);
}

#[test]
fn a_pipe_outlives_a_process_that_is_killed() {
    let (namespace, folder) = host(" vrrp_notify_fifo FOLDER/vrrp", INSTANCE);
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    let path = daemon.folder.path("vrrp");
    let mut reader = open(&path);
    signal(daemon.folder.pid(VRRP).expect("a pid"), libc::SIGKILL);
    daemon.wait_for_lines("Entering MASTER STATE", 2);
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(!path.exists());
    let master = "INSTANCE \"VI_1\" MASTER 255\n";
    assert_eq!(content(&mut reader), format!("{master}{master}INSTANCE \"VI_1\" STOP 255\n"));
}

/// Nobody who may change the folder has us write to, or remove, anything but our pipe.
#[test]
fn what_takes_the_place_of_a_pipe_is_left_alone() {
    let (namespace, folder) = host(" vrrp_notify_fifo FOLDER/vrrp\n notify_fifo FOLDER/all", INSTANCE);
    folder.write("all", "mine");
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("Entering MASTER STATE");
    let path = daemon.folder.path("vrrp");
    fs::remove_file(&path).expect("removed");
    let target = daemon.folder.write("target", "mine");
    symlink(&target, &path).expect("a link");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for_line("Reload complete");
    assert_eq!(daemon.stop().code(), Some(0));
    assert_eq!(fs::read_link(&path).expect("the link"), target);
    assert_eq!([daemon.folder.read("target"), daemon.folder.read("all")], ["mine", "mine"]);
    let not_used = "is not a fifo we own - not using: it is a";
    daemon.assert_order(&[&format!("/all {not_used} file"), &format!("/vrrp {not_used} symbolic link")]);
}

#[test]
fn a_reader_that_stops_holds_up_nobody() {
    let global = " vrrp_notify_fifo FOLDER/vrrp\n vrrp_notify_priority_changes";
    // A change of the file is a line of each.
    let instances: String = (1..=20)
        .map(|number| {
            let instance = INSTANCE.replace("VI_1", &format!("VI_{number}"));
            let instance = instance.replace("router_id 51", &format!("router_id {number}"));
            instance.replace("priority 255", "priority 100\n    track_file {\n        n weight 1\n    }")
        })
        .collect();
    let (namespace, folder) = host(global, &format!("track_file n {{\n file FOLDER/n\n}}\n{instances}"));
    folder.write("n", "0");
    let mut daemon = start(&namespace, folder);
    daemon.wait_for_line("(VI_20) Entering MASTER STATE");
    let path = daemon.folder.path("vrrp");
    let mut reader = open(&path);
    // A page is the least that a pipe can be made: it holds about 140 lines.
    let least = nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).expect("a small pipe");
    assert_eq!(least, 4096);
    for number in 1..=20 {
        daemon.folder.write("n", &number.to_string());
        // Of two changes that come at once the daemon sees one.
        daemon.wait_for_line(&format!("(VI_20) Changing effective priority from {} to {}", 99 + number, 100 + number));
    }
    daemon.wait_for_line("is full: its reader does not keep up, lines are dropped");
    let text = content(&mut reader);
    let whole = |line: &str| {
        line.starts_with("INSTANCE \"VI_") && line.rsplit(' ').next().is_some_and(|it| it.parse::<u8>().is_ok())
    };
    assert!(text.ends_with('\n') && text.lines().all(whole), "{text}");
    assert_eq!(daemon.stop().code(), Some(0));
    assert!(content(&mut reader).contains("INSTANCE \"VI_20\" STOP 120"), "there is room again");
}
