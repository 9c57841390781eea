//! Two real systemd hosts with the configurations that people have: start, reload and stop by systemctl.
//!
//! Needs root, debootstrap, systemd-nspawn and nsenter, and once a Debian mirror. `KEEPALIVED_RS` names another program
//! to test than the one that cargo built.

mod cgroup;
mod machine;
#[path = "../lab/rig/mod.rs"]
#[allow(dead_code, reason = "the lab uses the rest")]
mod rig;
mod root;
mod sink;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, thread};

use machine::{Machine, install_ours};
use rig::host::Host;
use rig::moment::{SOON, comes_true, now, stay};
use sink::Sink;

/// The unit of the program under test.
const OURS: &str = "keepalived-rs";
/// Debian's unit.
const THEIRS: &str = "keepalived";
/// The version 2 timers at an interval of one second, and a slow machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Two machines on a bridge; the keeper of the bridge is the third host.
struct Pair {
    /// Goes before the machines: with it all their processes go, so that their control groups can be removed.
    keeper: Host,
    machines: [Machine; 2],
    units: [&'static str; 2],
    folder: PathBuf,
}

impl Pair {
    /// Machines lb01 and lb02, not booted yet, with a configuration file each; `network` is that of the virtual
    /// addresses: the machines have .1 and .2 in it, the third host has .9.
    fn new(name: &str, units: [&'static str; 2], interface: &str, network: &str, files: [&str; 2]) -> Self {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = base.join(format!("systemd-{}-{name}", std::process::id()));
        let keeper = Host::keeper(name);
        keeper.ip(&format!(
            "link add br0 type bridge mcast_snooping 0\nlink set br0 up\naddress add {network}.9/24 dev br0\n"
        ));
        let machines = [1, 2].map(|i| {
            let address = format!("{network}.{i}/24");
            Machine::new(&format!("lb0{i}"), &folder, interface, &[&address])
        });
        for ((machine, unit), text) in machines.iter().zip(units).zip(files) {
            machine.write("etc/keepalived/keepalived.conf", text);
            if unit == OURS {
                install_ours(machine, &ours());
            }
        }
        Self { keeper, machines, units, folder }
    }

    fn boot(&mut self) {
        let root = root::root();
        for machine in &mut self.machines {
            machine.boot(&self.keeper, &root);
        }
        for machine in &self.machines {
            machine.wait_until_up();
        }
    }

    fn systemctl(&self, i: usize, verb: &str) {
        self.machines[i].run(&format!("systemctl {verb} {}", self.units[i]));
    }

    /// What systemd says of the unit.
    fn property(&self, i: usize, name: &str) -> String {
        self.machines[i].run(&format!("systemctl show --value -p {name} {}", self.units[i]))
    }

    fn has(&self, i: usize, address: &str) -> bool {
        let shown = self.machines[i].run("ip -o -4 address show");
        shown.contains(&format!("inet {address}/"))
    }

    /// Expects the address on one machine alone, and an answer from there to the third host.
    fn expect(&self, i: usize, address: &str) {
        let other = 1 - i;
        let moved = comes_true(PATIENCE, || self.has(i, address) && !self.has(other, address));
        let journals = self.machines.each_ref().map(Machine::journal).join("\n");
        assert!(moved, "{address} should be on {} alone\n{journals}", self.machines[i].name());
        let target: IpAddr = address.parse().expect("an address");
        let answer = self.keeper.try_run("ping", &["-c", "1", "-W", "2", &target.to_string()]);
        assert!(answer.is_ok(), "{address} answers: {answer:?}");
    }

    fn start(&self, i: usize) {
        self.systemctl(i, "start");
        assert_eq!(self.property(i, "ActiveState"), "active", "{}", self.machines[i].journal());
        assert_eq!(self.property(i, "Type"), "notify");
    }

    /// Stops the unit; nothing of it is left.
    fn stop(&self, i: usize) {
        self.systemctl(i, "stop");
        assert_eq!(self.property(i, "ActiveState"), "inactive", "{}", self.machines[i].journal());
        assert_eq!(self.property(i, "Result"), "success", "{}", self.machines[i].journal());
        assert_eq!(self.machines[i].output("pidof keepalived keepalived-rs"), "", "no process is left");
        assert_eq!(self.machines[i].output("ls /run/*.pid"), "", "no pid file is left");
    }

    /// Start of both, reload, stop of the first, its return: the address is where it must be.
    fn whole_story(&mut self, address: &str) {
        self.boot();
        self.start(0);
        self.start(1);
        self.expect(0, address);

        let main = self.property(0, "MainPID");
        self.systemctl(0, "reload");
        let start = now();
        while now() - start < Duration::from_secs(2) {
            assert!(self.has(0, address) && !self.has(1, address), "the reload moves nothing");
            stay(Duration::from_millis(50));
        }
        assert_eq!(self.property(0, "MainPID"), main, "the reload keeps the process");
        assert_eq!(self.property(0, "ActiveState"), "active");

        self.stop(0);
        self.expect(1, address);
        self.start(0);
        self.expect(0, address);
        for (machine, unit) in self.machines.iter().zip(self.units) {
            let journal = machine.run(&format!("journalctl --no-pager -u {unit}"));
            assert!(journal.contains("Entering BACKUP STATE"), "{journal}");
        }
        self.stop(1);
        self.stop(0);
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for machine in &mut self.machines {
            machine.cut_power();
        }
        if thread::panicking() {
            eprintln!("kept for a look: {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn ours() -> PathBuf {
    env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}

const LB: [&str; 2] = [include_str!("../lab/seeds/lb01.conf"), include_str!("../lab/seeds/lb02.conf")];
const NAMED: [&str; 2] = [include_str!("../lab/seeds/master.conf"), include_str!("../lab/seeds/backup.conf")];
const SERVICES: [&str; 2] =
    [include_str!("../lab/seeds/two-services-1.conf"), include_str!("../lab/seeds/two-services-2.conf")];

#[test]
fn load_balancers() {
    Pair::new("load-balancers", [OURS, OURS], "eth0", "10.0.0", LB).whole_story("10.0.0.12");
}

#[test]
fn load_balancers_with_keepalived() {
    Pair::new("with-keepalived", [OURS, THEIRS], "eth0", "10.0.0", LB).whole_story("10.0.0.12");
}

#[test]
fn keepalived_with_ours() {
    Pair::new("keepalived-with", [THEIRS, OURS], "eth0", "10.0.0", LB).whole_story("10.0.0.12");
}

#[test]
fn master_and_backup() {
    Pair::new("master-backup", [OURS, OURS], "eth0", "10.11.52", NAMED).whole_story("10.11.52.222");
}

/// The watchdog, the status and the fields of the journal.
#[test]
fn watched() {
    let mut pair = Pair::new("watched", [OURS, OURS], "eth0", "10.0.0", LB);
    let machine = &pair.machines[0];
    machine.write("etc/systemd/system/keepalived-rs.service.d/quick.conf", "[Service]\nWatchdogSec=4\n");
    pair.boot();
    pair.start(0);
    let machine = &pair.machines[0];
    let comes =
        |what: &str, found: &dyn Fn() -> bool| assert!(comes_true(SOON, found), "{what}\n{}", machine.journal());
    comes("the status tells of states", &|| pair.property(0, "StatusText").contains("(1 MASTER, 0 BACKUP, 0 FAULT)"));

    // A process that does not answer is replaced, which systemd need not even know.
    let main = pair.property(0, "MainPID");
    let stopped = machine.run("cat /run/vrrp.pid");
    machine.run("kill -STOP $(cat /run/vrrp.pid)");
    comes("another vrrp process", &|| machine.output("cat /run/vrrp.pid") != stopped);
    comes("it is master again", &|| pair.property(0, "StatusText").contains("(1 MASTER, 0 BACKUP, 0 FAULT)"));
    assert_eq!((pair.property(0, "MainPID"), pair.property(0, "NRestarts")), (main.clone(), "0".into()));

    // If the parent itself hangs, systemd starts all anew.
    machine.run(&format!("kill -STOP {main}"));
    comes("a restart", &|| pair.property(0, "NRestarts") == "1" && pair.property(0, "ActiveState") == "active");
    comes("master after it", &|| pair.property(0, "StatusText").contains("(1 MASTER, 0 BACKUP, 0 FAULT)"));

    let count = |matches: &str| machine.run(&format!("journalctl --no-pager -q -o cat {matches} | wc -l"));
    assert_eq!(count("-u keepalived-rs NEW_STATE=MASTER OLD_STATE=BACKUP"), "3", "{}", machine.journal());
    assert_eq!(count("SYSLOG_IDENTIFIER=Keepalived 'MESSAGE=Startup complete'"), "2");
    let said = machine.run("journalctl --no-pager -q -o json NEW_STATE=MASTER");
    assert!(said.contains("\"CAUSE\":\"no master heard\"") && said.contains("\"PRIORITY\":\"6\""), "{said}");
    pair.stop(0);
}

/// The script that the configuration names sends a mail for each change of state.
#[test]
fn two_services_tell_by_mail() {
    let mut pair = Pair::new("two-services", [OURS, OURS], "ens33", "192.168.80", SERVICES);
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
        assert!(comes_true(SOON, wanted), "{subject:?} is not in {:#?}", sink.mails());
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
    pair.stop(1);
}
