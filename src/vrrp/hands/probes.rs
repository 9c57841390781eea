//! Questions to the link and to peers, and who answers them (`split_brain_probe`). Nothing is open unless it is asked for.

use std::net::{IpAddr, Ipv6Addr};

use crate::model::{Family, Link};
use crate::sock::{AnswerSocket, NeighbourSocket, PingSocket, ReadySet, SockError};
use crate::wire::{icmp_echo, neigh};

/// How many answers are heard at a time: a flood of them has the next turn.
const AT_ONCE: usize = 64;
/// The number that all pings have.
const SEQUENCE: u16 = 1;

/// What was answered.
pub(crate) enum Heard {
    /// On the interface with this index, for this address, from this hardware address
    Holder(u32, IpAddr, Vec<u8>),
    /// A ping, by this one
    Echo(IpAddr),
}

/// The sockets, while any router probes.
#[derive(Debug, Default)]
pub(crate) struct Probes(Option<Open>);

#[derive(Debug)]
struct Open {
    ready: ReadySet,
    answers: Vec<(Family, AnswerSocket)>,
    /// Opened for the first ping
    pings: Vec<(Family, PingSocket)>,
    identifier: u16,
}

impl Probes {
    /// Begins to listen.
    pub(crate) fn open(&mut self) -> Result<(), SockError> {
        let ready = ReadySet::new()?;
        let mut answers = Vec::new();
        for family in [Family::V4, Family::V6] {
            match AnswerSocket::open(family) {
                Ok(socket) => {
                    ready.add(&socket, 0)?;
                    answers.push((family, socket));
                }
                // A kernel without IPv6 has nobody to ask.
                Err(error) if family == Family::V4 => return Err(error),
                Err(_) => {}
            }
        }
        let identifier = (std::process::id() & 0xffff) as u16;
        self.0 = Some(Open { ready, answers, pings: Vec::new(), identifier });
        Ok(())
    }

    /// Listens no longer.
    pub(crate) fn close(&mut self) {
        self.0 = None;
    }

    /// Waits until somebody has answered; for ever while nobody is asked.
    pub(crate) async fn answered(&self) -> Result<(), SockError> {
        match &self.0 {
            Some(open) => open.ready.ready().await.map(drop),
            None => std::future::pending().await,
        }
    }

    /// Asks over a link who has an address.
    pub(crate) fn ask(
        &self,
        neighbours: &NeighbourSocket,
        link: &Link,
        address: IpAddr,
        source: Option<Ipv6Addr>,
    ) -> Result<(), SockError> {
        let frame = match (address, source) {
            (IpAddr::V4(ip), _) => neigh::arp_probe(link, ip).map(|frame| (neigh::ETHER_ARP, frame)),
            (IpAddr::V6(ip), Some(source)) => {
                neigh::solicitation(link, source, ip).map(|frame| (neigh::ETHER_IPV6, frame))
            }
            (IpAddr::V6(_), None) => None,
        };
        frame.map_or(Ok(()), |(kind, frame)| neighbours.send(link.index, kind, &frame))
    }

    /// Pings somebody.
    pub(crate) fn ping(&mut self, to: IpAddr) -> Result<(), SockError> {
        let Some(open) = &mut self.0 else {
            return Ok(());
        };
        let family = Family::of(&to);
        if !open.pings.iter().any(|(of, _)| *of == family) {
            let socket = PingSocket::open(family)?;
            open.ready.add(&socket, 0)?;
            open.pings.push((family, socket));
        }
        let message = icmp_echo::identified(family, open.identifier, SEQUENCE);
        let socket = open.pings.iter().find(|(of, _)| *of == family);
        socket.map_or(Ok(()), |(_, socket)| socket.send(to, &message))
    }

    /// What has been answered.
    pub(crate) fn hear(&self) -> Vec<Heard> {
        let mut heard = Vec::new();
        let Some(open) = &self.0 else {
            return heard;
        };
        for (family, socket) in &open.answers {
            for _ in 0..AT_ONCE {
                match socket.receive() {
                    Ok(Some(answer)) => heard.extend(holder(*family, answer.index, &answer.bytes)),
                    // An error that waits on the socket is taken off by reading it.
                    Err(_) => {}
                    Ok(None) => break,
                }
            }
        }
        for (family, socket) in &open.pings {
            for _ in 0..AT_ONCE {
                match socket.receive() {
                    Ok(Some((from, message))) => {
                        if icmp_echo::answers(*family, open.identifier, SEQUENCE, &message) {
                            heard.push(Heard::Echo(from));
                        }
                    }
                    Err(_) => {}
                    Ok(None) => break,
                }
            }
        }
        heard
    }
}

fn holder(family: Family, index: u32, bytes: &[u8]) -> Option<Heard> {
    let (address, mac) = match family {
        Family::V4 => neigh::arp_answer(bytes).map(|(ip, mac)| (ip.into(), mac))?,
        Family::V6 => neigh::advertised(bytes).map(|(ip, mac)| (ip.into(), mac))?,
    };
    Some(Heard::Holder(index, address, mac.to_vec()))
}
