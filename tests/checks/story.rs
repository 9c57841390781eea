//! A measured run of keepalived, told again: its configuration, the steps that were done, the tables, log lines and notices
//! that came of them.
//!
//! A case is a folder: `keepalived.conf` (others for reloads), `steps.txt` (shell), `N-name.ipvsadm-Sn` (the table at
//! `snap N-name`), `log.txt`, `notify-fifo.txt`. Where ours shall do otherwise, `NAME.ours` says so and comes first.

use std::path::{Path, PathBuf};

use keepalived_rs::model::Micros;

use crate::director::Director;
use crate::ipvsadm;

/// What keepalived says and the engine does not: processes, the reading of files, IPVS, events of BFD.
const OTHERS: [&str; 19] = [
    "Initializing ipvs",
    "Reinitializing ipvs",
    "Startup complete",
    "Reloading",
    "Reload complete",
    "Opening file",
    "Configuration file",
    "Script user",
    "(Line",
    "(/tmp/k",
    "Failed to set default",
    "Registering Kernel",
    "Netlink reflector",
    "IPVS cmd",
    "Received BFD event",
    "Stopping",
    "Stopped",
    "exit status",
    "us 0",
];

/// Plays a case.
pub struct Story {
    folder: PathBuf,
    director: Director,
    faults: Vec<String>,
}

impl Story {
    pub fn of(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks/cases").join(name);
        Story { folder, director: Director::new(), faults: Vec::new() }
    }

    /// Plays it to its end and compares.
    pub fn play(mut self) -> Director {
        let steps = self.golden("steps.txt").expect("a case has steps").join("\n");
        for line in steps.lines() {
            match line.strip_prefix("for v in ").and_then(|rest| rest.split_once("; do ")) {
                Some((values, body)) => {
                    let body = body.strip_suffix("; done").expect("a loop ends with its line");
                    for value in values.split_whitespace() {
                        self.steps(&body.replace("$v", value));
                    }
                }
                None => self.steps(line),
            }
        }
        self.compare_log();
        self.compare_notices(steps.contains("reload"));
        let name = self.folder.display().to_string();
        assert!(self.faults.is_empty(), "{name}\n{}", self.faults.join("\n"));
        self.director
    }

    fn steps(&mut self, line: &str) {
        for step in line.split(';') {
            let words: Vec<&str> = step.split_whitespace().collect();
            self.step(&words);
        }
    }

    fn step(&mut self, words: &[&str]) {
        let director = &mut self.director;
        match words {
            [] => {}
            ["start"] => {
                director.begin_file(&self.folder.join("keepalived.conf"));
                director.ipvs_appears();
                director.start();
            }
            ["stop"] => {
                director.log.push("#### stop".into());
                director.stop(false);
            }
            ["reload", file] => {
                let file = file.strip_prefix("$D/").expect("a file of the case");
                director.log.push(format!("#### reload {file}"));
                director.reload_file(&self.folder.join(file));
            }
            ["sleep", seconds] => {
                let seconds: f64 = seconds.parse().expect("seconds");
                director.wait(Micros((seconds * 1e6) as u64));
            }
            ["mark", name] => director.log.push(format!("#### {name}")),
            ["snap", name] => self.compare_table(name),
            ["srv", port, address] => {
                director.listen(&format!("{address}:{port}"), true);
            }
            ["ksrv", port, address] => {
                director.listen(&format!("{address}:{port}"), false);
            }
            ["echo", number, ">", file] => director.write(file, number.parse().expect("a number")),
            ["ip", "addr", what, address, "dev", _] => {
                let address = address.strip_suffix("/32").expect("a host's address");
                director.address(address.parse().expect("an address"), *what == "add");
            }
            // Looks at more than we compare.
            ["ipvsadm", "-Ln", ..] | ["cp", ..] => {}
            other => panic!("unknown step {other:?}"),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    /// Ours comes before what was measured.
    fn golden(&self, name: &str) -> Option<Vec<String>> {
        let text = self.text(&format!("{name}.ours")).or_else(|| self.text(name))?;
        Some(text.lines().map(|line| line.trim_end().to_string()).collect())
    }

    fn compare_table(&mut self, name: &str) {
        let mut golden = self.golden(&format!("{name}.ipvsadm-Sn")).expect("a table for each snap");
        golden.sort();
        let ours = ipvsadm::lines(&self.director.kernel);
        self.compare(name, &golden, &ours);
    }

    fn compare_log(&mut self) {
        let golden = self.golden("log.txt").expect("a case has a log");
        let golden: Vec<String> = golden.iter().filter_map(|line| log_line(line)).collect();
        let ours = self.director.log.clone();
        self.compare("log", &golden, &ours);
    }

    /// Keepalived closes its pipe at a reload: nobody has read what it told after that.
    fn compare_notices(&mut self, reloaded: bool) {
        let Some(golden) = self.golden("notify-fifo.txt") else { return };
        let mut ours = self.director.told();
        if reloaded && self.text("notify-fifo.txt.ours").is_none() {
            ours.truncate(golden.len());
        }
        self.compare("notices", &golden, &ours);
    }

    fn compare(&mut self, what: &str, golden: &[String], ours: &[String]) {
        if golden != ours {
            let (golden, ours) = (golden.join("\n  "), ours.join("\n  "));
            self.faults.push(format!("{what}:\n  {golden}\nours:\n  {ours}"));
        }
    }
}

/// A line without its time; marks by their name; nothing for lines that are not the engine's.
fn log_line(line: &str) -> Option<String> {
    if let Some(mark) = line.strip_prefix("#### MARK ") {
        let mark = mark.rsplit_once(' ').map_or(mark, |(mark, _)| mark);
        let mark = match mark.strip_prefix("reload ") {
            Some(file) => format!("reload {}", file.rsplit_once('/').map_or(file, |(_, file)| file)),
            None => mark.to_string(),
        };
        return Some(format!("#### {mark}"));
    }
    let text = match line.split_once(' ') {
        Some((time, text)) if time.len() == 8 && time.contains(':') => text,
        _ => line,
    };
    let is_others = OTHERS.iter().any(|start| text.starts_with(start));
    (!text.is_empty() && !is_others).then(|| text.to_string())
}
