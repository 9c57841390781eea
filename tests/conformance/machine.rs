//! The machine that configurations are read for: three interfaces, nobody else.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use keepalived_rs::conf::environment::{
    Absence, Command, Environment, Identity, Interface, KeyFile, NameTable, Stacked, Watch,
};

/// A machine with eth0, which has addresses, eth1 and eth2.
pub struct Machine;

const ROOT: Identity = Identity { uid: 0, gid: 0, further_groups: false };

impl Environment for Machine {
    fn interface(&self, _namespace: Option<&str>, name: &str) -> Option<Interface> {
        let addresses = match name {
            "eth0" => vec![IpAddr::V4(crate::bench::OURS), IpAddr::V6(crate::bench::OURS_V6)],
            "eth1" | "eth2" => vec![],
            _ => return None,
        };
        Some(Interface { loopback: false, multicast: true, ethernet: true, mtu: 1500, addresses })
    }

    fn stacked(&self, _: Option<&str>, _: &str) -> Option<Stacked> {
        None
    }

    fn user(&self, name: &str) -> Option<Identity> {
        (name == "root").then_some(ROOT)
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn own_identity(&self) -> Identity {
        ROOT
    }

    fn variable(&self, _: &OsStr) -> Option<OsString> {
        None
    }

    fn host_name(&self) -> String {
        "router".into()
    }

    fn resolve(&self, _: &str) -> Option<IpAddr> {
        None
    }

    fn command(&self, _: &OsStr, _: Identity) -> Command {
        Command::Missing(Absence::NotInPath)
    }

    fn watch(&self, _: &Path) -> Watch {
        Watch::Possible { odd: false }
    }

    fn key_file(&self, _: &Path, _: usize) -> io::Result<KeyFile> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn current_dir(&self) -> PathBuf {
        "/".into()
    }

    fn random(&self) -> u64 {
        0
    }

    fn processors(&self) -> u32 {
        1
    }

    fn vrf_table(&self, _: Option<&str>, _: &str) -> Option<u32> {
        None
    }

    fn name_files(&self, _: NameTable, _: Option<&Path>, _: Option<&Path>) -> Vec<String> {
        Vec::new()
    }

    fn ip_protocol(&self, _: &str) -> Option<u8> {
        None
    }

    fn has_local_igmp(&self) -> bool {
        true
    }

    fn save_dir_fault(&self, _: &Path) -> Option<String> {
        None
    }
}
