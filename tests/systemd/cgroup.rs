//! A place of its own for each machine in the control groups of the outside, so that one machine's systemd does not
//! find the processes of another.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::comes;

/// The hierarchies that systemd uses, as systems with control groups of version 1, 2 or both mount them.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// The groups of one machine; dropping them removes them, which succeeds when their processes are gone.
pub struct Groups(Vec<PathBuf>);

impl Groups {
    /// New groups of this name in each hierarchy that there is.
    pub fn new(name: &str) -> Self {
        let hierarchies = ROOTS.map(Path::new).into_iter().filter(|root| root.join("cgroup.procs").is_file());
        let groups: Vec<PathBuf> = hierarchies.map(|root| root.join(name)).collect();
        assert!(!groups.is_empty(), "no control groups are mounted at /sys/fs/cgroup");
        for group in &groups {
            fs::create_dir(group).unwrap_or_else(|e| panic!("create {}: {e}", group.display()));
        }
        Self(groups)
    }

    /// A shell line that moves the shell itself into the groups.
    pub fn enter(&self) -> String {
        self.0.iter().map(|group| format!("echo 0 >{}/cgroup.procs && ", group.display())).collect()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.0 {
            comes(|| remove(group));
        }
    }
}

/// Removes a group and those in it; says whether it is gone.
fn remove(group: &Path) -> bool {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
    !group.exists()
}
