//! The control socket: answers what users and their programs ask, a line of JSON for each question (`model/control`).
//!
//! A client may do what it likes: how many there are, how much each may send, how long each may take to send and to read
//! is limited, and what a client is told is held once for all who ask the same.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::answers::Answers;
use self::place::Place;
use super::Hub;
use crate::model::Global;
use crate::model::settings::ControlSocket;

mod answers;
mod client;
mod place;

/// How many clients there may be. Others are told so.
const CLIENTS: usize = 64;

/// How long nobody new is heard after an error, for instance because there are no more descriptors.
const RESPITE: Duration = Duration::from_secs(1);

/// How fast clients may come, in the long run.
const PACE: Duration = Duration::from_millis(1);

/// What is said to one client too many.
const FULL: &[u8] = b"{\"version\":1,\"error\":\"too many clients; try again later\"}\n";

/// Where the socket shall be, and the group that may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    path: PathBuf,
    group: Option<u32>,
}

/// Where a configuration wants the socket; `usual` is the path without a word of it.
pub(super) fn path(global: &Global, usual: &Path) -> Option<PathBuf> {
    match &global.windows.control_socket {
        ControlSocket::Usual => Some(usual.to_owned()),
        ControlSocket::At(path) => Some(path.clone()),
        ControlSocket::Off => None,
    }
}

/// Serves until the thread ends, wherever each configuration wants it.
pub(super) async fn serve(hub: Hub, usual: PathBuf) {
    let mut configuration = hub.configuration();
    let answers = Arc::new(Answers::new(hub.clone()));
    let mut open: Option<(Wish, Place, UnixListener)> = None;
    let mut clients = JoinSet::new();
    loop {
        let global = configuration.borrow_and_update().global.clone();
        let group = global.windows.control_socket_group;
        let wish = path(&global, &usual).map(|path| Wish { path, group });
        if open.as_ref().map(|(wish, ..)| wish) != wish.as_ref() {
            // The old one goes first: it may be at the same path.
            open = None;
            clients.shutdown().await;
            open = wish.and_then(|wish| match listen(&wish) {
                Ok((place, listener)) => Some((wish, place, listener)),
                Err(error) => {
                    warn!("control_socket {}: {error}", wish.path.display());
                    None
                }
            });
        }
        let listening = async {
            match &open {
                Some((.., listener)) => accept(listener, &answers, &mut clients).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = configuration.changed() => if changed.is_err() { return },
            () = listening => {}
        }
    }
}

fn listen(wish: &Wish) -> io::Result<(Place, UnixListener)> {
    let (place, listener) = Place::take(&wish.path, wish.group)?;
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    info!("Control socket is {}", wish.path.display());
    Ok((place, listener))
}

/// Serves clients of one listener, forever.
async fn accept(listener: &UnixListener, answers: &Arc<Answers>, clients: &mut JoinSet<()>) {
    let places = Arc::new(Semaphore::new(CLIENTS.saturating_sub(clients.len())));
    let mut is_well = true;
    loop {
        while clients.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                is_well = true;
                match places.clone().try_acquire_owned() {
                    Ok(place) => {
                        let answers = answers.clone();
                        clients.spawn(async move {
                            client::serve(stream, &answers).await;
                            drop(place);
                        });
                    }
                    // A word that does not fit into its buffer is lost, and the client knows by the end.
                    Err(_) => drop(stream.try_write(FULL)),
                }
                tokio::time::sleep(PACE).await;
            }
            Err(error) => {
                if is_well {
                    warn!("The control socket cannot be used for now: {error}");
                    is_well = false;
                }
                tokio::time::sleep(RESPITE).await;
            }
        }
    }
}

/// Whether somebody listens at a socket.
fn is_served(path: &Path) -> io::Result<bool> {
    match StdUnixStream::connect(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
