//! Two real systemd hosts that install the built package and have the configurations that people have: start, reload and
//! stop by systemctl, the death of a host, upgrade and removal, the way over from keepalived and back.
//!
//! Needs root, debootstrap, systemd-nspawn, nsenter and nft, and once a Debian mirror.

mod cgroup;
mod life;
mod machine;
mod package;
mod pair;
#[path = "../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
mod root;
mod sink;
mod unit;

use machine::comes;
use pair::{OURS, Pair, THEIRS};
use sink::Sink;

const LB: [&str; 2] = [include_str!("../lab/seeds/lb01.conf"), include_str!("../lab/seeds/lb02.conf")];
const NAMED: [&str; 2] = [include_str!("../lab/seeds/master.conf"), include_str!("../lab/seeds/backup.conf")];
const SERVICES: [&str; 2] =
    [include_str!("../lab/seeds/two-services-1.conf"), include_str!("../lab/seeds/two-services-2.conf")];

impl Pair {
    /// Start of both, reload, stop of the first, its return, its death: the address is where it must be.
    fn whole_story(&mut self, address: &str) {
        self.boot();
        self.start(0);
        self.start(1);
        self.expect(0, address);
        self.reload_keeps(0, address);

        self.stop(0);
        self.expect(1, address);
        self.start(0);
        self.expect(0, address);
        for (machine, unit) in self.machines.iter().zip(self.units) {
            let journal = machine.run(&format!("journalctl --no-pager -u {unit}"));
            assert!(journal.contains("Entering BACKUP STATE"), "{journal}");
        }
        self.machines[0].cut_power();
        self.expect(1, address);
        self.stop(1);
    }
}

#[test]
fn load_balancers() {
    Pair::new("load-balancers", [OURS, OURS], "eth0", "10.0.0", LB).whole_story("10.0.0.12");
}

#[test]
fn load_balancers_with_keepalived() {
    Pair::new("with-keepalived", [OURS, THEIRS], "eth0", "10.0.0", LB).whole_story("10.0.0.12");
}

#[test]
fn master_and_backup() {
    Pair::new("master-backup", [OURS, OURS], "eth0", "10.11.52", NAMED).whole_story("10.11.52.222");
}

#[test]
fn keepalived_as_master() {
    Pair::new("keepalived-with", [THEIRS, OURS], "eth0", "10.11.52", NAMED).whole_story("10.11.52.222");
}

/// The watchdog, the status and the fields of the journal.
#[test]
fn watched() {
    let mut pair = Pair::new("watched", [OURS, OURS], "eth0", "10.0.0", LB);
    // One that a slow machine keeps.
    pair.machines[0].write("etc/systemd/system/keepalived-rs.service.d/quick.conf", "[Service]\nWatchdogSec=10\n");
    pair.boot_first();
    pair.start(0);
    let machine = &pair.machines[0];
    let is_master = || pair.property(0, "StatusText").contains("(1 MASTER, 0 BACKUP, 0 FAULT)");
    pair.wait(0, "the status tells of states", is_master);
    let status = machine.run("systemctl status keepalived-rs");
    for part in ["Active: active (running)", "Status: \"Running: ", "keepalived-rs: VRRP failover and load balancing"] {
        assert!(status.contains(part), "{part} is not in {status}");
    }

    // A process that does not answer is replaced, which systemd need not even know.
    let main = pair.property(0, "MainPID");
    let stopped = machine.run("cat /run/vrrp.pid");
    machine.run("kill -STOP $(cat /run/vrrp.pid)");
    pair.wait(0, "another vrrp process", || machine.output("cat /run/vrrp.pid") != stopped);
    pair.wait(0, "it is master again", is_master);
    assert_eq!((pair.property(0, "MainPID"), pair.property(0, "NRestarts")), (main.clone(), "0".into()));

    // If the parent itself hangs, systemd starts all anew.
    machine.run(&format!("kill -STOP {main}"));
    pair.wait(0, "a restart", || pair.property(0, "NRestarts") == "1" && pair.property(0, "ActiveState") == "active");
    pair.wait(0, "master after it", is_master);

    let count = |matches: &str| machine.run(&format!("journalctl --no-pager -q -o cat {matches} | wc -l"));
    assert_eq!(count("-u keepalived-rs NEW_STATE=MASTER OLD_STATE=BACKUP"), "3", "{}", machine.journal());
    assert_eq!(count("SYSLOG_IDENTIFIER=Keepalived 'MESSAGE=Startup complete'"), "2");
    let said = machine.run("journalctl --no-pager -q -o json NEW_STATE=MASTER");
    assert!(said.contains("\"CAUSE\":\"no master heard for ") && said.contains("\"PRIORITY\":\"6\""), "{said}");
    pair.stop(0);
}

/// The script that the configuration names sends a mail for each change of state.
fn services_tell_by_mail(name: &str, units: [&'static str; 2]) {
    let mut pair = Pair::new(name, units, "ens33", "192.168.80", SERVICES);
    for machine in &pair.machines {
        machine.write_script("root/sendemail.sh", include_str!("sendemail.sh"));
    }
    let sink = Sink::on(&pair.keeper);
    let expect_mail = |host: &str, state: &str| {
        let subject = format!("Subject: {host}: keepalived is {state}");
        let wanted = || {
            let mails = sink.mails();
            mails.iter().any(|m| m.text.contains(&subject) && m.to == ["RCPT TO:<admin@example.com>"])
        };
        assert!(comes(wanted), "{subject:?} is not in {:#?}", sink.mails());
    };
    pair.boot();
    pair.start(0);
    pair.start(1);
    let goods = ["192.168.80.50", "192.168.80.51", "192.168.80.52"];
    let orders = ["192.168.80.40", "192.168.80.41", "192.168.80.42"];
    for address in goods {
        pair.expect(0, address);
    }
    expect_mail("lb01", "backup");
    expect_mail("lb01", "master");
    expect_mail("lb02", "backup");
    pair.stop(0);
    for address in goods.into_iter().chain(orders) {
        pair.expect(1, address);
    }
    expect_mail("lb02", "master");
    pair.start(0);
    pair.expect(0, goods[0]);
    pair.machines[0].cut_power();
    for address in goods {
        pair.expect(1, address);
    }
    pair.stop(1);
}

#[test]
fn two_services_tell_by_mail() {
    services_tell_by_mail("two-services", [OURS, OURS]);
}

#[test]
fn two_services_tell_by_mail_with_keepalived() {
    services_tell_by_mail("two-with", [OURS, THEIRS]);
}
