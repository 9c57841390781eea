//! What keywords wrote, before rules and defaults make a configuration of it.
//!
//! `conf::apply` writes these, `conf::finish` reads them. A `None` is a setting that nobody gave.

pub mod checker;
pub mod own_link;
pub mod route;
pub mod service;
pub mod settings;
pub mod track;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

pub use checker::RawSchedule;
pub use service::RawCheck;

use super::environment::Identity;
use super::hash::{Map, Set};
use super::place::Place;
use crate::model::address::AddressFlags;
use crate::model::global::ProcessNames;
use crate::model::instance::Extras;
use crate::model::macvlan::{InterfaceDelays, Linkbeat};
use crate::model::weight::Weight;
use crate::model::{Family, IfName, Lifetime, Micros, Peer, Priority, Secret, TrackInterface, Version, Vrid};
use own_link::{RawHmac, RawOwnLink};
use track::{PerInterface, RawBfd, RawTrackFile, RawTrackGroup, RawTrackProcess, RawTrackScript, References};

/// A command that a script keyword names, with the identity it is to run under.
#[derive(Clone, Debug)]
pub struct RawCommand {
    pub argv: Vec<OsString>,
    /// What is run in place of the file that the first word names
    pub program: Option<PathBuf>,
    pub identity: Identity,
    pub place: Place,
}

/// A line of an address block.
#[derive(Clone, Debug)]
pub struct RawAddress {
    pub ip: IpAddr,
    /// The address as written, for messages
    pub shown: String,
    pub prefix_len: u8,
    pub interface: Option<IfName>,
    pub scope: u8,
    pub broadcast: Option<std::net::Ipv4Addr>,
    pub label: Option<String>,
    pub peer: Option<IpAddr>,
    pub flags: AddressFlags,
    pub preferred: Lifetime,
    pub tracked: bool,
    pub use_vmac: bool,
    pub track_group: Option<String>,
    pub place: Place,
}

/// Defaults and own values of gratuitous ARP settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawGarp {
    pub master_delay: Option<Micros>,
    pub master_repeat: Option<u32>,
    pub master_refresh: Option<Micros>,
    pub master_refresh_repeat: Option<u32>,
    pub lower_prio_delay: Option<Micros>,
    pub lower_prio_repeat: Option<u32>,
}

/// Kinds of authentication that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    Pass,
    Ah,
}

/// Scripts of an instance or a group, by keyword.
pub type RawNotify = Map<&'static str, RawCommand>;

/// One `vrrp_instance`.
#[derive(Clone, Debug)]
pub struct RawInstance {
    pub name: String,
    pub place: Place,
    pub vrid: Option<(Vrid, Place)>,
    pub family: Option<Family>,
    pub version: Option<Version>,
    pub interface: Option<(IfName, Place)>,
    pub master: Option<(bool, Place)>,
    pub priority: Option<(Priority, Place)>,
    pub advert_interval: Option<(Micros, Place)>,
    pub source: Option<IpAddr>,
    pub group: Option<(IpAddr, Place)>,
    /// A keyword that only makes sense with peers
    pub unicast: Option<Place>,
    pub unicast_fault_no_peer: bool,
    pub check_unicast_src: bool,
    pub ttl: Option<(u8, Place)>,
    pub peers: Vec<Peer>,
    pub auth_kind: Option<(AuthKind, Place)>,
    pub auth_pass: Option<Secret>,
    pub hmac: Option<RawHmac>,
    pub vips: Vec<RawAddress>,
    pub excluded: Vec<RawAddress>,
    pub no_vip_wanted: Option<Place>,
    pub nopreempt: Option<Place>,
    pub preempt_delay: Option<(Micros, Place)>,
    pub down_timer_adverts: Option<(u8, Place)>,
    pub lower_prio_no_advert: Option<(bool, Place)>,
    pub higher_prio_send_advert: Option<(bool, Place)>,
    pub owner_ignore_adverts: Option<(bool, Place)>,
    pub v3_checksum_as_v2: Option<bool>,
    pub skip_check_adv_addr: Option<bool>,
    pub strict: Option<bool>,
    pub dont_track_primary: bool,
    pub track_interfaces: Vec<(TrackInterface, Place)>,
    pub garp: RawGarp,
    pub garp_lower_place: Option<Place>,
    pub notify: RawNotify,
    pub report_deleted: bool,
    pub own_link: RawOwnLink,
    pub tracking: References,
    pub track_source: bool,
    pub extras: Extras,
    /// What among them has rules
    pub vrf_place: Option<Place>,
    pub accept_place: Option<Place>,
    pub promote_place: Option<Place>,
    pub expired_place: Option<Place>,
    /// `all` of `garp_extra_if`
    pub garp_extra_all: bool,
}

impl RawInstance {
    /// An instance with nothing set.
    pub fn new(name: String, place: Place) -> Self {
        RawInstance {
            name,
            place,
            vrid: None,
            family: None,
            version: None,
            interface: None,
            master: None,
            priority: None,
            advert_interval: None,
            source: None,
            group: None,
            unicast: None,
            unicast_fault_no_peer: false,
            check_unicast_src: false,
            ttl: None,
            peers: Vec::new(),
            auth_kind: None,
            auth_pass: None,
            hmac: None,
            vips: Vec::new(),
            excluded: Vec::new(),
            no_vip_wanted: None,
            nopreempt: None,
            preempt_delay: None,
            down_timer_adverts: None,
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            owner_ignore_adverts: None,
            v3_checksum_as_v2: None,
            skip_check_adv_addr: None,
            strict: None,
            dont_track_primary: false,
            track_interfaces: Vec::new(),
            garp: RawGarp::default(),
            garp_lower_place: None,
            notify: RawNotify::default(),
            report_deleted: false,
            own_link: RawOwnLink::default(),
            tracking: References::default(),
            track_source: false,
            extras: Extras::default(),
            vrf_place: None,
            accept_place: None,
            promote_place: None,
            expired_place: None,
            garp_extra_all: false,
        }
    }

