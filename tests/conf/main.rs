//! The configurations that this program was first written for, as their authors wrote them, typing mistakes included:
//! exit code of `-t`, the lines that are complained of, and what would run.
//!
//! `seeds/expected.tsv` holds what keepalived 2.4.3 says of each: name, machine, exit code, lines. `IFS` is a machine with
//! the interfaces eth0, eth1, eth2 and ens33; `NOIFS` has the loopback only. Lines are those that keepalived names; where
//! it gives no line (a block that is never closed) or counts otherwise (one line of more than 1022 bytes is two to it),
//! the file has ours.

mod bounds;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use keepalived_rs::conf::diagnostic::Weight;
use keepalived_rs::conf::environment::{
    Absence, Command, Environment, Identity, Interface, KeyFile, NameTable, Stacked, Watch,
};
use keepalived_rs::conf::{Loaded, Request, load};
use keepalived_rs::model::{Auth, Transport};

/// A machine without name service and without scripts.
struct Machine {
    interfaces: &'static [&'static str],
}

impl Environment for Machine {
    fn interface(&self, _: Option<&str>, name: &str) -> Option<Interface> {
        let there = name == "lo" || self.interfaces.contains(&name);
        there.then(|| Interface {
            loopback: name == "lo",
            multicast: name != "lo",
            ethernet: name != "lo",
            mtu: 1500,
            addresses: Vec::new(),
        })
    }

    fn stacked(&self, _: Option<&str>, _: &str) -> Option<Stacked> {
        None
    }

    fn watch(&self, _: &Path) -> Watch {
        Watch::Possible { odd: false }
    }

    fn key_file(&self, _: &Path, _: usize) -> std::io::Result<KeyFile> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn user(&self, _: &str) -> Option<Identity> {
        None
    }

    fn group(&self, _: &str) -> Option<u32> {
        None
    }

    fn own_identity(&self) -> Identity {
        Identity { uid: 0, gid: 0, further_groups: false }
    }

    fn variable(&self, _: &OsStr) -> Option<OsString> {
        None
    }

    fn host_name(&self) -> String {
        "lb01".into()
    }

    fn resolve(&self, _: &str) -> Option<IpAddr> {
        None
    }

    fn command(&self, _: &OsStr, _: Identity) -> Command {
        Command::Missing(Absence::NotInPath)
    }

    fn current_dir(&self) -> PathBuf {
        folder()
    }

    fn random(&self) -> u64 {
        0
    }

    fn processors(&self) -> u32 {
        2
    }

    fn vrf_table(&self, _: Option<&str>, _: &str) -> Option<u32> {
        None
    }

    fn name_files(&self, _: NameTable, _: Option<&Path>, _: Option<&Path>) -> Vec<String> {
        Vec::new()
    }

    fn ip_protocol(&self, _: &str) -> Option<u8> {
        None
    }

    fn has_local_igmp(&self) -> bool {
        true
    }

