//! The life of the package on a host: upgrade, removal, purge; from keepalived to it and back.

use crate::package::{self, packages};
use crate::pair::{NONROOT, OURS, Pair, THEIRS};
use crate::{LB, NAMED};

/// All files of a machine that no log, cache or list of packages accounts for.
const FILES: &str = "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp \
    -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/systemd/timers -o -path /var/lib/systemd/catalog \
    -o -path /var/lib/apt -o -path /etc/systemd/system/multi-user.target.wants \\) -prune -o -print | sort";

/// An upgrade keeps configuration and service; removal and purge leave nothing.
#[test]
fn upgrade_removal_and_purge() {
    let mut pair = Pair::new("life", [THEIRS, OURS], "eth0", "10.0.0", LB);
    pair.machines[0].install(&packages().newer, package::NEWER.trim_start_matches('/'));
    pair.boot();
    let machine = &pair.machines[0];
    let before = machine.run(FILES);
    // The first machine is to be seen before its package comes.
    machine.run(&format!("dpkg --force-unsafe-io -i {}", package::OURS));
    pair.units[0] = OURS;
    let machine = &pair.machines[0];
    machine.run("systemctl enable --now keepalived-rs");
    pair.start(1);
    pair.expect(0, "10.0.0.12");

    let main = pair.property(0, "MainPID");
    machine.run("echo '# ours' >>/etc/default/keepalived-rs; sha256sum /etc/default/keepalived-rs /etc/keepalived/keepalived.conf >/root/sums");
    machine.run(&format!("dpkg --force-unsafe-io -i {}", package::NEWER));
    machine.run("sha256sum -c /root/sums && rm /root/sums");
    assert!(
        machine.run("dpkg-query -W -f '${Version} ${db:Status-Status}' keepalived-rs").ends_with("+newer installed")
    );
    pair.wait(0, "the newer one runs", || pair.property(0, "ActiveState") == "active");
    assert_ne!(pair.property(0, "MainPID"), main, "it was started anew");
    assert_eq!(machine.output("systemctl is-enabled keepalived-rs"), "enabled");
    pair.expect(0, "10.0.0.12");

    let files = machine.run("dpkg -L keepalived-rs");
    machine.run("dpkg -r keepalived-rs");
    pair.expect(1, "10.0.0.12");
    pair.assert_gone(0);
    assert_eq!(machine.output("systemctl is-active keepalived-rs"), "inactive");
    machine.run("dpkg -P keepalived-rs");
    assert_eq!(machine.output("systemctl list-unit-files --no-legend 'keepalived-rs*'"), "");
    assert_eq!(machine.output("find /etc/systemd /var/lib/systemd -name '*keepalived-rs*'"), "");
    for file in files.lines().filter(|file| file.contains("keepalived-rs")) {
        assert_eq!(machine.output(&format!("ls -d {file}")), "", "purged");
    }
    let after = machine.run(FILES);
    let more: Vec<_> = after.lines().filter(|file| !before.lines().any(|it| it == *file)).collect();
    let less: Vec<_> = before.lines().filter(|file| !after.lines().any(|it| it == *file)).collect();
    assert_eq!((more, less), (vec![], vec![]), "the machine has the files that it had");
}

/// What the package does for its unit it does for the one without root: no daemon is left with a program that is gone.
#[test]
fn upgrade_and_removal_without_root() {
    let mut pair = Pair::new("life-nonroot", [NONROOT, OURS], "eth0", "10.0.0", LB);
    pair.machines[0].install(&packages().newer, package::NEWER.trim_start_matches('/'));
    pair.boot_first();
    pair.machines[0].run("systemd-sysusers /usr/share/doc/keepalived-rs/examples/keepalived-rs-nonroot.conf");
    pair.systemctl(0, "enable --now");
    let main = pair.property(0, "MainPID");
    let machine = &pair.machines[0];
    machine.run(&format!("dpkg --force-unsafe-io -i {}", package::NEWER));
    pair.wait(0, "the newer one runs", || pair.property(0, "ActiveState") == "active");
    assert_ne!(pair.property(0, "MainPID"), main, "it was started anew");
    assert_eq!(machine.output("systemctl is-enabled keepalived-rs-nonroot keepalived-rs"), "enabled\ndisabled");
    machine.run("dpkg -r keepalived-rs");
    pair.assert_gone(0);
    machine.run("dpkg -P keepalived-rs");
    assert_eq!(machine.output("find /etc/systemd /var/lib/systemd -name '*keepalived-rs*'"), "");
}

/// As README.Debian says it, first beside keepalived, then in its place.
#[test]
fn over_from_keepalived_and_back() {
    let mut pair = Pair::new("over", [THEIRS, OURS], "eth0", "10.11.52", NAMED);
    pair.machines[0].install(&packages().as_keepalived, package::AS_KEEPALIVED.trim_start_matches('/'));
    pair.boot();
    let address = "10.11.52.222";
    pair.start(1);
    pair.systemctl(0, "enable --now");
    pair.expect(0, address);

    pair.machines[0].run(&format!("dpkg --force-unsafe-io -i {}", package::OURS));
    assert_eq!(pair.property(0, "ActiveState"), "active", "keepalived still runs");
    pair.machines[0].run("keepalived-rs --would-start");
    pair.machines[0].run("systemctl disable keepalived && systemctl enable --now keepalived-rs");
    assert_eq!(pair.property(0, "ActiveState"), "inactive", "the one stops the other");
    pair.units[0] = OURS;
    pair.expect(0, address);
    assert_eq!(pair.property(0, "ActiveState"), "active");
    pair.machines[0].run("systemctl disable keepalived-rs && systemctl enable --now keepalived");
    assert_eq!(pair.property(0, "ActiveState"), "inactive");
    pair.units[0] = THEIRS;
    pair.expect(0, address);
    assert!(pair.machines[0].run("readlink /proc/$(cat /run/keepalived.pid)/exe").ends_with("/keepalived"));

    let machine = &pair.machines[0];
    let apt = "apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io";
    machine.run(&format!("{apt} {}", package::AS_KEEPALIVED));
    assert_eq!(machine.output("dpkg-query -W -f '${db:Status-Status}' keepalived"), "config-files");
    pair.expect(0, address);
    assert_eq!(pair.property(0, "ActiveState"), "active", "by its old name");
    assert!(machine.run("readlink /proc/$(cat /run/keepalived.pid)/exe").ends_with("/keepalived-rs"));
    pair.systemctl(0, "restart");
    pair.expect(0, address);
    assert!(machine.run("systemctl status keepalived").contains("active (running)"));
    machine.run("keepalived -t; [ $? -ne 127 ]");

    machine.run(&format!("{apt} /var/cache/apt/archives/keepalived_*.deb"));
    assert_eq!(machine.output("dpkg-query -W -f '${db:Status-Status}' keepalived"), "installed");
    machine.run("systemctl enable --now keepalived");
    pair.expect(0, address);
    assert!(machine.run("readlink /proc/$(cat /run/keepalived.pid)/exe").ends_with("/keepalived"));
    pair.stop(0);
    pair.expect(1, address);
}