    /// Takes the family of an address unless another is settled. Whether it fits.
    pub fn settle_family(&mut self, ip: &IpAddr) -> bool {
        *self.family.get_or_insert(Family::of(ip)) == Family::of(ip)
    }
}

/// One `vrrp_sync_group`.
#[derive(Clone, Debug)]
pub struct RawGroup {
    pub name: String,
    pub place: Place,
    /// `None`: no `group` block
    pub members: Option<Vec<(String, Place)>>,
    pub track_interfaces: Vec<(TrackInterface, Place)>,
    pub tracking: References,
    pub tracking_weight: bool,
    pub smtp_alert: Option<bool>,
    pub notify_priority_changes: Option<bool>,
    pub notify: RawNotify,
}

/// One `garp_group`.
#[derive(Clone, Debug, Default)]
pub struct RawGarpGroup {
    pub interfaces: Vec<IfName>,
    pub garp_interval: Option<Micros>,
    pub gna_interval: Option<Micros>,
}

/// One `vrrp_script`.
#[derive(Clone, Debug)]
pub struct RawScript {
    pub name: String,
    pub command: Option<(Vec<OsString>, Place)>,
    pub user: Option<Result<Identity, Place>>,
}

/// `global_defs` and what stands outside blocks.
#[derive(Clone, Debug, Default)]
pub struct RawGlobal {
    pub router_id: Option<String>,
    pub instance: Option<String>,
    pub net_namespace: Option<String>,
    pub use_pid_dir: bool,
    pub child_wait_time: Option<Micros>,
    pub process_names: ProcessNames,
    pub startup_script: Option<RawCommand>,
    pub startup_timeout: Option<Micros>,
    pub shutdown_script: Option<RawCommand>,
    pub shutdown_timeout: Option<Micros>,
    pub umask: Option<u32>,
    pub dynamic_interfaces: bool,
    pub default_interface: Option<IfName>,
    pub group4: Option<IpAddr>,
    pub group6: Option<IpAddr>,
    pub garp: RawGarp,
    pub garp_interval: Option<Micros>,
    pub gna_interval: Option<Micros>,
    pub lower_prio_no_advert: bool,
    pub higher_prio_send_advert: bool,
    pub version: Option<Version>,
    pub check_unicast_src: bool,
    pub skip_check_adv_addr: bool,
    pub strict: bool,
    pub owner_ignore_adverts: bool,
    pub v3_checksum_as_v2: bool,
    pub down_timer_adverts: Option<u8>,
    pub startup_delay: Micros,
    pub delay_after_boot: Micros,
    pub log_unknown_vrids: bool,
    pub script_security: bool,
}

/// Who scripts run as that name no user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptUser {
    /// Not looked for yet
    #[default]
    Open,
    /// This one
    Known(Identity),
    /// There is none: such scripts are dropped
    Missing,
}

/// Addresses that the instance whose block is open has so far, to find those that come twice.
#[derive(Debug, Default)]
pub struct Given {
    /// VIPs, with their interfaces
    pub vips: Map<IpAddr, Option<IfName>>,
    pub excluded: Set<(IpAddr, Option<IfName>)>,
    pub peers: Set<IpAddr>,
}

/// Everything that was written.
#[derive(Debug, Default)]
pub struct Raw {
    pub global: RawGlobal,
    pub settings: settings::RawSettings,
    pub script_user: ScriptUser,
    pub instances: Vec<RawInstance>,
    pub given: Given,
    pub groups: Vec<RawGroup>,
    pub static_addresses: Vec<RawAddress>,
    /// Routes and rules
    pub routing: route::RawRouting,
    pub garp_groups: Vec<RawGarpGroup>,
    /// Blocks of interfaces in them so far
    pub garp_interface_blocks: usize,
    pub scripts: Vec<RawTrackScript>,
    /// Of the process that reads, like the next two
    pub files: Vec<RawTrackFile>,
    pub bfds: Vec<RawBfd>,
    /// Weights of what can be tracked, with the keyword of its kind; of equal names the first counts
    pub weights: Map<(&'static str, String), Weight>,
    pub processes: Vec<RawTrackProcess>,
    pub track_groups: Vec<RawTrackGroup>,
    pub interface_delays: Vec<InterfaceDelays>,
    pub linkbeats: PerInterface<Linkbeat>,
    /// Interface of the IPVS sync daemon that an instance named
    pub sync_daemon_interface: Option<String>,
    pub check: RawCheck,
    /// An interface that has to be there is not
    pub missing_interface: bool,
    /// Names that were given so far, with the keyword of their kind
    pub names: Set<(&'static str, String)>,
}

impl Raw {
    /// Forgets what each process reads for itself: names are learnt in the order of the text.
    pub fn begin_pass(&mut self) {
        self.names.clear();
        self.weights.clear();
        self.files.clear();
        self.bfds.clear();
    }

    /// Makes something known that can be tracked.
    pub fn define(&mut self, kind: &'static str, name: &str, weight: Weight) {
        self.weights.entry((kind, name.to_string())).or_insert(weight);
        self.names.insert((kind, name.to_string()));
    }
}