    fn save_dir_fault(&self, _: &Path) -> Option<String> {
        None
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf/seeds")
}

fn seed(name: &str, machine: &str) -> Loaded {
    let interfaces: &[&str] = if machine == "IFS" { &["eth0", "eth1", "eth2", "ens33"] } else { &[] };
    let request = Request { file: format!("{name}.conf").into(), config_id: None, require_files: false };
    load(&request, &Machine { interfaces })
}

/// Lines that are complained of so that it counts.
fn lines(loaded: &Loaded) -> BTreeSet<u32> {
    let counted = loaded.diagnostics.iter().filter(|it| it.weight != Weight::None);
    counted.filter_map(|it| Some(it.place?.at.line)).collect()
}

#[test]
fn every_seed_gets_keepalived_s_verdict() {
    let expected = std::fs::read_to_string(folder().join("expected.tsv")).expect("the table");
    let mut faults = Vec::new();
    let mut count = 0;
    for row in expected.lines() {
        let fields: Vec<&str> = row.split('\t').collect();
        let [name, machine, code, wanted] = fields[..] else {
            panic!("not a row: {row}");
        };
        count += 1;
        let loaded = seed(name, machine);
        let wanted: BTreeSet<u32> =
            wanted.split(',').filter(|it| !it.is_empty()).map(|it| it.parse().unwrap()).collect();
        let got = lines(&loaded);
        if loaded.test_exit_code().to_string() != code || got != wanted {
            faults.push(format!("{name} {machine}: exit {}, lines {got:?}\n{}", loaded.test_exit_code(), {
                let log: Vec<String> = loaded.log_lines().map(|(_, line)| line).collect();
                log.join("\n")
            }));
        }
        // A missing interface is the only thing in them that stops the daemon.
        let refused = loaded.refusal().is_some();
        let text = std::fs::read_to_string(folder().join(format!("{name}.conf"))).expect("a seed");
        let has_instance = text.contains("vrrp_instance") && name != "s0-asis";
        if refused != (machine == "NOIFS" && has_instance) {
            faults.push(format!("{name} {machine}: refused {refused}"));
        }
    }
    assert_eq!(count, 36);
    assert!(faults.is_empty(), "\n{}", faults.join("\n\n"));
}

#[test]
fn both_keepalived_nodes_of_the_second_seed_share_two_routers() {
    let first = seed("s2c-k1-both", "IFS").config.vrrp.instances;
    let second = seed("s2f-k2-both", "IFS").config.vrrp.instances;
    assert_eq!((first.len(), second.len()), (2, 2));
    for (one, other) in first.iter().zip(&second) {
        assert_eq!((&one.name, one.vrid, &one.auth), (&other.name, other.vrid, &other.auth));
        let addresses =
            |it: &keepalived_rs::model::Instance| it.vips.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(addresses(one), addresses(other));
        assert_eq!(one.vips.len(), 3);
        assert_eq!(one.vips[0].interface.as_str(), "ens33");
    }
    assert_eq!((first[1].priority.get(), first[1].start_as_master), (100, true));
    assert_eq!((second[0].priority.get(), second[0].start_as_master), (80, true));
}

#[test]
fn typing_mistakes_leave_the_rest_as_it_was_meant() {
    let reflow = seed("s0-reflow", "IFS").config;
    let instance = &reflow.vrrp.instances[0];
    assert_eq!((instance.name.as_str(), instance.vrid.get(), instance.priority.get()), ("VI_1", 51, 100));
    assert_eq!(instance.vips[0].to_string(), "10.220.5.233");
    assert_eq!(instance.vips[0].prefix_len, 32);
    assert!(instance.start_as_master);
    assert_eq!(reflow.check.virtual_servers[0].name(), "[10.220.5.233]:tcp:0");
    let master = seed("s3c-lb01", "IFS").config;
    assert_eq!(master.global.router_id.as_deref(), Some("lb01"));
    let vip = &master.vrrp.instances[0].vips[0];
    assert_eq!((vip.to_string().as_str(), vip.label.as_deref()), ("10.0.0.12/24", Some("eth0:1")));
    let server = seed("s4a-serverA", "IFS").config;
    let (one, two) = (&server.vrrp.instances[0], &server.vrrp.instances[1]);
    assert_eq!((one.vrid.get(), one.priority.get(), two.vrid.get(), two.priority.get()), (51, 100, 52, 10));
    assert!(matches!(&one.auth, Auth::Pass(secret) if secret.expose() == b"1111"));
    assert!(matches!(one.transport, Transport::Multicast { .. }));
}

#[test]
fn the_examples_have_no_fault_and_differ_in_what_each_node_is() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for example in ["two-nodes", "load-balancer"] {
        let [first, second] = ["lb01", "lb02"].map(|node| {
            let file = examples.join(example).join(format!("{node}.conf"));
            let request = Request { file: file.clone(), config_id: None, require_files: true };
            let loaded = load(&request, &Machine { interfaces: &["eth0", "eth1"] });
            let log: Vec<String> = loaded.log_lines().map(|(_, line)| line).collect();
            assert_eq!(loaded.test_exit_code(), 0, "{}:\n{}", file.display(), log.join("\n"));
            assert_eq!(loaded.config.global.router_id.as_deref(), Some(node));
            loaded.config
        });
        assert_eq!(first.check, second.check, "{example}");
        let (one, other) = (&first.vrrp.instances[0], &second.vrrp.instances[0]);
        assert_eq!((one.vrid, &one.auth, &one.vips), (other.vrid, &other.auth, &other.vips), "{example}");
        assert!(one.priority > other.priority, "{example}");
    }
}
