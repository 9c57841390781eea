//! A plain virtual router and a plain address, for tests of several rooms.

use std::net::{IpAddr, Ipv4Addr};

use super::address::AddressFlags;
use super::{
    Address, Auth, Extras, Family, Garp, IfName, Instance, Lifetime, Micros, Notify, Priority, Tracking, Transport,
    Version, Vrid,
};

/// An address as a line of `virtual_ipaddress` has it that says no more than where.
pub fn address(interface: &str, ip: IpAddr, prefix_len: u8) -> Address {
    Address {
        ip,
        prefix_len,
        interface: IfName::new(interface).expect("a name"),
        scope: 0,
        broadcast: None,
        label: None,
        peer: None,
        flags: AddressFlags::default(),
        preferred: Lifetime::Forever,
        tracked: true,
        use_vmac: false,
        track_group: None,
    }
}

/// Version 2, IPv4, priority 100, an advert each second to 224.0.0.18, no address.
pub fn instance(name: &str, interface: &str, vrid: u8) -> Instance {
    Instance {
        name: name.into(),
        vrid: Vrid::new(vrid).expect("not zero"),
        family: Family::V4,
        version: Version::V2,
        interface: IfName::new(interface),
        start_as_master: false,
        priority: Priority::DEFAULT,
        advert_interval: Micros::from_secs(1),
        transport: Transport::Multicast { group: Ipv4Addr::new(224, 0, 0, 18).into() },
        source: None,
        auth: Auth::None,
        vips: vec![],
        excluded: vec![],
        nopreempt: false,
        preempt_delay: Micros::ZERO,
        down_timer_adverts: 3,
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        owner_ignore_adverts: false,
        check_unicast_src: false,
        skip_check_adv_addr: false,
        v3_checksum_as_v2: false,
        strict: false,
        track_primary: true,
        track_interfaces: vec![],
        garp: Garp::default(),
        notify: Notify::default(),
        tracking: Tracking::default(),
        track_source: false,
        own_link: None,
        routes: vec![],
        rules: vec![],
        extras: Extras::default(),
        config_fault: None,
    }
}
