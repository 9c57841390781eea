//! keepalived's words for a change that the kernel has refused.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use crate::model::Family;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, ServiceKey};
use crate::model::occurrence::Kind;

/// Error numbers of the kernel (asm-generic/errno-base.h, errno.h) that IPVS answers with.
pub(super) mod errno {
    /// EPERM
    pub const PERM: i32 = 1;
    /// ENOENT: no such destination, scheduler or persistence engine
    pub const NO_ENTRY: i32 = 2;
    /// ESRCH: no such service or daemon
    pub const NO_SERVICE: i32 = 3;
    /// ENOMEM
    pub const NO_MEMORY: i32 = 12;
    /// EEXIST
    pub const EXISTS: i32 = 17;
    /// EINVAL
    pub const INVALID: i32 = 22;
    /// EMSGSIZE
    pub const SIZE: i32 = 90;
    /// ENOPROTOOPT
    pub const NO_OPTION: i32 = 92;
    /// EOPNOTSUPP
    pub const NOT_SUPPORTED: i32 = 95;
    /// EAFNOSUPPORT
    pub const NO_FAMILY: i32 = 97;
}

/// The command of the old socket interface that keepalived prints, and its number.
pub(super) fn command(change: &IpvsChange) -> (&'static str, u16) {
    match change {
        IpvsChange::AddService(..) => ("IP_VS_SO_SET_ADD", 1154),
        IpvsChange::SetService(..) => ("IP_VS_SO_SET_EDIT", 1155),
        IpvsChange::DeleteService(_) => ("IP_VS_SO_SET_DEL", 1156),
        IpvsChange::Flush => ("IP_VS_SO_SET_FLUSH", 1157),
        IpvsChange::AddDest(..) => ("IP_VS_SO_SET_ADDDEST", 1159),
        IpvsChange::DeleteDest(..) => ("IP_VS_SO_SET_DELDEST", 1160),
        IpvsChange::SetDest(..) => ("IP_VS_SO_SET_EDITDEST", 1161),
        IpvsChange::SetTimeouts(_) => ("IP_VS_SO_SET_TIMEOUT", 1162),
        IpvsChange::StartDaemon(..) => ("IP_VS_SO_SET_STARTDAEMON", 1163),
        IpvsChange::StopDaemon(..) => ("IP_VS_SO_SET_STOPDAEMON", 1164),
    }
}

/// What the error means for this command; `None`: what the system calls it.
fn meaning(change: &IpvsChange, number: i32) -> Option<&'static str> {
    use IpvsChange::{AddDest, AddService, DeleteDest, SetDest, SetService, StartDaemon, StopDaemon};
    Some(match (change, number) {
        (AddService(..), errno::EXISTS) => "Service already exists",
        (AddService(..) | SetService(..), errno::NO_ENTRY) => "Scheduler or persistence engine not found",
        (AddDest(..), errno::EXISTS) => "Destination already exists",
        (SetDest(..) | DeleteDest(..), errno::NO_ENTRY) => "No such destination",
        (StartDaemon(..), errno::EXISTS) => "Daemon has already run",
        (StopDaemon(..), errno::NO_SERVICE) => "No daemon is running",
        (_, errno::NO_SERVICE) => "No such service",
        (_, errno::PERM) => "Permission denied (you must be root)",
        (_, errno::INVALID) => "Invalid operation.  Possibly wrong module version, address not unicast, ...",
        (_, errno::NO_OPTION) => "Protocol not available",
        (_, errno::NO_MEMORY) => "Memory allocation problem",
        (_, errno::NOT_SUPPORTED) => "Operation not supported with IPv6",
        (_, errno::NO_FAMILY) => "Operation not supported with specified address family",
        (_, errno::SIZE) => "Module is wrong version",
        _ => return None,
    })
}

/// The log line: `IPVS cmd NAME(NUMBER) error: TEXT(ERRNO) (SERVICE -> DESTINATION)`.
pub(super) fn line(change: &IpvsChange, refusal: &IpvsRefusal) -> String {
    let (name, number) = command(change);
    let text = meaning(change, refusal.errno).unwrap_or(&refusal.text);
    let about = match change {
        IpvsChange::AddService(key, _) | IpvsChange::SetService(key, _) | IpvsChange::DeleteService(key) => {
            format!(" ({})", service(key))
        }
        IpvsChange::AddDest(key, to, _) | IpvsChange::SetDest(key, to, _) | IpvsChange::DeleteDest(key, to) => {
            format!(" ({})", dest(key, to))
        }
        _ => String::new(),
    };
    format!("IPVS cmd {name}({number}) error: {text}({}){about}", refusal.errno)
}

/// What a change is about.
pub(super) fn subject(change: &IpvsChange) -> (Kind, String) {
    match change {
        IpvsChange::AddService(key, _) | IpvsChange::SetService(key, _) | IpvsChange::DeleteService(key) => {
            (Kind::VirtualServer, service(key))
        }
        IpvsChange::AddDest(key, to, _) | IpvsChange::SetDest(key, to, _) | IpvsChange::DeleteDest(key, to) => {
            (Kind::RealServer, format!("{to} of {}", service(key)))
        }
        IpvsChange::Flush | IpvsChange::SetTimeouts(_) | IpvsChange::StartDaemon(..) | IpvsChange::StopDaemon(..) => {
            (Kind::VirtualServer, "IPVS".into())
        }
    }
}

/// A service as these lines print it.
pub(super) fn service(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, ip, port } => format!("{ip}:{}:{port}", protocol.name()),
        ServiceKey::Mark { family: Family::V4, mark } => format!("Fwm {mark}"),
        ServiceKey::Mark { family: Family::V6, mark } => format!("Fwm {mark} inet6"),
    }
}

/// A destination in its service as these lines print it.
pub(super) fn dest(key: &ServiceKey, to: &SocketAddr) -> String {
    format!("{} -> {}:{}", service(key), to.ip(), to.port())
}
