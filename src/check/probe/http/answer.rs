//! Reads an answer until its end, and takes of it what is wanted as it comes, so that nothing of it is kept.
//!
//! No server holds a check for ever, or costs more than a bounded amount of work, whatever it sends at whatever speed.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use md5::{Digest, Md5};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::yield_now;
use tokio::time::{Duration, Instant, timeout_at};

use super::End;
use crate::check::probe::connect::span;
use crate::check::probe::search::{Search, Wanted};
use crate::model::checker::Connect;
use crate::wire::http::{Head, HeadReader, Progress};

/// Longest body in bytes. An answer without end fails as soon as it is longer.
const MAX_BODY: u64 = 64 << 20;

/// An answer that comes bit by bit may take so many times the time that the check has for each bit.
const PATIENCE: u32 = 10;

thread_local! {
    /// What is read goes through here; between two reads nobody uses it.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 16 << 10].into());
}

/// How long to wait for what, and what is said if it does not come.
#[derive(Clone, Copy, Debug)]
pub(in crate::check::probe) struct Times {
    /// For the first byte, and for each next one
    pub each: Duration,
    /// For all
    all: Duration,
    first: &'static str,
    later: &'static str,
}

impl Times {
    /// HTTP: each byte has its time.
    pub(in crate::check::probe) fn http(to: &Connect) -> Self {
        let each = span(to.timeout);
        Times { each, all: each * PATIENCE, first: "Timeout WEB read", later: "Timeout HTTP read" }
    }

    /// TLS: the whole answer has the time of one. `speaks`: the server has said something without being asked.
    pub(in crate::check::probe) fn tls(to: &Connect, speaks: bool) -> Self {
        let each = span(to.timeout);
        let first = if speaks { "Timeout SSL read" } else { "Timeout WEB read" };
        Times { each, all: each, first, later: "Timeout SSL read" }
    }
}

/// What has come so far.
#[derive(Debug)]
pub(in crate::check::probe) struct Answer {
    reader: HeadReader,
    head: Option<Head>,
    received: u64,
    digest: Option<Md5>,
    search: Option<Search>,
    is_empty: bool,
}

impl Answer {
    /// Before the first byte.
    pub(in crate::check::probe) fn new(digest: bool, wanted: Option<&Wanted>) -> Self {
        let (digest, search) = (digest.then(Md5::new), wanted.map(Search::new));
        Answer { reader: HeadReader::new(), head: None, received: 0, digest, search, is_empty: true }
    }

    /// Reads until the server ends the connection.
    pub(in crate::check::probe) async fn read<S: AsyncRead + Unpin>(&mut self, stream: &mut S, times: Times) -> End {
        let mut until = Instant::now() + times.each;
        let mut end = None;
        loop {
            let count = match timeout_at(until, self.piece(stream)).await {
                Err(_) => return End::Bad(if self.is_empty { times.first } else { times.later }),
                Ok(Err(error)) => return End::Broken(error),
                Ok(Ok(count)) => count,
            };
            while self.search.as_mut().is_some_and(|search| search.work(count == 0)) {
                yield_now().await;
            }
            if count == 0 {
                return End::Complete;
            }
            if self.head.is_none() && self.reader.is_too_long() {
                return End::Bad("Read, no data received from ");
            }
            if self.received > MAX_BODY {
                return End::Bad("Read error with");
            }
            let now = Instant::now();
            let end = *end.get_or_insert_with(|| now + times.all);
            until = (now + times.each).min(end);
        }
    }

    /// Takes what has come; 0 is the end.
    async fn piece<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> io::Result<usize> {
        poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
                self.take(buffer.filled());
                Poll::Ready(Ok(buffer.filled().len()))
            })
        })
        .await
    }

    fn take(&mut self, piece: &[u8]) {
        self.is_empty &= piece.is_empty();
        let body = match self.head {
            Some(_) => piece,
            None => match self.reader.feed(piece) {
                Progress::More => return,
                Progress::Done(head, used) => {
                    self.head = Some(head);
                    piece.get(used..).unwrap_or_default()
                }
            },
        };
        if let Some(digest) = &mut self.digest {
            // What is beyond the length that the head tells is not part of it.
            let left = self.head.and_then(|head| head.length).map(|length| length.saturating_sub(self.received));
            let left = left.and_then(|left| usize::try_from(left).ok());
            digest.update(left.and_then(|left| body.get(..left)).unwrap_or(body));
        }
        if let Some(search) = &mut self.search {
            search.feed(body);
        }
        self.received += body.len() as u64;
    }

    /// Whether the head has come.
    pub(in crate::check::probe) fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// Length of the body so far.
    pub(in crate::check::probe) fn received(&self) -> u64 {
        self.received
    }

    /// The digest of the body so far; of nothing, where none is wanted.
    pub(in crate::check::probe) fn digest(self) -> [u8; 16] {
        self.digest.unwrap_or_default().finalize().into()
    }

    /// The head, the digest of the body, and what the search has given; `None` without a head.
    #[expect(clippy::type_complexity, reason = "one use")]
    pub(in crate::check::probe) fn finish(self) -> Option<(Head, Option<[u8; 16]>, Option<(bool, Vec<String>)>)> {
        let digest = self.digest.map(|digest| digest.finalize().into());
        Some((self.head?, digest, self.search.map(|search| search.result())))
    }
}
