//! The machine that a configuration is read for: the one answer to what `conf` asks.
//!
//! Looks and never changes anything. `core/configuration` makes one for each reading, so that all answers of a reading
//! are of the same moment.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::SockaddrStorage;
use nix::sys::statfs::{Statfs, statfs};
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, Group, User, access, getegid, geteuid};

use crate::conf::Environment;
use crate::conf::environment::{Command, Identity, Interface, KeyFile, NameTable, Stacked, Watch};
use crate::conf::hash::Map;
use crate::net::{self, Netlink};

/// Where `ip netns add` binds its namespaces.
const NAMESPACES: &str = "/run/netns";
/// Whether memberships of link-local groups are reported.
const LOCAL_IGMP: &str = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports";
/// `ARPHRD_ETHER` (linux/if_arp.h).
const ETHERNET: u16 = 1;
/// File systems whose changes nobody is told of, by their magic numbers (statfs(2)): bpf, cgroup, cgroup2, debugfs,
/// devpts, efivarfs, fuse, mqueue, nfs, pipefs, proc, romfs, selinux, smb, smb2, sockfs, sysfs, sysv2, sysv4, tracefs.
const UNWATCHABLE: [i64; 20] = [
    0xcafe_4a11,
    0x27_e0eb,
    0x6367_7270,
    0x6462_6720,
    0x1cd1,
    0xde5e_81e4,
    0x6573_5546,
    0x1980_0202,
    0x6969,
    0x5049_5045,
    0x9fa0,
    0x7275,
    0xf97c_ff8c,
    0x517b,
    0xfe53_4d42,
    0x534f_434b,
    0x6265_6572,
    0x012f_f7b6,
    0x012f_f7b5,
    0x7472_6163,
];
/// Size of packets where the interface does not say.
const USUAL_MTU: u32 = 1500;

/// Where iproute2 keeps its names if the configuration does not say otherwise; newer ones have the second folder too.
const IPROUTE_ETC: &str = "/etc/iproute2";
const IPROUTE_USR: &str = "/usr/share/iproute2";
/// How long the name of a mail server may take to resolve.
const RESOLVE: Duration = Duration::from_secs(10);

mod commands;
mod names;

type Interfaces = Map<String, Interface>;
/// What is known of some interfaces, by namespace.
type Listings<T> = RefCell<Map<Option<String>, Map<String, T>>>;

/// This machine.
pub(super) struct Machine {
    /// A namespace on the command line overrides the one of the configuration; we are in it already
    namespace_is_settled: bool,
    /// Who would run scripts that are not there is wanted
    default_user: bool,
    /// By namespace; `None` if it cannot be entered
    interfaces: RefCell<Map<Option<String>, Option<Interfaces>>>,
    /// Routing tables of VRFs, by namespace
    vrfs: Listings<u32>,
    /// Macvlans and ipvlans, by namespace
    stacked: Listings<Stacked>,
}

impl Machine {
    /// `namespace_is_settled`: the process is in the network namespace that it stays in, whatever the configuration says.
    /// `default_user`: who would run scripts that are not there is wanted.
    pub(super) fn new(namespace_is_settled: bool, default_user: bool) -> Self {
        Machine {
            namespace_is_settled,
            default_user,
            interfaces: RefCell::default(),
            vrfs: RefCell::default(),
            stacked: RefCell::default(),
        }
    }
}

/// All interfaces of the namespace that this thread is in.
fn list_interfaces(sysfs: bool) -> Interfaces {
    let mut found = Interfaces::default();
    for entry in getifaddrs().into_iter().flatten() {
        let interface = found.entry(entry.interface_name.clone()).or_insert_with(|| Interface {
            loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
            multicast: entry.flags.contains(InterfaceFlags::IFF_MULTICAST),
            ethernet: false,
            mtu: sysfs.then(|| mtu(&entry.interface_name)).flatten().unwrap_or(USUAL_MTU),
            addresses: Vec::new(),
        });
        let address = entry.address.as_ref();
        let hardware = address.and_then(|it| it.as_link_addr()).map(|it| it.hatype());
        interface.ethernet |= hardware == Some(ETHERNET);
        let v4 = address.and_then(|it| it.as_sockaddr_in()).map(|it| IpAddr::V4(it.ip()));
        let v6 = address.and_then(|it| it.as_sockaddr_in6()).map(|it| IpAddr::V6(it.ip()));
        interface.addresses.extend(v4.or(v6));
    }
    found
}

