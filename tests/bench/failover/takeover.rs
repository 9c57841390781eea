//! How long a takeover takes beyond the protocol's own timer.

use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{Moment, SOON, comes_true, now, stay};
use crate::rig::node::{CONF, Daemon, Role};
use crate::rig::{Lab, Layout};
use crate::sample::Sample;

const FIRST: usize = 0;
const SECOND: usize = 1;
const PRIORITIES: [u8; 2] = [150, 100];

/// Foreground, no log: what is measured is the protocol's path alone.
pub const ARGS: &[&str] = &["-n", "-G", "-P", "-f", CONF];

/// What happens to the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// kill -9 of all its processes.
    Kill,
    /// SIGTERM to its parent process.
    Term,
    /// Its interface is set down.
    LinkDown,
}

impl Event {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Kill, Self::Term, Self::LinkDown];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Term => "SIGTERM",
            Self::LinkDown => "link down",
        }
    }
}

/// What was measured of one event, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From the event to the address on the backup.
    pub total: Sample,
    /// Beyond the protocol's timer: the heir's first advert on the wire.
    pub advert: Sample,
    /// Beyond the protocol's timer: its first gratuitous ARP on the wire.
    pub garp: Sample,
    /// Beyond the protocol's timer: the address, as the heir's kernel reports it.
    pub address: Sample,
    /// SIGTERM only: from the signal to the goodbye on the wire.
    pub goodbye: Sample,
    /// SIGTERM only: from the signal to the end of the process.
    pub exit: Sample,
    /// Rounds without a usable value (the machine stood still at the wrong moment).
    pub discarded: usize,
}

/// Two nodes that run one program.
pub struct Duel {
    lab: Lab,
    program: Daemon,
    speech: Speech,
    address: IpAddr,
    /// What was measured, in the order of [`Event::ALL`].
    pub figures: [Figures; 3],
}

impl Duel {
    /// Starts both nodes; the first becomes master.
    pub fn new(program: Daemon, ours: &Path, speech: Speech) -> Self {
        let mut lab = Lab::new("bench", ours, &Layout::default());
        for (i, node) in lab.nodes.iter_mut().enumerate() {
            let mut instance = Instance::new(i, speech, PRIORITIES[i]);
            instance.scripts = false;
            node.configure(&file("", &[&instance]));
            node.start_with(program, ARGS);
        }
        let address = IpAddr::from([10, 0, 0, 12]);
        let duel = Self { lab, program, speech, address, figures: Default::default() };
        duel.wait_for_master();
        duel
    }

    /// The time that the protocol itself takes after the last advert (or the goodbye) of the master.
    pub fn timer(&self, event: Event) -> Duration {
        match event {
            Event::Term => self.speech.skew(PRIORITIES[SECOND]),
            Event::Kill | Event::LinkDown => self.speech.master_down(PRIORITIES[SECOND]),
        }
    }

    /// Lets the event happen and measures the takeover; then starts the return of the first node.
    pub fn round(&mut self, event: Event) {
        let pid = self.lab.nodes[FIRST].pid(Role::Parent);
        let exit = (event == Event::Term).then(|| thread::spawn(move || end_of(pid)));
        let at = self.provoke(event);
        let measured = self.measure(event, at);
        if let Some(exit) = exit {
            let ended = exit.join().expect("the thread that waits for the end");
            self.figures[event as usize].exit.add_time(ended - at);
            self.lab.nodes[FIRST].wait_end(SOON);
        }
        if measured.is_none() {
            self.figures[event as usize].discarded += 1;
        }
        match event {
            Event::LinkDown => drop(self.lab.nodes[FIRST].host.ip("link set eth0 up")),
            Event::Kill | Event::Term => self.lab.nodes[FIRST].start_with(self.program, ARGS),
        }
    }

    fn provoke(&mut self, event: Event) -> Moment {
        let first = &mut self.lab.nodes[FIRST];
        match event {
            Event::Kill => first.crash(&[Role::Parent, Role::Vrrp]),
            Event::Term => {
                let pid = first.pid(Role::Parent);
                let at = now();
                nix::sys::signal::kill(pid, Signal::SIGTERM).expect("send SIGTERM");
                at
            }
            Event::LinkDown => {
                let at = now();
                first.host.ip("link set eth0 down");
                at
            }
        }
    }

    fn measure(&mut self, event: Event, at: Moment) -> Option<()> {
        let patience = self.timer(event) + SOON;
        let wire = &self.lab.wire;
        let (advert, _) = wire.advert("the heir's advert", "lb02", at, patience, |_| true);
        let garp = wire.first("the heir's announcement", at, SOON, |f| {
            f.from == "lb02" && f.packet.announces() == Some(self.address)
        });
        let address = self.lab.nodes[SECOND].watch.next(self.address, true, at, SOON)?;
        let last =
            wire.adverts("lb01", at.saturating_sub(self.timer(event))).into_iter().rfind(|(t, _)| *t < advert)?;
        let said_goodbye = last.1.priority == 0;
        if said_goodbye != (event == Event::Term) {
            return None;
        }
        let due = last.0 + self.timer(event);
        let figures = &mut self.figures[event as usize];
        figures.total.add_time(address.checked_sub(at)?);
        figures.advert.add(milliseconds_beyond(advert, due));
        figures.garp.add(milliseconds_beyond(garp.at, due));
        figures.address.add(milliseconds_beyond(address, due));
        if said_goodbye {
            figures.goodbye.add_time(last.0.checked_sub(at)?);
        }
        Some(())
    }

    /// Waits until the first node is master again, and a little more.
    pub fn wait_for_master(&self) {
        let back = comes_true(self.speech.master_down(1) + SOON, || {
            let first = self.lab.nodes[FIRST].has_all(&[self.address]);
            first && !self.lab.nodes[SECOND].has_any(&[self.address])
        });
        assert!(back, "the first node is master again");
        stay(self.speech.interval * 2);
    }
}

/// Waits for the end of a child process, leaves it to be reaped by others, and gives the time.
fn end_of(pid: Pid) -> Moment {
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).expect("wait for a child process");
    now()
}

fn milliseconds_beyond(at: Moment, due: Moment) -> f64 {
    (at.as_secs_f64() - due.as_secs_f64()) * 1e3
}
