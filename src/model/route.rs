//! Routes and policy rules that the daemon puts into the kernel, in rtnetlink's terms (linux/rtnetlink.h,
//! linux/fib_rules.h).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Family, IfName};

/// An address with a prefix length; `0.0.0.0/0` and `::/0` stand for `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// The address as written; host bits are not cleared
    pub ip: IpAddr,
    /// 0 to 32, or 0 to 128
    pub len: u8,
}

/// A gateway. Its family may differ from the route's (`RTA_VIA`).
pub type Gateway = IpAddr;

/// How a route gets in among others for the same destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Placement {
    /// In front, or in place of an equal one (`NLM_F_CREATE`)
    #[default]
    Prepend,
    /// Behind (`NLM_F_CREATE | NLM_F_APPEND`)
    Append,
    /// Only if there is no equal one (`NLM_F_CREATE | NLM_F_EXCL`)
    Add,
}

/// One of the `RTAX_*` metrics, in the kernel's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// Which
    pub kind: MetricKind,
    /// Its value; `rtt` in 1/8 ms, `rttvar` in 1/4 ms, `rto_min` in ms
    pub value: u32,
    /// `lock`: the kernel does not adapt it
    pub lock: bool,
}

/// `RTAX_*` with the keyword's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // The names are those of the keywords.
pub enum MetricKind {
    Mtu,
    Window,
    Rtt,
    RttVar,
    SsThresh,
    Cwnd,
    AdvMss,
    Reordering,
    HopLimit,
    InitCwnd,
    Features,
    RtoMin,
    InitRwnd,
    QuickAck,
    FastOpenNoCookie,
}

/// Lightweight tunnel of a route or next hop (`RTA_ENCAP`, linux/lwtunnel.h).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encap {
    /// `encap ip`
    Ip(TunnelKey),
    /// `encap ip6`; `tos` is the traffic class
    Ip6(TunnelKey),
    /// `encap mpls`: labels of 20 bits, outermost first
    Mpls(Vec<u32>),
    /// `encap ila`: the locator
    Ila(u64),
}

/// What a tunnelled packet is marked with; `None` was not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TunnelKey {
    /// Tunnel id
    pub id: Option<u64>,
    /// Outer destination
    pub dst: Option<IpAddr>,
    /// Outer source
    pub src: Option<IpAddr>,
    /// Type of service or traffic class
    pub tos: Option<u8>,
    /// TTL or hop limit
    pub ttl: Option<u8>,
    /// `TUNNEL_*` flags
    pub flags: Option<u16>,
}

/// One hop of a multipath route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NextHop {
    /// Gateway
    pub via: Option<Gateway>,
    /// Device
    pub dev: Option<IfName>,
    /// 1 to 256; the kernel's `rtnh_hops` is one less
    pub weight: u16,
    /// `onlink`
    pub onlink: bool,
    /// Realms: source in the upper 16 bits (IPv4 only)
    pub realms: Option<u32>,
    /// Tunnel
    pub encap: Option<Encap>,
}

/// One route of `virtual_routes` or `static_routes`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Family of the destination
    pub family: Family,
    /// `RTN_*`: 1 unicast, 2 local, 6 blackhole ...
    pub kind: u8,
    /// Destination
    pub destination: Prefix,
    /// `from` (IPv6 only)
    pub source: Option<Prefix>,
    /// `src`: preferred source address
    pub preferred_source: Option<IpAddr>,
    /// `via`; `None` with `hops`
    pub via: Option<Gateway>,
    /// Output device; `None` with `hops` that name theirs
    pub dev: Option<IfName>,
    /// `onlink`
    pub onlink: bool,
    /// Tunnel
    pub encap: Option<Encap>,
    /// Hops of a multipath route
    pub hops: Vec<NextHop>,
    /// Table; `None` is main. With `vrf` the table of that device
    pub table: Option<u32>,
    /// `vrf`
    pub vrf: Option<IfName>,
    /// Priority of the route (`RTA_PRIORITY`)
    pub metric: Option<u32>,
    /// Type of service
    pub tos: u8,
    /// `RTPROT_*`; 18 is keepalived. `None`: an untracked route that names none
    pub protocol: Option<u8>,
    /// `RT_SCOPE_*`; `None` was not given
    pub scope: Option<u8>,
    /// Realms: source in the upper 16 bits (IPv4 only)
    pub realms: Option<u32>,
    /// Metrics, each once, in configuration order
    pub metrics: Vec<Metric>,
    /// `congctl`: the algorithm and whether it is locked
    pub congestion_control: Option<(String, bool)>,
    /// Seconds until it goes by itself (IPv6 only)
    pub expires: Option<u32>,
    /// `pref`: `ICMPV6_ROUTER_PREF_*`, 0 medium, 1 high, 3 low (IPv6 only)
    pub preference: Option<u8>,
    /// `ttl-propagate`
    pub ttl_propagate: Option<bool>,
    /// How it gets in
    pub placement: Placement,
    /// Set again when it is lost, and counted as a fault where it cannot be (no `no_track`)
    pub tracked: bool,
    /// Group that tracks it (static routes)
    pub track_group: Option<String>,
}

