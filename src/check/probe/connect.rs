//! How checks reach their servers: sockets with the options of the configuration, and connections.
//!
//! Tells what is wrong with the server from what is wrong with this host: the latter says nothing of the server, so that
//! the check is neither a success nor a failure.

use std::io;
use std::net::SocketAddr;

use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use crate::check::event::Detail;
use crate::model::Micros;
use crate::model::checker::Connect;

/// The sentences of keepalived's log about this host's own troubles, which differ from check to check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentences {
    /// No socket can be made
    pub socket: &'static str,
    /// It cannot be given its options, or used
    pub bind: &'static str,
}

/// Why TCP_CHECK, UDP_CHECK and PING_CHECK have failed where the kernel said so before anything was sent: the checker has no
/// word for each such attempt.
pub(super) const UNREACHABLE: &str = "unreachable";

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failed {
    /// No answer in time
    Timeout,
    /// The kernel said so before anything was sent: no route, most often
    Unreachable,
    /// The server, or a router, said so, in these words of the kernel
    Refused(Option<&'static str>),
    /// This host cannot do it: the line for the log
    Unable(String),
}

impl Failed {
    /// What exactly was wrong, where the kernel has said it.
    pub(super) fn detail(&self) -> Option<Detail> {
        match self {
            Failed::Refused(words) => words.map(Detail::Kernel),
            Failed::Timeout | Failed::Unreachable | Failed::Unable(_) => None,
        }
    }
}

/// A connection, within the time that the check has.
pub(super) async fn stream(to: &Connect, sentences: Sentences) -> Result<TcpStream, Failed> {
    let unable = |error: &io::Error| Failed::Unable(line(to.to, &text(error), sentences.bind));
    let socket = begin(to, sentences)?;
    // From here on it is watched, by one call, until it is closed.
    let stream = TcpStream::from_std(socket.into()).map_err(|error| unable(&error))?;
    match timeout(span(to.timeout), stream.ready(Interest::WRITABLE)).await {
        Err(_) => return Err(Failed::Timeout),
        Ok(Err(error)) => return Err(unable(&error)),
        // Only what looks wrong is asked for its error.
        Ok(Ok(ready)) if !ready.is_error() && !ready.is_write_closed() => return Ok(stream),
        Ok(Ok(_)) => {}
    }
    verdict(stream.take_error()).map(|()| stream)
}

/// A connection that is being made.
pub(super) fn begin(to: &Connect, sentences: Sentences) -> Result<Socket, Failed> {
    let socket = open(to, Type::STREAM, Protocol::TCP, sentences).map_err(Failed::Unable)?;
    let Err(error) = socket.connect(&SockAddr::from(to.to)) else { return Ok(socket) };
    match Errno::from_raw(error.raw_os_error().unwrap_or_default()) {
        Errno::EINPROGRESS => Ok(socket),
        errno if is_failure(errno) => Err(Failed::Unreachable),
        errno => {
            let why = format!("socket connect error {} - {}", errno as i32, errno.desc());
            Err(Failed::Unable(line(to.to, &why, sentences.bind)))
        }
    }
}

/// What the error of a socket says of the connection that was being made.
pub(super) fn verdict(error: io::Result<Option<io::Error>>) -> Result<(), Failed> {
    match error {
        Ok(None) => Ok(()),
        Ok(Some(error)) if error.raw_os_error() == Some(Errno::ETIMEDOUT as i32) => Err(Failed::Timeout),
        Ok(Some(error)) => Err(Failed::Refused(error.raw_os_error().map(|number| Errno::from_raw(number).desc()))),
        Err(_) => Err(Failed::Refused(None)),
    }
}

/// A socket for a server, with all options of the check, bound to its own address. Never blocks.
///
/// # Errors
/// The line for the log.
pub(super) fn open(to: &Connect, kind: Type, protocol: Protocol, sentences: Sentences) -> Result<Socket, String> {
    let socket = Socket::new(Domain::for_address(to.to), kind.nonblocking(), Some(protocol)).map_err(|error| {
        // The same for all servers, so that it need not be said for each.
        format!("{}. {}", text(&error), sentences.socket)
    })?;
    equip(&socket, to).map_err(|why| line(to.to, &why, sentences.bind))?;
    Ok(socket)
}

/// Sets the options in keepalived's order, and says what was wrong in its words.
fn equip(socket: &Socket, to: &Connect) -> Result<(), String> {
    if to.fwmark != 0 {
        socket
            .set_mark(to.fwmark)
            .map_err(|error| format!("Error setting fwmark {} to socket: {}", to.fwmark, text(&error)))?;
    }
    if let Some(device) = &to.bind_if {
        socket
            .bind_device(Some(device.as_str().as_bytes()))
            .map_err(|error| format!("Checker can't bind to device {device}: {}", text(&error)))?;
    }
    if let Some(own) = own_address(to) {
        socket.bind(&SockAddr::from(own)).map_err(|error| format!("Checker bind failed: {}", text(&error)))?;
    }
    Ok(())
}

/// What the socket is bound to. A port alone is one of any address.
fn own_address(to: &Connect) -> Option<SocketAddr> {
    let any = || match to.to {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    match (to.bind_ip, to.bind_port) {
        (None, 0) => None,
        (ip, port) => Some(SocketAddr::new(ip.unwrap_or_else(any), port)),
    }
}

/// Whether this answer of connect(2) says that the server cannot be reached, not that we cannot try.
pub(super) fn is_failure(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENETUNREACH
            | Errno::EHOSTUNREACH
            | Errno::ECONNREFUSED
            | Errno::EHOSTDOWN
            | Errno::ENETDOWN
            | Errno::ECONNRESET
            | Errno::ECONNABORTED
            | Errno::ETIMEDOUT
    )
}

/// A span of the configuration for tokio's timers.
pub(super) fn span(micros: Micros) -> Duration {
    Duration::from_micros(micros.0)
}

/// `[ADDR]:PORT: CAUSE. SENTENCE`
pub(super) fn line(to: SocketAddr, cause: &str, sentence: &str) -> String {
    format!("[{}]:{}: {cause}. {sentence}", to.ip(), to.port())
}

/// An error in the words of strerror(3) alone.
pub(super) fn text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}
