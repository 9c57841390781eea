//! The sync daemons of IPVS, started and stopped by a thread of its own: the kernel may have to load a module for the first
//! one and waits for threads that end, and no advert may wait for that.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::model::Global;
use crate::model::ipvs::IpvsChange;
use crate::model::settings::NetlinkBuffer;
use crate::net::{Ipvs, IpvsError};
use crate::vrrp::sync_daemon::complaint;

/// From one look for an IPVS that is not there to the next.
const PAUSE: Duration = Duration::from_secs(30);
/// How long the last orders may take at the end of the process.
const PATIENCE: Duration = Duration::from_secs(2);

/// The side that gives orders.
#[derive(Default)]
pub(in crate::vrrp) struct SyncDaemons {
    /// `net_namespace_ipvs`
    namespace: Option<Option<String>>,
    buffer: NetlinkBuffer,
    /// Begins with the first order
    clerk: Option<Clerk>,
}

struct Clerk {
    orders: Sender<Vec<IpvsChange>>,
    /// Breaks when all is done and nobody gives orders any more
    done: Receiver<()>,
}

impl SyncDaemons {
    /// How IPVS is opened from now on.
    pub(in crate::vrrp) fn configure(&mut self, global: &Global) {
        self.namespace = global.lvs.namespace.clone();
        self.buffer = global.netlink.lvs_command;
    }

    /// Has changes made in their turn. Never waits.
    pub(super) fn change(&mut self, changes: Vec<IpvsChange>) {
        let clerk = match &mut self.clerk {
            Some(clerk) => clerk,
            none => match begin(self.namespace.clone(), self.buffer) {
                Ok(clerk) => none.insert(clerk),
                Err(error) => return warn!("The IPVS sync daemon cannot be set: {error}"),
            },
        };
        // The thread ends after us.
        let _ = clerk.orders.send(changes);
    }

    /// Waits for the last orders, but not for long.
    pub(in crate::vrrp) fn finish(&mut self) {
        if let Some(Clerk { orders, done }) = self.clerk.take() {
            drop(orders);
            let _ = done.recv_timeout(PATIENCE);
        }
    }
}

fn begin(namespace: Option<Option<String>>, buffer: NetlinkBuffer) -> std::io::Result<Clerk> {
    let (orders, inbox) = channel();
    let (bell, done) = channel();
    let work = move || {
        // To be dropped at the end.
        let _bell: Sender<()> = bell;
        let open = |load: bool| {
            let place = namespace.as_ref().map(Option::as_deref);
            let ipvs = if load { Ipvs::open_or_load(place) } else { Ipvs::open(place) }?;
            if let Err(error) = ipvs.set_buffer(buffer) {
                warn!("{error}");
            }
            Ok(ipvs)
        };
        Worker { open, ipvs: None, told: false, pending: Vec::new() }.work(&inbox);
    };
    thread::Builder::new().name("ipvs".into()).stack_size(256 << 10).spawn(work)?;
    Ok(Clerk { orders, done })
}

/// The thread's side.
struct Worker<F> {
    /// With or without having the module loaded
    open: F,
    ipvs: Option<Ipvs>,
    /// It has been told that there is no IPVS
    told: bool,
    /// What is to be made as soon as there is one
    pending: Vec<IpvsChange>,
}

impl<F: Fn(bool) -> Result<Ipvs, IpvsError>> Worker<F> {
    fn work(mut self, orders: &Receiver<Vec<IpvsChange>>) {
        loop {
            let order = match self.pending.is_empty() {
                true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => orders.recv_timeout(PAUSE),
            };
            match order {
                // Where there is no IPVS no daemon runs: what could not be made before no longer counts.
                Ok(changes) => self.pending = changes,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.attempt();
        }
    }

    fn attempt(&mut self) {
        let changes = std::mem::take(&mut self.pending);
        let was_there = self.ipvs.is_some();
        let mut outcome = self.make(&changes);
        if outcome.is_err() && was_there {
            // It may have gone and come back since.
            self.ipvs = None;
            outcome = self.make(&changes);
        }
        if let Err(error) = outcome {
            self.ipvs = None;
            if !self.told {
                warn!("IPVS: Can't initialize ipvs: {error}");
                info!("The IPVS sync daemon is started as soon as there is IPVS");
                self.told = true;
            }
            self.pending = changes;
            self.pending.retain(|change| matches!(change, IpvsChange::StartDaemon(..)));
        }
    }

    fn make(&mut self, changes: &[IpvsChange]) -> Result<(), IpvsError> {
        let ipvs = match &mut self.ipvs {
            Some(ipvs) => ipvs,
            none => {
                debug!("Initializing ipvs");
                none.insert((self.open)(!self.told)?)
            }
        };
        for (place, refusal) in ipvs.change(changes)? {
            if let Some(line) = changes.get(place).and_then(|change| complaint(change, &refusal)) {
                info!("{line}");
            }
        }
        if self.told {
            info!("IPVS is there: the sync daemon has been started");
            self.told = false;
        }
        Ok(())
    }
}
