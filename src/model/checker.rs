//! Health checks of a real server.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::weight::Weight;
use super::{IfName, Micros, Script, readable};

/// One check, complete: everything it would inherit is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checker {
    /// When it runs and how it counts
    pub schedule: Schedule,
    /// What it does
    pub kind: CheckKind,
}

/// When a check runs and how its results count. FILE_CHECK and BFD_CHECK use `alpha` at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Further tries before a failure counts
    pub retry: u32,
    /// Pause before such a try
    pub delay_before_retry: Micros,
    /// Bound of the random delay of the first run
    pub warmup: Micros,
    /// Period
    pub delay_loop: Micros,
    /// Down until proved up
    pub alpha: bool,
    /// Log every failed attempt
    pub log_all_failures: bool,
}

/// How a check reaches its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// Where to
    pub to: SocketAddr,
    /// Own address
    pub bind_ip: Option<IpAddr>,
    /// Own port; 0 is any
    pub bind_port: u16,
    /// Own interface
    pub bind_if: Option<IfName>,
    /// 1 us to 4294.967295 s
    pub timeout: Micros,
    /// Mark of the packets; 0 is none
    pub fwmark: u32,
}

/// The kinds of check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckKind {
    /// TCP_CHECK
    Tcp(Connect),
    /// HTTP_GET and SSL_GET
    Http(Connect, Box<Http>),
    /// SMTP_CHECK
    Smtp(Connect, Smtp),
    /// DNS_CHECK
    Dns(Connect, Dns),
    /// UDP_CHECK
    Udp(Connect, Udp),
    /// PING_CHECK
    Ping(Connect),
    /// MISC_CHECK
    Misc(Misc),
    /// FILE_CHECK
    File {
        /// A `track_file` that exists
        track_file: String,
        /// What its number is multiplied by
        weight: Weight,
    },
    /// BFD_CHECK
    Bfd {
        /// A `bfd_instance` that exists
        instance: String,
    },
}

impl CheckKind {
    /// The keyword for it.
    pub fn keyword(&self) -> &'static str {
        match self {
            CheckKind::Tcp(_) => "TCP_CHECK",
            CheckKind::Http(_, http) if http.tls => "SSL_GET",
            CheckKind::Http(..) => "HTTP_GET",
            CheckKind::Smtp(..) => "SMTP_CHECK",
            CheckKind::Dns(..) => "DNS_CHECK",
            CheckKind::Udp(..) => "UDP_CHECK",
            CheckKind::Ping(_) => "PING_CHECK",
            CheckKind::Misc(_) => "MISC_CHECK",
            CheckKind::File { .. } => "FILE_CHECK",
            CheckKind::Bfd { .. } => "BFD_CHECK",
        }
    }
}

/// Version of the request line and headers that go with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpProtocol {
    /// `1.0`
    #[default]
    V10,
    /// `1.0C`, `1.0c`: with `Connection: close`
    V10Close,
    /// `1.1`, with `Connection: close`
    V11,
}

/// An HTTP or HTTPS check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http {
    /// SSL_GET
    pub tls: bool,
    /// Version
    pub protocol: HttpProtocol,
    /// Default `Host`; `None`: address and port
    pub virtualhost: Option<String>,
    /// Send a server name in the TLS handshake
    pub enable_sni: bool,
    /// That name; `None`: the virtual host
    pub sni_name: Option<String>,
    /// No pause between urls while recovering
    pub fast_recovery: bool,
    /// Wait for the close notification of TLS
    pub tls_compliant: bool,
    /// Never empty
    pub urls: Vec<Url>,
}

/// One request and what is expected of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Url {
    /// Path
    pub path: String,
    /// MD5 of the body
    #[serde(serialize_with = "readable::octets")]
    pub digest: Option<[u8; 16]>,
    /// Accepted status codes, first and last of each range; never empty
    pub status: Vec<(u16, u16)>,
    /// `Host` of this request
    pub virtualhost: Option<String>,
    /// Pattern for the body
    pub regex: Option<Box<Regex>>,
    /// Wait for the close notification of TLS; `None`: as the check
    pub tls_compliant: Option<bool>,
}

/// A PCRE2 pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regex {
    /// The pattern as bytes
    #[serde(serialize_with = "readable::text")]
    pub pattern: Vec<u8>,
    /// Success if it does not match
    pub no_match: bool,
    /// `regex_options` by their names
    pub options: Vec<String>,
    /// First offset in the body where a match may start
    pub min_offset: usize,
    /// Last offset in the body where a match may start
    pub max_offset: Option<usize>,
    /// Start and maximum size of the JIT stack in bytes
    pub stack: Option<(usize, usize)>,
}

/// An SMTP check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    /// What we call ourselves
    pub helo: String,
}

/// A DNS check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Query type number (1 A, 2 NS, 6 SOA ...)
    pub kind: u16,
    /// Name asked for, as written; empty is the root
    pub name: String,
}

/// One octet of an expected answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskedByte {
    /// Value
    pub value: u8,
    /// Bits that count
    pub mask: u8,
}

/// A UDP check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Udp {
    /// Datagram to send; `None`: a text of our own
    #[serde(serialize_with = "readable::octets")]
    pub payload: Option<Vec<u8>>,
    /// An answer is needed, which begins so
    pub reply: Option<Vec<MaskedByte>>,
    /// Shortest answer
    pub min_reply: u16,
    /// Longest answer
    pub max_reply: u16,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misc {
    /// What to run
    pub script: Script,
    /// Time limit
    pub timeout: Micros,
    /// Its exit status gives the weight
    pub dynamic: bool,
}
