//! Where the master agent is, as net-snmp writes it.

use std::fmt;

/// Where it is, unless somebody says otherwise.
const USUAL: &str = "/var/agentx/master";

/// The port of AgentX (RFC 2741 section 8.1.1).
const PORT: u16 = 705;

/// Where the master agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterAddress {
    /// `unix:/path`, `/path`
    Unix(String),
    /// `tcp:host:port`, `host:port`, `port`
    Tcp(String),
    /// A way that we do not go
    Unknown(String),
}

impl MasterAddress {
    /// What `-A` and `snmp_socket` say.
    pub fn of(words: Option<&str>) -> MasterAddress {
        let words = words.unwrap_or(USUAL);
        if words.starts_with('/') {
            return MasterAddress::Unix(words.to_owned());
        }
        match words.split_once(':') {
            Some(("unix" | "local", path)) => MasterAddress::Unix(path.to_owned()),
            Some(("tcp" | "tcp6" | "tcpv6" | "tcpipv6", host)) => MasterAddress::Tcp(with_port(host)),
            Some(("udp" | "udp6" | "udpv6" | "udpipv6" | "ssh" | "tlstcp" | "dtlsudp", _)) => {
                MasterAddress::Unknown(words.to_owned())
            }
            _ => MasterAddress::Tcp(with_port(words)),
        }
    }
}

/// A host and its port, of which either may be left out.
fn with_port(host: &str) -> String {
    if host.parse::<u16>().is_ok() {
        return format!("localhost:{host}");
    }
    let has_port = match host.rsplit_once(':') {
        Some((name, port)) => port.parse::<u16>().is_ok() && (name.ends_with(']') || !name.contains(':')),
        None => false,
    };
    match (has_port, host.contains(':') && !host.starts_with('[')) {
        (true, _) => host.to_owned(),
        (false, true) => format!("[{host}]:{PORT}"),
        (false, false) => format!("{host}:{PORT}"),
    }
}

impl fmt::Display for MasterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MasterAddress::Unix(path) => write!(f, "unix:{path}"),
            MasterAddress::Tcp(host) => write!(f, "tcp:{host}"),
            MasterAddress::Unknown(words) => f.write_str(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_net_snmp_reads_them() {
        let unix = |path: &str| MasterAddress::Unix(path.to_owned());
        let tcp = |host: &str| MasterAddress::Tcp(host.to_owned());
        let cases = [
            (None, unix("/var/agentx/master")),
            (Some("/run/agentx"), unix("/run/agentx")),
            (Some("unix:/run/agentx"), unix("/run/agentx")),
            (Some("tcp:127.0.0.1:7705"), tcp("127.0.0.1:7705")),
            (Some("tcp:localhost"), tcp("localhost:705")),
            (Some("tcp6:[::1]:705"), tcp("[::1]:705")),
            (Some("tcp6:::1"), tcp("[::1]:705")),
            (Some("7705"), tcp("localhost:7705")),
            (Some("host:7705"), tcp("host:7705")),
            (Some("udp:localhost:705"), MasterAddress::Unknown("udp:localhost:705".to_owned())),
        ];
        for (words, address) in cases {
            assert_eq!(MasterAddress::of(words), address, "{words:?}");
        }
    }
}
