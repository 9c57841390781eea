//! Small servers on loopback for the tests of probes, each of which does one thing.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::super::event::{Outcome, Report};
use crate::model::Micros;
use crate::model::checker::Connect;

/// How a check reaches a server, within a second.
pub(super) fn connect(to: SocketAddr) -> Connect {
    within(to, Micros::from_secs(1))
}

/// How a check reaches a server, within this time.
pub(super) fn within(to: SocketAddr, timeout: Micros) -> Connect {
    Connect { to, bind_ip: None, bind_port: 0, bind_if: None, timeout, fwmark: 0 }
}

/// Loopback of both families, with any port.
pub(super) fn loopbacks() -> [SocketAddr; 2] {
    ["127.0.0.1:0", "[::1]:0"].map(|text| text.parse().expect("an address"))
}

/// A port of loopback where nobody is.
pub(super) async fn nobody() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    socket.local_addr().expect("its address")
}

/// A network namespace of this thread's own, with nothing in it but loopback.
pub(super) fn enter_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).expect("the test runs as root");
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("ip(8) is there");
    assert!(up.success());
}

/// A port whose server has no room for one more connection: it does not answer. To be kept as long as it is asked.
pub(super) fn full() -> (SocketAddr, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).expect("a socket");
    let listener = socket();
    let [any, _] = loopbacks();
    listener.bind(&any.into()).expect("bound");
    listener.listen(0).expect("listens");
    let address = listener.local_addr().expect("its address");
    let crowd = (0..8).map(|_| {
        let one = socket();
        let _ = one.connect(&address);
        one
    });
    let sockets = crowd.chain([listener]).collect();
    (address.as_socket().expect("an address of IP"), sockets)
}

/// The reason of a failure.
pub(super) fn reason(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Bad(reason) => reason,
        other => panic!("{other:?}, not a failure"),
    }
}

/// What a server does with its one connection, step by step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Sends
    Say(&'static [u8]),
    /// Waits for exactly this
    Hear(&'static str),
    /// Does nothing for so long
    Wait(Duration),
    /// Sends this again and again, with a pause
    Drip(&'static [u8], Duration),
    /// Resets the connection
    Reset,
    /// Does nothing any more, and leaves the connection open
    Hang,
}

/// A server that takes one connection, and closes it after the last step.
pub(super) async fn tcp(at: SocketAddr, steps: Vec<Step>) -> SocketAddr {
    let listener = TcpListener::bind(at).await.expect("a socket");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        serve(stream, steps).await;
    });
    address
}

async fn serve(mut stream: TcpStream, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Say(text) => stream.write_all(text).await.expect("sent"),
            Step::Hear(text) => {
                let mut heard = vec![0; text.len()];
                stream.read_exact(&mut heard).await.expect("heard");
                assert_eq!(String::from_utf8_lossy(&heard), text);
            }
            Step::Wait(span) => tokio::time::sleep(span).await,
            Step::Drip(text, pause) => loop {
                if stream.write_all(text).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            },
            Step::Reset => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("set"),
            Step::Hang => std::future::pending().await,
        }
    }
}

/// A server that answers each datagram with these, which may look at it. What it hears is checked by the caller's function.
pub(super) async fn udp(at: SocketAddr, answers: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind(at).await.expect("a socket");
    let address = socket.local_addr().expect("its address");
    tokio::spawn(async move {
        let mut room = vec![0; 70_000];
        while let Ok((count, from)) = socket.recv_from(&mut room).await {
            for answer in answers(&room[..count]) {
                socket.send_to(&answer, from).await.expect("sent");
            }
        }
    });
    address
}
