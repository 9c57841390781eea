//! For tests: servers that do what a script says, and runs of checks against them.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::Prober;
use crate::check::event::{CheckerId, Report, RunId, Task};
use crate::model::Micros;
use crate::model::check::Ssl;
use crate::model::checker::{CheckKind, Connect, Http, HttpProtocol, Url};

/// The time that checks have whose server does not answer.
pub(super) const TIMEOUT: Duration = Duration::from_millis(300);

/// Does `work` with each connection, and hands out what it gives. Ends with the process.
pub(super) fn serve<T: Send + 'static>(
    work: impl Fn(TcpStream) -> T + Send + Sync + 'static,
) -> (SocketAddr, Receiver<T>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("an address");
    let address = listener.local_addr().expect("an address");
    let (sender, receiver) = channel();
    let work = Arc::new(work);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (work, sender) = (Arc::clone(&work), sender.clone());
            thread::spawn(move || sender.send(work(stream)));
        }
    });
    (address, receiver)
}

/// Reads a request.
pub(super) fn request(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        text.extend(byte);
    }
    String::from_utf8(text).expect("text")
}

/// Answers each request in these pieces, each of which is sent by itself, and closes.
pub(super) fn answer(pieces: &[&[u8]]) -> SocketAddr {
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    serve(move |mut stream| {
        request(&mut stream);
        for (number, piece) in pieces.iter().enumerate() {
            if number > 0 {
                thread::sleep(Duration::from_millis(30));
            }
            // The check may have had enough.
            let _ = stream.write_all(piece);
        }
    })
    .0
}

/// What `work` takes on a machine that does other things too: it takes `least`, and not for ever.
pub(super) fn takes<T>(least: Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    let took = began.elapsed();
    assert!(took >= least && took < least + Duration::from_secs(20), "{took:?}");
    result
}

/// With much time, for servers that answer.
pub(super) fn connect(to: SocketAddr) -> Connect {
    Connect { to, bind_ip: None, bind_port: 0, bind_if: None, timeout: Micros::from_secs(20), fwmark: 0 }
}

/// With little time, for those that do not.
pub(super) fn hasty(to: SocketAddr) -> Connect {
    Connect { timeout: Micros(u64::try_from(TIMEOUT.as_micros()).expect("short")), ..connect(to) }
}

pub(super) fn url(path: &str) -> Url {
    Url {
        path: path.into(),
        digest: None,
        status: vec![(200, 299)],
        virtualhost: None,
        regex: None,
        tls_compliant: None,
    }
}

pub(super) fn http(url: Url) -> Http {
    Http {
        tls: false,
        protocol: HttpProtocol::V10,
        virtualhost: None,
        enable_sni: false,
        sni_name: None,
        fast_recovery: false,
        tls_compliant: false,
        urls: vec![url],
    }
}

pub(super) fn task(run: u64, kind: CheckKind) -> Task {
    Task { run: RunId(run), checker: CheckerId(1), kind: Arc::new(kind), url: 0 }
}

pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// One run, with this material for SSL_GET.
pub(super) fn run_with(ssl: Option<&Ssl>, kind: CheckKind) -> Report {
    block_on(async {
        let mut prober = Prober { tls: super::context(ssl), ..Prober::new() };
        prober.start(task(1, kind));
        let (run, report) = prober.ended().await;
        assert_eq!(run, RunId(1));
        report
    })
}

pub(super) fn run(kind: CheckKind) -> Report {
    run_with(None, kind)
}
