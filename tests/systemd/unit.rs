//! What the units allow and what they do not: scripts, a failing reload, what a crash leaves, less rights, another user.

use std::path::Path;

use crate::LB;
use crate::machine::Machine;
use crate::pair::{NONROOT, OURS, Pair};

const ADDRESS: &str = "10.0.0.12";
/// Where the machine that the host is made of has files of this repository.
const DROP_IN: &str = "etc/systemd/system/keepalived-rs.service.d";

/// An instance with a notify script, and more lines in its block.
fn instance(script: &str, more: &str) -> String {
    format!(
        "vrrp_instance VI {{\n interface eth0\n virtual_router_id 51\n priority 100\n virtual_ipaddress {{\n {ADDRESS}\n }}\n \
         notify {script}\n {more}\n}}\n"
    )
}

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Lines that a script on a machine has written to this file by now.
fn noted(machine: &Machine) -> String {
    machine.output("cat /var/tmp/noted")
}

/// Tells the kinds of sockets that a network with a modem, a bus or a cluster may need, and what the kernel says of each:
/// AF_PPPOX, AF_CAN, AF_TIPC, AF_BLUETOOTH, AF_RDS, AF_SMC and AF_XDP.
const SOCKETS: &str =
    "perl -e 'for (24, 29, 30, 31, 21, 43, 44) { socket(my $s, $_, 3, 0); print \"$_ \", $!+0, \" \" }'";

/// Whatever a script of root did under keepalived it can do under our unit.
#[test]
fn scripts_can_do_what_they_could() {
    let script = "#!/bin/bash\nexec >>/var/tmp/noted 2>&1\necho \"is $3\"\n[ \"$3\" = MASTER ] || exit 0\n\
        mkdir /mnt/data && mount -t tmpfs lab /mnt/data && echo mounted\n\
        touch /etc/w /opt/w /usr/w /usr/local/w /var/lib/w /home/w /root/w /boot/w && echo written\n\
        echo 1 >/proc/sys/net/ipv4/ip_forward && echo forwarded\n\
        ip address add 192.0.2.77/32 dev lo && echo added\n\
        ip netns add other && ip netns exec other ip link set lo up && ip netns delete other && echo spaced\n\
        systemctl start marked && echo started\n\
        [ \"$(runuser -u nobody -- /usr/local/bin/whose -u)\" = 0 ] && echo raised\n\
        runuser -u nobody -- id -u\n\
        chown nobody /etc/w && chmod 600 /etc/w && chmod u+s /usr/w && echo owned\n\
        mknod /var/lib/null c 1 3 && echo >/var/lib/null && echo device\n\
        hostname other && echo renamed\n\
        chroot / true && unshare -m true && setpriv --no-new-privs true && echo apart\n\
        setarch i686 -R true && echo aged\n/root/sockets >/var/tmp/sockets\n\
        echo 0 >/proc/self/oom_score_adj && renice -n -5 $$ >/dev/null && echo prior\n\
        setsid sleep 1000 & echo done\n";
    let conf = instance("/root/do.sh", "no_accept");
    let mut pair = Pair::new("scripts", [OURS, OURS], "eth0", "10.0.0", [&conf, ""]);
    let machine = &pair.machines[0];
    machine.write_script("root/do.sh", script);
    machine.write_script("root/sockets", &format!("#!/bin/sh\n{SOCKETS}\n"));
    machine
        .write("etc/systemd/system/marked.service", "[Service]\nType=oneshot\nExecStart=/bin/touch /var/tmp/marked\n");
    pair.boot_first();
    let machine = &pair.machines[0];
    machine.run("install -m 4755 /usr/bin/id /usr/local/bin/whose");
    pair.start(0);
    pair.wait(0, "the script ends", || noted(machine).contains("done"));
    let expected = "is BACKUP\nis MASTER\nmounted\nwritten\nforwarded\nadded\nspaced\nstarted\nraised\n65534\nowned\ndevice\nrenamed\n\
        apart\naged\nprior\ndone";
    assert_eq!(noted(machine), expected);
    assert_eq!(
        machine.run("cat /var/tmp/sockets"),
        machine.run("systemd-run -q --wait -P /root/sockets"),
        "the kernel decides"
    );
    machine.run("findmnt /mnt/data && ls /var/tmp/marked");
    assert!(machine.network("nft list tables").contains("keepalived"));
    machine.run("kill -USR1 $(cat /run/keepalived.pid)");
    pair.wait(0, "the dump is in the host's /tmp", || machine.execute("test -s /tmp/keepalived.data").status.success());
    pair.stop(0);
    machine.run("pkill -x -f 'sleep 1000'");
}

