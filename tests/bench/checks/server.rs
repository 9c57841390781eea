//! The servers that are checked: one listener answers for a whole range of addresses and keeps note of who was asked when.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{Backlog, listen};

use crate::rig::host::Host;

const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
const LISTENER: u64 = 0;

/// A check as its server saw it.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// Since the Unix epoch
    pub at: Duration,
    /// The address that was asked
    pub server: IpAddr,
}

/// Listens until it is dropped.
pub struct Servers {
    visits: Arc<Mutex<Vec<Visit>>>,
    over: Arc<AtomicBool>,
    worker: Option<JoinHandle<()>>,
}

impl Servers {
    /// Listens on all addresses of the host. `speaks`: waits for a request and answers it, else only accepts.
    pub fn start(host: &Host, port: u16, speaks: bool) -> Self {
        let listener = host.within(move || TcpListener::bind(("0.0.0.0", port)).expect("listen"));
        // With the usual 128, a connection that comes while others have the processor would be a second late.
        listen(&listener, Backlog::MAXALLOWABLE).expect("a long queue");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let visits = Arc::<Mutex<Vec<Visit>>>::default();
        let over = Arc::<AtomicBool>::default();
        let worker = {
            let (visits, over) = (Arc::clone(&visits), Arc::clone(&over));
            thread::spawn(move || serve(&listener, speaks, &visits, &over))
        };
        Servers { visits, over, worker: Some(worker) }
    }

    /// Takes the notes so far.
    pub fn visits(&self) -> Vec<Visit> {
        std::mem::take(&mut *self.visits.lock().expect("the server's notes"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(worker) = self.worker.take() {
            worker.join().expect("the server ends");
        }
    }
}

fn serve(listener: &TcpListener, speaks: bool, visits: &Mutex<Vec<Visit>>, over: &AtomicBool) {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
    epoll.add(listener.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, LISTENER)).expect("watch the listener");
    let mut guests: HashMap<u64, TcpStream> = HashMap::new();
    let mut number = LISTENER;
    let mut events = [EpollEvent::empty(); 256];
    while !over.load(Ordering::Relaxed) {
        let count = epoll.wait(&mut events, EpollTimeout::from(10_u8)).unwrap_or(0);
        for event in events.iter().take(count) {
            if event.data() != LISTENER {
                let done = guests.get_mut(&event.data()).is_none_or(answer);
                if done {
                    guests.remove(&event.data());
                }
                continue;
            }
            while let Ok((mut guest, _)) = listener.accept() {
                let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
                let server = guest.local_addr().expect("an accepted connection has an address").ip();
                visits.lock().expect("the server's notes").push(Visit { at, server });
                if speaks {
                    guest.set_nonblocking(true).expect("a connection that does not block");
                    if !answer(&mut guest) {
                        number += 1;
                        epoll.add(guest.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, number)).expect("watch a guest");
                        guests.insert(number, guest);
                    }
                }
            }
        }
    }
}

/// Answers a request that has come; whether the guest can go.
fn answer(guest: &mut TcpStream) -> bool {
    let mut request = [0; 2048];
    match guest.read(&mut request) {
        Ok(0) => true,
        Ok(_) => {
            // A guest that has gone is no concern of this server.
            let _ = guest.write_all(ANSWER);
            true
        }
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}
