use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::model::{NotifyState, Script, Subject};

/// A folder, removed at the end. These tests need root, as the daemon does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fifo-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn fifo(&self, name: &str) -> Fifo {
        Fifo { path: self.0.join(name), uid: geteuid().as_raw(), gid: 0, script: None }
    }

    /// A pipe that reads with this shell command; `$1` is its path and `$2` a file for its output.
    fn read_by(&self, name: &str, command: &str) -> Fifo {
        let argv = ["/bin/sh", "-c", command, "sh"].map(Into::into).into_iter().collect::<Vec<_>>();
        let script = Script { argv, program: None, uid: geteuid().as_raw(), gid: 0, further_groups: false };
        Fifo { script: Some(script), ..self.fifo(name) }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn fifos(all: Option<Fifo>, vrrp: Option<Fifo>, lvs: Option<Fifo>) -> Fifos {
    Fifos { all, vrrp, lvs, states_on_reload: false }
}

fn notification(name: &str, state: NotifyState) -> Notification {
    let cause = "no advert from 10.0.0.1 for 3.61 s".into();
    let (subject, name) = (Subject::Instance, name.into());
    Notification { subject, name, state, priority: 155, cause, specific: None, generic: None }
}

/// All that is in a pipe now.
fn content(fifo: &Fifo) -> String {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&fifo.path);
    let mut file = opened.expect("a pipe");
    let mut content = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count) = file.read(&mut piece) {
        if count == 0 {
            break;
        }
        content.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(content).expect("text")
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn lines_are_those_of_keepalived_and_come_to_both_pipes() {
    let folder = Folder::new();
    let both = fifos(Some(folder.fifo("all")), Some(folder.fifo("vrrp")), Some(folder.fifo("lvs")));
    let mut places = Places::default();
    places.set(&both, &[Kind::Lvs, Kind::Vrrp]);
    let mut vrrp = Pipes::new(Kind::Vrrp);
    let mut lvs = Pipes::new(Kind::Lvs);
    block_on(async {
        vrrp.configure(&both);
        lvs.configure(&both);
    });
    for state in [NotifyState::Master, NotifyState::MasterRxLowerPri, NotifyState::BackupPriority] {
        vrrp.tell(&notification("V 1", state));
    }
    let group = Notification { subject: Subject::Group, priority: 0, ..notification("G1", NotifyState::Stop) };
    vrrp.tell(&group);
    let notice = |real_server: Option<&str>, up| ServiceNotice {
        virtual_server: "FWM 5".into(),
        real_server: real_server.map(str::to_owned),
        up,
        script: None,
        stopping: false,
    };
    lvs.tell_of_service(&notice(Some("[10.0.1.3]:tcp:80"), true));
    lvs.tell_of_service(&notice(None, false));
    let of_vrrp = "INSTANCE \"V 1\" MASTER 155\nINSTANCE \"V 1\" MASTER_RX_LOWER_PRI 155\n\
                   INSTANCE \"V 1\" BACKUP_PRIORITY 155\nGROUP \"G1\" STOP 0\n";
    let of_lvs = "RS [10.0.1.3]:tcp:80 FWM 5 UP\n\0VS FWM 5 DOWN\n\0";
    assert_eq!(content(&folder.fifo("vrrp")), of_vrrp);
    assert_eq!(content(&folder.fifo("lvs")), of_lvs);
    assert_eq!(content(&folder.fifo("all")), format!("{of_vrrp}{of_lvs}"));
    places.clear();
    assert!(std::fs::read_dir(&folder.0).expect("a folder").next().is_none(), "all are removed");
}

#[test]
fn pipes_are_made_for_whom_they_are_wanted() {
    let folder = Folder::new();
    let wanted = fifos(Some(Fifo { uid: 65_534, gid: 65_534, ..folder.fifo("all") }), None, Some(folder.fifo("lvs")));
    let mut places = Places::default();
    places.set(&wanted, &[]);
    assert!(!folder.0.join("all").exists());
    places.set(&wanted, &[Kind::Vrrp]);
    assert!(!folder.0.join("lvs").exists());
    let found = folder.0.join("all").metadata().expect("a pipe");
    assert!(found.file_type().is_fifo());
    assert_eq!((found.uid(), found.gid()), (65_534, 65_534));
    assert_eq!(found.mode() & 0o777 & !0o644, 0, "{:o}", found.mode());
    places.set(&wanted, &[Kind::Vrrp, Kind::Lvs]);
    assert!(is_same(&found, &folder.0.join("all").metadata().expect("a pipe")), "it stays");
    let other = fifos(Some(folder.fifo("all")), None, None);
    places.set(&other, &[Kind::Vrrp]);
    assert_eq!(folder.0.join("all").metadata().expect("a pipe").uid(), geteuid().as_raw(), "made anew");
    assert!(!folder.0.join("lvs").exists());
}

#[test]
fn what_was_there_before_stays() {
    let folder = Folder::new();
    let wanted = fifos(Some(folder.fifo("all")), None, None);
    nix::unistd::mkfifo(&folder.0.join("all"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    assert!(Pipe::open("", &folder.fifo("all")).is_ok(), "it is used");
    places.clear();
    assert!(folder.0.join("all").exists());

    // Nor is anything else removed that has taken the place of ours.
    let vrrp = fifos(None, Some(folder.fifo("vrrp")), None);
    places.set(&vrrp, &[Kind::Vrrp]);
    std::fs::remove_file(folder.0.join("vrrp")).expect("removed");
    std::fs::write(folder.0.join("vrrp"), "mine").expect("written");
    places.clear();
    assert_eq!(folder.read("vrrp"), "mine");
}

#[test]
fn what_is_no_pipe_of_ours_is_not_used() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("file"), "mine").expect("written");
    symlink(folder.0.join("file"), folder.0.join("link")).expect("a link");
    std::fs::create_dir(folder.0.join("folder")).expect("a folder");
    nix::unistd::mkfifo(&folder.0.join("foreign"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    chown(folder.0.join("foreign"), Some(65_534), None).expect("given away");
    let complaint = |fifo: &Fifo| Pipe::open("vrrp_", fifo).map(|_| ()).expect_err("refused");
    for (name, reason) in [
        ("file", "it is a file"),
        ("link", "it is a symbolic link"),
        ("folder", "it is a folder"),
        ("foreign", "it belongs to nobody"),
    ] {
        let path = folder.0.join(name);
        let words = format!("vrrp_notify fifo {} is not a fifo we own - not using: {reason}", path.display());
        assert_eq!(complaint(&folder.fifo(name)), words);
    }
    assert!(Pipe::open("", &Fifo { uid: 65_534, ..folder.fifo("foreign") }).is_ok(), "of the user that it is for");
    let missing = complaint(&folder.fifo("missing"));
    assert!(missing.starts_with("Unable to open vrrp_notify fifo ") && missing.contains(" - errno 2"), "{missing}");
    assert_eq!(folder.read("file"), "mine");
}

#[test]
fn a_reader_that_does_not_read_loses_lines_and_holds_up_nobody() {
    let folder = Folder::new();
    let wanted = fifos(None, Some(folder.fifo("vrrp")), None);
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    let mut pipes = Pipes::new(Kind::Vrrp);
    block_on(async { pipes.configure(&wanted) });
    let begun = Instant::now();
    // A pipe takes 64 KiB.
    for number in 0..10_000 {
        pipes.tell(&notification(&format!("VI_{number}"), NotifyState::Backup));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let dropped = pipes.ends[1].pipe.as_ref().expect("a pipe").dropped;
    let told = content(&folder.fifo("vrrp"));
    let whole = |line: &str| line.starts_with("INSTANCE \"VI_") && line.ends_with("\" BACKUP 155");
    assert!(told.ends_with("\n") && told.lines().all(whole), "no line is torn");
    // The first of those that were dropped has been told of.
    assert_eq!(told.lines().count() as u64 + dropped + 1, 10_000);
    pipes.tell(&notification("after", NotifyState::Master));
    assert_eq!(content(&folder.fifo("vrrp")), "INSTANCE \"after\" MASTER 155\n");
}

#[test]
fn a_line_that_could_be_torn_is_not_written() {
    let folder = Folder::new();
    let wanted = fifos(Some(folder.fifo("all")), None, None);
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    let mut pipes = Pipes::new(Kind::Vrrp);
    block_on(async { pipes.configure(&wanted) });
    pipes.tell(&notification(&"x".repeat(libc::PIPE_BUF), NotifyState::Backup));
    pipes.tell(&notification("short", NotifyState::Backup));
    assert_eq!(content(&folder.fifo("all")), "INSTANCE \"short\" BACKUP 155\n");
}

/// Reads to the end and says what it read; tells of SIGTERM.
const TO_THE_END: &str = "umask 022; trap 'echo told >> \"$1.out\"; exit' TERM; \
                          while read -r line; do echo \"$line\" >> \"$1.out\"; done < \"$1\"; echo end >> \"$1.out\"";

#[test]
fn a_script_that_reads_hears_of_the_stop_before_it_ends() {
    let folder = Folder::new();
    let wanted = fifos(None, Some(folder.read_by("vrrp", TO_THE_END)), None);
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    block_on(async {
        let mut pipes = Pipes::new(Kind::Vrrp);
        pipes.configure(&wanted);
        pipes.tell(&notification("VI_1", NotifyState::Master));
        tokio::time::sleep(Duration::from_millis(100)).await;
        pipes.tell(&notification("VI_1", NotifyState::Stop));
        pipes.finish().await;
    });
    assert_eq!(folder.read("vrrp.out"), "INSTANCE \"VI_1\" MASTER 155\nINSTANCE \"VI_1\" STOP 155\nend\n");
}

#[test]
fn a_script_that_holds_the_pipe_open_is_asked_and_then_forced_to_end() {
    let stays = "umask 022; exec 3<>\"$1\"; trap 'echo told >> \"$1.out\"; exit' TERM; \
                 while :; do read -r line <&3 && echo \"$line\" >> \"$1.out\"; done";
    let deaf = "umask 022; trap '' TERM; exec 3<>\"$1\"; echo begun >> \"$1.out\"; while :; do sleep 1; done";
    for (command, words) in [(stays, "INSTANCE \"VI_1\" STOP 155\ntold\n"), (deaf, "begun\n")] {
        let folder = Folder::new();
        let wanted = fifos(None, Some(folder.read_by("vrrp", command)), None);
        let mut places = Places::default();
        places.set(&wanted, &[Kind::Vrrp]);
        let begun = Instant::now();
        block_on(async {
            let mut pipes = Pipes::new(Kind::Vrrp);
            pipes.configure(&wanted);
            tokio::time::sleep(Duration::from_millis(300)).await;
            pipes.tell(&notification("VI_1", NotifyState::Stop));
            pipes.finish().await;
        });
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(folder.read("vrrp.out"), words);
    }
}

#[test]
fn a_reload_begins_the_script_anew_and_loses_no_line() {
    let folder = Folder::new();
    let wanted = fifos(None, Some(folder.read_by("vrrp", TO_THE_END)), None);
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    block_on(async {
        let mut pipes = Pipes::new(Kind::Vrrp);
        for number in 0..3 {
            places.set(&wanted, &[Kind::Vrrp]);
            pipes.configure(&wanted);
            pipes.tell(&notification(&format!("VI_{number}"), NotifyState::Backup));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        pipes.finish().await;
    });
    // Each but the last may come to the end of its pipe before it is asked to end.
    let told = folder.read("vrrp.out").replace("told\n", "end\n");
    let line = |number| format!("INSTANCE \"VI_{number}\" BACKUP 155\nend\n");
    assert_eq!(told, [line(0), line(1), line(2)].concat());
}

#[test]
fn a_pipe_that_was_replaced_is_opened_anew_by_a_reload() {
    let folder = Folder::new();
    let wanted = fifos(Some(folder.fifo("all")), None, None);
    let mut places = Places::default();
    places.set(&wanted, &[Kind::Vrrp]);
    let mut pipes = Pipes::new(Kind::Vrrp);
    let path = folder.0.join("all");
    let (file, elsewhere) = (folder.0.join("file"), folder.0.join("elsewhere"));
    block_on(async {
        pipes.configure(&wanted);
        // A hostile reader: what it puts in place of the pipe is never written to.
        for number in 0..3 {
            std::fs::remove_file(&path).expect("removed");
            match number {
                0 => std::fs::write(&path, "").expect("written"),
                1 => symlink(&elsewhere, &path).expect("a link"),
                _ => std::fs::hard_link(&file, &path).expect("a link"),
            }
            std::fs::write(&file, "").expect("written");
            pipes.tell(&notification("VI_1", NotifyState::Master));
            places.set(&wanted, &[Kind::Vrrp]);
            pipes.configure(&wanted);
            assert!(pipes.ends[0].pipe.is_none());
            pipes.tell(&notification("VI_1", NotifyState::Backup));
            assert!(!elsewhere.exists() && std::fs::read(&path).unwrap_or_default().is_empty());
        }
        std::fs::remove_file(&path).expect("removed");
        places.set(&wanted, &[Kind::Vrrp]);
        pipes.configure(&wanted);
        pipes.tell(&notification("VI_1", NotifyState::Fault));
    });
    assert_eq!(content(&folder.fifo("all")), "INSTANCE \"VI_1\" FAULT 155\n");
    let modes = path.metadata().expect("a pipe").permissions().mode();
    assert_eq!(modes & 0o022, 0);
}
