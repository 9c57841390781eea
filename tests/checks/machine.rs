//! The machine that configurations are read for: scripts are what they are called, nobody else is there.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use keepalived_rs::conf::environment::{Command, Environment, Identity, Interface, KeyFile, NameTable, Stacked, Watch};
use keepalived_rs::conf::{Request, load};
use keepalived_rs::model::Config;

const ROOT: Identity = Identity { uid: 0, gid: 0, further_groups: false };

/// A new file with this configuration.
pub fn file(text: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("checks-{}-{number}.conf", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path
}

/// The configuration in a file.
pub fn read(file: &Path) -> Config {
    let request = Request { file: file.to_path_buf(), config_id: None, require_files: false };
    let loaded = load(&request, &Machine);
    assert!(loaded.refusal().is_none(), "{}: {:?}", file.display(), loaded.refusal());
    loaded.config
}

struct Machine;

impl Environment for Machine {
    fn interface(&self, _: Option<&str>, _: &str) -> Option<Interface> {
        Some(Interface { loopback: false, multicast: true, ethernet: true, mtu: 1500, addresses: Vec::new() })
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
        "director".into()
    }

    fn resolve(&self, _: &str) -> Option<IpAddr> {
        None
    }

    fn command(&self, command: &OsStr, _: Identity) -> Command {
        Command::Found { path: command.into(), real: command.into(), executable: true, weakness: None, odd: false }
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
