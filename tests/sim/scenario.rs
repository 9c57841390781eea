//! What a seed stands for: how many nodes, which instances, which troubles.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keepalived_rs::model::address::AddressFlags;
use keepalived_rs::model::route::{Placement, Prefix, RuleAction};
use keepalived_rs::model::{
    Address, Auth, Extras, Family, Garp, IfName, Instance, Lifetime, Micros, Notify, Peer, Priority, Route, Rule,
    Secret, SyncGroup, Tracking, Transport, Version, Vrid, VrrpConfig,
};

use crate::rng::Rng;

/// Interfaces that every node has, one segment each.
pub const INTERFACES: [&str; 2] = ["eth0", "eth1"];

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// A configuration for each node
    pub configs: Vec<VrrpConfig>,
    /// The longest time that the nodes may need to agree once all is calm
    pub bound: Micros,
}

/// The address of a node on an interface.
pub fn address_of(node: usize, interface: usize, family: Family) -> IpAddr {
    let host = node as u8 + 1;
    match family {
        Family::V4 => Ipv4Addr::new(10, interface as u8, 0, host).into(),
        Family::V6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, interface as u16, host.into()).into(),
    }
}

/// What all nodes agree about an instance.
#[derive(Clone, Debug)]
struct Shared {
    interface: usize,
    family: Family,
    version: Version,
    interval: Micros,
    unicast: bool,
    password: bool,
    vips: u64,
}

/// Draws a world from a seed.
pub fn draw(rng: &mut Rng) -> Scenario {
    let nodes = rng.range(2, 4) as usize;
    let count = rng.range(1, 3) as usize;
    let group = count > 1 && rng.chance(60);
    let shared: Vec<Shared> = (0..count).map(|_| draw_shared(rng)).collect();
    let configs: Vec<VrrpConfig> = (0..nodes)
        .map(|node| {
            // Members of a group have one priority each node, as the users' guides ask for.
            let priority = draw_priority(rng);
            let nopreempt = rng.chance(20);
            let delay = if rng.chance(20) { Micros::from_millis(rng.range(1, 2_000)) } else { Micros::ZERO };
            let instances: Vec<Instance> = shared
                .iter()
                .enumerate()
                .map(|(index, shared)| {
                    let mut config = instance(index, node, nodes, shared);
                    config.priority = if group { priority } else { draw_priority(rng) };
                    config.start_as_master = config.priority.is_owner();
                    config.nopreempt = nopreempt && !config.priority.is_owner();
                    config.preempt_delay = if config.nopreempt { Micros::ZERO } else { delay };
                    config
                })
                .collect();
            let groups = if group { vec![group_of(&instances)] } else { vec![] };
            VrrpConfig { instances, groups, ..VrrpConfig::default() }
        })
        .collect();
    let slowest = shared.iter().map(|shared| shared.interval).max().unwrap_or(Micros::ZERO);
    // A group may have to wait for each member's full timer once more, and preempt_delay comes on top.
    let bound = (slowest * 4 + Micros::from_secs(1)) * 3 + Micros::from_secs(3);
    Scenario { configs, bound }
}

fn draw_priority(rng: &mut Rng) -> Priority {
    let number = if rng.chance(8) { 255 } else { rng.pick(&[50, 100, 100, 150, 200, 254]) };
    Priority::new(number).expect("not zero")
}

fn draw_shared(rng: &mut Rng) -> Shared {
    let family = if rng.chance(30) { Family::V6 } else { Family::V4 };
    let version = if rng.chance(50) || family == Family::V6 { Version::V3 } else { Version::V2 };
    let interval = match version {
        Version::V2 => Micros::from_secs(1),
        Version::V3 => Micros::from_millis(rng.pick(&[100, 250, 1_000])),
    };
    Shared {
        interface: rng.range(0, 1) as usize,
        family,
        version,
        interval,
        unicast: rng.chance(30),
        password: version == Version::V2 && rng.chance(40),
        vips: rng.range(1, 3),
    }
}

