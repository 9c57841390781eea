//! The kernel's table of virtual services (IPVS), changed and read over generic netlink.
//!
//! Holds the socket and the number that the kernel has given the family, which is another one after the module has been
//! removed and loaded again. Never decides what the table should hold, nor what a refusal means. Called by the drivers, and
//! by the hand of the sync daemon.
//!
//! The kernel carries out requests inside the calls that send them. To look for the family may load the module, and a
//! service may load its scheduler: that takes some milliseconds, once.

use std::collections::HashMap;
use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::vec;

use nix::errno::Errno;
use rtnetlink::sys::protocols::NETLINK_GENERIC;

use super::NetError;
use super::transport::{Refusal, Transport};
use crate::model::Family;
use crate::model::ipvs::{
    Counts, IpvsChange, IpvsRefusal, Observed, ServiceKey, ServiceSettings, SyncRole, SyncSettings, Timeouts,
};
use crate::model::running_check::RunningLoad;
use crate::model::settings::NetlinkBuffer;
use crate::os::namespace;
use crate::wire::generic;
use crate::wire::ipvs::{self, Question};
use crate::wire::netlink::{ACK, DUMP, REQUEST, message};

/// Where the kernel says what loads its modules, and what does where it says nothing.
const LOADER_SETTING: &str = "/proc/sys/kernel/modprobe";
const LOADER: &str = "/sbin/modprobe";
const MODULE: &str = "ip_vs";

/// How often IPVS is looked for after its module has been loaded.
const ATTEMPTS: usize = 2;

