//! TLS for SSL_GET: what we show of ourselves, the handshake, and the end of a connection.
//!
//! The server's certificate is never verified, as with keepalived: a check asks whether the service answers, not
//! whether it is who it says.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use openssl::error::{Error, ErrorStack};
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_openssl::SslStream;

use super::connect::text;
use super::http::End;
use crate::model::check;

/// Why there is no TLS connection.
#[derive(Debug)]
pub(super) enum Failed {
    Timeout,
    /// The server does not speak TLS, or not with us; what OpenSSL says of it
    Refused(Vec<String>),
    /// This host cannot do it: the line for the log
    Unable(String),
}

/// A TLS connection.
pub(super) type Stream = SslStream<Watched>;

/// A TCP connection that knows whether it has ended, which OpenSSL does not tell from the end that TLS announces.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    has_ended: bool,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(context, to);
        self.has_ended |= matches!(poll, Poll::Ready(Ok(()))) && to.filled().len() == before;
        poll
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Why the material of the `SSL` block cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{sentence} {file}: {error}", file = .path.display())]
    File { sentence: &'static str, path: PathBuf, error: String },
    #[error("SSL error: cannot create new SSL context: {0}")]
    Context(#[from] ErrorStack),
}

/// What all checks share: without `ssl`, or where it is empty, we show nothing of ourselves.
///
/// # Errors
/// If a file cannot be read or used.
pub(super) fn context(ssl: Option<&check::Ssl>) -> Result<SslContext, Unusable> {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client())?;
    builder.set_verify(SslVerifyMode::NONE);
    // Whatever the library can; old servers are to be checked too.
    builder.set_min_proto_version(None)?;
    let Some(ssl) = ssl else { return Ok(builder.build()) };
    let failed = |sentence: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error: String| Unusable::File { sentence, path: path.clone(), error }
    };
    if let Some(path) = &ssl.certificate {
        let failed = failed("SSL error : Cant load certificate file...", path);
        readable(path).map_err(&failed)?;
        builder.set_certificate_chain_file(path).map_err(|error| failed(words(&error)))?;
    }
    if let Some(path) = &ssl.key {
        let failed = failed("SSL error : Cant load key file...", path);
        let password = ssl.password.as_ref().map(|password| password.expose());
        load_key(&mut builder, path, password).map_err(failed)?;
    }
    if let Some(path) = &ssl.ca {
        let failed = failed("SSL error : Cant load CA file...", path);
        readable(path).map_err(&failed)?;
        builder.set_ca_file(path).map_err(|error| failed(words(&error)))?;
    }
    Ok(builder.build())
}

/// OpenSSL does not say it as well.
fn readable(path: &Path) -> Result<(), String> {
    File::open(path).map(drop).map_err(|error| text(&error))
}

fn load_key(builder: &mut SslContextBuilder, path: &Path, password: Option<&[u8]>) -> Result<(), String> {
    let pem = std::fs::read(path).map_err(|error| text(&error))?;
    // Without a passphrase OpenSSL would ask for one at the terminal.
    let password = password.unwrap_or_default();
    let key = PKey::private_key_from_pem_passphrase(&pem, password).map_err(|error| words(&error))?;
    builder.set_private_key(&key).map_err(|error| words(&error))
}

/// The handshake.
pub(super) async fn handshake(
    stream: TcpStream,
    context: &SslContext,
    server_name: Option<&str>,
    deadline: Instant,
) -> Result<Stream, Failed> {
    let unable = |error: ErrorStack| Failed::Unable(format!("Unable to establish ssl connection - {}", words(&error)));
    let mut ssl = Ssl::new(context).map_err(unable)?;
    if let Some(name) = server_name {
        ssl.set_hostname(name).map_err(unable)?;
    }
    let watched = Watched { stream, has_ended: false };
    let mut stream = SslStream::new(ssl, watched).map_err(unable)?;
    match timeout_at(deadline, Pin::new(&mut stream).connect()).await {
        Ok(Ok(())) => Ok(stream),
        Ok(Err(error)) => Err(Failed::Refused(error.ssl_error().map(notes).unwrap_or_default())),
        Err(_) => Err(Failed::Timeout),
    }
}

/// Whether the server sends something of its own after the handshake: with TLS 1.3 that is tickets.
pub(super) fn speaks_unasked(stream: &Stream) -> bool {
    stream.ssl().version2() == Some(SslVersion::TLS1_3)
}

/// Whether an answer that has come to its end did so by TLS's announcement, not with the connection alone.
pub(super) fn is_announced(stream: &Stream) -> bool {
    !stream.get_ref().has_ended
}

/// Ends the connection as TLS asks, without waiting, and says how the answer ended; and what OpenSSL says of it.
///
/// Like keepalived, an answer whose head has come ends with the connection, in whatever way that ends.
pub(super) async fn end(stream: &mut Stream, end: End, has_head: bool) -> (End, Vec<String>) {
    let error = match end {
        End::Broken(error) => error,
        End::Complete if !has_head && !stream.get_ref().has_ended => {
            close(stream).await;
            return (End::Bad("SSL read error from"), Vec::new());
        }
        end => {
            close(stream).await;
            return (end, Vec::new());
        }
    };
    let stack = error.get_ref().and_then(|inner| inner.downcast_ref::<openssl::ssl::Error>());
    let notes = stack.filter(|error| error.code() == ErrorCode::SSL).and_then(|error| error.ssl_error()).map(notes);
    (End::Complete, notes.unwrap_or_default())
}

/// Tells the server that we are done. A connection that takes no more bytes is closed without.
async fn close(stream: &mut Stream) {
    let mut shutdown = pin!(stream.shutdown());
    poll_fn(|context| {
        let _: Poll<io::Result<()>> = shutdown.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}

/// keepalived's lines for OpenSSL's errors.
fn notes(stack: &ErrorStack) -> Vec<String> {
    stack.errors().iter().map(note).collect()
}

fn note(error: &Error) -> String {
    let function = error.function().unwrap_or_default();
    let data = error.data().unwrap_or_default();
    let (file, line) = (error.file(), error.line());
    let (library, reason) = (error.library().unwrap_or_default(), error.reason().unwrap_or_default());
    let text = format!("error:{:08X}:{library}::{reason}", error.code());
    format!("SSL error '{text}' at {file}:{line} ({function}) data '{data}'")
}

/// The reasons alone.
fn words(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack.errors().iter().filter_map(Error::reason).collect();
    if reasons.is_empty() { "unknown error".into() } else { reasons.join(", ") }
}

#[cfg(test)]
mod tests;