/// A configuration that would be refused fails the reload where it is asked for, and changes nothing.
#[test]
fn a_reload_that_cannot_be_fails() {
    let mut pair = Pair::new("reload", [OURS, OURS], "eth0", "10.0.0", LB);
    pair.boot_first();
    pair.start(0);
    let machine = &pair.machines[0];
    pair.wait(0, "the address", || pair.has(0, ADDRESS));
    let main = pair.property(0, "MainPID");
    machine.run(
        "cp /etc/keepalived/keepalived.conf /root/good; echo 'includem /nosuch.conf' >>/etc/keepalived/keepalived.conf",
    );
    let refused = machine.execute("systemctl reload keepalived-rs");
    assert!(!refused.status.success(), "{refused:?}\n{}", machine.journal());
    let told = || machine.output("journalctl -q -o cat -u keepalived-rs").contains("/nosuch.conf");
    pair.wait(0, "the journal tells why", told);
    assert_eq!((pair.property(0, "ActiveState"), pair.property(0, "MainPID")), ("active".into(), main.clone()));
    assert!(pair.has(0, ADDRESS) && !machine.journal().contains("Reloading ..."), "{}", machine.journal());

    machine.run(
        "(cat /root/good; echo 'nosuch_keyword 1') >/etc/keepalived/keepalived.conf; systemctl reload keepalived-rs",
    );
    let complete = || machine.output("journalctl -q -o cat -u keepalived-rs").contains("Reload complete");
    pair.wait(0, "complaints are no reason", complete);
    pair.wait(0, "it works", || pair.property(0, "ActiveState") == "active");
    assert_eq!(pair.property(0, "MainPID"), main);
    pair.stop(0);
}

/// Kills all processes of a unit at one time. They are stopped first: a child that sees its parent die leaves in the
/// orderly way, if it is quick.
fn kill_all(machine: &Machine, unit: &str) {
    for signal in ["STOP", "KILL"] {
        machine.run(&format!("systemctl kill -s {signal} --kill-who=all {unit}"));
    }
}

/// What all processes of a daemon leave when they are killed at once is gone before the next start, or without one.
#[test]
fn a_crash_leaves_nothing() {
    let conf = instance("/bin/true", "no_accept\n use_vmac");
    let mut pair = Pair::new("crash", [OURS, OURS], "eth0", "10.0.0", [&conf, ""]);
    pair.boot_first();
    pair.start(0);
    let machine = &pair.machines[0];
    let is_master = || pair.has(0, ADDRESS) && pair.property(0, "StatusText").contains("(1 MASTER");
    pair.wait(0, "the address", is_master);
    let removed = || machine.output("journalctl -q -o cat -u keepalived-rs | grep -c 'removed nftables table'");
    kill_all(machine, "keepalived-rs");
    pair.wait(0, "a restart", || pair.property(0, "NRestarts") == "1" && is_master());
    assert_eq!(removed(), "1", "{}", machine.journal());

    // The first process alone: its children end in the orderly way, and the next start waits for them.
    machine.run("kill -KILL $(cat /run/keepalived.pid)");
    pair.wait(0, "a restart", || pair.property(0, "NRestarts") == "2" && is_master());
    assert_eq!(removed(), "1", "{}", machine.journal());

    machine.run(&format!(
        "mkdir -p /{DROP_IN} && printf '[Service]\\nRestart=no\\n' >/{DROP_IN}/no.conf && systemctl daemon-reload"
    ));
    kill_all(machine, "keepalived-rs");
    pair.wait(0, "the end", || pair.property(0, "ActiveState") == "failed");
    assert_eq!(removed(), "2", "{}", machine.journal());
    assert!(!pair.has(0, ADDRESS));
    assert!(!machine.run("ip link").contains("vrrp.51"));
    pair.assert_gone(0);
}

/// Those who look are answered: at this socket, which root and this group may use, and by the metrics.
fn expect_answers(machine: &Machine, socket: &str, owner: &str) {
    assert_eq!(machine.run(&format!("stat -c '%A %U %G' {socket}")), format!("srw-rw---- {owner} keepalived-rs"));
    let status = machine.run(&format!("keepalived-rs status --socket {socket}"));
    assert!(status.contains("VI"), "{status}");
    let events = machine.run(&format!("keepalived-rs events --socket {socket}"));
    assert!(events.contains("BACKUP -> MASTER"), "{events}");
    let scrape = "exec 3<>/dev/tcp/127.0.0.1/9165; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    let metrics = machine.run(scrape);
    assert!(metrics.contains("\nkeepalived_up 1\n"), "{metrics}");
}

/// For [`expect_answers`].
const WINDOWS: &str = "metrics_listen 127.0.0.1:9165\n control_socket_group keepalived-rs\n";
const USER: &str = "systemd-sysusers /usr/share/doc/keepalived-rs/examples/keepalived-rs-nonroot.conf";

