//! Clients of the control socket and of the metrics that flood, hang and talk nonsense: no advert is late for them, and
//! whoever has a question is answered all the same.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::rig::conf::Speech;
use crate::rig::moment::{Moment, now, stay};
use crate::rig::node::Role;
use crate::scene::{FIRST, OURS, Scene};

crate::tests! {
    clients_delay_no_advert
}

const QUICK: Speech = Speech::QUICK;
const SPAN: Duration = Duration::from_secs(4);
/// How many there are at each of the two.
const CLIENTS: usize = 100;
const METRICS: u16 = 9165;

const STATUS: &[u8] = b"{\"version\":1,\"request\":\"status\"}\n";
const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: lb01\r\n\r\n";

/// How long a client waits for anything.
const PATIENCE: Duration = Duration::from_millis(200);

/// The same span without clients and with them, after each other.
fn clients_delay_no_advert() {
    let mut scene = Scene::new("clients", OURS, QUICK);
    scene.before = format!("global_defs {{\n    metrics_listen 127.0.0.1:{METRICS}\n}}");
    scene.start_both();
    let node = scene.node(FIRST);
    node.host.ip("link set lo up");
    let daemon = PathBuf::from(format!("/proc/{}", node.pid(Role::Parent)));
    let network = File::open(daemon.join("ns/net")).expect("a namespace");
    let socket = daemon.join("root").join("run/keepalived.sock");
    assert!(fs::symlink_metadata(&socket).is_ok(), "the node has no {}", socket.display());
    let asked = SockAddr::unix(&socket).expect("a short path");
    let scraped = SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS)));
    node.expect_logged(&format!("Metrics are served at http://127.0.0.1:{METRICS}/metrics"));

    let start = now();
    stay(SPAN);
    let alone = lateness(&scene, start);

    let over = AtomicBool::new(false);
    let start = now();
    let (at_socket, at_port, answered) = thread::scope(|scope| {
        let crowd = |address: SockAddr, question: &'static [u8]| {
            let (network, over) = (&network, &over);
            scope.spawn(move || {
                setns(network, CloneFlags::CLONE_NEWNET).expect("a namespace to enter");
                pester(&address, question, over)
            })
        };
        let crowds = [crowd(asked.clone(), STATUS), crowd(scraped, SCRAPE)];
        let operator = scope.spawn(|| operate(&asked, &over));
        stay(SPAN);
        over.store(true, Ordering::Relaxed);
        let [at_socket, at_port] = crowds.map(|crowd| crowd.join().expect("a crowd"));
        (at_socket, at_port, operator.join().expect("an operator"))
    });
    let beside = lateness(&scene, start);
    println!(
        "gaps between adverts exceed the interval: alone {alone:?}, beside {CLIENTS} clients of the socket ({at_socket} \
         connections) and {CLIENTS} of the port ({at_port}) {beside:?}; status is answered: {answered:?}"
    );
    assert!(at_socket > CLIENTS && at_port > CLIENTS, "only {at_socket} and {at_port} connections");
    // From three intervals on a backup takes over.
    assert!(beside.longest < QUICK.interval * 2, "{beside:?}");
    assert!(answered.answers > 0, "{answered:?}");
    scene.expect_still_master(start);
    scene.end();
}

fn connect(to: &SockAddr, patience: Duration) -> Option<Socket> {
    let socket = Socket::new(to.domain(), Type::STREAM, None).expect("a socket");
    socket.set_read_timeout(Some(patience)).expect("a limit");
    socket.set_write_timeout(Some(patience)).expect("a limit");
    if to.domain() != Domain::UNIX {
        // What is closed does not keep a port.
        socket.set_linger(Some(Duration::ZERO)).expect("an option");
    }
    socket.connect(to).ok().map(|()| socket)
}

/// A crowd of four kinds: they ask as fast as they are answered, say nothing, say half of something, and say what nobody
/// understands and read nothing. How often one has connected.
fn pester(to: &SockAddr, question: &[u8], over: &AtomicBool) -> usize {
    let noise = [0xA5; 8192];
    let client = |number: usize| {
        let mut connections = 0;
        while !over.load(Ordering::Relaxed) {
            let Some(mut stream) = connect(to, PATIENCE) else { continue };
            connections += 1;
            // That it is refused, or not read, is what is wanted.
            let _ = match number % 4 {
                0 => stream.write_all(question).and_then(|()| stream.read(&mut [0; 65536])).map(drop),
                1 => stream.read(&mut [0; 1]).map(drop),
                2 => stream.write_all(&question[..12]).and_then(|()| stream.read(&mut [0; 1])).map(drop),
                _ => stream.write_all(&noise),
            };
        }
        connections
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number))).collect();
        clients.into_iter().map(|client| client.join().expect("a client")).sum()
    })
}

/// What one who means well gets.
#[derive(Debug, Default)]
#[allow(dead_code, reason = "shown")]
struct Answered {
    answers: usize,
    refusals: usize,
    slowest: Duration,
}

/// Asks as a user does, by a connection of its own each time.
fn operate(to: &SockAddr, over: &AtomicBool) -> Answered {
    let mut answered = Answered::default();
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let mut answer = [0; 22];
        let asked = connect(to, Duration::from_secs(10)).and_then(|mut stream| {
            stream.write_all(STATUS).ok()?;
            stream.read_exact(&mut answer).ok()
        });
        match asked {
            Some(()) if answer == *b"{\"version\":1,\"status\":" => {
                answered.answers += 1;
                answered.slowest = answered.slowest.max(begun.elapsed());
            }
            _ => answered.refusals += 1,
        }
        stay(Duration::from_millis(50));
    }
    answered
}

/// By how much the gaps between adverts on the wire were longer than their interval.
#[derive(Debug)]
#[allow(dead_code, reason = "shown")]
struct Lateness {
    adverts: usize,
    median: Duration,
    longest: Duration,
}

fn lateness(scene: &Scene, start: Moment) -> Lateness {
    let times: Vec<Moment> = scene.lab.wire.adverts("lb01", start).into_iter().map(|(at, _)| at).collect();
    let mut late: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).saturating_sub(QUICK.interval)).collect();
    late.sort();
    let median = late.get(late.len() / 2).copied().expect("the first node adverts");
    Lateness { adverts: times.len(), median, longest: late.last().copied().unwrap_or_default() }
}
