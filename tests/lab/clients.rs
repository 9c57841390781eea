//! Clients of the control socket that flood, hang and talk nonsense: no advert is late for them.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::rig::conf::Speech;
use crate::rig::moment::{Moment, now, stay};
use crate::rig::node::Role;
use crate::scene::{FIRST, OURS, Scene};

crate::tests! {
    clients_delay_no_advert
}

const QUICK: Speech = Speech::QUICK;
const SPAN: Duration = Duration::from_secs(3);
const CLIENTS: usize = 200;

/// The same span without clients and with them, beside each other.
fn clients_delay_no_advert() {
    let scene = Scene::started("clients", OURS, QUICK);
    let root = PathBuf::from(format!("/proc/{}/root", scene.node(FIRST).pid(Role::Parent)));
    let socket = root.join("run/keepalived.sock");
    assert!(fs::symlink_metadata(&socket).is_ok(), "the node has no {}", socket.display());

    let start = now();
    stay(SPAN);
    let alone = lateness(&scene, start);
    let over = AtomicBool::new(false);
    let start = now();
    let exchanges: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn({
                    let (socket, over) = (&socket, &over);
                    move || pester(socket, number, over)
                })
            })
            .collect();
        stay(SPAN);
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client")).sum()
    });
    let beside = lateness(&scene, start);
    println!("lateness of adverts: alone {alone:?}, beside {CLIENTS} clients with {exchanges} exchanges {beside:?}");
    assert!(exchanges > CLIENTS, "only {exchanges} exchanges");
    // From three intervals on a backup takes over.
    assert!(beside.longest < QUICK.interval * 2, "{beside:?}");
    scene.expect_still_master(start);
    scene.end();
}

/// One of four kinds: asks as fast as it is answered, says nothing, says half of something, says what nobody understands
/// and reads nothing. How often it has said something.
fn pester(socket: &Path, number: usize, over: &AtomicBool) -> usize {
    let mut said = 0;
    let noise = [0xA5; 8192];
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = UnixStream::connect(socket) else { continue };
        let limit = stream.set_read_timeout(Some(Duration::from_millis(200)));
        limit.and_then(|()| stream.set_write_timeout(Some(Duration::from_millis(200)))).expect("limits");
        said += 1;
        // That it is refused, or not read, is what is wanted.
        let _ = match number % 4 {
            0 => stream
                .write_all(b"{\"version\":1,\"request\":\"status\"}\n")
                .and_then(|()| stream.read(&mut [0; 65536]))
                .map(drop),
            1 => stream.read(&mut [0; 1]).map(drop),
            2 => stream.write_all(b"{\"version\":1,").and_then(|()| stream.read(&mut [0; 1])).map(drop),
            _ => stream.write_all(&noise),
        };
    }
    said
}

/// By how much adverts were later than their interval.
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
