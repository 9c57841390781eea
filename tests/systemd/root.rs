//! The Debian that the hosts run: made once by debootstrap, kept under `/var/cache/keepalived-rs`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// The release whose keepalived is 2.2.7.
const SUITE: &str = "bookworm";
const MIRROR: &str = "http://deb.debian.org/debian";
const PACKAGES: &str = "systemd,systemd-sysv,dbus,iproute2,procps,keepalived,iputils-ping";

/// The root folder, made if it is not there yet (about a minute). `DEBIAN_MIRROR` names another mirror.
pub fn root() -> PathBuf {
    let cache = PathBuf::from("/var/cache/keepalived-rs");
    fs::create_dir_all(&cache).expect("create /var/cache/keepalived-rs (as root)");
    let root = cache.join(format!("{SUITE}-{}", PACKAGES.replace(',', "+")));
    let lock = File::create(cache.join("lock")).expect("create the cache's lock file");
    lock.lock().expect("wait for another test that makes the root");
    if !root.is_dir() {
        let unfinished = cache.join("unfinished");
        let _ = fs::remove_dir_all(&unfinished);
        let mirror = std::env::var("DEBIAN_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
        let out = Command::new("debootstrap")
            .args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE])
            .arg(&unfinished)
            .arg(&mirror)
            .output()
            .expect("run debootstrap (package debootstrap)");
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "debootstrap from {mirror}: {}\n{text}", out.status);
        fs::rename(&unfinished, &root).expect("put the finished root in its place");
    }
    root
}
