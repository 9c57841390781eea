//! What the reader has to know about the machine, as questions.
//!
//! The room asks through this trait only, so that it can be tested without a machine; `core` answers for the real one.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What matters of a network interface while a configuration is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `IFF_LOOPBACK`
    pub loopback: bool,
    /// `IFF_MULTICAST`
    pub multicast: bool,
    /// `ARPHRD_ETHER`
    pub ethernet: bool,
    /// Largest packet in bytes
    pub mtu: u32,
    /// Its addresses, the primary ones first
    pub addresses: Vec<IpAddr>,
}

/// A user and the group it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id
    pub uid: u32,
    /// Group id
    pub gid: u32,
    /// With the further groups of the user (`:` or `:GROUP`)
    pub further_groups: bool,
}

/// What is known of a command that a script keyword names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// No such file for this user
    Missing(Absence),
    /// There is a file
    Found {
        /// Absolute path of the command, with what `PATH` contributed
        path: PathBuf,
        /// The same with all symbolic links followed
        real: PathBuf,
        /// Whether the user may execute it
        executable: bool,
        /// It runs with root's rights while somebody else could change it or a folder above it
        weakness: Option<Weakness>,
        /// Whether it would be run with root's rights, and is no file
        odd: bool,
    },
}

/// Why there is no file for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// No folder of `PATH` has it
    NotInPath,
    /// Folders of `PATH` have it, but the user may not run it
    NotPermitted,
    /// It is not there, or the user does not get to it, in the system's words
    Inaccessible(String),
    /// The daemon has not the right to run anything as this user
    Foreign(Identity),
}

/// How somebody else than root could change what root runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness {
    /// The path with the fault: the configured one, or the real one
    pub path: PathBuf,
    /// As in `/x is writable by group staff`
    pub fault: String,
    /// As in `chmod g-w /x`
    pub mend: String,
}

/// An interface that stands on another, and might be a virtual router's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stacked {
    /// A macvlan of private mode
    PrivateMacvlan,
    /// An ipvlan of layer 2
    L2Ipvlan,
    /// A macvlan or ipvlan of another mode
    Other,
}

/// Whether changes of a file can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Its folder does not exist or cannot be reached
    NoFolder {
        /// The system's number for why
        errno: i32,
        /// The system's words for why
        reason: String,
    },
    /// Nothing ever changes there, or changes are not told
    Unsuitable,
    /// They can
    Possible {
        /// There is something with this name, and it is no ordinary file
        odd: bool,
    },
}

/// What a file holds that nobody but its owner should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// Its bytes, or as many as were asked for
    pub content: Vec<u8>,
    /// Its mode lets group or others read, write or run it
    pub open_to_others: bool,
}

/// A kind of names that iproute2 gives to numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameTable {
    /// Routing tables
    Tables,
    /// Types of service
    Dsfield,
    /// Realms
    Realms,
    /// Scopes of addresses and routes
    Scopes,
    /// Who set a route
    Protocols,
    /// Groups of interfaces
    Groups,
}

impl NameTable {
    /// The name of its file.
    pub fn file(self) -> &'static str {
        match self {
            NameTable::Tables => "rt_tables",
            NameTable::Dsfield => "rt_dsfield",
            NameTable::Realms => "rt_realms",
            NameTable::Scopes => "rt_scopes",
            NameTable::Protocols => "rt_protos",
            NameTable::Groups => "group",
        }
    }
}

/// The machine that a configuration is read for.
pub trait Environment {
    /// The interface with this name in the network namespace (`None`: the one we are in); `None` if there is none. In a
    /// namespace that cannot be entered any interface may be.
    fn interface(&self, namespace: Option<&str>, name: &str) -> Option<Interface>;
    /// The addresses of the interface with the prefix lengths of their subnets; nothing where that is not known.
    fn subnets(&self, _namespace: Option<&str>, _interface: &str) -> Vec<(IpAddr, u8)> {
        Vec::new()
    }
    /// What this interface is if it stands on another.
    fn stacked(&self, namespace: Option<&str>, name: &str) -> Option<Stacked>;
    /// The user with this name and its primary group.
    fn user(&self, name: &str) -> Option<Identity>;

    /// Whether who would run scripts that are not there is wanted, as a dump shows it. To look a user up may take longer
    /// than everything else.
    fn wants_default_user(&self) -> bool {
        true
    }
    /// The id of the group with this name.
    fn group(&self, name: &str) -> Option<u32>;
    /// Who runs us.
    fn own_identity(&self) -> Identity;
    /// An environment variable.
    fn variable(&self, name: &OsStr) -> Option<OsString>;
    /// The name of this host as the kernel knows it.
    fn host_name(&self) -> String;
    /// An address of the host with this name.
    fn resolve(&self, host: &str) -> Option<IpAddr>;
    /// What `command` means for somebody with this identity. A name without slash is looked for in `PATH`.
    fn command(&self, command: &OsStr, identity: Identity) -> Command;
    /// Whether changes of this file can be watched.
    fn watch(&self, file: &Path) -> Watch;
    /// The first `most` bytes of a key file.
    fn key_file(&self, file: &Path, most: usize) -> std::io::Result<KeyFile>;
    /// The folder that relative names start from.
    fn current_dir(&self) -> PathBuf;
    /// Any number.
    fn random(&self) -> u64;
    /// Number of processors.
    fn processors(&self) -> u32;
    /// The routing table of the VRF with this name in the network namespace; `None` if the interface is none.
    fn vrf_table(&self, namespace: Option<&str>, name: &str) -> Option<u32>;
    /// The texts of iproute2's files with names of this kind. The folders are those of the configuration: the files in
    /// `etc` hide those of the same name in `usr`.
    fn name_files(&self, table: NameTable, etc: Option<&Path>, usr: Option<&Path>) -> Vec<String>;
    /// The number of the IP protocol with this name.
    fn ip_protocol(&self, name: &str) -> Option<u8>;
    /// Whether the kernel lets us say if link-local groups are reported (`igmp_link_local_mcast_reports`).
    fn has_local_igmp(&self) -> bool;
    /// Why configurations cannot be saved in this folder, in keepalived's words; a folder that can be made is fine.
    fn save_dir_fault(&self, folder: &Path) -> Option<String>;
}

#[cfg(test)]
#[allow(missing_docs)]
pub mod fake;
