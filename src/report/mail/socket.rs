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

/// The command that asks for encryption.
const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// The answer to STARTTLS. What came behind it in the clear would be taken for answers within TLS (RFC 3207 section 6), and
/// whoever is on the way could put them there.
#[derive(Debug, Default)]
struct Consent {
    /// Bytes of its line that have come
    column: usize,
    is_last_line: bool,
    is_whole: bool,
}

impl Consent {
    /// Takes further bytes; false: there are some behind it.
    fn take(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if self.is_whole {
                return false;
            }
            if self.column == 3 {
                self.is_last_line = *byte != b'-';
            }
            self.column += 1;
            if *byte == b'\n' {
                self.is_whole = self.is_last_line;
                self.column = 0;
            }
        }
        true
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    traces: Arc<Traces>,
    /// Bytes of the greeting that are still to be exchanged
    greeting: &'static [u8],
    /// What has come of the answer to STARTTLS, if that was said last
    consent: Option<Consent>,
}

impl Socket {
    /// `plain`: the relay is asked for no extension, and so is greeted with HELO.
    pub fn new(stream: TcpStream, traces: Arc<Traces>, plain: bool) -> Self {
        Socket { stream, traces, greeting: if plain { GREETING } else { &[] }, consent: None }
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
        let came = buffer.filled().get(before..).unwrap_or_default();
        if self.consent.as_mut().is_some_and(|consent| !consent.take(came)) {
            let error = io::Error::new(io::ErrorKind::InvalidData, "something stands behind the answer to STARTTLS");
            return Poll::Ready(Err(error));
        }
        Poll::Ready(if self.traces.flooded() { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traces.greeted.store(true, Ordering::Relaxed);
        self.traces.answer.store(0, Ordering::Relaxed);
        self.consent = (bytes == STARTTLS).then(Consent::default);
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
