//! The connection to a relay beneath what speaks SMTP: greets as keepalived does, and remembers what errors do not tell.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What differs between EHLO, which the library says, and HELO, which keepalived says and every relay understands.
const GREETING: &[u8] = b"HE";

/// Bytes of an answer, which the library would keep without end while its first line does not end. A hundred times what
/// relays say, and more than a handshake of TLS takes.
const LONGEST_ANSWER: usize = 64 << 10;

/// What has happened on a connection.
#[derive(Debug, Default)]
pub(super) struct Traces {
    greeted: AtomicBool,
    closed: AtomicBool,
    /// Bytes that have come since we last spoke
    answer: AtomicUsize,
}

impl Traces {
    /// We have spoken.
    pub fn greeted(&self) -> bool {
        self.greeted.load(Ordering::Relaxed)
    }

    /// The relay has closed it.
    pub fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// The relay talks without end.
    pub fn flooded(&self) -> bool {
        self.answer.load(Ordering::Relaxed) > LONGEST_ANSWER
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    traces: Arc<Traces>,
    /// Bytes of the greeting that are still to be exchanged
    greeting: &'static [u8],
}

impl Socket {
    /// `plain`: the relay is asked for no extension, and so is greeted with HELO.
    pub fn new(stream: TcpStream, traces: Arc<Traces>, plain: bool) -> Self {
        Socket { stream, traces, greeting: if plain { GREETING } else { &[] } }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().len() - before;
        if came == 0 && buffer.remaining() > 0 {
            self.traces.closed.store(true, Ordering::Relaxed);
        }
        self.traces.answer.fetch_add(came, Ordering::Relaxed);
        Poll::Ready(if self.traces.flooded() { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traces.greeted.store(true, Ordering::Relaxed);
        self.traces.answer.store(0, Ordering::Relaxed);
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        let mut exchanged = bytes.to_vec();
        exchanged.iter_mut().zip(self.greeting).for_each(|(byte, other)| *byte = *other);
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &exchanged))?;
        self.greeting = self.greeting.get(written..).unwrap_or_default();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Socket {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
