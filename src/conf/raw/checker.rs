//! Health checks of a real server, as written.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::conf::environment::Identity;
use crate::conf::place::Place;
use crate::model::checker::{HttpProtocol, MaskedByte, Regex};
use crate::model::weight::Weight;
use crate::model::{IfName, Micros};

/// When checks run and how they count; the same keywords stand in checks, real and virtual servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawSchedule {
    pub retry: Option<u32>,
    pub delay_before_retry: Option<Micros>,
    pub warmup: Option<Micros>,
    pub delay_loop: Option<Micros>,
    pub alpha: Option<bool>,
    pub log_all_failures: Option<bool>,
}

impl RawSchedule {
    /// What is set, else what the other sets.
    pub fn or(self, other: RawSchedule) -> RawSchedule {
        RawSchedule {
            retry: self.retry.or(other.retry),
            delay_before_retry: self.delay_before_retry.or(other.delay_before_retry),
            warmup: self.warmup.or(other.warmup),
            delay_loop: self.delay_loop.or(other.delay_loop),
            alpha: self.alpha.or(other.alpha),
            log_all_failures: self.log_all_failures.or(other.log_all_failures),
        }
    }
}

/// How a check reaches its server.
#[derive(Clone, Debug, Default)]
pub struct RawConnect {
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
    pub bind_ip: Option<IpAddr>,
    pub bind_port: Option<u16>,
    pub bind_if: Option<IfName>,
    pub timeout: Option<Micros>,
    pub fwmark: Option<u32>,
}

impl RawConnect {
    /// Whether anything was said.
    pub fn is_set(&self) -> bool {
        let RawConnect { ip, port, bind_ip, bind_port, bind_if, timeout, fwmark } = self;
        let addresses = ip.is_some() || port.is_some() || bind_ip.is_some() || bind_port.is_some();
        addresses || bind_if.is_some() || timeout.is_some() || fwmark.is_some_and(|mark| mark != 0)
    }
}

/// One check.
#[derive(Clone, Debug)]
pub struct RawChecker {
    pub schedule: RawSchedule,
    pub connect: RawConnect,
    pub kind: RawKind,
    /// Something in it was so wrong that it is not used
    pub dropped: bool,
}

/// The kinds of check.
#[derive(Clone, Debug)]
pub enum RawKind {
    Tcp,
    Ping,
    Udp(RawUdp),
    Smtp(RawSmtp),
    Dns { kind: u16, name: Option<String> },
    Http(RawHttp),
    Misc(RawMisc),
    File { track_file: Option<String>, weight: Option<Weight> },
    Bfd(Option<String>),
}

/// `UDP_CHECK`
#[derive(Clone, Debug)]
pub struct RawUdp {
    pub payload: Option<Vec<u8>>,
    pub reply: Option<Vec<MaskedByte>>,
    pub min_reply: u16,
    pub max_reply: u16,
}

/// `SMTP_CHECK`
#[derive(Clone, Debug, Default)]
pub struct RawSmtp {
    pub helo: Option<String>,
    pub hosts: Vec<RawChecker>,
}

/// `MISC_CHECK`
#[derive(Clone, Debug, Default)]
pub struct RawMisc {
    pub command: Option<(Vec<OsString>, Place)>,
    /// What is run in place of the file that the first word names
    pub program: Option<PathBuf>,
    pub identity: Option<Identity>,
    /// 0 is none
    pub timeout: Micros,
    pub dynamic: bool,
}

/// `HTTP_GET` and `SSL_GET`
#[derive(Clone, Debug, Default)]
pub struct RawHttp {
    pub tls: bool,
    pub protocol: HttpProtocol,
    pub virtualhost: Option<String>,
    pub enable_sni: bool,
    pub sni_name: Option<String>,
    pub fast_recovery: bool,
    pub tls_compliant: bool,
    pub urls: Vec<RawUrl>,
}

/// `url`
#[derive(Clone, Debug, Default)]
pub struct RawUrl {
    pub path: Option<String>,
    pub digest: Option<[u8; 16]>,
    pub status: Vec<(u16, u16)>,
    pub virtualhost: Option<String>,
    /// Whether a pattern was given
    pub has_regex: bool,
    /// Something was said of a pattern
    pub regex_place: Option<Place>,
    pub regex: Regex,
    pub tls_compliant: Option<bool>,
}

impl RawChecker {
    /// A check with nothing set.
    pub fn new(kind: RawKind) -> Self {
        RawChecker { schedule: RawSchedule::default(), connect: RawConnect::default(), kind, dropped: false }
    }
}