/// What goes wrong beyond the refusal of a change.
#[derive(Debug, thiserror::Error)]
pub enum IpvsError {
    /// This kernel has no IPVS now: the module is not there, is not loaded, or has been removed
    #[error("No such file or directory")]
    Absent,
    /// It says something else than a table
    #[error("{0}")]
    Refused(Refusal),
    /// There can be no socket
    #[error("{0}")]
    Net(#[from] NetError),
    /// The namespace cannot be entered
    #[error("{0}")]
    Namespace(#[from] namespace::Error),
    /// There can be no more threads
    #[error("no thread to look for it: {0}")]
    Thread(#[source] io::Error),
}

/// IPVS of one network namespace.
#[derive(Debug)]
pub struct Ipvs {
    transport: Transport,
    /// The type of its messages
    family: u16,
}

/// The table as far as it has been read ([`Ipvs::read`]).
#[derive(Debug)]
pub struct Reading {
    /// Services whose destinations have not been asked for
    left: vec::IntoIter<(ServiceKey, ServiceSettings)>,
    table: Vec<Observed>,
    /// What has been counted, if it is wanted
    counts: Option<Counts>,
}

impl Reading {
    /// What has been read.
    pub fn table(self) -> Vec<Observed> {
        self.table
    }

    /// What has been counted of all that has been read, if that was wanted ([`Ipvs::begin_counting`]).
    pub fn counts(self) -> Option<Counts> {
        self.counts
    }
}

impl Ipvs {
    /// Opens IPVS where `net_namespace_ipvs` says: in the namespace of this thread, in that of the host (`Some(None)`), or
    /// in one with a name. The kernel may load the module for it.
    ///
    /// # Errors
    /// [`IpvsError::Absent`] if the kernel has no IPVS, or what stands in the way of asking it.
    pub fn open(namespace: Option<Option<&str>>) -> Result<Self, IpvsError> {
        match namespace {
            Some(name) => namespace::within(name, Self::open_here)?,
            None => Self::open_here(),
        }
    }

    /// The same without keeping the caller from its work; with `load`, [`load_module`] is tried where the kernel does not
    /// load the module by itself. What is found when nobody waits any more is closed again.
    ///
    /// # Errors
    /// As [`Ipvs::open`].
    pub async fn find(namespace: Option<Option<String>>, load: bool) -> Result<Self, IpvsError> {
        let (found, wait) = tokio::sync::oneshot::channel();
        let look = move || {
            let place = namespace.as_ref().map(Option::as_deref);
            let _ = found.send(if load { Self::open_or_load(place) } else { Self::open(place) });
        };
        thread::Builder::new().name("ipvs".into()).stack_size(256 << 10).spawn(look).map_err(IpvsError::Thread)?;
        wait.await.unwrap_or(Err(IpvsError::Absent))
    }

    /// Opens IPVS, and has its module loaded if it is not there. Waits for that.
    ///
    /// # Errors
    /// As [`Ipvs::open`].
    pub fn open_or_load(namespace: Option<Option<&str>>) -> Result<Self, IpvsError> {
        let mut opened = Self::open(namespace);
        if matches!(opened, Err(IpvsError::Absent)) && load_module().is_ok() {
            for _ in 0..ATTEMPTS {
                opened = Self::open(namespace);
                if opened.is_ok() {
                    break;
                }
            }
        }
        opened
    }

    fn open_here() -> Result<Self, IpvsError> {
        let mut transport = Transport::open(NETLINK_GENERIC, "open the socket of IPVS")?;
        let mut request = message(generic::CONTROLLER, REQUEST | ACK, &generic::find_family(ipvs::FAMILY));
        let mut family = None;
        let asked = transport.ask(&mut request, |_, payload| family = family.or(generic::family_id(payload)));
        match (asked, family) {
            (Ok(_), Some(family)) => {
                let mut ipvs = Ipvs { transport, family };
                ipvs.ask(Question::Info, ipvs::info)?;
                Ok(ipvs)
            }
            (Ok(_), None) => Err(IpvsError::Absent),
            (Err(refusal), _) if refusal.errno == Errno::ENOENT => Err(IpvsError::Absent),
            (Err(refusal), _) => Err(IpvsError::Refused(refusal)),
        }
    }

    /// Sets the receive buffer (`lvs_netlink_cmd_rcv_bufs`), in which answers wait. Of a small one too, no answer is lost
    /// for good.
    ///
    /// # Errors
    /// [`NetError::Socket`] if the kernel refuses the size.
    pub fn set_buffer(&self, wanted: NetlinkBuffer) -> Result<(), NetError> {
        self.transport.set_buffer(wanted)
    }

    /// Carries out the changes in order, in as few sends as possible, whatever becomes of those before; gives the places of
    /// those that were refused, and why. The numbers are the kernel's own: `ESRCH` for a service that is not there,
    /// `ENOENT` for a destination that is not, or for a scheduler.
    ///
    /// # Errors
    /// [`IpvsError::Absent`] if IPVS has gone: then nothing of what it held is left.
    pub fn change(&mut self, changes: &[IpvsChange]) -> Result<Vec<(usize, IpvsRefusal)>, IpvsError> {
        let requests = changes.iter().map(|change| message(self.family, REQUEST | ACK, &ipvs::change(change)));
        let answers = self.transport.transact(requests.collect());
        let refused: Vec<(usize, IpvsRefusal)> = answers
            .into_iter()
            .enumerate()
            .filter_map(|(place, answer)| Some((place, answer.err()?)))
            .map(|(place, refusal)| (place, IpvsRefusal { errno: refusal.errno as i32, text: refusal.to_string() }))
            .collect();
        // A family that nobody answers for is refused like a destination that is not there.
        if refused.iter().any(|(_, refusal)| refusal.errno == Errno::ENOENT as i32) {
            self.ask(Question::Info, ipvs::info)?;
        }
        Ok(refused)
    }

    /// Timeouts of connections, in seconds.
    ///
    /// # Errors
    /// [`IpvsError::Absent`] if IPVS has gone; [`IpvsError::Refused`].
    pub fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.ask(Question::Timeouts, ipvs::timeouts)
    }

    /// All services with their destinations, each as the kernel lists it: one question, and one more for each service.
    /// What the model has no words for is left out.
    ///
    /// # Errors
    /// [`IpvsError::Absent`] if IPVS has gone; [`IpvsError::Refused`].
    pub fn table(&mut self) -> Result<Vec<Observed>, IpvsError> {
        let mut reading = self.begin_reading()?;
        self.read(&mut reading, Duration::MAX)?;
        Ok(reading.table())
    }

    /// All services.
    ///
    /// # Errors
    /// As [`Ipvs::table`].
    pub fn services(&mut self) -> Result<Vec<(ServiceKey, ServiceSettings)>, IpvsError> {
        self.list(Question::Services, ipvs::service)
    }

    /// [`Ipvs::table`] in parts, for whoever has other things to do meanwhile: asks for the services, and for no
    /// destination yet.
    ///
    /// # Errors
    /// As [`Ipvs::table`].
    pub fn begin_reading(&mut self) -> Result<Reading, IpvsError> {
        let services = self.services()?;
        Ok(Reading { table: Vec::with_capacity(services.len()), left: services.into_iter(), counts: None })
    }

    /// The same, with what has been counted: of the services at once, of a destination as it is read.
    ///
    /// # Errors
    /// As [`Ipvs::table`].
    pub fn begin_counting(&mut self) -> Result<Reading, IpvsError> {
        let counted = |payload: &[u8]| Some((ipvs::service(payload)?, ipvs::service_traffic(payload)));
        let found = self.list(Question::Services, counted)?;
        let services = found.iter().map(|((key, _), traffic)| (*key, *traffic)).collect();
        let left: Vec<_> = found.into_iter().map(|(service, _)| service).collect();
        let counts = Some(Counts { services, dests: HashMap::new() });
        Ok(Reading { table: Vec::with_capacity(left.len()), left: left.into_iter(), counts })
    }

    /// Asks for the destinations of more services, at least one, until so much time has gone. True: all have been read.
    ///
    /// # Errors
    /// As [`Ipvs::table`].
    pub fn read(&mut self, reading: &mut Reading, most: Duration) -> Result<bool, IpvsError> {
        let begun = Instant::now();
        for (key, settings) in reading.left.by_ref() {
            let family = match &key {
                ServiceKey::Address { ip, .. } => Family::of(ip),
                ServiceKey::Mark { family, .. } => *family,
            };
            let counting = reading.counts.is_some();
            let load = |payload: &[u8]| if counting { ipvs::dest_load(payload) } else { RunningLoad::default() };
            let found =
                self.list(Question::Dests(&key), |payload| Some((ipvs::dest(payload, family)?, load(payload))))?;
            if let Some(counts) = &mut reading.counts {
                counts.dests.extend(found.iter().map(|((dest, _), load)| ((key, *dest), *load)));
            }
            let dests = found.into_iter().map(|(dest, _)| dest).collect();
            reading.table.push(Observed { key, settings, dests });
            if begun.elapsed() >= most {
                break;
            }
        }
        Ok(reading.left.as_slice().is_empty())
    }

    /// The sync daemons that run.
    ///
    /// # Errors
    /// [`IpvsError::Absent`] if IPVS has gone; [`IpvsError::Refused`].
    pub fn daemons(&mut self) -> Result<Vec<(SyncRole, SyncSettings)>, IpvsError> {
        self.list(Question::Daemons, ipvs::daemon)
    }

    fn ask<T>(&mut self, question: Question<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, IpvsError> {
        let mut request = message(self.family, REQUEST | ACK, &ipvs::ask(question));
        let mut answer = None;
        self.transport.ask(&mut request, |_, payload| answer = answer.take().or(read(payload))).map_err(unanswered)?;
        answer.ok_or_else(|| IpvsError::Refused(Errno::EBADMSG.into()))
    }

    fn list<T>(&mut self, question: Question<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, IpvsError> {
        let family = self.family;
        let request = message(family, REQUEST | DUMP, &ipvs::ask(question));
        self.transport.dump(request, |kind, payload| read(payload).filter(|_| kind == family)).map_err(unanswered)
    }
}

/// The kernel says `ENOENT` to messages of a type that is no family's; no question about IPVS as a whole is refused so.
fn unanswered(refusal: Refusal) -> IpvsError {
    match refusal.errno {
        Errno::ENOENT => IpvsError::Absent,
        _ => IpvsError::Refused(refusal),
    }
}

/// Has the module loaded, as the kernel would, and waits for the end of that. [`Ipvs::find`] does so on a thread of its own.
///
/// # Errors
/// If the program cannot be run, or did not succeed.
pub fn load_module() -> io::Result<()> {
    let setting = std::fs::read_to_string(LOADER_SETTING).unwrap_or_default();
    let program = Some(setting.trim()).filter(|program| !program.is_empty()).unwrap_or(LOADER);
    // What goes wrong is told to syslog.
    let status = Command::new(program)
        .args(["-s", "--", MODULE])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {status}"))) }
}
