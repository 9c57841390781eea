//! Our requests to IPVS against those of keepalived 2.4.3, as nlmon has shown them (`ipvs/requests.txt`: each with what it
//! says, sequence number and port masked).
//!
//! Where a request only has to find a service or a destination, keepalived repeats all that it knows of it, which the
//! kernel does not read; ours names the key alone. There, and nowhere else, keepalived's is cut down to the key before
//! it is compared.

use keepalived_rs::model::Family;
use keepalived_rs::model::check::{Forwarding, Protocol, TunnelKind};
use keepalived_rs::model::ipvs::{
    DestSettings, IpvsChange, ServiceKey, ServiceSettings, SyncRole, SyncSettings, Timeouts,
};
use keepalived_rs::wire::ipvs::{self, Question};
use keepalived_rs::wire::netlink::{ACK, Attributes, DUMP, HEADER, REQUEST, Reader, message};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The number that the kernel had given the family
const FAMILY: u16 = 0x20;

/// What each request says, and its bytes.
fn requests() -> Vec<(String, Vec<u8>)> {
    let lines: Vec<&str> = include_str!("ipvs/requests.txt").lines().filter(|line| !line.starts_with('=')).collect();
    let byte = |pair: &[u8]| match pair {
        b"SS" | b"PP" => 0,
        pair => u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap(),
    };
    let bytes = |hex: &str| hex.trim().as_bytes().chunks(2).map(byte).collect();
    lines.chunks(2).map(|pair| (pair[0].to_owned(), bytes(pair[1]))).collect()
}

/// The key of a service and of a destination, by the numbers of their attributes.
const SERVICE_KEY: [u16; 5] = [1, 2, 3, 4, 5];
const DEST_KEY: [u16; 3] = [11, 1, 2];

/// The same request with nothing of its service but the key, and of its destination too if `keys_only`.
fn cut(bytes: &[u8], keys_only: bool) -> Vec<u8> {
    let mut attributes = Attributes::default();
    for (kind, value) in Reader(&bytes[HEADER + 4..]) {
        attributes.nest(kind, |inner| {
            for (part, value) in Reader(value) {
                let wanted = match kind {
                    1 => SERVICE_KEY.contains(&part),
                    _ => !keys_only || DEST_KEY.contains(&part),
                };
                if wanted {
                    inner.bytes(part, value);
                }
            }
        });
    }
    message(FAMILY, REQUEST | ACK, &[&bytes[HEADER..HEADER + 4], attributes.as_bytes()].concat())
}

/// What keepalived knows of the service in a request, also where it does not matter.
fn read(payload: &[u8]) -> Option<(IpvsChange, Option<ServiceSettings>)> {
    let service = || ipvs::service(payload);
    let dest = || ipvs::dest(payload, Family::V4);
    let with = |change: IpvsChange| Some((change, service().map(|(_, settings)| settings)));
    match payload[0] {
        1 => service().map(|(key, settings)| (IpvsChange::AddService(key, settings.clone()), Some(settings))),
        2 => service().map(|(key, settings)| (IpvsChange::SetService(key, settings.clone()), Some(settings))),
        3 => with(IpvsChange::DeleteService(service()?.0)),
        5 => dest().and_then(|(address, settings)| with(IpvsChange::AddDest(service()?.0, address, settings))),
        6 => dest().and_then(|(address, settings)| with(IpvsChange::SetDest(service()?.0, address, settings))),
        7 => dest().and_then(|(address, _)| with(IpvsChange::DeleteDest(service()?.0, address))),
        9 => ipvs::daemon(payload).map(|(role, settings)| (IpvsChange::StartDaemon(role, settings), None)),
        12 => ipvs::timeouts(payload).map(|timeouts| (IpvsChange::SetTimeouts(timeouts), None)),
        17 => Some((IpvsChange::Flush, None)),
        _ => None,
    }
}

/// A request in the words of the file.
fn words(change: &IpvsChange, service: Option<&ServiceSettings>, dest: Option<(SocketAddr, DestSettings)>) -> String {
    let svc = |key: &ServiceKey| service_words(key, service.unwrap());
    let both = |key: &ServiceKey, at: SocketAddr, settings| {
        let (address, settings) = dest.unwrap_or((at, settings));
        assert_eq!(address, at);
        format!("{} {}", svc(key), dest_words(address, &settings))
    };
    match change {
        IpvsChange::AddService(key, _) => format!("NEW_SERVICE ver=1 fl=5 {}", svc(key)),
        IpvsChange::SetService(key, _) => format!("SET_SERVICE ver=1 fl=5 {}", svc(key)),
        IpvsChange::DeleteService(key) => format!("DEL_SERVICE ver=1 fl=5 {}", svc(key)),
        IpvsChange::AddDest(key, at, settings) => format!("NEW_DEST ver=1 fl=5 {}", both(key, *at, *settings)),
        IpvsChange::SetDest(key, at, settings) => format!("SET_DEST ver=1 fl=5 {}", both(key, *at, *settings)),
        IpvsChange::DeleteDest(key, at) => format!("DEL_DEST ver=1 fl=5 {}", both(key, *at, dest.unwrap().1)),
        IpvsChange::Flush => "FLUSH ver=1 fl=5".into(),
        IpvsChange::SetTimeouts(Timeouts { tcp, tcp_fin, udp }) => {
            format!("SET_CONFIG ver=1 fl=5 tcp={tcp} tcpfin={tcp_fin} udp={udp}")
        }
        IpvsChange::StartDaemon(role, settings) => {
            format!("NEW_DAEMON ver=1 fl=5 DAEMON{{{}}}", daemon_words(*role, settings))
        }
        IpvsChange::StopDaemon(role, id) => {
            format!("DEL_DAEMON ver=1 fl=5 DAEMON{{1:{} 3:{id:02x}000000}}", state(*role))
        }
    }
}

