//! What the processes of a daemon have used.

use std::fs;
use std::time::Duration;

use crate::rig::node::{Node, Process};

/// Time on a processor, from the scheduler's own account in nanoseconds.
pub fn processor_time(node: &Node) -> Duration {
    let mut total = Duration::ZERO;
    for process in node.processes() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", process.pid)) else {
            continue;
        };
        for task in tasks.flatten() {
            let account = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = account.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
            total += Duration::from_nanos(nanoseconds);
        }
    }
    total
}

/// Memory of all processes of a node's daemon in MiB: a field of smaps_rollup, `Rss:` or `Anonymous:`.
pub fn memory(node: &Node, field: &str) -> f64 {
    node.processes().iter().map(|process| kilobytes(process, field)).sum::<f64>() / 1024.0
}

fn kilobytes(process: &Process, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid)).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0)
}
