//! Typed frames over a socketpair: a length, then the value in postcard's encoding.
//!
//! The two ends of a pair name the same two frame types the other way round. Never interprets a frame; `core` holds
//! one end, a child the other (as its standard input).

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

#[cfg(test)]
mod tests;

/// The largest frame in bytes, without its length. A configuration of a hundred thousand instances is below it.
pub const MAX_FRAME: usize = 64 << 20;

/// Bytes of the length in front of each frame (little endian).
const PREFIX: usize = 4;

/// How long an end waits for what is still to be sent.
const FAREWELL: Duration = Duration::from_millis(200);

/// The most that one read asks for.
const READ_CHUNK: usize = 64 << 10;

/// Why a frame did not pass.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket failed
    #[error("socket between our processes: {0}")]
    Io(#[from] io::Error),
    /// The value is larger than [`MAX_FRAME`], or the other side claims to send such a one
    #[error("a frame of {0} bytes is larger than the limit of {MAX_FRAME}")]
    TooLarge(usize),
    /// The bytes are no such value
    #[error("a frame could not be understood: {0}")]
    Encoding(#[from] postcard::Error),
    /// The other side went away in the middle of a frame
    #[error("the other process ended in the middle of a frame")]
    Truncated,
}

/// A frame as it goes over the socket. Copies share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Arc<[u8]>);

impl Frame {
    /// Encodes a value.
    pub fn encode<T: Serialize>(value: &T) -> Result<Frame, Error> {
        let mut bytes = postcard::to_extend(value, vec![0; PREFIX])?;
        let length = bytes.len().saturating_sub(PREFIX);
        if length > MAX_FRAME {
            return Err(Error::TooLarge(length));
        }
        let prefix = u32::try_from(length).map_err(|_| Error::TooLarge(length))?;
        for (to, from) in bytes.iter_mut().zip(prefix.to_le_bytes()) {
            *to = from;
        }
        Ok(Frame(bytes.into()))
    }

    /// The value that was encoded.
    ///
    /// # Errors
    /// If it was one of another type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(postcard::from_bytes(self.0.get(PREFIX..).unwrap_or_default())?)
    }
}

/// One end of a pair: sends `Out`, receives `In`.
#[derive(Debug)]
pub struct Link<Out, In> {
    /// To the other process
    pub sender: Sender<Out>,
    /// From the other process
    pub receiver: Receiver<In>,
}

impl<Out, In> Link<Out, In> {
    /// Takes over a connected socket. Must be called inside a tokio runtime.
    pub fn new(stream: StdUnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let (read, write) = UnixStream::from_std(stream)?.into_split();
        Ok(Link {
            sender: Sender { stream: write, frames: PhantomData },
            receiver: Receiver { stream: read, buffer: Vec::new(), frames: PhantomData },
        })
    }
}

/// The sending half of a [`Link`].
#[derive(Debug)]
pub struct Sender<T> {
    stream: OwnedWriteHalf,
    frames: PhantomData<fn(&T)>,
}

impl<T: Serialize> Sender<T> {
    /// Sends one value; waits while the other side does not read. That the other side is gone is no error here: the
    /// receiver tells of it, once what came before has been heard.
    pub async fn send(&mut self, value: &T) -> Result<(), Error> {
        self.send_frame(&Frame::encode(value)?).await
    }

    /// Sends a value that was encoded before.
    pub async fn send_frame(&mut self, frame: &Frame) -> Result<(), Error> {
        match self.stream.write_all(&frame.0).await {
            Err(error) if !is_gone(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }
}

impl<T: Clone + PartialEq + Serialize + Send + Sync + 'static> Sender<T> {
    /// Sends from now on without ever making anybody wait, by a task of its own. Must be called inside a tokio runtime.
    pub fn detach(mut self) -> Herald<T> {
        let (words, mut spoken) = mpsc::unbounded_channel::<Word<T>>();
        let (standing, mut stands) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let word = tokio::select! {
                    biased;
                    word = spoken.recv() => word,
                    changed = stands.changed() =>
                        changed.ok().and_then(|()| stands.borrow_and_update().clone()).map(Word::Value),
                };
                let value = match word {
                    Some(Word::Value(value)) => value,
                    Some(Word::Said(said)) => {
                        let _ = said.send(());
                        continue;
                    }
                    None => return,
                };
                // The receiver tells of what is wrong with the socket.
                if self.send(&value).await.is_err() {
                    return;
                }
            }
        });
        Herald { words, standing }
    }
}

