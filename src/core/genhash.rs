//! genhash: the request of the command line as one of a check.

use std::io::{self, Write};
use std::net::SocketAddr;

use tokio::runtime;

use crate::check;
use crate::cli::genhash::{Genhash, NAME, Protocol};
use crate::model::Micros;
use crate::model::checker::{Connect, Http, HttpProtocol, Url};
use crate::os::process;

/// Without `-t`: what keepalived's 32 bits of microseconds hold.
const LONGEST: Micros = Micros(u32::MAX as u64);

/// Asks for the page; the answer is the exit status: whatever the server does, it is 0.
pub(super) fn run(genhash: &Genhash) -> u8 {
    // A name is not worth a failure.
    let _ = process::set_name(NAME);
    let asked = || -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (connect, http) = request(genhash);
        let (mut out, mut err) = (io::stdout(), io::stderr());
        runtime.block_on(check::genhash::run(&connect, &http, genhash.verbose, &mut out, &mut err))
    };
    match asked() {
        Ok(()) => 0,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            1
        }
    }
}

fn request(genhash: &Genhash) -> (Connect, Http) {
    let Genhash { server, port, path, virtualhost, tls, server_name, protocol, fwmark, timeout, .. } = genhash;
    let connect = Connect {
        to: SocketAddr::new(*server, *port),
        bind_ip: None,
        bind_port: 0,
        bind_if: None,
        timeout: timeout.map_or(LONGEST, |seconds| Micros::from_secs(seconds.into()).min(LONGEST)),
        fwmark: *fwmark,
    };
    let url = Url {
        path: path.clone(),
        digest: None,
        status: Vec::new(),
        virtualhost: None,
        regex: None,
        tls_compliant: None,
    };
    let http = Http {
        tls: *tls,
        protocol: match protocol {
            Protocol::V10 => HttpProtocol::V10,
            Protocol::V10Close => HttpProtocol::V10Close,
            Protocol::V11 => HttpProtocol::V11,
        },
        virtualhost: virtualhost.clone(),
        enable_sni: *server_name,
        sni_name: None,
        fast_recovery: false,
        tls_compliant: false,
        urls: vec![url],
    };
    (connect, http)
}
