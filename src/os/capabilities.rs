//! The rights of root that a process keeps (capabilities(7)).
//!
//! keepalived keeps all of them. Of ours each process gives up what it has no use for, before it starts its first thread
//! (rights are those of a thread) and before it reads a byte from the network. A right that is given up comes back when
//! root starts a program: the bounding set stays as it was, so that children have all of them at their start, and scripts
//! that run as root have all that they have under keepalived. Where that is not so, nothing is given up, for scripts
//! would lose it too: for any other user (who was given just what he needs, as ambient capabilities or with the file),
//! after `NoNewPrivileges=`, and where root is a user like others (`SECBIT_NOROOT`). Called by `core`.

use std::io;

use caps::{CapSet, Capability, CapsHashSet};
use nix::libc;
use nix::sys::prctl;
use nix::unistd::geteuid;

use crate::model::frame::Role;

#[cfg(test)]
mod tests;

/// Whose rights they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The parent
    Parent,
    /// A child, and whether it works in another network namespace as well
    Child {
        /// Which one
        role: Role,
        /// For IPVS (`net_namespace_ipvs`), or for events of processes where it is not in that of the host
        visits_namespace: bool,
    },
}

/// Of every process: files in folders of others (pid files, dumps, FIFOs, tracked files), and of other owners (FIFOs),
/// taking the place of a file in `/tmp`, limits beyond the hard ones.
const COMMON: [Capability; 4] =
    [Capability::CAP_CHOWN, Capability::CAP_DAC_OVERRIDE, Capability::CAP_FOWNER, Capability::CAP_SYS_RESOURCE];

/// Of those that run scripts: under the name of others, and signals to them.
const SCRIPTS: [Capability; 3] = [Capability::CAP_KILL, Capability::CAP_SETGID, Capability::CAP_SETUID];

/// Of every child: queues of sockets beyond the usual; memory that is not swapped; scheduling. CAP_NET_ADMIN is for
/// interfaces, addresses, routes, IPVS and nftables, too.
const CHILD: [Capability; 3] = [Capability::CAP_NET_ADMIN, Capability::CAP_IPC_LOCK, Capability::CAP_SYS_NICE];

impl Process {
    /// What it needs from here to its end, whatever a reload brings.
    fn needs(self) -> CapsHashSet {
        let mut needs: CapsHashSet = COMMON.into_iter().collect();
        match self {
            // Namespaces are entered and mounts made at the start, and taken off at the end; `metrics_listen` may name a
            // port below 1024.
            Process::Parent => {
                needs.extend(SCRIPTS);
                needs.extend([Capability::CAP_SYS_ADMIN, Capability::CAP_NET_BIND_SERVICE]);
            }
            Process::Child { role, visits_namespace } => {
                needs.extend(CHILD);
                match role {
                    // Packets of any kind; tracked processes of others where `/proc` hides them (`hidepid=`), and the
                    // namespace of the host.
                    Role::Vrrp => {
                        needs.extend(SCRIPTS);
                        needs.extend([Capability::CAP_NET_RAW, Capability::CAP_SYS_PTRACE]);
                    }
                    // Echoes; `bind_port` below 1024.
                    Role::Check => {
                        needs.extend(SCRIPTS);
                        needs.extend([Capability::CAP_NET_RAW, Capability::CAP_NET_BIND_SERVICE]);
                    }
                    Role::Bfd => {}
                }
                if visits_namespace {
                    needs.insert(Capability::CAP_SYS_ADMIN);
                }
            }
        }
        needs
    }
}

/// Gives up what this process does not need. To be called before it starts a thread.
///
/// # Errors
/// If the kernel refuses; then it has what it had.
pub fn keep_for(process: Process) -> io::Result<()> {
    if !come_back() {
        return Ok(());
    }
    let needs = process.needs();
    // What is in force has to go first.
    for set in [CapSet::Effective, CapSet::Permitted] {
        let has = caps::read(None, set).map_err(io::Error::other)?;
        let kept = has.intersection(&needs).copied().collect();
        caps::set(None, set, &kept).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Whether this process may start programs under the name of any user and with any groups.
pub fn may_become_others() -> bool {
    let has = |right| caps::has_cap(None, CapSet::Effective, right).unwrap_or_default();
    has(Capability::CAP_SETUID) && has(Capability::CAP_SETGID)
}

/// Whether a program that this process starts has again what this process has given up.
fn come_back() -> bool {
    geteuid().is_root() && prctl::get_no_new_privs() == Ok(false) && root_is_special()
}

#[allow(unsafe_code)]
fn root_is_special() -> bool {
    /// From linux/securebits.h: the programs of root get nothing special.
    const SECBIT_NOROOT: libc::c_int = 1;
    // SAFETY: this prctl(2) takes no argument and gives a number.
    let bits = unsafe { libc::prctl(libc::PR_GET_SECUREBITS) };
    bits >= 0 && bits & SECBIT_NOROOT == 0
}