fn instance(index: usize, node: usize, nodes: usize, shared: &Shared) -> Instance {
    let interface = IfName::new(INTERFACES[shared.interface]).expect("a name");
    let peer = |other: usize| Peer { ip: address_of(other, shared.interface, shared.family), min_ttl: 0, max_ttl: 255 };
    let group = match shared.family {
        Family::V4 => Ipv4Addr::new(224, 0, 0, 18).into(),
        Family::V6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).into(),
    };
    let vip = |n: u64| {
        let ip: IpAddr = match shared.family {
            Family::V4 => Ipv4Addr::new(10, shared.interface as u8, index as u8 + 1, n as u8 + 100).into(),
            Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, index as u16 + 1, n as u16 + 100).into(),
        };
        Address {
            prefix_len: shared.family.host_prefix(),
            ip,
            interface: interface.clone(),
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
    };
    Instance {
        name: format!("VI_{}", index + 1),
        vrid: Vrid::new(index as u8 + 51).expect("not zero"),
        family: shared.family,
        version: shared.version,
        interface: Some(interface.clone()),
        start_as_master: false,
        priority: Priority::DEFAULT,
        advert_interval: shared.interval,
        transport: if shared.unicast {
            Transport::Unicast { peers: (0..nodes).filter(|other| *other != node).map(peer).collect(), ttl: None }
        } else {
            Transport::Multicast { group }
        },
        source: None,
        auth: if shared.password { Auth::Pass(Secret::new("s3cr3t")) } else { Auth::None },
        vips: (0..shared.vips).map(vip).collect(),
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
        garp: Garp {
            master_delay: Micros::from_secs(5),
            master_repeat: 2,
            master_refresh: Micros::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: Micros::from_secs(5),
            lower_prio_repeat: 1,
        },
        notify: Notify::default(),
        tracking: Tracking::default(),
        track_source: false,
        own_link: None,
        routes: routes(index, shared),
        rules: rules(index, shared),
        extras: Extras::default(),
        config_fault: None,
    }
}

/// A route of the instance's own, one that all instances of its interface and family have, and one that says nothing of
/// where it goes.
fn routes(index: usize, shared: &Shared) -> Vec<Route> {
    let interface = IfName::new(INTERFACES[shared.interface]);
    let prefix = |number: u8| match shared.family {
        Family::V4 => Prefix { ip: [172, 16, number, 0].into(), len: 24 },
        Family::V6 => Prefix { ip: Ipv6Addr::new(0xfd10, 0, 0, number.into(), 0, 0, 0, 0).into(), len: 64 },
    };
    let route = |number: u8, dev: Option<IfName>| Route {
        family: shared.family,
        kind: 1,
        destination: prefix(number),
        source: None,
        preferred_source: None,
        via: None,
        dev,
        onlink: false,
        encap: None,
        hops: vec![],
        table: None,
        vrf: None,
        metric: None,
        tos: 0,
        protocol: Some(18),
        scope: None,
        realms: None,
        metrics: vec![],
        congestion_control: None,
        expires: None,
        preference: None,
        ttl_propagate: None,
        placement: Placement::Prepend,
        tracked: true,
        track_group: None,
    };
    let untracked = Route { tracked: false, ..route(index as u8 + 101, IfName::new(INTERFACES[1])) };
    vec![route(index as u8 + 1, interface.clone()), route(100 + shared.interface as u8 * 50, interface), untracked]
}

/// A rule that every instance of the family has, and one of its own.
fn rules(index: usize, shared: &Shared) -> Vec<Rule> {
    let rule = |preference| Rule {
        family: shared.family,
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
        action: RuleAction::Table(100),
        suppress_prefix_length: None,
        suppress_group: None,
        preference,
        protocol: Some(18),
        tracked: true,
        track_group: None,
    };
    vec![rule(1000), rule(index as u32 + 1001)]
}

fn group_of(instances: &[Instance]) -> SyncGroup {
    SyncGroup {
        name: "G1".into(),
        members: instances.iter().map(|instance| instance.name.clone()).collect(),
        track_interfaces: vec![],
        tracking: Tracking::default(),
        tracking_weight: false,
        smtp_alert: None,
        notify_priority_changes: None,
        notify: Notify::default(),
    }
}
