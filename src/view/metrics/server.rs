//! The server: listens where the configuration says, and answers scrapers within limits that no client can pass.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::http::{self, MAX_HEAD, Refusal, Request, Wanted};
use super::page::Format;
use super::text;
use crate::os::process;
use crate::view::guests::{Guest, Guests};
use crate::view::{Hub, Sealed};

/// So many clients at a time, of all addresses and of one. One more takes the place of the one that has been silent for
/// longest: that of one who scrapes again is had anew.
const CLIENTS: usize = 64;
const CLIENTS_OF_ONE: usize = 16;

/// A head that has begun has to be complete within this time, and so has the first one.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// For so long a client may be silent between two requests; most scrape once a minute at least.
const IDLE_TIME: Duration = Duration::from_secs(90);
/// An answer has to be taken within this time.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// After this an address that could not be had is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// After a connection could not be accepted, for want of descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two connections, and between two answers to one client. Nobody who means well asks oftener, and who does shall
/// not keep a processor busy that adverts may need.
const BETWEEN_CLIENTS: Duration = Duration::from_millis(2);
const BETWEEN_ANSWERS: Duration = Duration::from_millis(100);

/// For how long a text is given again.
const FRESH: Duration = Duration::from_millis(200);

const HINT: &str = "<!DOCTYPE html><html><head><title>keepalived-rs</title></head><body>\
                    <p>Metrics are at <a href=\"/metrics\">/metrics</a>.</p></body></html>\n";

/// Serves for as long as the thread lives.
pub async fn serve(hub: Hub) {
    let mut configuration = hub.configuration();
    let (texts, asked) = mpsc::channel(CLIENTS);
    let printing = print(hub, asked);
    let listening = async {
        loop {
            let wanted = address(&configuration.borrow_and_update());
            match wanted {
                Some(address) => {
                    tokio::select! {
                        () = listen(address, texts.clone()) => {}
                        () = changed(&mut configuration, wanted) => info!("Metrics: {address} is no longer served"),
                    }
                }
                None => changed(&mut configuration, None).await,
            }
        }
    };
    tokio::join!(printing, listening);
}

fn address(sealed: &Sealed) -> Option<SocketAddr> {
    sealed.global.metrics_listen
}

/// Waits for a reload that asks for another address.
async fn changed(configuration: &mut watch::Receiver<Arc<Sealed>>, now: Option<SocketAddr>) {
    let is_other = |sealed: &Arc<Sealed>| address(sealed) != now;
    if configuration.wait_for(is_other).await.is_err() {
        // The daemon ends, and this with it.
        std::future::pending().await
    }
}

/// Has an address, as soon as it can be had, and accepts connections. Ends never; dropped, it closes all of them.
async fn listen(address: SocketAddr, texts: Texts) {
    let listener = open(address).await;
    info!("Metrics are served at http://{address}/metrics");
    let mut clients = JoinSet::new();
    let mut guests = Guests::new(CLIENTS, CLIENTS_OF_ONE);
    loop {
        while clients.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Where all are being answered, whoever comes in excess is closed at once.
                if let Some(guest) = guests.admit(peer.ip()) {
                    let texts = texts.clone();
                    clients.spawn(async move {
                        tokio::select! {
                            // What is wrong with a connection is the client's affair.
                            _ = converse(stream, &texts, &guest) => {}
                            () = guest.dismissed() => {}
                        }
                    });
                }
                sleep(BETWEEN_CLIENTS).await;
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Another program may have the port, or the address is not there yet.
async fn open(address: SocketAddr) -> TcpListener {
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    warn!("Metrics cannot be served at {address}: {error}; trying again every {} s", RETRY.as_secs());
                }
                sleep(RETRY).await;
            }
        }
    }
}

