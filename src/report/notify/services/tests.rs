use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder whose file `out` scripts write to.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("service-scripts-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    /// A shell that runs this text, with `say WORD` for a line in `out`.
    fn script(&self, text: &str) -> Script {
        let out = self.0.join("out");
        let text = format!("say() {{ echo \"$1\" >> {}; }}; {text}", out.display());
        Script {
            argv: vec!["/bin/sh".into(), "-c".into(), text.into()],
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            program: None,
            further_groups: false,
        }
    }

    fn said(&self) -> Vec<String> {
        fs::read_to_string(self.0.join("out")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn notice(server: &str, script: Script) -> ServiceNotice {
    ServiceNotice {
        virtual_server: "[10.0.0.1]:tcp:80".into(),
        real_server: Some(server.into()),
        up: true,
        script: Some(script),
        stopping: false,
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Works until nothing runs any more, but no longer than some seconds.
async fn drain(scripts: &mut ServiceScripts) {
    let until = Instant::now() + Duration::from_secs(10);
    while !scripts.lines.is_empty() {
        timeout_at(until, scripts.work()).await.expect("the scripts end");
    }
}

#[test]
fn scripts_of_one_server_never_overlap_and_those_of_others_do() {
    let folder = Folder::new("order");
    block_on(async {
        let mut scripts = ServiceScripts::new();
        for number in 1..=3 {
            let text = format!("say begin{number}; sleep 0.1; say end{number}");
            scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script(&text)));
        }
        scripts.notify(notice("[10.0.0.3]:tcp:80", folder.script("say other")));
        drain(&mut scripts).await;
    });
    let said = folder.said();
    let own: Vec<&str> = said.iter().map(String::as_str).filter(|line| *line != "other").collect();
    assert_eq!(own, ["begin1", "end1", "begin2", "end2", "begin3", "end3"]);
    let other = said.iter().position(|line| line == "other").expect("it ran");
    assert!(other <= 2, "it did not wait: {said:?}");
}

#[test]
fn a_script_that_does_not_end_is_superseded() {
    let folder = Folder::new("superseded");
    block_on(async {
        let mut scripts = ServiceScripts::with_patience(Duration::from_millis(300));
        scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script("trap '' TERM; say one; while :; do sleep 1; done")));
        scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script("say two")));
        let begun = Instant::now();
        drain(&mut scripts).await;
        assert!(begun.elapsed() >= Duration::from_millis(2200), "SIGTERM, and two seconds later SIGKILL");
    });
    assert_eq!(folder.said(), ["one", "two"]);
}

#[test]
fn a_script_that_cannot_be_run_holds_up_nobody() {
    let folder = Folder::new("missing");
    block_on(async {
        let mut scripts = ServiceScripts::new();
        let missing = Script { argv: vec!["/nowhere/at/all".into()], ..folder.script("") };
        scripts.notify(notice("[10.0.0.2]:tcp:80", missing));
        scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script("say two")));
        drain(&mut scripts).await;
    });
    assert_eq!(folder.said(), ["two"]);
}

#[test]
fn of_very_many_that_wait_the_last_ones_stay() {
    let folder = Folder::new("many");
    block_on(async {
        let mut scripts = ServiceScripts::new();
        for number in 0..=QUEUE + 2 {
            scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script(&format!("say {number}"))));
        }
        drain(&mut scripts).await;
    });
    let expected: Vec<String> = [0].into_iter().chain(3..=QUEUE + 2).map(|number| number.to_string()).collect();
    assert_eq!(folder.said(), expected);
}

#[test]
fn at_the_end_what_runs_is_asked_to_end_and_what_comes_then_is_run() {
    let folder = Folder::new("end");
    block_on(async {
        let mut scripts = ServiceScripts::new();
        let server = "[10.0.0.2]:tcp:80";
        scripts
            .notify(notice(server, folder.script("trap 'say asked; exit' TERM; say up; while :; do sleep 0.05; done")));
        scripts.notify(notice(server, folder.script("say waiting")));
        while folder.said().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        scripts.dismiss();
        scripts.notify(notice(server, folder.script("say down; sleep 60; say late")));
        let begun = Instant::now();
        scripts.finish().await;
        let took = begun.elapsed();
        assert!(took >= LAST_PATIENCE && took < LAST_PATIENCE * 2, "{took:?}");
    });
    assert_eq!(folder.said(), ["up", "asked", "down"]);
}

/// As with keepalived, whose notify scripts outlive it if they mind no SIGTERM.
#[test]
fn what_minds_no_signal_may_finish_its_work_after_the_end() {
    let folder = Folder::new("outlive");
    block_on(async {
        let mut scripts = ServiceScripts::new();
        scripts.notify(notice("[10.0.0.2]:tcp:80", folder.script("trap '' TERM; say up; sleep 1.5; say upped")));
        while folder.said().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        scripts.dismiss();
        scripts.notify(notice("[10.0.0.3]:tcp:80", folder.script("trap '' TERM; sleep 1.5; say downed")));
        scripts.finish().await;
        assert_eq!(folder.said(), ["up"]);
    });
    let begun = Instant::now();
    while folder.said().len() < 3 && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(folder.said(), ["up", "upped", "downed"]);
}
