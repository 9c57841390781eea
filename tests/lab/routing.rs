//! Routes and rules that move with an instance or stay on the host, and settings of interfaces.

use std::net::IpAddr;

use nix::sys::signal::Signal;

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{SOON, now, stay, wait_until};
use crate::rig::node::{Daemon, Node, Role};
use crate::rig::{Lab, Layout};
use crate::scene::{FIRST, PRIORITIES, Pair, SECOND, Scene};
use crate::{pairs, tests};

pairs! {
    moves_with_the_master
    removed_by_others
}

tests! {
    set_like_keepalived
    static_objects
    reload_and_crash
    secondaries_promoted
    peers_leave
}

const ROUTES: &str = "virtual_routes {\n 10.50.0.0/16 via 10.0.0.9\n fd50::/64 via fd00::9 dev eth0\n }";
const RULES: &str = "virtual_rules {\n from 10.50.0.0/16 table 50 preference 500\n \
                     from fd50::/64 table 50 preference 501\n }";

/// The routes and rules on a node that are marked as keepalived's, of both families.
fn entries(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["-4", "-6"] {
        let routes = node.host.run("ip", &["-N", "-d", "-o", family, "route", "show", "table", "all", "proto", "18"]);
        let rules = node.host.run("ip", &["-N", "-d", family, "rule", "show"]);
        // A lifetime runs.
        let squeezed = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().filter(|word| !word.ends_with("sec")).collect();
            words.join(" ")
        };
        lines.extend(routes.lines().map(squeezed));
        lines.extend(rules.lines().filter(|line| line.contains("proto 18")).map(squeezed));
    }
    lines
}

fn expect_entries(node: &Node, count: usize) {
    let what = format!("{} has {count} routes and rules", node.name());
    let mut seen = Vec::new();
    let done = crate::rig::moment::comes_true(SOON, || {
        seen = entries(node);
        seen.len() == count
    });
    assert!(done, "{what}, but it has {seen:#?}\n{}", node.log_tail());
}

/// They are where the addresses are.
fn moves_with_the_master(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, Speech::QUICK);
    scene.instances = scene.instances.map(|instance| instance.line(&with_metric()).line(RULES));
    scene.start_both();
    expect_entries(scene.node(FIRST), 4);
    expect_entries(scene.node(SECOND), 0);
    let start = now();
    scene.node_mut(FIRST).stop();
    scene.expect_master(SECOND, start);
    expect_entries(scene.node(FIRST), 0);
    expect_entries(scene.node(SECOND), 4);
    let start = now();
    scene.start(FIRST);
    scene.expect_master(FIRST, start);
    expect_entries(scene.node(FIRST), 4);
    expect_entries(scene.node(SECOND), 0);
    scene.node_mut(SECOND).stop();
    scene.node_mut(FIRST).stop();
}

/// keepalived does not remove IPv6 routes without a metric.
fn with_metric() -> String {
    ROUTES.replace("dev eth0", "dev eth0 metric 5")
}

/// Somebody removes a route, then a rule from the master: it says goodbye, and whoever wins then, all is there again.
fn removed_by_others(name: &str, pair: Pair) {
    let mut scene = Scene::new(name, pair, Speech::QUICK);
    scene.instances = scene.instances.map(|instance| {
        instance
            .line("virtual_routes {\n 10.50.0.0/16 via 10.0.0.9 dev eth0\n }")
            .line("virtual_rules {\n from 10.50.0.0/16 table 50 preference 500\n }")
    });
    scene.start_both();
    for removal in ["route delete 10.50.0.0/16", "rule delete preference 500"] {
        let start = now();
        scene.node(FIRST).host.ip(removal);
        scene.lab.wire.advert("a goodbye", "lb01", start, SOON, |a| a.priority == 0);
        scene.expect_master(FIRST, start);
        scene.expect_notified(FIRST, &["BACKUP", "MASTER"]);
        expect_entries(scene.node(FIRST), 2);
    }
    scene.node_mut(SECOND).stop();
    scene.node_mut(FIRST).stop();
}

