//! Virtual routers and the groups that tie them together.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::macvlan::OwnLink;
use super::route::{Route, Rule};
use super::settings::GarpExtra;
use super::weight::Tracking;
use super::{Address, Entry, Family, Hmac, IfName, Micros, Priority, Script, Secret, Vrid};

/// VRRP version of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// RFC 3768
    V2,
    /// RFC 9568 (and 5798)
    V3,
}

impl Version {
    /// The number in the packet.
    pub fn number(self) -> u8 {
        match self {
            Version::V2 => 2,
            Version::V3 => 3,
        }
    }
}

/// How adverts travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// To a group, with TTL 255
    Multicast {
        /// 224.0.0.18, ff02::12, or what the configuration says
        group: IpAddr,
    },
    /// One copy to each peer
    Unicast {
        /// In configuration order, never empty
        peers: Vec<Peer>,
        /// `unicast_ttl`; `None` is 255 for IPv4 and the kernel's default for IPv6
        ttl: Option<u8>,
    },
}

/// A unicast peer and the TTLs that are accepted from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Where its adverts come from and ours go to
    pub ip: IpAddr,
    /// Lowest TTL or hop limit accepted
    pub min_ttl: u8,
    /// Highest TTL or hop limit accepted
    pub max_ttl: u8,
}

/// Authentication of adverts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auth {
    /// None
    None,
    /// Simple password (RFC 2338 section 10.2): 1 to 8 bytes, padded with zeros on the wire. IPv4 version 2 only.
    Pass(Secret),
    /// Authentication header (RFC 2338 section 10.3.3), HMAC-MD5-96 keyed with the password. IPv4 version 2 only.
    Ah(Secret),
    /// Trailer with HMAC-SHA256, an extension of keepalived 2.4
    Hmac(Hmac),
}

/// Gratuitous ARP and unsolicited neighbour advertisement settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garp {
    /// Pause before the second burst; zero means there is none
    pub master_delay: Micros,
    /// Rounds of a burst, at least 1
    pub master_repeat: u32,
    /// Period of the refresh while MASTER; zero means none
    pub master_refresh: Micros,
    /// Rounds of a refresh; zero (from `vrrp_min_garp`) means that it sends nothing
    pub master_refresh_repeat: u32,
    /// Pause before the second burst after an advert of lower priority; zero means there is none
    pub lower_prio_delay: Micros,
    /// Rounds after an advert of lower priority; zero means none
    pub lower_prio_repeat: u32,
}

impl Default for Garp {
    fn default() -> Self {
        Garp {
            master_delay: Micros::from_secs(5),
            master_repeat: 5,
            master_refresh: Micros::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: Micros::from_secs(5),
            lower_prio_repeat: 5,
        }
    }
}

/// Scripts of an instance or a sync group. Most have few or none: in boxes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// `notify_master`
    pub master: Option<Box<Script>>,
    /// `notify_backup`
    pub backup: Option<Box<Script>>,
    /// `notify_fault`
    pub fault: Option<Box<Script>>,
    /// `notify_stop`
    pub stop: Option<Box<Script>>,
    /// `notify_deleted`
    pub deleted: Option<Box<Script>>,
    /// `notify_master_rx_lower_pri`
    pub master_rx_lower_pri: Option<Box<Script>>,
    /// `notify_split_brain`, run at the beginning and at the end of a contest with four arguments appended
    pub split_brain: Option<Box<Script>>,
    /// `notify`, run after the specific script with four arguments appended
    pub any: Option<Box<Script>>,
    /// Whether a removed instance reports DELETED instead of FAULT (`notify_deleted` with or without a script)
    pub report_deleted: bool,
}

/// A link whose state counts for an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackInterface {
    /// The link
    pub interface: IfName,
    /// 0 means FAULT while it is down; otherwise added to the priority (positive: while up, negative: while down).
    /// -253 to 253
    pub weight: i16,
    /// Whether up and down change places
    pub reverse: bool,
}

