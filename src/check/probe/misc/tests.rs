use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::*;
use crate::model::Micros;

/// A folder of scripts that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("misc-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn script(&self, name: &str, text: &str) -> Script {
        let path = self.0.join(name);
        fs::write(&path, format!("#!/bin/sh\ncd {}\n{text}\n", self.0.display())).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        Script { argv: vec![path.into()], uid: 0, gid: 0, program: None, further_groups: false }
    }

    /// The pid that a script has written into a file.
    async fn pid(&self, name: &str) -> Pid {
        for _ in 0..1000 {
            if let Ok(Ok(pid)) = fs::read_to_string(self.0.join(name)).map(|text| text.trim().parse()) {
                return Pid::from_raw(pid);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} has no pid");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn misc(script: Script, timeout: Micros) -> Misc {
    Misc { script, timeout, dynamic: false }
}

async fn ended(scripts: &mut Scripts) -> (RunId, Outcome) {
    let (id, report) =
        tokio::time::timeout(Duration::from_secs(30), scripts.ended()).await.expect("an end within 30 s");
    (id, report.outcome)
}

async fn run(script: Script, timeout: Micros) -> Outcome {
    let mut scripts = Scripts::default();
    scripts.start(RunId(7), &misc(script, timeout));
    let (id, outcome) = ended(&mut scripts).await;
    assert_eq!(id, RunId(7));
    assert_eq!(scripts.ended_already(), None);
    assert!(scripts.runs.is_empty() && scripts.due.is_empty());
    outcome
}

/// Whether a process is there, other than as a zombie.
fn is_alive(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    kill(pid, None).is_ok() && !status.contains(") Z ")
}

async fn is_gone(pid: Pid) -> bool {
    for _ in 0..500 {
        if !is_alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

const LONG: Micros = Micros::from_secs(20);
const SHORT: Micros = Micros::from_millis(300);

#[tokio::test]
async fn exit_statuses_and_signals_are_told() {
    let folder = Folder::new("ends");
    for status in [0, 1, 7, 52, 255] {
        let script = folder.script("status", &format!("exit {status}"));
        assert_eq!(run(script, LONG).await, Outcome::Script(ScriptEnd::Exited(status)));
    }
    assert_eq!(run(folder.script("killed", "kill -9 $$"), LONG).await, Outcome::Script(ScriptEnd::Signalled(9)));
    let own = folder.script("own", "kill -TERM $$");
    assert_eq!(run(own, LONG).await, Outcome::Script(ScriptEnd::Signalled(15)), "nobody has asked it to end");
}

#[tokio::test]
async fn a_script_that_cannot_be_started_says_nothing_of_the_server() {
    let folder = Folder::new("start");
    let missing = Script { argv: vec!["/none/such".into()], uid: 0, gid: 0, program: None, further_groups: false };
    let line = "Error exec-ing command '/none/such', error 2: No such file or directory";
    assert_eq!(run(missing, LONG).await, Outcome::Unable(line.into()));
    let script = folder.script("locked", "exit 0");
    let path = PathBuf::from(script.argv[0].clone());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    let line = format!("Error exec-ing command '{}', error 13: Permission denied", path.display());
    assert_eq!(run(script, LONG).await, Outcome::Unable(line));
}

#[tokio::test]
async fn a_script_that_takes_too_long_is_asked_and_judged_by_its_answer() {
    let folder = Folder::new("asked");
    let dies = folder.script("dies", "exec sleep 100");
    assert_eq!(run(dies, SHORT).await, Outcome::Script(ScriptEnd::TimedOut));
    let answers = folder.script("answers", "trap 'exit 3' TERM; while :; do sleep 0.05; done");
    assert_eq!(run(answers, SHORT).await, Outcome::Script(ScriptEnd::Exited(3)));
    let content = folder.script("content", "trap 'exit 0' TERM; while :; do sleep 0.05; done");
    assert_eq!(run(content, SHORT).await, Outcome::Script(ScriptEnd::Exited(0)));
}

#[tokio::test]
async fn one_that_does_not_listen_is_killed_with_its_children() {
    let folder = Folder::new("deaf");
    let deaf = folder.script("deaf", "trap '' TERM; sleep 100 & echo $! >child; while :; do sleep 0.05; done");
    let begun = Instant::now();
    assert_eq!(run(deaf, SHORT).await, Outcome::Script(ScriptEnd::TimedOut));
    let took = begun.elapsed();
    assert!((2300..8000).contains(&took.as_millis()), "{took:?}");
    assert!(is_gone(folder.pid("child").await).await);
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_ends_with_its_group() {
    let folder = Folder::new("cancel");
    let mut scripts = Scripts::default();
    let text =
        |name: &str| format!("trap '' TERM; echo $$ >{name}; sleep 100 & echo $! >{name}.child; wait; sleep 100");
    let (one, other) = (folder.script("a", &text("one")), folder.script("b", "sleep 0.5; exit 4"));
    scripts.start(RunId(1), &misc(one, LONG));
    scripts.start(RunId(2), &misc(other, LONG));
    let (leader, child) = (folder.pid("one").await, folder.pid("one.child").await);
    scripts.cancel(RunId(1));
    scripts.cancel(RunId(99));
    assert_eq!(
        ended(&mut scripts).await,
        (RunId(2), Outcome::Script(ScriptEnd::Exited(4))),
        "the other is not disturbed"
    );
    // Nothing is told of it, but it is looked after.
    assert!(tokio::time::timeout(Duration::from_secs(4), scripts.ended()).await.is_err());
    assert!(is_gone(leader).await && is_gone(child).await);
    assert!(scripts.runs.is_empty());
}

#[tokio::test]
async fn at_the_end_nothing_is_left() {
    let folder = Folder::new("finish");
    let mut scripts = Scripts::default();
    let deaf = folder
        .script("deaf", "trap '' TERM; sleep 100 & echo $! >child; echo $$ >leader; while :; do sleep 0.05; done");
    scripts.start(RunId(1), &misc(deaf, LONG));
    let (leader, child) = (folder.pid("leader").await, folder.pid("child").await);
    let begun = Instant::now();
    scripts.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(is_gone(leader).await && is_gone(child).await);
}

#[tokio::test]
async fn output_and_offspring_of_a_script_harm_nobody() {
    let folder = Folder::new("noise");
    let loud = folder.script("loud", "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 6");
    assert_eq!(run(loud, LONG).await, Outcome::Script(ScriptEnd::Exited(6)));
    let parent = folder.script("parent", "sleep 2 & exit 5");
    let begun = Instant::now();
    assert_eq!(run(parent, LONG).await, Outcome::Script(ScriptEnd::Exited(5)));
    assert!(begun.elapsed() < Duration::from_secs(2), "what it leaves behind is not waited for");
    let reader = folder.script("reader", "cat; exit 9");
    assert_eq!(run(reader, LONG).await, Outcome::Script(ScriptEnd::Exited(9)));
}

#[tokio::test]
async fn many_scripts_do_not_hold_up_the_loop() {
    const MANY: u64 = 500;
    let mut scripts = Scripts::default();
    let script = Script { argv: vec!["/bin/true".into()], uid: 0, gid: 0, program: None, further_groups: false };
    let begun = Instant::now();
    (0..MANY).for_each(|id| scripts.start(RunId(id), &misc(script.clone(), LONG)));
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?} to order them", begun.elapsed());
    let mut seen = BTreeSet::new();
    while seen.len() < MANY as usize {
        let (id, outcome) = ended(&mut scripts).await;
        assert_eq!(outcome, Outcome::Script(ScriptEnd::Exited(0)));
        assert!(seen.insert(id), "{id:?} twice");
    }
}

#[tokio::test]
async fn the_time_of_a_script_begins_when_it_does() {
    let folder = Folder::new("queue");
    let mut scripts = Scripts::default();
    // The last ones wait longer than they may take.
    scripts.limit(Some(10));
    let misc = misc(folder.script("brief", "sleep 0.1; exit 0"), Micros::from_millis(1500));
    (0..300).for_each(|id| scripts.start(RunId(id), &misc));
    for _ in 0..300 {
        assert_eq!(ended(&mut scripts).await.1, Outcome::Script(ScriptEnd::Exited(0)));
    }
}
