//! Values: what Debian's keepalived shows of a configuration that it has read (`-d`), compared line by line with `-t -d`
//! of this program, for every row of the table that the `vrrp` process knows.
//!
//! Taken are the first statements of each row that are right. `values-differences.tsv` lists the lines that differ: the
//! case, how the line begins, and why. What is listed there and does not differ fails as well.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::{DEBIAN, host, keepalived, rows};

const DIFFERENCES: &str = include_str!("values-differences.tsv");
/// So many right statements of a row are tried.
const TRIED: usize = 3;
/// So often a case is tried: lines of several processes can get between each other in keepalived's log.
const ATTEMPTS: usize = 3;
/// Longest that keepalived is waited for.
const LIMIT: Duration = Duration::from_secs(10);
/// Where the dump begins that is compared.
const FIRST: &str = "------< Global definitions >------";
/// Where it ends.
const LAST: &str = "------< Interfaces >------";
/// A configuration without it starts no `vrrp` process.
const INSTANCE: &[u8] =
    b"\nvrrp_instance W {\ninterface eth1\nvirtual_router_id 99\nvirtual_ipaddress {\n10.9.9.99\n}\n}\n";
/// A pid file that was left names a process that is not there. Devices like those of [`host::enter`], in a network of keepalived's own, which ends with it.
const START: &str = "rm -rf /run/p /run/r /run/k /run/b /run/keepalived*\n\
    ip -batch - <<END\nlink set lo up\n\
    link add eth0 type veth peer name far-eth0\nlink set far-eth0 up\nlink set eth0 up\n\
    link add eth1 type veth peer name far-eth1\nlink set far-eth1 up\nlink set eth1 up\n\
    link add eth2 type veth peer name far-eth2\nlink set far-eth2 up\nlink set eth2 up\n\
    link add ens33 type veth peer name far-ens33\nlink set far-ens33 up\nlink set ens33 up\nEND\n\
    exec \"$0\" -n -l -G -d -P -f c.conf -p /run/p -r /run/r -c /run/k -b /run/b";

/// Those of each row; a few more than are needed, as some are wrong.
fn cases() -> Vec<Vec<Case>> {
    let of_checkers = |row: &str| row.starts_with("virtual_server") || row.starts_with("SSL");
    let rows = rows::by_row().into_iter().filter(|(row, _)| !of_checkers(row));
    rows.map(|(_, cases)| cases.into_iter().map(with_instance).collect()).collect()
}

fn with_instance(mut case: Case) -> Case {
    let bytes = &mut case.files[0].bytes;
    if !bytes.windows(13).any(|bytes| bytes == b"vrrp_instance") {
        bytes.extend(INSTANCE);
    }
    case
}

/// The dump of this program, if it complains of nothing.
fn ours() -> Option<Vec<String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepalived-rs"));
    let output = command.args(["-t", "-d", "-f", "c.conf"]).current_dir(host::FOLDER).output().expect("our binary");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let others = ["------< LVS Topology >------", "------< BFD Topology >------"];
    let lines = text.lines().take_while(|line| !others.contains(line));
    output.status.success().then(|| lines.filter(|line| !keepalived::is_newer(line)).map(String::from).collect())
}

/// The dump of Debian's keepalived, if it comes to that.
fn theirs() -> Option<Vec<String>> {
    let mut child = Command::new("unshare")
        .args(["-n", "-p", "--fork", "--kill-child", "--mount-proc", "sh", "-c", START, DEBIAN])
        .current_dir(host::FOLDER)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare is needed");
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    let (ended, told) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = told.recv_timeout(LIMIT).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout);
        late.then(|| nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL));
    });
    let mut log = String::new();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).split(b'\n').map_while(Result::ok) {
        log.push_str(&String::from_utf8_lossy(&line));
        log.push('\n');
        if log.trim_end().ends_with(LAST) {
            break;
        }
    }
    drop(ended);
    watch.join().expect("a thread of the test");
    let _ = child.kill();
    child.wait().expect("a child of the test");
    // The process for BFD shows its own part at the same time.
    let mut begun = false;
    let own = |line: &&str| !line.ends_with(FIRST) || !std::mem::replace(&mut begun, true);
    let log: Vec<&str> = log.lines().filter(own).collect();
    log.last().is_some_and(|line| line.ends_with(LAST)).then(|| keepalived::configuration(&log.join("\n")))
}

/// Lines that one has and the other has not; their order is compared elsewhere.
fn different(ours: &[String], theirs: &[String]) -> BTreeSet<String> {
    let missing = theirs.iter().filter(|line| !ours.contains(line)).map(|line| format!("-{line}"));
    let more = ours.iter().filter(|line| !theirs.contains(line)).map(|line| format!("+{line}"));
    missing.chain(more).collect()
}

/// What differs in a case that was laid out. `None`: it is not to be compared.
fn compare() -> Option<BTreeSet<String>> {
    let ours = ours()?;
    let mut found = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        found = match theirs() {
            Some(theirs) => different(&ours, &theirs),
            None => BTreeSet::from(["~no dump".to_string()]),
        };
        if found.iter().all(|line| {
            DIFFERENCES.lines().any(|entry| entry.split('\t').nth(1).is_some_and(|start| line.starts_with(start)))
        }) {
            break;
        }
    }
    Some(found)
}

#[test]
fn debian_s_keepalived_shows_the_same_values() {
    let start = Instant::now();
    let rows = cases();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(String, BTreeSet<String>)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 * std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                host::enter();
                while let Some(cases) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let compared = cases.iter().filter_map(|case| {
                        host::lay_out(case);
                        Some((case.name.replace('\n', "\\n"), compare()?))
                    });
                    let compared: Vec<_> = compared.take(TRIED).collect();
                    found.lock().unwrap().extend(compared);
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    println!("{} dumps are compared in {:?}", found.len(), start.elapsed());
    let entries: Vec<(&str, &str)> = DIFFERENCES
        .lines()
        .map(|entry| entry.split('\t').collect::<Vec<_>>())
        .map(|entry| (entry[0], entry[1]))
        .collect();
    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    for (name, lines) in &found {
        for line in lines {
            let fits =
                |entry: &(&str, &str)| (entry.0 == "*" || name.starts_with(entry.0)) && line.starts_with(entry.1);
            let listed: Vec<usize> = (0..entries.len()).filter(|index| fits(&entries[*index])).collect();
            if listed.is_empty() {
                faults.push(format!("{name}\t{line}"));
            }
            used.extend(listed);
        }
    }
    // What comes from another process may come too late.
    let unused = (0..entries.len()).filter(|index| entries[*index].0 != "*" && !used.contains(index));
    faults.extend(unused.map(|index| format!("does not differ: {:?}", entries[index])));
    assert!(found.len() > 500, "{} dumps are compared", found.len());
    crate::fail_with(&faults);
}
