//! Configuration files that people have, unchanged (`tests/lab/seeds/`), at their usual place, on hosts that fit them.
//!
//! `two-services-1` and `-2`: two services crosswise with notify scripts, one instance with equal priorities.
//! `master` and `backup`, `lb01` and `lb02`: a load balancer pair. `server-a` and `server-b`: two instances crosswise.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use crate::pairs;
use crate::rig::moment::{SOON, comes_true, stay};
use crate::rig::node::write_script;
use crate::rig::{Lab, Layout};
use crate::scene::{FIRST, Pair, SECOND};

pairs! {
    two_services
    master_and_backup
    load_balancers
    crosswise
}

/// All these speak version 2 with an interval of one second.
const PATIENCE: Duration = Duration::from_secs(9);

/// Two hosts with their files; each host and the client have an address in the network of the virtual addresses.
struct Hosts {
    lab: Lab,
    pair: Pair,
}

impl Hosts {
    fn new(name: &str, pair: Pair, interface: &str, network: &str, files: [&str; 2]) -> Self {
        let layout = Layout { interfaces: &[interface], ..Layout::default() };
        let mut lab = Lab::new(name, &crate::ours(), &layout);
        for (i, (node, text)) in lab.nodes.iter_mut().zip(files).enumerate() {
            node.host.ip(&format!("address add {network}.{}/24 dev {interface}", i + 1));
            node.settle();
            node.host.own_folder("/etc/keepalived");
            node.host.own_folder("/root");
            let text = text.to_owned();
            node.host.within(move || {
                fs::write("/etc/keepalived/keepalived.conf", text).expect("write a configuration");
                let script = "#!/bin/sh\nexec /run/lab/notify sendemail \"$@\"\n";
                write_script("/root/sendemail.sh".as_ref(), script);
            });
        }
        lab.client.host.ip(&format!("address add {network}.9/24 dev {interface}"));
        Self { lab, pair }
    }

    fn start(&mut self, i: usize) {
        self.lab.nodes[i].start_with(self.pair[i], &["-n", "-l", "-D"]);
    }

    /// Expects that these addresses come to this host alone, and that the client reaches each there.
    fn expect(&self, i: usize, addresses: &[IpAddr]) {
        let other = if i == FIRST { SECOND } else { FIRST };
        let (here, there) = (&self.lab.nodes[i], &self.lab.nodes[other]);
        let moved = comes_true(PATIENCE, || here.has_all(addresses) && !there.has_any(addresses));
        let logs = format!("{}\n{}", here.log_tail(), there.log_tail());
        assert!(moved, "{addresses:?} should be on {} alone\n{logs}", here.name());
        for address in addresses {
            let mut answer = None;
            comes_true(SOON, || {
                answer = self.lab.who_answers(*address);
                answer.as_deref() == Some(here.name())
            });
            assert_eq!(answer.as_deref(), Some(here.name()), "who answers for {address}");
        }
    }

    fn end(mut self) {
        for node in &mut self.lab.nodes {
            node.stop();
        }
    }
}

fn addresses<const N: usize>(texts: [&str; N]) -> [IpAddr; N] {
    texts.map(|t| t.parse().expect("an address"))
}

/// The goods service lives on the first host and comes back to it; the order service, of equal priority on both, lives
/// on one of them and stays where it is while that host lives.
fn two_services(name: &str, pair: Pair) {
    let files = [include_str!("seeds/two-services-1.conf"), include_str!("seeds/two-services-2.conf")];
    let mut hosts = Hosts::new(name, pair, "ens33", "192.168.80", files);
    let goods = addresses(["192.168.80.50", "192.168.80.51", "192.168.80.52"]);
    let orders = addresses(["192.168.80.40", "192.168.80.41", "192.168.80.42"]);
    let expect_mail = |hosts: &Hosts, i: usize, state: &str| {
        let node = &hosts.lab.nodes[i];
        let call = format!("[sendemail][{state}]");
        let called = comes_true(SOON, || node.notified("sendemail").contains(&call));
        assert!(called, "{}: {call} is not in {:?}", node.name(), node.notified("sendemail"));
    };
    hosts.start(FIRST);
    hosts.start(SECOND);
    hosts.expect(FIRST, &goods);
    expect_mail(&hosts, FIRST, "master");
    expect_mail(&hosts, SECOND, "backup");
    // Of equals that become master at one time the higher address stays, by the next advert.
    let home = || [FIRST, SECOND].into_iter().find(|i| hosts.lab.nodes[*i].has_all(&orders));
    comes_true(PATIENCE, || home().is_some());
    stay(Duration::from_millis(1500));
    hosts.expect(home().expect("the order service has a master"), &orders);

    hosts.lab.nodes[FIRST].stop();
    hosts.expect(SECOND, &[goods, orders].concat());
    expect_mail(&hosts, SECOND, "master");

    hosts.start(FIRST);
    hosts.expect(FIRST, &goods);
    hosts.expect(SECOND, &orders);
    hosts.end();
}

/// A host address of a network of its own; a mail server whose name cannot be resolved.
fn master_and_backup(name: &str, pair: Pair) {
    let files = [include_str!("seeds/master.conf"), include_str!("seeds/backup.conf")];
    let hosts = Hosts::new(name, pair, "eth0", "10.11.52", files);
    move_and_return(hosts, addresses(["10.11.52.222"])).end();
}

/// A first line that is no comment (a full-width exclamation mark), comments glued to words, a label.
fn load_balancers(name: &str, pair: Pair) {
    let files = [include_str!("seeds/lb01.conf"), include_str!("seeds/lb02.conf")];
    let hosts = Hosts::new(name, pair, "eth0", "10.0.7", files);
    let hosts = move_and_return(hosts, addresses(["10.0.0.12"]));
    let shown = hosts.lab.nodes[FIRST].host.ip("address show dev eth0\n");
    assert!(shown.contains("inet 10.0.0.12/24 scope global secondary eth0:1"), "{shown}");
    for node in &hosts.lab.nodes {
        let told = node.log().lines().any(|l| l.contains("Unknown keyword") && l.contains('！'));
        assert!(told, "{} tells of the first line\n{}", node.name(), node.log_tail());
    }
    hosts.end();
}

/// An obsolete keyword; each host is master of one instance and backup of the other.
fn crosswise(name: &str, pair: Pair) {
    let files = [include_str!("seeds/server-a.conf"), include_str!("seeds/server-b.conf")];
    let mut hosts = Hosts::new(name, pair, "eth0", "192.168.200", files);
    let [a, b] = addresses(["192.168.200.100", "192.168.200.200"]);
    hosts.start(FIRST);
    hosts.start(SECOND);
    hosts.expect(FIRST, &[a]);
    hosts.expect(SECOND, &[b]);
    hosts.lab.nodes[FIRST].stop();
    hosts.expect(SECOND, &[a, b]);
    hosts.start(FIRST);
    hosts.expect(FIRST, &[a]);
    hosts.expect(SECOND, &[b]);
    hosts.lab.nodes[SECOND].stop();
    hosts.expect(FIRST, &[a, b]);
    hosts.lab.nodes[FIRST].stop();
}

/// Start, SIGTERM on the first host, its return.
fn move_and_return(mut hosts: Hosts, vips: [IpAddr; 1]) -> Hosts {
    hosts.start(FIRST);
    hosts.start(SECOND);
    hosts.expect(FIRST, &vips);
    hosts.lab.nodes[FIRST].stop();
    hosts.expect(SECOND, &vips);
    hosts.start(FIRST);
    hosts.expect(FIRST, &vips);
    hosts
}
