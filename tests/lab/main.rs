//! The lab: scenarios with real daemons on machines made of namespaces, ours beside Debian's keepalived.
//!
//! Needs root, iproute2, tshark and Debian's keepalived 2.2.7. `KEEPALIVED_RS` names another program to test than the
//! one that cargo built. Most scenarios only wait: run them with more threads than there are cores
//! (`--test-threads 8`).

mod rig;

use std::path::PathBuf;

#[test]
fn smoke() {
    use rig::*;
    use conf::*;
    use node::*;
    let mut lab = Lab::new("smoke", &ours(), &Layout::default());
    let a = Instance::new(0, Speech::QUICK, 150);
    let b = Instance::new(1, Speech::QUICK, 100);
    let t = moment::now();
    lab.start_all(&[Daemon::Keepalived; 2], &[file("", &[&a]), file("", &[&b])]);
    let vips = a.virtual_addresses();
    moment::wait_until("a master", moment::SOON, || lab.nodes[0].has_all(&vips));
    eprintln!("{:?}", lab.who_answers(vips[0]));
    eprintln!("{}", lab.wire.tail());
    eprintln!("{:?}", lab.nodes[0].watch.since(t));
    eprintln!("{:?}", lab.nodes[0].processes());
    eprintln!("{:?}", lab.nodes[0].notified("VI_1"));
    eprintln!("{:?}", lab.nodes[0].notified("INSTANCE"));
    eprintln!("{:?}", lab.nodes[0].stop());
    eprintln!("{:?}", lab.nodes[1].stop());
    eprintln!("{}", lab.nodes[0].log_tail());
    eprintln!("{:?}", moment::now() - t);
}

/// The program under test.
fn ours() -> PathBuf {
    std::env::var_os("KEEPALIVED_RS").map_or_else(|| env!("CARGO_BIN_EXE_keepalived-rs").into(), PathBuf::from)
}