/// An address and the length of its prefix.
fn subnet(address: SockaddrStorage, mask: SockaddrStorage) -> Option<(IpAddr, u8)> {
    if let (Some(ip), Some(mask)) = (address.as_sockaddr_in(), mask.as_sockaddr_in()) {
        return Some((IpAddr::V4(ip.ip()), u32::from(mask.ip()).count_ones() as u8));
    }
    let (ip, mask) = (address.as_sockaddr_in6()?.ip(), mask.as_sockaddr_in6()?.ip());
    Some((IpAddr::V6(ip), u128::from(mask).count_ones() as u8))
}

fn mtu(name: &str) -> Option<u32> {
    std::fs::read_to_string(format!("/sys/class/net/{name}/mtu")).ok()?.trim().parse().ok()
}

/// All interfaces of another namespace, unless it cannot be entered. Only a thread goes there, so this process stays
/// where it is.
fn list_elsewhere(namespace: &str) -> Option<Interfaces> {
    elsewhere(namespace, || list_interfaces(false))
}

/// What a look into another namespace gives; `None` if it cannot be entered.
fn elsewhere<T: Send + 'static>(namespace: &str, look: fn() -> T) -> Option<T> {
    let file = File::open(Path::new(NAMESPACES).join(namespace)).ok()?;
    let enter = move || setns(file, CloneFlags::CLONE_NEWNET).ok().map(|()| look());
    std::thread::spawn(enter).join().ok()?
}

/// The routing tables of all VRFs of the namespace that this thread is in.
fn list_vrfs() -> Map<String, u32> {
    let listed = Netlink::open().and_then(|mut netlink| netlink.vrfs());
    listed.unwrap_or_default().into_iter().map(|(name, table)| (name.as_str().to_owned(), table)).collect()
}

/// All interfaces of the namespace that this thread is in that stand on others.
fn list_stacked() -> Map<String, Stacked> {
    let listed = Netlink::open().and_then(|mut netlink| netlink.stacked());
    let kind = |it| match it {
        net::Stacked::Macvlan { private: true } => Stacked::PrivateMacvlan,
        net::Stacked::Ipvlan { l2: true } => Stacked::L2Ipvlan,
        net::Stacked::Macvlan { .. } | net::Stacked::Ipvlan { .. } => Stacked::Other,
    };
    listed.unwrap_or_default().into_iter().map(|(name, it)| (name.as_str().to_owned(), kind(it))).collect()
}

fn unmade(folder: &Path, errno: Errno) -> String {
    format!("Unable to create config_save_dir {} (error {} - {})", folder.display(), errno as i32, errno.desc())
}

impl Machine {
    /// What `list` says of an interface; each namespace is looked into once.
    fn listed<T: Copy + Send + 'static>(
        &self,
        known: &Listings<T>,
        list: fn() -> Map<String, T>,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<T> {
        let namespace = namespace.filter(|_| !self.namespace_is_settled);
        let mut known = known.borrow_mut();
        let listed = known.entry(namespace.map(str::to_owned)).or_insert_with(|| match namespace {
            Some(namespace) => elsewhere(namespace, list).unwrap_or_default(),
            None => list(),
        });
        listed.get(name).copied()
    }
}

impl Environment for Machine {
    fn wants_default_user(&self) -> bool {
        self.default_user
    }

    fn interface(&self, namespace: Option<&str>, name: &str) -> Option<Interface> {
        let namespace = namespace.filter(|_| !self.namespace_is_settled);
        let mut known = self.interfaces.borrow_mut();
        let interfaces = known.entry(namespace.map(str::to_owned)).or_insert_with(|| match namespace {
            Some(namespace) => list_elsewhere(namespace),
            None => Some(list_interfaces(true)),
        });
        match interfaces {
            Some(interfaces) => interfaces.get(name).cloned(),
            // The daemon stops because of the namespace, and says so; its interfaces are nobody's mistake.
            None => Some(Interface {
                loopback: false,
                multicast: true,
                ethernet: true,
                mtu: USUAL_MTU,
                addresses: Vec::new(),
            }),
        }
    }

    fn subnets(&self, namespace: Option<&str>, interface: &str) -> Vec<(IpAddr, u8)> {
        if namespace.is_some() && !self.namespace_is_settled {
            return Vec::new();
        }
        let entries = getifaddrs().into_iter().flatten().filter(|entry| entry.interface_name == interface);
        entries.filter_map(|entry| subnet(entry.address?, entry.netmask?)).collect()
    }

    fn stacked(&self, namespace: Option<&str>, name: &str) -> Option<Stacked> {
        self.listed(&self.stacked, list_stacked, namespace, name)
    }

