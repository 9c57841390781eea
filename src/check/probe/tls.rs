//! TLS for SSL_GET: what we show of ourselves, the handshake, and the end of a connection.
//!
//! The server's certificate is never verified, as with keepalived: a check asks whether the service answers, not
//! whether it is who it says.

use std::future::{Future, poll_fn};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::task::Poll;

use openssl::error::{Error, ErrorStack};
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_openssl::SslStream;

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
        move |error: String| Unusable::File { sentence, path, error }
    };
    if let Some(path) = &ssl.certificate {
        let failed = failed("SSL error : Cant load certificate file...", path);
        builder.set_certificate_chain_file(path).map_err(|error| failed(words(&error)))?;
    }
    if let Some(path) = &ssl.key {
        let failed = failed("SSL error : Cant load key file...", path);
        let password = ssl.password.as_ref().map(|password| password.expose());
        load_key(&mut builder, path, password).map_err(failed)?;
    }
    if let Some(path) = &ssl.ca {
        let failed = failed("SSL error : Cant load CA file...", path);
        builder.set_ca_file(path).map_err(|error| failed(words(&error)))?;
    }
    Ok(builder.build())
}

fn load_key(builder: &mut SslContextBuilder, path: &Path, password: Option<&[u8]>) -> Result<(), String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
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
) -> Result<SslStream<TcpStream>, Failed> {
    let unable = |error: ErrorStack| Failed::Unable(format!("Unable to establish ssl connection - {}", words(&error)));
    let mut ssl = Ssl::new(context).map_err(unable)?;
    if let Some(name) = server_name {
        ssl.set_hostname(name).map_err(unable)?;
    }
    let mut stream = SslStream::new(ssl, stream).map_err(unable)?;
    match timeout_at(deadline, Pin::new(&mut stream).connect()).await {
        Ok(Ok(())) => Ok(stream),
        Ok(Err(error)) => Err(Failed::Refused(error.ssl_error().map(notes).unwrap_or_default())),
        Err(_) => Err(Failed::Timeout),
    }
}

/// Whether the server sends something of its own after the handshake: with TLS 1.3 that is tickets.
pub(super) fn speaks_unasked(stream: &SslStream<TcpStream>) -> bool {
    stream.ssl().version2() == Some(SslVersion::TLS1_3)
}

/// Ends the connection as TLS asks, without waiting, and says how the answer ended; and what OpenSSL says of it.
///
/// Like keepalived, an answer whose head has come ends with the connection, in whatever way that ends.
pub(super) async fn end(stream: &mut SslStream<TcpStream>, end: End, has_head: bool) -> (End, Vec<String>) {
    let error = match end {
        End::Broken(error) => error,
        End::Complete if !has_head => {
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
async fn close(stream: &mut SslStream<TcpStream>) {
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
    let text = format!(
        "error:{:08X}:{}:{}:{}",
        error.code(),
        error.library().unwrap_or_default(),
        "",
        error.reason().unwrap_or_default()
    );
    format!("SSL error '{text}' at {file}:{line} ({function}) data '{data}'")
}

/// The reasons alone.
fn words(stack: &ErrorStack) -> String {
    let reasons: Vec<&str> = stack
        .errors()
        .iter()
        .filter_map(|error| error.data().filter(|data| !data.is_empty()).or(error.reason()))
        .collect();
    if reasons.is_empty() { "unknown error".into() } else { reasons.join(", ") }
}

#[cfg(test)]
mod tests;
