//! Two machines on a bridge, each with one of the two programs, and what is expected of both.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use crate::machine::{Machine, comes};
use crate::package::{self, packages};
use crate::rig::host::Host;
use crate::root;

/// The unit of the program under test.
pub const OURS: &str = "keepalived-rs";
/// The same for a user without the rights of root.
pub const NONROOT: &str = "keepalived-rs-nonroot";
/// Debian's unit.
pub const THEIRS: &str = "keepalived";

/// Two machines on a bridge; the keeper of the bridge is the third host.
pub struct Pair {
    /// Goes before the machines: with it all their processes go, so that their control groups can be removed.
    pub keeper: Host,
    pub machines: [Machine; 2],
    pub units: [&'static str; 2],
    folder: PathBuf,
}

impl Pair {
    /// Machines lb01 and lb02, not booted yet, with a configuration file each; `network` is that of the virtual
    /// addresses: the machines have .1 and .2 in it, the third host has .9.
    pub fn new(name: &str, units: [&'static str; 2], interface: &str, network: &str, files: [&str; 2]) -> Self {
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
        for (machine, text) in machines.iter().zip(files) {
            machine.write("etc/keepalived/keepalived.conf", text);
        }
        Self { keeper, machines, units, folder }
    }

    /// Boots both machines, and installs our package where it belongs.
    pub fn boot(&mut self) {
        self.boot_some(2);
    }

    /// Boots the first machine alone.
    pub fn boot_first(&mut self) {
        self.boot_some(1);
    }

    fn boot_some(&mut self, count: usize) {
        let root = root::root();
        for machine in self.machines.iter_mut().take(count) {
            machine.install(&packages().ours, package::OURS.trim_start_matches('/'));
            machine.boot(&self.keeper, &root);
        }
        for (machine, unit) in self.machines.iter().zip(self.units).take(count) {
            machine.wait_until_up();
            if unit != THEIRS {
                machine.run(&format!("dpkg --force-unsafe-io -i {}", package::OURS));
                assert_eq!(machine.output(&format!("systemctl is-active {unit}")), "inactive", "nothing is started");
            }
        }
    }

    pub fn systemctl(&self, i: usize, verb: &str) {
        self.machines[i].run(&format!("systemctl {verb} {}", self.units[i]));
    }

    /// What systemd says of the unit.
    pub fn property(&self, i: usize, name: &str) -> String {
        self.machines[i].run(&format!("systemctl show --value -p {name} {}", self.units[i]))
    }

    pub fn has(&self, i: usize, address: &str) -> bool {
        let shown = self.machines[i].run("ip -o -4 address show");
        shown.contains(&format!("inet {address}/"))
    }

    /// Waits for something on a machine, and shows its journal if it does not come.
    pub fn wait(&self, i: usize, what: &str, condition: impl FnMut() -> bool) {
        assert!(comes(condition), "{what}\n{}", self.machines[i].journal());
    }

    /// Expects the address on one machine alone, and an answer from there to the third host.
    pub fn expect(&self, i: usize, address: &str) {
        let other = 1 - i;
        let moved = comes(|| self.has(i, address) && (self.machines[other].is_off() || !self.has(other, address)));
        let journals = self.machines.each_ref().map(Machine::journal).join("\n");
        assert!(moved, "{address} should be on {} alone\n{journals}", self.machines[i].name());
        let target: IpAddr = address.parse().expect("an address");
        let answers = || self.keeper.try_run("ping", &["-c", "1", "-W", "2", &target.to_string()]).is_ok();
        assert!(comes(answers), "{address} answers\n{journals}");
    }

    pub fn start(&self, i: usize) {
        self.systemctl(i, "start");
        assert_eq!(self.property(i, "ActiveState"), "active", "{}", self.machines[i].journal());
        assert_eq!(self.property(i, "Type"), "notify");
    }

    /// Stops the unit; nothing of it is left.
    pub fn stop(&self, i: usize) {
        self.systemctl(i, "stop");
        assert_eq!(self.property(i, "ActiveState"), "inactive", "{}", self.machines[i].journal());
        assert_eq!(self.property(i, "Result"), "success", "{}", self.machines[i].journal());
        self.assert_gone(i);
    }

    /// Nothing of a daemon is left.
    pub fn assert_gone(&self, i: usize) {
        assert_eq!(self.machines[i].output("pidof keepalived keepalived-rs"), "", "no process is left");
        assert_eq!(
            self.machines[i].output("find /run -name '*.pid' -o -name '*keepalived*.reload'"),
            "",
            "no pid file"
        );
        assert_eq!(self.machines[i].network("nft list tables"), "", "no table of the packet filter");
    }

    /// Reloads, and sees that the kernel tells of no address that goes.
    pub fn reload_keeps(&self, i: usize, address: &str) {
        let machine = &self.machines[i];
        let main = self.property(i, "MainPID");
        // keepalived does not tell of the end.
        let word = if self.units[i] == THEIRS { "Reloading" } else { "Reload complete" };
        let reloads = || machine.output(&format!("journalctl -q -o cat -u {} | grep -c '{word}'", self.units[i]));
        let before = reloads();
        machine.run("(ip -o monitor address >/run/monitor 2>&1 & echo $! >/run/monitor-is)");
        let mark = |address: &str| {
            machine.run(&format!("ip address add {address}/32 dev lo && ip address delete {address}/32 dev lo"));
            machine.output("cat /run/monitor").contains(&format!("Deleted 1: lo    inet {address}/32"))
        };
        self.wait(i, "the monitor runs", || mark("127.0.0.77"));
        self.systemctl(i, "reload");
        self.wait(i, "a reload", || reloads() != before && self.property(i, "ActiveState") == "active");
        // What had to happen has happened by then: this address has moved, or it never will.
        self.wait(i, "the monitor still runs", || mark("127.0.0.78"));
        let told = machine.run("kill $(cat /run/monitor-is); cat /run/monitor");
        assert!(!told.contains(&format!("inet {address}/")), "the reload moves nothing: {told}");
        assert!(self.has(i, address) && (self.machines[1 - i].is_off() || !self.has(1 - i, address)));
        assert_eq!(self.property(i, "MainPID"), main, "the reload keeps the process");
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