/// With the drop-in that takes more away the daemon does what it did.
#[test]
fn hardened() {
    let conf = format!("global_defs {{\n enable_script_security\n script_user nobody nogroup\n {WINDOWS}}}\n")
        + "global_defs {\n vrrp_rt_priority 5\n checker_priority -3\n}\n\
            vrrp_script ok {\n script \"/usr/bin/test -e /etc/passwd\"\n interval 1\n}\n\
            vrrp_track_process first {\n process systemd\n delay 1\n}\n"
        + &instance(
            "/usr/local/bin/note.sh",
            "use_vmac\n no_accept\n track_script {\n ok\n }\n track_process {\n first\n }",
        )
        + "virtual_server 10.0.0.12 80 {\n lb_algo rr\n lb_kind NAT\n delay_loop 1\n real_server 10.0.0.9 25 {\n SMTP_CHECK {\n }\n }\n}\n";
    let mut pair = Pair::new("hardened", [OURS, OURS], "eth0", "10.0.0", [&conf, ""]);
    let _sink = crate::Sink::on(&pair.keeper);
    let machine = &pair.machines[0];
    machine.install(&repository("systemd/hardening.conf"), &format!("{DROP_IN}/hardening.conf"));
    machine.write_script(
        "usr/local/bin/note.sh",
        "#!/bin/sh\necho $3 $(id -un) >>/tmp/noted\ntouch /etc/w /usr/w && echo bad >>/tmp/noted\n",
    );
    pair.boot_first();
    let machine = &pair.machines[0];
    machine.run(USER);
    pair.start(0);
    pair.wait(0, "the script is run", || machine.output("cat /tmp/noted").contains("MASTER nobody"));
    expect_answers(machine, "/run/keepalived.sock", "root");
    pair.wait(0, "the address", || machine.run("ip -o address show dev vrrp.51").contains(ADDRESS));
    assert!(machine.network("nft list tables").contains("keepalived"));
    let journal = || machine.output("journalctl -q -o cat -u keepalived-rs");
    pair.wait(0, "the check", || journal().contains("Startup complete") && journal().contains("[10.0.0.9]"));
    for word in ["ermission", "not permitted", "bad", "disabling", "Unable", "annot"] {
        let lines: Vec<_> = [journal(), machine.output("cat /tmp/noted")].concat().lines().map(str::to_owned).collect();
        // A machine in a container has no events of processes, and seldom IPVS.
        let found: Vec<_> = lines
            .iter()
            .filter(|it| it.contains(word) && !it.contains("ipvs") && !it.contains("proc events"))
            .collect();
        assert!(found.is_empty(), "{found:?}");
    }
    pair.reload_keeps(0, ADDRESS);
    pair.stop(0);
}

/// The unit without root: an address that moves, a check, and scripts of that user.
#[test]
fn without_root() {
    let conf = |priority: u8| {
        format!("global_defs {{\n {WINDOWS}}}\n")
            + "vrrp_script ok {\n script \"/usr/bin/test -e /etc/passwd\"\n interval 1\n}\n"
            + &instance("/usr/local/bin/note.sh", "track_script {\n ok\n }").replace("100", &priority.to_string())
            + "virtual_server 10.0.0.12 80 {\n lb_algo rr\n lb_kind NAT\n delay_loop 1\n real_server 10.0.0.9 25 {\n TCP_CHECK {\n }\n }\n}\n"
    };
    let files = [conf(150), conf(100)];
    let mut pair = Pair::new("nonroot", [NONROOT, OURS], "eth0", "10.0.0", [&files[0], &files[1]]);
    let sink = crate::Sink::on(&pair.keeper);
    for machine in &pair.machines {
        machine.write_script("usr/local/bin/note.sh", "#!/bin/sh\necho $3 $(id -un) >>/tmp/noted\n");
    }
    pair.boot();
    pair.machines[0].run(&format!("{USER} && chgrp -R keepalived-rs /etc/keepalived && chmod -R o= /etc/keepalived"));
    pair.machines[1].run(USER);
    pair.start(0);
    pair.start(1);
    pair.expect(0, ADDRESS);
    let machine = &pair.machines[0];
    pair.wait(0, "the script is run", || machine.output("cat /tmp/noted").contains("MASTER keepalived-rs"));
    assert_eq!(
        machine.run("ps -o user:20= -C keepalived-rs -C keepalived | sort -u"),
        "keepalived-rs",
        "{}",
        machine.run("ps -ef")
    );
    let journal = || machine.output("journalctl -q -o cat -u keepalived-rs-nonroot");
    pair.wait(0, "the check", || journal().contains("Gained quorum"));
    let socket = "/run/keepalived-rs/keepalived.sock";
    expect_answers(machine, socket, "keepalived-rs");
    assert!(!journal().contains("TCP_CHECK on service [10.0.0.9]:tcp:25 failed"), "{}", journal());
    drop(sink);
    pair.reload_keeps(0, ADDRESS);
    pair.stop(0);
    pair.expect(1, ADDRESS);
    pair.start(0);
    pair.expect(0, ADDRESS);
    let events = machine.run(&format!("keepalived-rs events --socket {socket}"));
    assert!(events.contains("RUNNING -> STOPPED"), "what was before the stop is known: {events}");
    kill_all(machine, "keepalived-rs-nonroot");
    pair.wait(0, "a restart", || pair.property(0, "NRestarts") == "1" && pair.property(0, "ActiveState") == "active");
    pair.expect(0, ADDRESS);
    assert!(journal().contains(&format!("removed address {ADDRESS}")), "{}", journal());
    pair.stop(0);
}
