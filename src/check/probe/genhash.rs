//! genhash: one request made by hand, to see what a check would see of a page, and its digest for the configuration.
//!
//! The way of HTTP_GET and SSL_GET, and what they say when it fails; only nothing is judged. Called by `core`.

mod show;

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use self::show::Show;
use super::connect::{self, Failed, span};
use super::http::answer::{Answer, Times};
use super::http::{End, Page, Patterns, SENTENCES, exchange};
use super::tls;
use crate::model::checker::{Connect, Http};

/// keepalived reads so much at a time, which a dump shows.
const PIECE: usize = 4095;

/// Asks for the first url and writes the digest of its body, or why there is none, and with `verbose` everything that
/// comes, in keepalived's words.
///
/// # Errors
/// If nothing can be written, or this host cannot make the request: what it said then.
pub async fn run(to: &Connect, http: &Http, verbose: bool, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let Some(url) = http.urls.first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let begun = Instant::now();
    let page = Page::new(to, http, url, &mut Patterns::default());
    ask(to, http, &page, verbose, out, err).await?;
    if verbose {
        writeln!(out, "\nGlobal response time for [{}] = {} usecs", url.path, begun.elapsed().as_micros())?;
    }
    out.flush()
}

async fn ask(
    to: &Connect,
    http: &Http,
    page: &Page,
    verbose: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<()> {
    let deadline = Instant::now() + span(to.timeout);
    let mut stream = match connect::stream(to, SENTENCES).await {
        Ok(stream) => stream,
        Err(Failed::Timeout) => return writeln!(out, "Timeout connecting"),
        Err(Failed::Unreachable) => return writeln!(out, "HTTP/SSL_CHECK - network unreachable"),
        Err(Failed::Refused(_)) => return writeln!(out, "Connection failed"),
        Err(Failed::Unable(line)) => return Err(io::Error::other(line)),
    };
    let answer = Answer::new(true, None);
    if !http.tls {
        let mut shown = Shown { stream: &mut stream, show: verbose.then(|| Show::new(&mut *out)) };
        let (answer, end) = exchange(&mut shown, page, answer, Times::http(to)).await;
        let is_whole = matches!(end, End::Complete);
        return conclude(answer, end, verbose && is_whole, out, err);
    }
    let context = tls::context(None).map_err(io::Error::other)?;
    let mut stream = match tls::handshake(stream, &context, page.server_name(), deadline).await {
        Ok(stream) => stream,
        Err(tls::Failed::Timeout) => return writeln!(out, "Timeout connecting"),
        Err(tls::Failed::Refused(_)) => return writeln!(out, "SSL handshake/communication error connecting to"),
        Err(tls::Failed::Unable(line)) => return Err(io::Error::other(line)),
    };
    let times = Times::tls(to, tls::speaks_unasked(&stream));
    let mut shown = Shown { stream: &mut stream, show: verbose.then(|| Show::new(&mut *out)) };
    let (answer, end) = exchange(&mut shown, page, answer, times).await;
    let is_whole = matches!(end, End::Complete) && tls::is_announced(&stream);
    let (end, _) = tls::end(&mut stream, end, answer.has_head()).await;
    conclude(answer, end, verbose && is_whole, out, err)
}

/// Writes how it ended: the digest, or the reason why there is none.
fn conclude(answer: Answer, end: End, shows: bool, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let has_head = answer.has_head();
    let digest = answer.digest();
    if shows {
        show::digest(&digest, out)?;
    }
    match end {
        End::Bad(reason) if has_head || !reason.starts_with("Read, no data") => writeln!(out, "{reason}"),
        End::Broken(_) => writeln!(out, "Read error with"),
        End::Complete if has_head => writeln!(out, "{}", show::hex(&digest)),
        End::Bad(_) | End::Complete => {
            out.flush()?;
            writeln!(err, "no data received from remote webserver")
        }
    }
}

/// A stream that shows what is read from it.
struct Shown<'a, S, W: Write> {
    stream: &'a mut S,
    show: Option<Show<W>>,
}

impl<S: AsyncRead + Unpin, W: Write + Unpin> AsyncRead for Shown<'_, S, W> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let room = this.show.as_ref().map_or(PIECE, Show::room);
        let mut piece = vec![0; room.min(to.remaining())];
        let mut part = ReadBuf::new(&mut piece);
        ready!(Pin::new(&mut *this.stream).poll_read(context, &mut part))?;
        to.put_slice(part.filled());
        if let Some(show) = &mut this.show {
            show.take(part.filled())?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, W: Write + Unpin> AsyncWrite for Shown<'_, S, W> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}
