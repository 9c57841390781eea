//! Everything that passes the lab's bridges, with the kernel's time stamps and the port it came in by, kept in memory
//! and in a capture file.

use std::fs::File;
use std::io::{self, BufWriter, IoSliceMut, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket, sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal};

use super::host::Host;
use super::moment::{Moment, now};
use super::packet::bfd::Bfd;
use super::packet::{Advert, Packet};

/// A frame that was seen.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When the kernel took it from the port.
    pub at: Moment,
    /// The host that sent it.
    pub from: String,
    /// The host's interface that it left by.
    pub interface: String,
    /// What it says.
    pub packet: Packet,
}

/// A port of a bridge: what hangs on it.
pub struct Port {
    /// The interface's number in the switch.
    pub index: usize,
    /// The host at the other end.
    pub host: String,
    /// The interface's name on that host.
    pub interface: String,
}

/// The listener on all ports of the lab's bridges.
pub struct Wire {
    seen: Arc<Seen>,
    ports: Arc<Mutex<Vec<Port>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
    file: PathBuf,
}

#[derive(Default)]
struct Seen {
    frames: Mutex<Vec<Frame>>,
    more: Condvar,
}

impl Wire {
    /// Starts listening on `switch`, whose ports are known; writes a capture to `file`.
    pub fn listen(switch: &Host, ports: Vec<Port>, file: &Path) -> Self {
        let socket = switch.within(open_socket);
        let capture = Capture::create(file).unwrap_or_else(|e| panic!("create {}: {e}", file.display()));
        let seen = Arc::new(Seen::default());
        let ports = Arc::new(Mutex::new(ports));
        let stop = Arc::new(AtomicBool::new(false));
        let listener = {
            let (seen, ports, stop) = (Arc::clone(&seen), Arc::clone(&ports), Arc::clone(&stop));
            thread::Builder::new()
                .name("wire".to_owned())
                .spawn(move || receive(&socket, &ports, capture, &seen, &stop))
                .expect("start the listener on the wire")
        };
        Self { seen, ports, stop, listener: Some(listener), file: file.to_owned() }
    }

    /// Listens to one more port.
    pub fn add_port(&self, port: Port) {
        self.ports.lock().expect("the listener lives").push(port);
    }

    /// The capture file. It is complete up to the last frame that was seen.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// All frames since `start` of which `wanted` gives something, and that something.
    pub fn all<T>(&self, start: Moment, wanted: impl Fn(&Frame) -> Option<T>) -> Vec<T> {
        let frames = self.frames();
        frames.iter().filter(|f| f.at >= start).filter_map(wanted).collect()
    }

    /// All adverts that `host` has sent since `start`.
    pub fn adverts(&self, host: &str, start: Moment) -> Vec<(Moment, Advert)> {
        self.all(start, |f| (f.from == host).then(|| Some((f.at, f.packet.advert()?.clone()))).flatten())
    }

    /// All BFD packets that `host` has sent since `start`.
    pub fn bfd(&self, host: &str, start: Moment) -> Vec<(Moment, Bfd)> {
        self.all(start, |f| (f.from == host).then(|| Some((f.at, f.packet.bfd()?.clone()))).flatten())
    }

    /// Waits for the first frame since `start` that is `wanted`; panics when `patience` has passed without.
    pub fn first(&self, what: &str, start: Moment, patience: Duration, wanted: impl Fn(&Frame) -> bool) -> Frame {
        let deadline = Instant::now() + patience;
        let mut frames = self.frames();
        let mut looked_at = 0;
        loop {
            let fresh = frames.get(looked_at..).unwrap_or_default();
            if let Some(frame) = fresh.iter().find(|f| f.at >= start && wanted(f)) {
                return frame.clone();
            }
            looked_at = frames.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(frames);
                panic!("{what}: not seen on the wire within {:.1} s\n{}", patience.as_secs_f64(), self.tail());
            }
            frames = self.seen.more.wait_timeout(frames, left).expect("the listener lives").0;
        }
    }

    /// Waits for the first advert of `host` since `start` that is `wanted`.
    pub fn advert(
        &self,
        what: &str,
        host: &str,
        start: Moment,
        patience: Duration,
        wanted: impl Fn(&Advert) -> bool,
    ) -> (Moment, Advert) {
        let frame = self.first(what, start, patience, |f| f.from == host && f.packet.advert().is_some_and(&wanted));
        let advert = frame.packet.advert().expect("it was looked for").clone();
        (frame.at, advert)
    }

    /// The last frames, for a message about a failure.
    pub fn tail(&self) -> String {
        let frames = self.frames();
        let mut text = String::from("the last frames on the wire:\n");
        for frame in frames.iter().rev().take(25).rev() {
            let ago = now().saturating_sub(frame.at).as_secs_f64();
            text.push_str(&format!("  {ago:8.4} s ago, {} {}: {:?}\n", frame.from, frame.interface, frame.packet));
        }
        text
    }

    fn frames(&self) -> MutexGuard<'_, Vec<Frame>> {
        self.seen.frames.lock().expect("the listener lives")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn open_socket() -> OwnedFd {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
        .expect("open a packet socket on the switch");
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).expect("ask for time stamps");
    setsockopt(&socket, sockopt::RcvBuf, &(4 << 20)).expect("enlarge the receive buffer");
    let patience = TimeVal::new(0, 20_000);
    setsockopt(&socket, sockopt::ReceiveTimeout, &patience).expect("bound the wait for frames");
    socket
}

fn receive(socket: &OwnedFd, ports: &Mutex<Vec<Port>>, mut capture: Capture, seen: &Seen, stop: &AtomicBool) {
    const OUTGOING: u8 = 4; // PACKET_OUTGOING, linux/if_packet.h
    let mut buffer = [0_u8; 2048];
    while !stop.load(Ordering::Relaxed) {
        let Some((at, sender, length)) = next_frame(socket, &mut buffer) else {
            continue;
        };
        let ports = ports.lock().expect("the other threads live");
        let Some(port) = ports.iter().find(|p| p.index == sender.ifindex()) else {
            continue;
        };
        if sender.pkttype() == OUTGOING {
            continue;
        }
        let bytes = buffer.get(..length).unwrap_or_default();
        capture.add(at, bytes).expect("write the capture file");
        let frame =
            Frame { at, from: port.host.clone(), interface: port.interface.clone(), packet: Packet::read(bytes) };
        seen.frames.lock().expect("the readers live").push(frame);
        seen.more.notify_all();
    }
}

fn next_frame(socket: &OwnedFd, buffer: &mut [u8]) -> Option<(Moment, LinkAddr, usize)> {
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = match recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty()) {
        Ok(message) => message,
        Err(Errno::EAGAIN | Errno::EINTR) => return None,
        Err(e) => panic!("read from the wire: {e}"),
    };
    let at = message.cmsgs().ok()?.find_map(|c| match c {
        ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
        _ => None,
    })?;
    Some((at, message.address?, message.bytes))
}

/// A capture file in tcpdump's format with nanoseconds.
struct Capture(BufWriter<File>);

impl Capture {
    fn create(file: &Path) -> io::Result<Self> {
        let mut out = BufWriter::new(File::create(file)?);
        for word in [0xa1b2_3c4d_u32, 2 | 4 << 16, 0, 0, 65_535, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self(out))
    }

    fn add(&mut self, at: Moment, bytes: &[u8]) -> io::Result<()> {
        let seconds = u32::try_from(at.as_secs()).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        for word in [seconds, at.subsec_nanos(), length, length] {
            self.0.write_all(&word.to_le_bytes())?;
        }
        self.0.write_all(bytes)?;
        self.0.flush()
    }
}
