//! Scenes for tests.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::model::scene::{Configuration, Scene};
use crate::model::{
    Auth, Extras, Family, Garp, IfName, Instance, Micros, Notify, Priority, Tracking, Transport, Version, Vrid,
    VrrpConfig,
};

/// A daemon with these instances, of which nobody has told how they stand.
pub(in crate::view) fn scene(instances: Vec<Instance>) -> Scene {
    let vrrp = VrrpConfig { instances, ..VrrpConfig::default() };
    let configuration = Arc::new(Configuration { vrrp, ..Configuration::default() });
    Scene {
        at: 0,
        started: 0,
        pid: 2,
        configuration,
        answers: true,
        children: vec![],
        vrrp: None,
        check: None,
        bfd: None,
    }
}

/// An instance with this name, interface and VRID.
pub(in crate::view) fn instance(name: &str, interface: &str, vrid: u8) -> Instance {
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
