//! One client of the control socket: questions in, answers out, within their time.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::answers::{Answers, line};
use crate::model::control::{self, Content, MAX_REQUEST, Request};
use crate::model::moment::Moment;
use crate::model::occurrence::Record;
use crate::view::guests::Guest;

/// How long a client may take to send a question, from the answer before.
const SENDS: Duration = Duration::from_secs(10);

/// How long it may take to read an answer.
const READS: Duration = Duration::from_secs(5);

/// After each answer a client is not heard for so long: five questions a second have new answers, twenty are answered.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until the client goes, or takes too long.
pub(super) async fn serve(stream: &mut UnixStream, answers: &Answers, guest: &Guest) {
    let (mut reads, mut writes) = stream.split();
    let mut buffer = Vec::new();
    while let Ok(Some(question)) = timeout(SENDS, question(&mut reads, &mut buffer)).await {
        guest.is_served();
        let answered = match question.and_then(|line| control::read(&line)) {
            Ok(Request::Status) => {
                // Held until it is sent: those who do not read cannot hold many.
                let _turn = answers.turn().await;
                let text = answers.status().await;
                send(&mut writes, &text).await
            }
            Ok(Request::Explain { name }) => {
                let _turn = answers.turn().await;
                let text = answers.explain(&name).await;
                send(&mut writes, &text).await
            }
            Ok(Request::Events { since, follow }) => {
                events((&mut reads, &mut writes), answers, guest, since.unwrap_or_default(), follow).await
            }
            Err(refusal) => send(&mut writes, &line(Content::Error(refusal))).await,
        };
        if answered.is_none() {
            return;
        }
        guest.is_silent();
        tokio::time::sleep(PAUSE).await;
    }
}

/// The next line; `None` at the end. One that is too long is an error, and so is all that follows it.
async fn question(reads: &mut ReadHalf<'_>, buffer: &mut Vec<u8>) -> Option<Result<Vec<u8>, String>> {
    loop {
        if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let rest = buffer.split_off(end + 1);
            let line = std::mem::replace(buffer, rest);
            return Some(Ok(line));
        }
        if buffer.len() >= MAX_REQUEST {
            return Some(Err(format!("a request has at most {MAX_REQUEST} bytes")));
        }
        let mut part = [0; MAX_REQUEST];
        let most = MAX_REQUEST - buffer.len();
        match reads.read(part.get_mut(..most).unwrap_or_default()).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => buffer.extend_from_slice(part.get(..length).unwrap_or_default()),
        }
    }
}

/// Sends an answer; `None`: the client has gone, or does not read.
async fn send(writes: &mut WriteHalf<'_>, text: &[u8]) -> Option<()> {
    timeout(READS, writes.write_all(text)).await.ok()?.ok()
}

/// What has happened since then, and what will happen.
async fn events(
    (reads, writes): (&mut ReadHalf<'_>, &mut WriteHalf<'_>),
    answers: &Answers,
    guest: &Guest,
    since: Moment,
    follow: bool,
) -> Option<()> {
    let (past, mut news) = answers.hub().occurrences();
    for record in past.into_iter().filter(|record| record.at >= since) {
        send(writes, &event(&record)).await?;
    }
    if !follow {
        drop(news);
        return send(writes, &line(Content::End(true))).await;
    }
    guest.listens();
    let mut end = [0; 1];
    loop {
        tokio::select! {
            // Whoever follows has nothing more to say: a word is as good as the end.
            _ = reads.read(&mut end) => return None,
            heard = news.recv() => match heard {
                Ok(record) => send(writes, &event(&record)).await?,
                Err(RecvError::Lagged(lost)) => send(writes, &line(Content::Lost(lost))).await?,
                Err(RecvError::Closed) => return None,
            },
        }
    }
}

fn event(record: &Arc<Record>) -> Vec<u8> {
    line(Content::Event((**record).clone()))
}