/// What the task of a [`Herald`] is told.
#[derive(Debug)]
enum Word<T> {
    /// Send this
    Value(T),
    /// All before it has been sent
    Said(oneshot::Sender<()>),
}

/// A [`Sender`] that never waits. Copies send over the same socket.
#[derive(Clone, Debug)]
pub struct Herald<T> {
    words: mpsc::UnboundedSender<Word<T>>,
    standing: watch::Sender<Option<T>>,
}

impl<T: PartialEq> Herald<T> {
    /// Sends a value, after those before it. To be used for answers, and for what has a limit of its own: what nobody reads is kept.
    pub fn say(&self, value: T) {
        // Without a task the other process is gone, of which the receiver tells.
        let _ = self.words.send(Word::Value(value));
    }

    /// Waits until all has been sent, but not long.
    pub async fn finish(&self) {
        let (said, all_said) = oneshot::channel();
        if self.words.send(Word::Said(said)).is_ok() {
            let _ = timeout(FAREWELL, all_said).await;
        }
    }

    /// Sends a value, if it is another one than the last. While the other side does not read, only the last counts.
    pub fn stands(&self, value: T) {
        self.standing.send_if_modified(|last| {
            let is_news = last.as_ref() != Some(&value);
            if is_news {
                *last = Some(value);
            }
            is_news
        });
    }
}

/// Whether an error means that the other process has closed its end, or has ended, perhaps with frames unread.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// The receiving half of a [`Link`].
#[derive(Debug)]
pub struct Receiver<T> {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    frames: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Receiver<T> {
    /// The next value; `None` once the other process has closed its end. May be dropped and called again without loss.
    pub async fn receive(&mut self) -> Result<Option<T>, Error> {
        loop {
            let wanted = match split(&self.buffer)? {
                Split::Whole(body, rest) => {
                    let value = postcard::from_bytes(body)?;
                    self.buffer = rest.to_vec();
                    return Ok(Some(value));
                }
                Split::Missing(bytes) => bytes,
            };
            self.buffer.reserve(wanted.min(READ_CHUNK));
            let read = match self.stream.read_buf(&mut self.buffer).await {
                Err(error) if is_gone(&error) => 0,
                read => read?,
            };
            if read == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(Error::Truncated) };
            }
        }
    }
}

/// What a receive buffer holds.
enum Split<'a> {
    /// A frame and what follows it
    Whole(&'a [u8], &'a [u8]),
    /// So many bytes are missing to the end of the length or of the frame
    Missing(usize),
}

fn split(buffer: &[u8]) -> Result<Split<'_>, Error> {
    let Some((prefix, rest)) = buffer.split_first_chunk::<PREFIX>() else {
        return Ok(Split::Missing(PREFIX - buffer.len()));
    };
    let length = u32::from_le_bytes(*prefix) as usize;
    if length > MAX_FRAME {
        return Err(Error::TooLarge(length));
    }
    Ok(match rest.split_at_checked(length) {
        Some((body, rest)) => Split::Whole(body, rest),
        None => Split::Missing(length - rest.len()),
    })
}

/// Takes the socket that the parent gave us as standard input, and puts /dev/null in its place so that nothing that we
/// start can reach it.
pub fn take_standard_input() -> io::Result<StdUnixStream> {
    let socket: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = std::fs::File::open("/dev/null")?;
    nix::unistd::dup2_stdin(&nothing)?;
    let stream = StdUnixStream::from(socket);
    // A file or a terminal is no socketpair: say so now rather than at the first frame.
    stream.peer_addr()?;
    Ok(stream)
}
