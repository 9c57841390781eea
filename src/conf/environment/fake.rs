//! A machine for tests: what it has is said, not looked up.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::{Absence, Command, Environment, Identity, Interface, KeyFile, NameTable, Stacked, Watch};

/// A machine with the interfaces, users and scripts that a test gives it. Its files are the real ones.
pub struct Fake {
    pub interfaces: HashMap<String, Interface>,
    pub users: HashMap<String, Identity>,
    pub groups: HashMap<String, u32>,
    pub variables: HashMap<OsString, OsString>,
    pub commands: HashMap<OsString, Command>,
    pub stacked: HashMap<String, Stacked>,
    pub key_files: HashMap<PathBuf, KeyFile>,
    /// Files that cannot be watched as any other
    pub watches: HashMap<PathBuf, Watch>,
    pub hosts: HashSet<String>,
    pub host: String,
    pub folder: PathBuf,
    pub vrfs: HashMap<String, u32>,
    pub names: HashMap<NameTable, String>,
    pub local_igmp: bool,
}

impl Default for Fake {
    /// A host `node1.example.com` with `lo`, `eth0` to `eth2` and `ens33`, and the users root and nobody.
    fn default() -> Self {
        let interface = |number: u8, loopback| Interface {
            loopback,
            multicast: !loopback,
            ethernet: !loopback,
            mtu: 1500,
            addresses: vec![IpAddr::from([10, 255, number, 1])],
        };
        let names = ["eth0", "eth1", "eth2", "ens33"];
        let mut interfaces: HashMap<String, Interface> =
            (1..).zip(names).map(|(number, name)| (name.to_string(), interface(number, false))).collect();
        interfaces.insert("lo".into(), interface(0, true));
        let user = |id| Identity { uid: id, gid: id, further_groups: false };
        Fake {
            interfaces,
            users: HashMap::from([("root".into(), user(0)), ("nobody".into(), user(65534))]),
            groups: HashMap::from([("root".into(), 0), ("nogroup".into(), 65534)]),
            variables: HashMap::new(),
            commands: HashMap::new(),
            stacked: HashMap::new(),
            key_files: HashMap::new(),
            watches: HashMap::new(),
            hosts: HashSet::new(),
            host: "node1.example.com".into(),
            folder: std::env::current_dir().unwrap_or_default(),
            vrfs: HashMap::new(),
            names: HashMap::new(),
            local_igmp: true,
        }
    }
}

/// A command that anybody may run, and that nothing is wrong with.
pub fn found(path: &str) -> Command {
    Command::Found { path: path.into(), real: path.into(), executable: true, weakness: None, odd: false }
}

impl Environment for Fake {
    fn interface(&self, _namespace: Option<&str>, name: &str) -> Option<Interface> {
        self.interfaces.get(name).cloned()
    }

    fn subnets(&self, _namespace: Option<&str>, interface: &str) -> Vec<(IpAddr, u8)> {
        let facts = self.interfaces.get(interface);
        facts
            .into_iter()
            .flat_map(|facts| &facts.addresses)
            .map(|ip| (*ip, if ip.is_ipv4() { 24 } else { 64 }))
            .collect()
    }

    fn stacked(&self, _namespace: Option<&str>, name: &str) -> Option<Stacked> {
        self.stacked.get(name).copied()
    }

    fn user(&self, name: &str) -> Option<Identity> {
        self.users.get(name).copied()
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied()
    }

    fn own_identity(&self) -> Identity {
        Identity { uid: 0, gid: 0, further_groups: false }
    }

    fn variable(&self, name: &OsStr) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    fn host_name(&self) -> String {
        self.host.clone()
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        let known = self.hosts.contains(host);
        known.then_some(IpAddr::from([192, 0, 2, 1]))
    }

    fn command(&self, command: &OsStr, _identity: Identity) -> Command {
        let absence = || Absence::Inaccessible("No such file or directory".into());
        self.commands.get(command).cloned().unwrap_or_else(|| Command::Missing(absence()))
    }

    fn watch(&self, file: &Path) -> Watch {
        self.watches.get(file).cloned().unwrap_or(Watch::Possible { odd: false })
    }

    fn key_file(&self, file: &Path, _most: usize) -> std::io::Result<KeyFile> {
        self.key_files.get(file).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn current_dir(&self) -> PathBuf {
        self.folder.clone()
    }

    fn random(&self) -> u64 {
        40_000
    }

    fn processors(&self) -> u32 {
        2
    }

    fn vrf_table(&self, _namespace: Option<&str>, name: &str) -> Option<u32> {
        self.vrfs.get(name).copied()
    }

    fn name_files(&self, table: NameTable, _etc: Option<&Path>, _usr: Option<&Path>) -> Vec<String> {
        self.names.get(&table).cloned().into_iter().collect()
    }

    fn ip_protocol(&self, name: &str) -> Option<u8> {
        (name == "tcp").then_some(6)
    }

    fn has_local_igmp(&self) -> bool {
        self.local_igmp
    }

    fn save_dir_fault(&self, _: &Path) -> Option<String> {
        None
    }
}
