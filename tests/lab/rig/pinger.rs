//! A client that never stops asking: echo requests at a steady rate, and how long they went unanswered.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::host::Host;
use super::moment::{Moment, now};
use super::packet::checksum;

/// Requests to one IPv4 address from a host, one each period.
pub struct Pinger {
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Clone, Copy)]
struct Request {
    at: Moment,
    answered: bool,
}

/// What a client felt in a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outage {
    /// Requests that were never answered.
    pub lost: usize,
    /// The longest time from an answered request to the next one, when some between were lost; else zero.
    pub longest: Duration,
}

impl Pinger {
    /// Starts asking.
    pub fn start(host: &Host, target: Ipv4Addr, period: Duration) -> Self {
        let socket =
            host.within(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))).expect("open a raw socket");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("bound the wait for answers");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let id = u16::try_from(std::process::id() & 0xffff).expect("sixteen bits");
        let ask = {
            let socket = socket.try_clone().expect("share a socket");
            let (requests, stop) = (Arc::clone(&requests), Arc::clone(&stop));
            thread::spawn(move || ask(&socket, target, id, period, &requests, &stop))
        };
        let hear = {
            let (requests, stop) = (Arc::clone(&requests), Arc::clone(&stop));
            thread::spawn(move || hear(socket, target, id, &requests, &stop))
        };
        Self { requests, stop, threads: vec![ask, hear] }
    }

    /// Whether a request since `start` was answered.
    pub fn answered_since(&self, start: Moment) -> bool {
        self.requests.lock().expect("the threads live").iter().any(|r| r.at >= start && r.answered)
    }

    /// What the client felt between two points of time.
    pub fn outage(&self, start: Moment, end: Moment) -> Outage {
        let requests = self.requests.lock().expect("the threads live");
        let span: Vec<Request> = requests.iter().filter(|r| r.at >= start && r.at < end).copied().collect();
        let lost = span.iter().filter(|r| !r.answered).count();
        let good: Vec<Moment> = span.iter().filter(|r| r.answered).map(|r| r.at).collect();
        let longest = good.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
        Outage { lost, longest: if lost == 0 { Duration::ZERO } else { longest } }
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn ask(
    socket: &Socket,
    target: Ipv4Addr,
    id: u16,
    period: Duration,
    requests: &Mutex<Vec<Request>>,
    stop: &AtomicBool,
) {
    let target = SockAddr::from(SocketAddr::new(IpAddr::V4(target), 0));
    for sequence in 0_u16.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let mut packet = vec![8, 0, 0, 0];
        packet.extend(id.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        let sum = checksum(&packet, 0).to_be_bytes();
        packet.splice(2..4, sum);
        requests.lock().expect("the other threads live").push(Request { at: now(), answered: false });
        let _ = socket.send_to(&packet, &target); // without a neighbour it fails: that is a lost request
        thread::sleep(period);
    }
}

fn hear(mut socket: Socket, target: Ipv4Addr, id: u16, requests: &Mutex<Vec<Request>>, stop: &AtomicBool) {
    let mut buffer = [0_u8; 256];
    while !stop.load(Ordering::Relaxed) {
        let Ok(length) = socket.read(&mut buffer) else {
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default();
        let from_target = packet.get(12..16) == Some(&target.octets());
        let Some([0, _, _, _, a, b, high, low]) = packet.get(20..28) else {
            continue;
        };
        if from_target && u16::from_be_bytes([*a, *b]) == id {
            let sequence = usize::from(u16::from_be_bytes([*high, *low]));
            if let Some(request) = requests.lock().expect("the other threads live").get_mut(sequence) {
                request.answered = true;
            }
        }
    }
}