    fn user(&self, name: &str) -> Option<Identity> {
        let user = User::from_name(name).ok()??;
        Some(Identity { uid: user.uid.as_raw(), gid: user.gid.as_raw(), further_groups: false })
    }

    fn group(&self, name: &str) -> Option<u32> {
        Some(Group::from_name(name).ok()??.gid.as_raw())
    }

    fn own_identity(&self) -> Identity {
        Identity { uid: geteuid().as_raw(), gid: getegid().as_raw(), further_groups: false }
    }

    fn variable(&self, name: &OsStr) -> Option<OsString> {
        let usable = !name.is_empty() && !name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0));
        usable.then(|| std::env::var_os(name)).flatten()
    }

    fn host_name(&self) -> String {
        nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        // A name server that does not answer must not hold up the start for ever.
        let (answer, wait) = mpsc::channel();
        let host = host.to_owned();
        std::thread::spawn(move || {
            let found = (host.as_str(), 0).to_socket_addrs().ok().and_then(|mut found| found.next());
            let _ = answer.send(found.map(|found| found.ip()));
        });
        wait.recv_timeout(RESOLVE).ok()?
    }

    fn command(&self, command: &OsStr, identity: Identity) -> Command {
        commands::find(command, identity)
    }

    fn watch(&self, file: &Path) -> Watch {
        let folder = match file.as_os_str().as_bytes().iter().rposition(|byte| *byte == b'/') {
            Some(end) => Path::new(OsStr::from_bytes(file.as_os_str().as_bytes().get(..end).unwrap_or_default())),
            None => Path::new("."),
        };
        let folder = match folder.canonicalize() {
            Ok(folder) => folder,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or_default();
                return Watch::NoFolder { errno, reason: nix::errno::Errno::from_raw(errno).desc().to_string() };
            }
        };
        let seen = statfs(&folder);
        let kind = |it: &Statfs| UNWATCHABLE.contains(&it.filesystem_type().0);
        match seen {
            Ok(it) if it.flags().contains(FsFlags::ST_RDONLY) || kind(&it) => Watch::Unsuitable,
            Err(nix::errno::Errno::ENOTDIR) => {
                let errno = nix::errno::Errno::ENOTDIR;
                Watch::NoFolder { errno: errno as i32, reason: errno.desc().to_string() }
            }
            _ => Watch::Possible { odd: file.metadata().is_ok_and(|it| !it.is_file()) },
        }
    }

    fn key_file(&self, file: &Path, most: usize) -> std::io::Result<KeyFile> {
        let file = File::open(file)?;
        let open_to_others = file.metadata()?.mode() & 0o077 != 0;
        let mut content = Vec::new();
        if file.take(most as u64).read_to_end(&mut content).is_err() {
            // A folder can be opened, and never ends.
            content.resize(most, 0);
        }
        Ok(KeyFile { content, open_to_others })
    }

    fn current_dir(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn random(&self) -> u64 {
        // Every RandomState has keys of its own.
        std::hash::RandomState::new().build_hasher().finish()
    }

    fn processors(&self) -> u32 {
        std::thread::available_parallelism().map_or(1, |count| count.get() as u32)
    }

    fn vrf_table(&self, namespace: Option<&str>, name: &str) -> Option<u32> {
        self.listed(&self.vrfs, list_vrfs, namespace, name)
    }

    fn name_files(&self, table: NameTable, etc: Option<&Path>, usr: Option<&Path>) -> Vec<String> {
        let etc = etc.unwrap_or(Path::new(IPROUTE_ETC));
        names::texts(table.file(), etc, usr.unwrap_or(Path::new(IPROUTE_USR)))
    }

    fn ip_protocol(&self, name: &str) -> Option<u8> {
        names::ip_protocol(&std::fs::read_to_string("/etc/protocols").ok()?, name)
    }

    fn has_local_igmp(&self) -> bool {
        access(LOCAL_IGMP, AccessFlags::W_OK).is_ok()
    }

    fn save_dir_fault(&self, folder: &Path) -> Option<String> {
        let shown = folder.display();
        let parent = folder.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match folder.metadata() {
            Ok(found) if found.is_dir() => None,
            Ok(_) => Some(format!("config_save_dir {shown} exists and is not a directory")),
            Err(error) if error.kind() == ErrorKind::NotFound => match parent.metadata() {
                Ok(found) if found.is_dir() => None,
                Ok(_) => Some(unmade(folder, Errno::ENOTDIR)),
                Err(_) => Some(unmade(folder, Errno::ENOENT)),
            },
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
                Some(format!("config_save_dir {shown} error {} - {}", errno as i32, errno.desc()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
