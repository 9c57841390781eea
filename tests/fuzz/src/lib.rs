//! What the fuzz targets share: the jail that files are read in, and the machine that a configuration is read for.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::chroot;
use std::path::{Path, PathBuf};
use std::sync::Once;

use keepalived_rs::conf::environment::{
    Absence, Command, Environment, Identity, Interface, KeyFile, NameTable, Stacked, Watch, Weakness,
};
use keepalived_rs::conf::{Loaded, Request, load};

/// The file that holds the input, inside the jail.
const FILE: &str = "/in.conf";
/// Files that the input may include, and what they hold.
const OTHERS: [(&str, &str); 5] = [
    ("a.conf", "vrrp_script s {\nscript /bin/true\n}\n"),
    ("b.conf", "include in.conf\n$X=a \\\nb\n"),
    ("sub/c.conf", "include ../a.conf\nadvert_int 1\n}\n"),
    ("sub/d.conf", "include {c,c,c}.conf\n$Y=${_PWD}\n"),
    ("sub/e.conf", "include {d,d,d}.conf\n{\n"),
];

/// Makes an empty folder the root of this process, so that whatever the input includes, it finds nothing else. The
/// current folder stays outside: the fuzzer's own files are found from there, by relative names.
fn jail() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let root = PathBuf::from(format!("/dev/shm/keepalived-rs-fuzz-{}", std::process::id()));
        fs::create_dir_all(root.join("sub")).expect("make a folder in /dev/shm");
        for (name, text) in OTHERS {
            fs::write(root.join(name), text).expect("write a file");
        }
        chroot(&root).expect("make it the root (run this as root)");
    });
}

/// Writes the input to where it is read from.
pub fn request(input: &[u8]) -> Request {
    jail();
    fs::write(FILE, input).expect("write the input");
    Request { file: FILE.into(), config_id: Some("main".into()), require_files: input.len() % 2 == 1 }
}

/// Reads the input as a whole configuration.
pub fn read(input: &[u8]) -> Loaded {
    load(&request(input), &Machine)
}

/// A host with some interfaces, users and scripts, always the same.
pub struct Machine;

impl Environment for Machine {
    fn interface(&self, _namespace: Option<&str>, name: &str) -> Option<Interface> {
        let number = ["lo", "eth0", "eth1", "eth2", "ens33"].iter().position(|it| *it == name)?;
        let v4 = IpAddr::from([10, 255, number as u8, 1]);
        let v6 = IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, number as u16 + 1]);
        Some(Interface { loopback: number == 0, multicast: number != 0, ethernet: number != 0, mtu: 1500, addresses: vec![v4, v6] })
    }

    fn stacked(&self, _: Option<&str>, _: &str) -> Option<Stacked> {
        None
    }

    fn watch(&self, _: &Path) -> Watch {
        Watch::Possible { odd: false }
    }

    fn key_file(&self, _: &Path, _: usize) -> std::io::Result<KeyFile> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn user(&self, name: &str) -> Option<Identity> {
        match name {
            "root" => Some(Identity { uid: 0, gid: 0, further_groups: false }),
            "nobody" | "keepalived_script" => Some(Identity { uid: 65534, gid: 65534, further_groups: false }),
            _ => None,
        }
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "root").then_some(0)
    }

    fn own_identity(&self) -> Identity {
        Identity { uid: 0, gid: 0, further_groups: false }
    }

    fn variable(&self, name: &OsStr) -> Option<OsString> {
        (name == "HOME").then(|| "/root".into())
    }

    fn host_name(&self) -> String {
        "node1.example.com".into()
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        (host == "localhost").then_some(IpAddr::from([127, 0, 0, 1]))
    }

    fn command(&self, command: &OsStr, _identity: Identity) -> Command {
        match command.to_str() {
            Some("/bin/true" | "true") => {
                Command::Found {
                    path: "/bin/true".into(),
                    real: "/usr/bin/true".into(),
                    executable: true,
                    weakness: None,
                    odd: false,
                }
            }
            Some("/tmp/open") => {
                Command::Found {
                    path: "/tmp/open".into(),
                    real: "/tmp/open".into(),
                    executable: true,
                    weakness: Some(Weakness {
                        path: "/tmp/open".into(),
                        fault: "/tmp/open is writable by everybody".into(),
                        mend: "chmod o-w /tmp/open".into(),
                    }),
                    odd: false,
                }
            }
            _ => Command::Missing(Absence::NotInPath),
        }
    }

    fn current_dir(&self) -> PathBuf {
        "/".into()
    }

    fn random(&self) -> u64 {
        40_000
    }

    fn processors(&self) -> u32 {
        2
    }

    fn vrf_table(&self, _: Option<&str>, name: &str) -> Option<u32> {
        (name == "eth2").then_some(10)
    }

    fn name_files(&self, table: NameTable, _: Option<&Path>, _: Option<&Path>) -> Vec<String> {
        match table {
            NameTable::Tables => vec!["254 main\n0x64 mine\n# 5 none\n".into()],
            _ => vec!["7 seven\n".into()],
        }
    }

    fn ip_protocol(&self, name: &str) -> Option<u8> {
        (name == "tcp").then_some(6)
    }

    fn has_local_igmp(&self) -> bool {
        true
    }

    fn save_dir_fault(&self, folder: &Path) -> Option<String> {
        (folder != "/tmp").then(|| "no such folder".into())
    }
}
