//! The interface that an instance wants for itself, and keys of `auth_hmac`, as they were written.

use std::net::IpAddr;

use crate::conf::place::Place;
use crate::model::hmac::{AntiReplay, HmacMode};
use crate::model::macvlan::IpvlanMode;
use crate::model::{IfName, Micros, Secret};

/// A MAC address of `use_vmac`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawMac {
    pub octets: [u8; 6],
    /// Five octets were given: the last one is the VRID
    pub ends_with_vrid: bool,
    pub place: Place,
}

/// `use_vmac` and `use_ipvlan`, with what belongs to them.
#[derive(Clone, Debug, Default)]
pub struct RawOwnLink {
    /// `use_vmac`
    pub macvlan: Option<Place>,
    /// `use_ipvlan`
    pub ipvlan: Option<Place>,
    pub name: Option<IfName>,
    pub mac: Option<RawMac>,
    pub netlink_notify: bool,
    pub group: Option<u32>,
    pub address: Option<(IpAddr, u8)>,
    pub mode: IpvlanMode,
    /// `vmac_xmit_base`
    pub xmit_base: Option<Place>,
}

impl RawOwnLink {
    /// What asks for an interface.
    pub fn wanted(&self) -> Option<Place> {
        self.macvlan.or(self.ipvlan)
    }
}

/// `auth_hmac`
#[derive(Clone, Debug)]
pub struct RawHmac {
    pub place: Place,
    pub keys: Vec<(u8, Secret)>,
    pub active: u8,
    pub time_window: Option<Micros>,
    pub anti_replay: AntiReplay,
    pub mode: HmacMode,
    pub mode_place: Option<Place>,
}