fn service_words(key: &ServiceKey, settings: &ServiceSettings) -> String {
    let (family, key) = match key {
        ServiceKey::Address { protocol, ip, port } => {
            let number = match protocol {
                Protocol::Tcp => 6,
                Protocol::Udp => 17,
                Protocol::Sctp => 132,
            };
            (Family::of(ip), format!("proto={number} addr={ip} port={port}"))
        }
        ServiceKey::Mark { family, mark } => (*family, format!("fwmark={mark}")),
    };
    let (af, netmask) = match family {
        Family::V4 => (2, Ipv4Addr::from(settings.netmask).to_string()),
        Family::V6 => (10, settings.netmask.to_string()),
    };
    let ServiceSettings { scheduler, flags, timeout, engine, .. } = settings;
    let engine = engine.as_ref().map_or_else(String::new, |engine| format!(" pe={engine}"));
    format!(
        "SVC{{af={af} {key} sched={scheduler} flags={flags:#x}/0xffffffff timeout={timeout} netmask={netmask}{engine}}}"
    )
}

fn dest_words(address: SocketAddr, settings: &DestSettings) -> String {
    let (method, tunnel) = match settings.forwarding {
        Forwarding::Nat => (0, String::new()),
        Forwarding::Dr => (3, String::new()),
        Forwarding::Tun(how) => {
            let checksum = how.checksum as u32;
            let tunnel = match how.kind {
                TunnelKind::IpIp => " tun_type=0".into(),
                TunnelKind::Gue => format!(" tun_type=1 tun_port={} tun_flags={checksum}", how.port),
                TunnelKind::Gre => format!(" tun_type=2 tun_flags={checksum}"),
            };
            (2, tunnel)
        }
    };
    let af = if address.is_ipv4() { 2 } else { 10 };
    let DestSettings { weight, upper_threshold, lower_threshold, .. } = settings;
    format!(
        "DEST{{af={af} addr={} port={} fwd={method} w={weight} u={upper_threshold} l={lower_threshold}{tunnel}}}",
        address.ip(),
        address.port()
    )
}

fn state(role: SyncRole) -> &'static str {
    match role {
        SyncRole::Master => "01000000",
        SyncRole::Backup => "02000000",
    }
}

fn daemon_words(role: SyncRole, settings: &SyncSettings) -> String {
    let SyncSettings { interface, id, max_len, port, ttl, group } = settings;
    let short = |value: u16| value.to_le_bytes().map(|byte| format!("{byte:02x}")).concat();
    let mut words = vec![format!("1:{}", state(role)), format!("2:{interface}"), format!("3:{id:02x}000000")];
    words.extend(max_len.map(|max_len| format!("4:{}", short(max_len))));
    words.extend(port.map(|port| format!("7:{}", short(port))));
    words.extend(ttl.map(|ttl| format!("8:{ttl:02x}")));
    words.extend(group.map(|group| match group {
        IpAddr::V4(group) => format!("5:{}", group.octets().map(|byte| format!("{byte:02x}")).concat()),
        IpAddr::V6(_) => panic!("no such request in the file"),
    }));
    words.join(" ")
}

#[test]
fn every_request_of_keepalived_is_what_we_would_send() {
    let mut compared = 0;
    for (said, bytes) in requests() {
        // A scheduler without a name is ipvsadm's.
        if said.contains("sched= ") || said.contains("fl=305") {
            continue;
        }
        if said.starts_with("GET_CONFIG") {
            assert_eq!(message(FAMILY, REQUEST | ACK, &ipvs::ask(Question::Timeouts)), bytes);
            continue;
        }
        let payload = &bytes[HEADER..];
        let change = match payload[0] {
            // There is no answer with the attributes of this one.
            10 => {
                let role = if said.contains("1:01000000") { SyncRole::Master } else { SyncRole::Backup };
                (IpvsChange::StopDaemon(role, 0), None)
            }
            _ => read(payload).unwrap_or_else(|| panic!("not understood: {said}")),
        };
        let (change, service) = change;
        // What the file says was read out of the bytes by others.
        assert_eq!(words(&change, service.as_ref(), ipvs::dest(payload, Family::V4)), said);
        let ours = message(FAMILY, REQUEST | ACK, &ipvs::change(&change));
        let theirs = match payload[0] {
            3 | 7 => cut(&bytes, true),
            5 | 6 => cut(&bytes, false),
            _ => bytes,
        };
        assert_eq!(ours, theirs, "{said}");
        compared += 1;
    }
    assert!(compared > 100, "only {compared} requests were compared");
}

#[test]
fn a_dump_is_asked_for_as_keepalived_does() {
    let (_, bytes) = requests().into_iter().find(|(said, _)| said.starts_with("GET_DAEMON")).unwrap();
    assert_eq!(message(FAMILY, REQUEST | ACK | DUMP, &ipvs::ask(Question::Daemons)), bytes);
}