/// A large file of lines gives the same routes and rules with ours as with keepalived.
fn set_like_keepalived() {
    let layout = Layout { interfaces: &["eth0", "eth1"], ..Layout::default() };
    let mut lab = Lab::new("set_like_keepalived", &crate::ours(), &layout);
    let routes = "virtual_routes {
        10.51.0.0/16 via 10.0.0.9
        10.52.0.0/16 via 10.0.0.9 dev eth0 metric 7 src 10.0.0.12
        10.53.0.0/16 dev eth1 scope link
        src 10.0.0.12 to 10.54.0.0/24 via 10.0.0.9 mtu lock 1400 advmss 1300 window 9000 hoplimit 17 initcwnd 20 \
           initrwnd 30 rtt 300ms rttvar lock 400ms rto_min 250ms reordering 5 cwnd lock 9 ssthresh 11 quickack 1 \
           features ecn congctl lock reno fastopen_no_cookie 1
        10.55.0.0/16 nexthop via 10.0.0.9 dev eth0 weight 2 nexthop via 10.0.1.9 dev eth1 weight 256 onlink
        10.56.0.0/16 via 10.0.0.9 table 1000
        10.57.0.0/16 via 10.0.0.9 tos 16
        10.58.0.0/16 via 10.9.9.9 dev eth1 onlink
        10.59.0.0/16 via inet6 fd00::9 dev eth0
        10.60.0.0/16 via 10.0.0.9 realms 5/6
        blackhole 10.61.0.0/16
        unreachable 10.62.0.0/16
        prohibit 10.63.0.0/16 metric 4
        throw 10.64.0.0/16 table 77
        local 10.65.0.1 dev eth0 table 88 scope host
        broadcast 10.66.0.255 dev eth0 scope link
        multicast 239.0.0.0/24 dev eth0
        default via 10.0.0.9 metric 500
        10.67.0.0/16 encap ip id 5 dst 10.0.0.7 src 10.0.0.9 tos 4 ttl 9 dev eth0
        10.68.0.0/16 encap ip6 id 6 dst fd00::7 tc 4 hoplimit 9 flags 4 dev eth0
        10.69.0.0/16 via 10.0.0.9 add
        10.69.0.0/16 via 10.0.0.8 append
        10.69.0.0/16 via 10.0.0.7 prepend
        10.70.0.0/16 via 10.0.0.9 no_track
        fd51::/64 via fd00::9
        fd52::/64 via fd00::9 dev eth0 metric 7
        fd53::/64 via fd00::9 dev eth0 expires 1000 pref high mtu 1400
        fd54::/64 dev eth1
        fd55::/64 from fd00:55::/64 via fd00::9 dev eth0
        fd56::/64 nexthop via fd00::9 dev eth0 weight 3 nexthop via fd00:0:0:1::9 dev eth1
        unreachable fd57::/64
        blackhole fd58::/64 metric 5
        prohibit fd59::/64 table 99
        fd60::/64 via fd00::9 dev eth0 src fd00::20
        fd61::/64 encap ip6 id 6 dst fd00::7 dev eth0
        fd62::/64 via fe80::99 dev eth1 pref low
        default via fd00::9 metric 600
    }";
    let rules = "virtual_rules {
        from 10.31.0.0/16 to 10.32.0.0/16 table 101 preference 301
        not from 10.33.0.0/16 table 1000 preference 302
        iif eth0 oif eth1 table main preference 303
        fwmark 5 table 100 preference 304
        fwmark 0x10/0xff table 100 preference 305
        tos 16 table 100 preference 306
        uidrange 1-99 table 100 preference 307
        ipproto tcp sport 10-20 dport 30-40 table 100 preference 308
        tunnel-id 99 table 100 preference 309
        from 10.34.0.0/16 realms 3/4 table 100 preference 310
        from 10.35.0.0/16 goto 400 preference 311
        from 10.36.0.0/16 nop preference 312
        from 10.37.0.0/16 blackhole preference 313
        from 10.38.0.0/16 unreachable preference 314
        from 10.39.0.0/16 prohibit preference 315
        from all suppress_prefixlength 0 table main preference 316
        suppress_ifgroup 4 table main preference 317
        l3mdev preference 318
        from 10.40.0.0/16 table 100
        from fd31::/64 to fd32::/64 table 100 preference 401
        from fd33::/64 blackhole preference 402
        from fd34::/64 table 100
        from 10.41.0.0/16 table 100
        from fd35::/64 table 100
    }";
    let excluded = "virtual_ipaddress_excluded {\n fd00::20/64\n }";
    for (node, daemon) in [(FIRST, Daemon::Ours), (SECOND, Daemon::Keepalived)] {
        let mut instance = Instance::new(node, Speech::QUICK, PRIORITIES[node]).line(routes).line(rules).line(excluded);
        // Each alone, so that both are master.
        instance.vrid += u8::try_from(node).expect("two nodes");
        instance.scripts = false;
        lab.nodes[node].start(daemon, &file("", &[&instance]));
    }
    let address: IpAddr = "10.0.0.12".parse().expect("an address");
    let [ours, theirs] = lab.nodes.as_slice() else { panic!("two nodes") };
    let mut shown = (vec![], vec![]);
    let same = crate::rig::moment::comes_true(2 * SOON, || {
        shown = (entries(ours), entries(theirs));
        ours.has_any(&[address]) && theirs.has_any(&[address]) && shown.0.len() >= 60 && shown.0 == shown.1
    });
    assert!(same, "ours {:#?}\nkeepalived's {:#?}\n{}\n{}", shown.0, shown.1, ours.log_tail(), theirs.log_tail());
    lab.nodes[FIRST].stop();
}

