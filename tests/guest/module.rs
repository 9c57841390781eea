//! Where IPVS is: its module that comes and goes, and the network namespaces that each have one of their own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use keepalived_rs::model::check::Protocol;
use keepalived_rs::model::ipvs::IpvsChange;
use keepalived_rs::net::{Ipvs, IpvsError, load_module};

use crate::ipvs::{director, plain, service, take};
use crate::namespace::{ip, wait_for};

const LOADER: &str = "/proc/sys/kernel/modprobe";

fn modules() -> Vec<String> {
    let text = fs::read_to_string("/proc/modules").unwrap();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| name.starts_with("ip_vs")).map(str::to_owned).collect()
}

fn is_loaded() -> bool {
    modules().iter().any(|module| module == "ip_vs")
}

/// Removes the module, with all that stands on it. Sockets and namespaces do not hold it.
fn unload() {
    wait_for(|| {
        for module in modules().iter().rev() {
            let _ = Command::new("rmmod").arg(module).stderr(std::process::Stdio::null()).status();
        }
        !is_loaded()
    });
}

fn made() -> IpvsChange {
    IpvsChange::AddService(service(Protocol::Tcp, "10.0.0.1:80"), plain("rr"))
}

#[test]
fn the_kernel_loads_the_module_when_it_is_asked_for() {
    unload();
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        assert!(is_loaded());
        take(&mut ipvs, &[made()]);
        assert!(modules().iter().any(|module| module == "ip_vs_rr"));
    });
}

#[test]
fn a_module_that_has_gone_is_told_apart_from_a_refusal() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        take(&mut ipvs, &[made()]);
        // A service holds the module of its scheduler, and that the one of IPVS.
        take(&mut ipvs, &[IpvsChange::Flush]);
        unload();
        assert!(matches!(ipvs.change(&[made()]), Err(IpvsError::Absent)));
        assert!(matches!(ipvs.table(), Err(IpvsError::Absent)));
        assert!(matches!(ipvs.timeouts(), Err(IpvsError::Absent)));
        let mut anew = Ipvs::open(None).unwrap();
        assert_eq!(anew.table().unwrap(), [], "nothing of it was left");
        take(&mut anew, &[made()]);
        assert!(matches!(ipvs.change(&[made()]), Err(IpvsError::Absent)), "the family has another number now");
        assert!(matches!(ipvs.table(), Err(IpvsError::Absent)));
    });
}

/// Has another program load modules for the time of a test.
struct OtherLoader(String);

impl OtherLoader {
    fn new(script: &str) -> Self {
        let path = "/run/test-modprobe";
        fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let usual = fs::read_to_string(LOADER).unwrap();
        fs::write(LOADER, path).unwrap();
        OtherLoader(usual.trim().to_owned())
    }
}

impl Drop for OtherLoader {
    fn drop(&mut self) {
        fs::write(LOADER, &self.0).unwrap();
    }
}

#[test]
fn where_the_kernel_does_not_load_it_we_do() {
    unload();
    // As kernels are whose module has no alias for the family.
    let _loader = OtherLoader::new("[ \"$*\" = '-s -- ip_vs' ] && exec /sbin/modprobe ip_vs; exit 1");
    director().run(|| assert!(matches!(Ipvs::open(None), Err(IpvsError::Absent))));
    director().run_async(async || {
        assert!(matches!(Ipvs::find(None, false).await, Err(IpvsError::Absent)));
        assert!(!is_loaded());
        let mut ipvs = Ipvs::find(None, true).await.unwrap();
        assert_eq!(ipvs.table().unwrap(), []);
    });
    assert!(is_loaded());
}

#[test]
fn a_slow_loader_keeps_nobody_waiting() {
    unload();
    let _loader = OtherLoader::new("sleep 1; exit 1");
    assert!(load_module().is_err());
    director().run_async(async || {
        let mut turns = 0;
        let find = Ipvs::find(None, true);
        tokio::pin!(find);
        let found = loop {
            tokio::select! {
                found = &mut find => break found,
                () = tokio::time::sleep(Duration::from_millis(50)) => turns += 1,
            }
        };
        assert!(matches!(found, Err(IpvsError::Absent)));
        assert!(turns >= 20, "only {turns} turns in at least two seconds");
    });
}

#[test]
fn each_namespace_has_a_table_of_its_own() {
    ip("netns add rs-test-ipvs");
    let host = Ipvs::open(Some(None)).unwrap().table().unwrap();
    let mut named = Ipvs::open(Some(Some("rs-test-ipvs"))).unwrap();
    take(&mut named, &[made()]);
    director().run(|| {
        assert_eq!(Ipvs::open(None).unwrap().table().unwrap(), []);
        assert_eq!(Ipvs::open(Some(None)).unwrap().table().unwrap(), host);
        let mut again = Ipvs::open(Some(Some("rs-test-ipvs"))).unwrap();
        assert_eq!(again.table().unwrap().len(), 1);
        assert_eq!(Ipvs::open(None).unwrap().table().unwrap(), [], "this thread has stayed where it was");
        assert!(matches!(Ipvs::open(Some(Some("rs-test-none"))), Err(IpvsError::Namespace(_))));
    });
    ip("netns del rs-test-ipvs");
}
