use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::*;
use crate::model::Subject;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("notify-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// A script with this text, and what it is given as further words.
    fn script(&self, name: &str, text: &str, words: &[&str]) -> Script {
        let path = self.0.join(name);
        // Written by another process: a descriptor of ours that is open for writing, inherited by a process that some
        // other test is just starting, would make the script busy.
        let written = Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", text])
            .arg(&path)
            .status();
        assert!(written.expect("a shell").success());
        let mut argv = vec![path.into_os_string()];
        argv.extend(words.iter().map(OsString::from));
        Script {
            argv,
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            program: None,
            further_groups: false,
        }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn notification(name: &str, state: NotifyState) -> Notification {
    let cause = "no advert from 10.0.0.1 for 3.61 s".into();
    let (subject, name) = (Subject::Instance, name.into());
    Notification { subject, name, state, priority: 155, cause, specific: None, generic: None }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Writes a line with its words in brackets to `out` beside itself, in one write.
const WORDS: &str = "#!/bin/sh\nline=\nfor word; do line=\"$line[$word]\"; done\necho \"$line\" >> \"${0%/*}/out\"\n";

#[test]
fn the_specific_script_gets_its_own_words_and_the_generic_one_four_more() {
    let folder = Folder::new("words");
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        notifier.notify(Notification {
            specific: Some(folder.script("specific", WORDS, &["m", "q1 q2", "\"dq\""])),
            generic: Some(folder.script("generic", WORDS, &["all"])),
            ..notification("VI_1", NotifyState::Master)
        });
        notifier.finish().await;
    });
    let out = folder.read("out");
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["[all][INSTANCE][VI_1][MASTER][155]", "[m][q1 q2][\"dq\"]"]);
}

#[test]
fn a_script_without_a_first_line_is_run_by_the_shell() {
    let folder = Folder::new("plain");
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        let plain = "echo \"[$1]\" > \"${0%/*}/out\"\n";
        notifier.notify(Notification {
            specific: Some(folder.script("plain", plain, &["a b"])),
            ..notification("VI_1", NotifyState::Backup)
        });
        notifier.finish().await;
    });
    assert_eq!(folder.read("out"), "[a b]\n");
}

#[test]
fn a_caller_never_waits_for_a_script_and_the_end_waits_a_second() {
    let folder = Folder::new("slow");
    let begun = Instant::now();
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        let slow = "#!/bin/sh\necho $$ > \"${0%/*}/pid\"\ntrap '' TERM\nsleep 60\n";
        notifier.notify(Notification {
            generic: Some(folder.script("slow", slow, &[])),
            ..notification("VI_1", NotifyState::Stop)
        });
        assert!(begun.elapsed() < Duration::from_millis(500));
        notifier.finish().await;
        assert!(begun.elapsed() >= PATIENCE);
        // The runtime has to see the end before the zombie is gone.
        while Path::new("/proc").join(folder.read("pid").trim()).exists() {
            assert!(begun.elapsed() < PATIENCE + Duration::from_secs(5), "still there");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn quick_scripts_do_not_delay_the_end() {
    let folder = Folder::new("quick");
    let script = folder.script("quick", "#!/bin/sh\nexit 3\n", &[]);
    let once = |_| {
        let begun = Instant::now();
        block_on(async {
            let notifier = Notifier::start().expect("a notifier");
            for _ in 0..3 {
                let generic = Some(script.clone());
                notifier.notify(Notification { generic, ..notification("VI_1", NotifyState::Stop) });
            }
            notifier.finish().await;
        });
        begun.elapsed()
    };
    // The quickest: the machine may be busy.
    let best = (0..10).map(once).min();
    assert!(best < Some(PATIENCE), "{best:?}");
}

#[test]
fn a_script_that_cannot_be_started_ends_nothing() {
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        notifier.notify(Notification {
            specific: Some(Script {
                argv: vec!["/nonexistent/script".into()],
                uid: 0,
                gid: 0,
                program: None,
                further_groups: false,
            }),
            ..notification("VI_1", NotifyState::Fault)
        });
        let begun = Instant::now();
        notifier.finish().await;
        assert!(begun.elapsed() < PATIENCE);
    });
}

#[test]
fn scripts_of_one_subject_start_in_order() {
    let folder = Folder::new("order");
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        let stamp = "#!/bin/sh\ncut -d' ' -f22 /proc/$$/stat > \"${0%/*}/$1\"\necho $$ >> \"${0%/*}/$1\"\n";
        let script = folder.script("stamp", stamp, &[]);
        for number in 0..5 {
            let mut script = script.clone();
            script.argv.push(format!("s{number}").into());
            notifier.notify(Notification { specific: Some(script), ..notification("VI_1", NotifyState::Backup) });
        }
        notifier.finish().await;
    });
    let stamps: Vec<(u64, u64)> = (0..5)
        .map(|number| {
            let text = folder.read(&format!("s{number}"));
            let mut numbers = text.lines().map(|line| line.parse().expect("a number"));
            (numbers.next().expect("a start time"), numbers.next().expect("a pid"))
        })
        .collect();
    assert!(stamps.is_sorted(), "{stamps:?}");
}

#[test]
fn both_scripts_are_told_the_cause() {
    let folder = Folder::new("cause");
    let body = "#!/bin/sh\necho \"$KEEPALIVED_CAUSE\" >> \"${0%/*}/out\"\n";
    block_on(async {
        let notifier = Notifier::start().expect("a notifier");
        notifier.notify(Notification {
            specific: Some(folder.script("specific", body, &[])),
            generic: Some(folder.script("generic", body, &[])),
            ..notification("VI_1", NotifyState::Master)
        });
        notifier.finish().await;
    });
    assert_eq!(folder.read("out"), "no advert from 10.0.0.1 for 3.61 s\n".repeat(2));
}

#[test]
fn a_cause_is_one_line_of_bounded_length() {
    assert_eq!(plain("a\nb\u{1b}c"), "a b c");
    assert_eq!(plain(&"ä".repeat(200)), "ä".repeat(127));
}