/// Static addresses, routes and rules are there from start to stop, whatever others do to them and their interface.
fn static_objects() {
    let layout = Layout { interfaces: &["eth0", "eth1"], nodes: &["lb01"] };
    let mut lab = Lab::new("static_objects", &crate::ours(), &layout);
    let fixed = "static_ipaddress {\n 10.0.7.1/24 dev eth1\n }\nstatic_routes {\n 10.71.0.0/16 via 10.0.7.9 dev eth1\n \
                 fd71::/64 via fd00:0:0:1::9 dev eth1\n }\nstatic_rules {\n from 10.71.0.0/16 table 71 preference 710\n }\n";
    let instance = Instance { scripts: false, ..Instance::new(FIRST, Speech::QUICK, PRIORITIES[FIRST]) };
    lab.nodes[FIRST].start(Daemon::Ours, &file(fixed, &[&instance]));
    let node = &lab.nodes[FIRST];
    let address: IpAddr = "10.0.7.1".parse().expect("an address");
    let all = |what: &str| {
        wait_until(what, SOON, || node.has_all(&[address]));
        expect_entries(node, 3);
    };
    all("static objects are set");
    for removal in ["route delete 10.71.0.0/16", "-6 route delete fd71::/64", "rule delete preference 710"] {
        node.host.run("ip", &removal.split(' ').collect::<Vec<_>>());
        all("what was removed is there again");
    }
    node.expect_logged("Restoring deleted static route 10.71.0.0/16 via 10.0.7.9 dev eth1");
    node.expect_logged("Restoring deleted static rule from 10.71.0.0/16");
    // The kernel drops the routes of IPv4 without a word.
    node.host.ip("link set eth1 down");
    expect_entries(node, 1);
    node.host.ip("link set eth1 up");
    all("the interface is up again");
    // A gateway that is out of reach at first.
    node.host.ip("link set eth1 down\naddress flush dev eth1");
    expect_entries(node, 1);
    node.host.ip("link set eth1 up");
    wait_until("the static address is there again", SOON, || node.has_all(&[address]));
    expect_entries(node, 2);
    node.host.ip("address add fd00:0:0:1::1/64 dev eth1 nodad");
    all("the gateway is in reach again");
    lab.nodes[FIRST].terminate();
    expect_entries(&lab.nodes[FIRST], 0);
    assert!(!lab.nodes[FIRST].has_any(&[address]));
}

