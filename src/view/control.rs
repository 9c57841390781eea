//! The control socket: answers what users and their programs ask, a line of JSON for each question (`model/control`).
//!
//! A client may do what it likes: how many there are, how much each may send, how long each may take to send and to read
//! is limited, and what a client is told is held once for all who ask the same.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tracing::{info, warn};

use self::answers::Answers;
use self::place::Place;
use super::Hub;
use super::guests::Guests;
use crate::model::Global;
use crate::model::settings::ControlSocket;

mod answers;
mod client;
mod place;

/// How many clients there may be. One more takes the place of the one that has been silent for longest, which is told so.
const CLIENTS: usize = 64;

/// How long nobody new is heard after an error, for instance because there are no more descriptors.
const RESPITE: Duration = Duration::from_secs(1);

/// How fast clients may come, in the long run.
const PACE: Duration = Duration::from_millis(1);

/// What is said to a client that makes room, or for which there is none.
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
    let mut guests = Guests::new(CLIENTS, CLIENTS);
    loop {
        let global = configuration.borrow_and_update().global.clone();
        let group = global.windows.control_socket_group;
        let wish = path(&global, &usual).map(|path| Wish { path, group });
        if open.as_ref().map(|(wish, ..)| wish) != wish.as_ref() {
            // The old one goes first: it may be at the same path.
            drop(open.take());
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
                Some((.., listener)) => accept(listener, &answers, &mut guests, &mut clients).await,
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
    let listener = UnixListener::from_std(listener)?;
    info!("Control socket is {}", wish.path.display());
    Ok((place, listener))
}

/// Serves clients of one listener, forever.
async fn accept(listener: &UnixListener, answers: &Arc<Answers>, guests: &mut Guests<()>, clients: &mut JoinSet<()>) {
    let mut is_well = true;
    loop {
        while clients.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((mut stream, _)) => {
                is_well = true;
                match guests.admit(()) {
                    Some(guest) => {
                        let answers = answers.clone();
                        clients.spawn(async move {
                            let is_dismissed = tokio::select! {
                                () = client::serve(&mut stream, &answers, &guest) => false,
                                () = guest.dismissed() => true,
                            };
                            if is_dismissed {
                                refuse(&stream);
                            }
                        });
                    }
                    None => refuse(&stream),
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

/// Says why there is no answer. A word that does not fit into its buffer is lost, and the client knows by the end.
fn refuse(stream: &UnixStream) {
    let _ = stream.try_write(FULL);
}

/// Whether somebody listens at a socket. Never waits for him.
fn is_served(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(true),
        // So many wait already.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}