/// One connection.
async fn converse(mut stream: TcpStream, texts: &Texts, guest: &Guest) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut received = Vec::new();
    let mut patience = HEAD_TIME;
    loop {
        let Some(parsed) = hear(&mut stream, &mut received, patience).await? else { return Ok(()) };
        guest.is_served();
        let (answer, keeps) = match parsed {
            Ok((request, length)) => {
                received.drain(..length);
                (answer(request, texts).await, request.keeps)
            }
            Err(refusal) => (refuse(refusal), false),
        };
        let sent = async {
            stream.write_all(answer.0.as_bytes()).await?;
            stream.write_all(answer.1.as_bytes()).await
        };
        timeout(ANSWER_TIME, sent).await??;
        guest.is_silent();
        if !keeps {
            // A reset, which unread bytes would cause, could take the answer away.
            stream.shutdown().await?;
            let _ = timeout(HEAD_TIME, drain(&mut stream)).await;
            return Ok(());
        }
        patience = IDLE_TIME;
        sleep(BETWEEN_ANSWERS).await;
    }
}

/// Reads until there is a request; `None`: the client has closed, or has been silent or slow for too long.
async fn hear(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    patience: Duration,
) -> io::Result<Option<Result<(Request, usize), Refusal>>> {
    let mut deadline = Instant::now() + if received.is_empty() { patience } else { HEAD_TIME };
    loop {
        if let Some(parsed) = http::parse(received) {
            return Ok(Some(parsed));
        }
        let is_first = received.is_empty();
        let mut room = [0; 1024];
        match timeout_at(deadline, stream.read(&mut room)).await {
            Err(_) | Ok(Ok(0)) => return Ok(None),
            Ok(read) => received.extend_from_slice(room.get(..read?).unwrap_or_default()),
        }
        if is_first {
            deadline = deadline.min(Instant::now() + HEAD_TIME);
        }
    }
}

/// Takes what a client still sends, but not much.
async fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let mut room = [0; 1024];
    let mut rest = MAX_HEAD;
    while rest > 0 {
        match stream.read(&mut room).await? {
            0 => break,
            count => rest = rest.saturating_sub(count),
        }
    }
    Ok(())
}

/// Head and body.
type Answer = (String, Arc<str>);

async fn answer(request: Request, texts: &Texts) -> Answer {
    let (status, kind, body): (_, _, Arc<str>) = match request.wanted {
        Wanted::Metrics(format) => ("200 OK", format.content_type(), metrics(format, texts).await),
        Wanted::Hint => ("200 OK", "text/html; charset=utf-8", HINT.into()),
        Wanted::Unknown => ("404 Not Found", "text/plain; charset=utf-8", "Metrics are at /metrics.\n".into()),
    };
    let head = http::head(status, kind, body.len(), request.keeps);
    (head, if request.head_only { "".into() } else { body })
}

fn refuse(refusal: Refusal) -> Answer {
    let status = refusal.status();
    let body: Arc<str> = format!("{status}\n").into();
    (http::head(status, "text/plain; charset=utf-8", body.len(), false), body)
}

/// Asks for texts.
type Texts = mpsc::Sender<(Format, oneshot::Sender<Arc<str>>)>;

async fn metrics(format: Format, texts: &Texts) -> Arc<str> {
    let (answer, text) = oneshot::channel();
    // The other end goes with this one.
    let _ = texts.send((format, answer)).await;
    text.await.unwrap_or_default()
}

/// Makes the texts, one at a time and each not oftener than a few times a second: with very many servers they are long.
async fn print(hub: Hub, mut asked: mpsc::Receiver<(Format, oneshot::Sender<Arc<str>>)>) {
    let mut kept: Vec<(Format, Instant, Arc<str>)> = Vec::new();
    loop {
        let next = kept.iter().map(|(_, at, _)| *at + FRESH).min();
        let (format, answer) = tokio::select! {
            wanted = asked.recv() => match wanted {
                Some(wanted) => wanted,
                None => return,
            },
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                kept.retain(|(_, at, _)| at.elapsed() < FRESH);
                if kept.is_empty() {
                    process::return_free_memory();
                }
                continue;
            }
        };
        if answer.is_closed() {
            continue;
        }
        kept.retain(|(_, at, _)| at.elapsed() < FRESH);
        let known = kept.iter().find(|(of, _, _)| *of == format).map(|(_, _, text)| text.clone());
        let text = match known {
            Some(text) => text,
            None => {
                let scene = hub.scene().await;
                let text: Arc<str> = text(&scene, &hub.counts(), format).into();
                kept.push((format, Instant::now(), text.clone()));
                text
            }
        };
        let _ = answer.send(text);
    }
}