/// One virtual router, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The name after `vrrp_instance`
    pub name: String,
    /// `virtual_router_id`
    pub vrid: Vrid,
    /// Family of adverts and VIPs
    pub family: Family,
    /// Protocol version
    pub version: Version,
    /// Where adverts are sent and heard; `None` only for unicast with a configured source
    pub interface: Option<IfName>,
    /// `state MASTER`, or an address owner that names no state
    pub start_as_master: bool,
    /// Base priority
    pub priority: Priority,
    /// Whole seconds for version 2, whole centiseconds up to 40.95 s for version 3
    pub advert_interval: Micros,
    /// Multicast or unicast
    pub transport: Transport,
    /// `mcast_src_ip` or `unicast_src_ip`; otherwise the first suitable address of the interface
    pub source: Option<IpAddr>,
    /// Authentication
    pub auth: Auth,
    /// Addresses in the adverts, in configuration order
    pub vips: Vec<Address>,
    /// Addresses beside them (`virtual_ipaddress_excluded`), in configuration order
    pub excluded: Vec<Address>,
    /// Never take over from a living master of lower priority
    pub nopreempt: bool,
    /// How long a master of lower priority is left alone; zero means not at all
    pub preempt_delay: Micros,
    /// Adverts that may be missed before the master counts as dead, 1 to 100
    pub down_timer_adverts: u8,
    /// Do not answer an advert of lower priority
    pub lower_prio_no_advert: bool,
    /// Send one more advert before yielding to a higher priority
    pub higher_prio_send_advert: bool,
    /// An address owner drops all adverts
    pub owner_ignore_adverts: bool,
    /// Refuse unicast adverts from strangers; also true when a peer has TTL bounds
    pub check_unicast_src: bool,
    /// Do not compare the addresses in adverts of the master that we follow already
    pub skip_check_adv_addr: bool,
    /// VRRPv3 over IPv4 with a checksum without pseudo header
    pub v3_checksum_as_v2: bool,
    /// `vrrp_strict` or `strict_mode`; its consequences are already in the other fields
    pub strict: bool,
    /// Whether the state of `interface` counts (no `dont_track_primary`)
    pub track_primary: bool,
    /// Further links that count, without the instance's own
    pub track_interfaces: Vec<TrackInterface>,
    /// GARP and NA settings
    pub garp: Garp,
    /// Scripts
    pub notify: Notify,
    /// What it follows beside links
    pub tracking: Tracking,
    /// FAULT while the configured source address is absent (`track_src_ip`)
    pub track_source: bool,
    /// VMAC or ipvlan of its own
    pub own_link: Option<OwnLink>,
    /// `virtual_routes`
    pub routes: Vec<Route>,
    /// `virtual_rules`
    pub rules: Vec<Rule>,
    /// Rarely used settings
    pub extras: Extras,
    /// Why the instance has to stay in FAULT whatever happens, for instance a feature that would make it speak a
    /// protocol its peers do not understand
    pub config_fault: Option<String>,
}

/// Settings of an instance that few files have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// `accept` or `no_accept`; `None`: accepted, with strict mode only by the owner
    pub accept: Option<bool>,
    /// Promote secondary addresses of the interface
    pub promote_secondaries: bool,
    /// `smtp_alert` of the instance; `None`: the global default
    pub smtp_alert: Option<bool>,
    /// `notify_priority_changes` of the instance; `None`: the group's or global default
    pub notify_priority_changes: Option<bool>,
    /// `old_unicast_checksum`: `Some(true)` always, `Some(false)` never, `None` as the peers do
    pub old_unicast_checksum: Option<bool>,
    /// `timer_expired_backup`: highest priority of the other routers, 1 to 254
    pub timer_expired_backup: Option<u8>,
    /// `garp_extra_if`; `None`: the global one
    pub garp_extra: Option<GarpExtra>,
    /// `vrf` of an instance without interface
    pub vrf: Option<IfName>,
    /// `linkbeat_use_polling`
    pub linkbeat_use_polling: bool,
    /// `kernel_rx_buf_size`, bytes
    pub kernel_rx_buf_size: Option<u32>,
    /// `lvs_sync_daemon_interface`
    pub lvs_sync_daemon_interface: Option<IfName>,
    /// `unicast_fault_no_peer`
    pub unicast_fault_no_peer: bool,
    /// Some keyword of unicast was given, with peers or not
    pub unicast_asked: bool,
    /// `no_virtual_ipaddress`: no complaint that there is none
    pub no_virtual_ipaddress: bool,
    /// `use_vmac_addr`: macvlans for addresses that are not on the instance's own one, whether it has one or not
    pub macvlans_for_addresses: bool,
    /// `split_brain_probe`, 0.1 to 3600 seconds: how often a master asks who else has its addresses; `None`: never
    pub split_brain_probe: Option<Micros>,
    /// `debug`, 0 to 4; without effect
    pub debug: u8,
}

impl Instance {
    /// Whether adverts go to peers one by one.
    pub fn is_unicast(&self) -> bool {
        matches!(self.transport, Transport::Unicast { .. })
    }

    /// All addresses that move with the instance: VIPs, then excluded ones.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.vips.iter().chain(&self.excluded)
    }

    /// All routes, then all rules that move with the instance.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let routes = self.routes.iter().cloned().map(Entry::from);
        routes.chain(self.rules.iter().cloned().map(Entry::from))
    }
}

/// Instances that change state together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncGroup {
    /// The name after `vrrp_sync_group`
    pub name: String,
    /// Names of instances that exist, each in one group only, never empty
    pub members: Vec<String>,
    /// Links that count for every member
    pub track_interfaces: Vec<TrackInterface>,
    /// What every member follows beside links
    pub tracking: Tracking,
    /// Members may follow things with a weight of their own (`sync_group_tracking_weight`, `global_tracking`)
    pub tracking_weight: bool,
    /// `smtp_alert`; `None`: the global default
    pub smtp_alert: Option<bool>,
    /// `notify_priority_changes`; `None`: the global default
    pub notify_priority_changes: Option<bool>,
    /// Scripts
    pub notify: Notify,
}