/// A reload changes what differs; a child that is killed leaves nothing in the way of its successor; what is not ours
/// stays.
fn reload_and_crash() {
    let mut lab = Lab::new("reload_and_crash", &crate::ours(), &Layout { nodes: &["lb01"], ..Layout::default() });
    let with = |lines: &str| {
        let instance = Instance { scripts: false, ..Instance::new(FIRST, Speech::QUICK, PRIORITIES[FIRST]) };
        file("", &[&instance.line(lines)])
    };
    lab.nodes[FIRST].host.ip("route add 10.59.0.0/16 via 10.0.0.8 proto 18\n");
    lab.nodes[FIRST].start(Daemon::Ours, &with(&format!("{ROUTES}\n{RULES}")));
    expect_entries(&lab.nodes[FIRST], 5);
    let node = &lab.nodes[FIRST];
    node.reload(&with(&format!("{}\n{RULES}", ROUTES.replace("10.50", "10.51"))));
    wait_until("the other route is there", SOON, || {
        let entries = entries(node);
        let has = |part: &str| entries.iter().any(|line| line.contains(part));
        has("10.51.0.0/16") && !has("10.50.0.0/16 via") && entries.len() == 5
    });
    let before = entries(node);
    lab.nodes[FIRST].crash(&[Role::Vrrp]);
    let node = &lab.nodes[FIRST];
    wait_until("the successor has cleared them away", SOON, || {
        entries(node).len() <= 1 || node.log().contains("MASTER")
    });
    wait_until("the successor has set them", 2 * SOON, || entries(node) == before);
    node.signal(Role::Parent, Signal::SIGTERM);
    lab.nodes[FIRST].wait_end(SOON);
    expect_entries(&lab.nodes[FIRST], 1);
}

/// The setting is on while the daemon runs, and what it was afterwards.
fn secondaries_promoted() {
    let mut lab = Lab::new("secondaries_promoted", &crate::ours(), &Layout { nodes: &["lb01"], ..Layout::default() });
    let read =
        |node: &Node| node.host.run("cat", &["/proc/sys/net/ipv4/conf/eth0/promote_secondaries"]).trim().to_owned();
    lab.nodes[FIRST].host.run("sh", &["-c", "echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries"]);
    let instance = Instance { scripts: false, ..Instance::new(FIRST, Speech::QUICK, PRIORITIES[FIRST]) };
    lab.nodes[FIRST].start(Daemon::Ours, &file("", &[&instance.line("promote_secondaries")]));
    let node = &lab.nodes[FIRST];
    wait_until("it is set", SOON, || read(node) == "1");
    lab.nodes[FIRST].stop();
    assert_eq!(read(&lab.nodes[FIRST]), "0");
}

/// An address with a far end leaves with mastership.
fn peers_leave() {
    let mut lab = Lab::new("peers_leave", &crate::ours(), &Layout { nodes: &["lb01"], ..Layout::default() });
    let mut instance = Instance { scripts: false, ..Instance::new(FIRST, Speech::QUICK, PRIORITIES[FIRST]) };
    instance.addresses.push("10.0.0.13 peer 10.0.9.9".to_owned());
    lab.nodes[FIRST].start(Daemon::Ours, &file("", &[&instance]));
    let address: IpAddr = "10.0.0.13".parse().expect("an address");
    let node = &lab.nodes[FIRST];
    wait_until("the address is set", SOON, || node.has_all(&[address]));
    assert!(node.host.ip("address show dev eth0\n").contains("inet 10.0.0.13 peer 10.0.9.9/32"));
    stay(Speech::QUICK.interval);
    lab.nodes[FIRST].stop();
}