/// What a policy rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleAction {
    /// Look into this table
    Table(u32),
    /// Go on at the rule with this preference
    Goto(u32),
    /// Nothing
    Nop,
    /// `FR_ACT_BLACKHOLE`
    Blackhole,
    /// `FR_ACT_UNREACHABLE`
    Unreachable,
    /// `FR_ACT_PROHIBIT`
    Prohibit,
    /// Look into the table of the packet's VRF
    L3mdev,
}

/// One rule of `virtual_rules` or `static_rules`; `None` was not given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Family
    pub family: Family,
    /// `not`
    pub invert: bool,
    /// `from`
    pub from: Option<Prefix>,
    /// `to`
    pub to: Option<Prefix>,
    /// Input device
    pub iif: Option<IfName>,
    /// Output device
    pub oif: Option<IfName>,
    /// Mark, and mask if given
    pub fwmark: Option<(u32, Option<u32>)>,
    /// Type of service
    pub tos: u8,
    /// First and last user id
    pub uid_range: Option<(u32, u32)>,
    /// IP protocol number
    pub ip_protocol: Option<u8>,
    /// First and last source port
    pub sport: Option<(u16, u16)>,
    /// First and last destination port
    pub dport: Option<(u16, u16)>,
    /// Tunnel id
    pub tunnel_id: Option<u64>,
    /// Realms: source in the upper 16 bits (IPv4 only)
    pub realms: Option<u32>,
    /// What it does
    pub action: RuleAction,
    /// Refuse routes with a prefix this short or shorter
    pub suppress_prefix_length: Option<u32>,
    /// Refuse routes over devices of this group
    pub suppress_group: Option<u32>,
    /// Order among rules
    pub preference: u32,
    /// `RTPROT_*`; 18 is keepalived. `None`: an untracked rule that names none
    pub protocol: Option<u8>,
    /// Set again when it is lost (no `no_track`)
    pub tracked: bool,
    /// Group that tracks it (static rules)
    pub track_group: Option<String>,
}

impl Route {
    /// A route of which nothing has been said: what every word that is not given means.
    pub fn blank() -> Route {
        Route {
            family: Family::V4,
            kind: 1,
            destination: Prefix { ip: [0; 4].into(), len: 0 },
            source: None,
            preferred_source: None,
            via: None,
            dev: None,
            onlink: false,
            encap: None,
            hops: Vec::new(),
            table: None,
            vrf: None,
            metric: None,
            tos: 0,
            protocol: None,
            scope: None,
            realms: None,
            metrics: Vec::new(),
            congestion_control: None,
            expires: None,
            preference: None,
            ttl_propagate: None,
            placement: Placement::default(),
            tracked: true,
            track_group: None,
        }
    }
}

impl Rule {
    /// A rule of which nothing has been said: what every word that is not given means.
    pub fn blank() -> Rule {
        Rule {
            family: Family::V4,
            invert: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            fwmark: None,
            tos: 0,
            uid_range: None,
            ip_protocol: None,
            sport: None,
            dport: None,
            tunnel_id: None,
            realms: None,
            action: RuleAction::Nop,
            suppress_prefix_length: None,
            suppress_group: None,
            preference: 0,
            protocol: None,
            tracked: true,
            track_group: None,
        }
    }
}
