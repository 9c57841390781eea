//! What a seed stands for: how many nodes, which instances, what they follow, how they are configured anew.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keepalived_rs::model::address::AddressFlags;
use keepalived_rs::model::global::GarpPace;
use keepalived_rs::model::route::{Placement, Prefix, RuleAction};
use keepalived_rs::model::{
    Address, Auth, Extras, Family, Garp, IfName, Instance, Lifetime, Micros, Notify, Peer, Priority, Route, Rule,
    Secret, SyncGroup, TrackInterface, Tracked, Tracking, Transport, Version, Vrid, VrrpConfig, Weight,
};

use crate::rng::Rng;

/// Interfaces that every node has, one segment each.
pub const INTERFACES: [&str; 2] = ["eth0", "eth1"];

/// What a script, a file, a process and a session are called, wherever something follows them.
pub const FOLLOWED: &str = "followed";

/// One seed's world.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many nodes there are
    pub nodes: usize,
    /// What operators want of all nodes, first and later
    pub plans: Vec<Plan>,
    /// The longest time that the nodes may need to agree once all is calm
    pub bound: Micros,
    /// `split_brain_probe` of all instances
    pub probe: Option<Micros>,
}

/// What all nodes have to agree on.
#[derive(Clone, Debug)]
pub struct Plan {
    shared: Vec<Shared>,
    grouped: bool,
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
    let plans: Vec<Plan> = (0..rng.range(1, 2)).map(|_| draw_plan(rng)).collect();
    let shared = plans.iter().flat_map(|plan| &plan.shared);
    let slowest = shared.map(|shared| shared.interval).max().unwrap_or(Micros::ZERO);
    // A group may have to wait for each member's full timer once more; preempt_delay and the startup delay come on top.
    let bound = (slowest * 5 + Micros::from_secs(1)) * 3 + Micros::from_secs(6);
    Scenario { nodes, plans, bound, probe: None }
}

fn draw_plan(rng: &mut Rng) -> Plan {
    let count = rng.range(1, 3) as usize;
    let grouped = count > 1 && rng.chance(60);
    Plan { shared: (0..count).map(|_| draw_shared(rng)).collect(), grouped }
}

impl Plan {
    /// Whether it has no sync group.
    pub fn is_ungrouped(&self) -> bool {
        !self.grouped
    }
}

impl Scenario {
    /// Draws a configuration for a node by a plan: what each node decides for itself differs.
    pub fn configure(&self, rng: &mut Rng, node: usize, plan: &Plan) -> VrrpConfig {
        // Members of a group have one priority each node, as the users' guides ask for, and follow together what counts
        // for it.
        let grouped = plan.grouped && !rng.chance(10);
        let priority = draw_priority(rng);
        let nopreempt = rng.chance(20);
        let delay = if rng.chance(20) { Micros::from_millis(rng.range(1, 2_000)) } else { Micros::ZERO };
        let instances: Vec<Instance> = plan
            .shared
            .iter()
            .enumerate()
            .map(|(index, shared)| {
                let mut config = instance(index, node, self.nodes, shared);
                config.priority = if plan.grouped { priority } else { draw_priority(rng) };
                config.start_as_master = config.priority.is_owner();
                config.nopreempt = nopreempt && !config.priority.is_owner();
                config.preempt_delay = if config.nopreempt { Micros::ZERO } else { delay };
                config.down_timer_adverts = rng.pick(&[3, 3, 3, 2, 4]);
                config.extras.split_brain_probe = self.probe;
                config.garp.master_refresh = rng.pick(&[Micros::ZERO, Micros::ZERO, Micros::from_secs(1)]);
                if plan.grouped {
                    config.tracking = draw_tracking(rng, &[0]);
                    config.track_interfaces = draw_links(rng, &[0]);
                } else {
                    config.tracking = draw_tracking(rng, &WEIGHTS);
                    config.track_interfaces = draw_links(rng, &WEIGHTS);
                }
                config
            })
            .collect();
        let groups = if grouped { vec![group_of(rng, &instances)] } else { vec![] };
        let startup_delay = if rng.chance(15) { Micros::from_millis(rng.range(1, 3_000)) } else { Micros::ZERO };
        let garp_paces = if rng.chance(15) { vec![draw_pace(rng)] } else { vec![] };
        VrrpConfig { instances, groups, startup_delay, garp_paces, ..VrrpConfig::default() }
    }
}

/// Weights of what is followed; 0 is a reason for FAULT.
const WEIGHTS: [i32; 4] = [0, 30, -60, 250];

fn draw_tracking(rng: &mut Rng, weights: &[i32]) -> Tracking {
    let mut draw = || {
        let value = rng.pick(weights);
        // In reverse a thing that is as it should be would be a reason for FAULT, also when all is mended.
        let weight = Weight { value, reverse: value != 0 && rng.chance(10) };
        if rng.chance(15) { vec![Tracked { name: FOLLOWED.into(), weight }] } else { vec![] }
    };
    Tracking { scripts: draw(), files: draw(), processes: draw(), bfds: draw() }
}

fn draw_links(rng: &mut Rng, weights: &[i32]) -> Vec<TrackInterface> {
    let mut tracks = Vec::new();
    for interface in INTERFACES {
        let weight = rng.pick(weights) as i16;
        if rng.chance(10) {
            tracks.push(TrackInterface {
                interface: IfName::new(interface).expect("a name"),
                weight,
                reverse: weight != 0 && rng.chance(20),
            });
        }
    }
    tracks
}

fn draw_pace(rng: &mut Rng) -> GarpPace {
    let interval = Micros::from_millis(rng.range(1, 200));
    GarpPace { garp_interval: interval, gna_interval: interval, interfaces: vec![] }
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
        destination: prefix(number),
        dev,
        protocol: Some(18),
        placement: Placement::Prepend,
        ..Route::blank()
    };
    let untracked = Route { tracked: false, ..route(index as u8 + 101, IfName::new(INTERFACES[1])) };
    vec![route(index as u8 + 1, interface.clone()), route(100 + shared.interface as u8 * 50, interface), untracked]
}

/// A rule that every instance of the family has, and one of its own.
fn rules(index: usize, shared: &Shared) -> Vec<Rule> {
    let rule = |preference| Rule {
        family: shared.family,
        action: RuleAction::Table(100),
        preference,
        protocol: Some(18),
        ..Rule::blank()
    };
    vec![rule(1000), rule(index as u32 + 1001)]
}

fn group_of(rng: &mut Rng, instances: &[Instance]) -> SyncGroup {
    SyncGroup {
        name: "G1".into(),
        members: instances.iter().map(|instance| instance.name.clone()).collect(),
        track_interfaces: draw_links(rng, &WEIGHTS),
        tracking: draw_tracking(rng, &WEIGHTS),
        tracking_weight: false,
        smtp_alert: None,
        notify_priority_changes: None,
        notify: Notify::default(),
    }
}
