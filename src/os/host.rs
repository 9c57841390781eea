//! What the machine says of itself.

use std::ffi::{CStr, CString};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;
use std::{fs, ptr, thread};

use nix::libc;
use nix::unistd::{User, gethostname, getuid};

/// How long the look-up of our own name may take. It is there at once where /etc/hosts has it.
const LOOK_UP: Duration = Duration::from_secs(1);

/// Kernel name, release and build, as `uname -srv` prints them; empty words where /proc is missing.
pub fn kernel() -> String {
    let read = |name: &str| {
        fs::read_to_string(format!("/proc/sys/kernel/{name}"))
            .map(|text| text.trim_end().to_owned())
            .unwrap_or_default()
    };
    format!("{} {} {}", read("ostype"), read("osrelease"), read("version"))
}

/// Name of the host; empty if it has none.
pub fn name() -> String {
    gethostname().unwrap_or_default().to_string_lossy().into_owned()
}

/// Name of the host with its domain, as the resolver knows it; without, where it does not within a second. What was found
/// once is not looked up again.
pub fn full_name() -> String {
    static FOUND: OnceLock<String> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return found.clone();
    }
    let own = name();
    let (answer, wait) = mpsc::channel();
    let asked = own.clone();
    // A name server that does not answer must not hold up the start.
    thread::spawn(move || answer.send(canonical(&asked)));
    match wait.recv_timeout(LOOK_UP).ok().flatten() {
        Some(found) => FOUND.get_or_init(|| found).clone(),
        None => own,
    }
}

/// The name that the resolver has for a host (getaddrinfo(3), AI_CANONNAME).
#[allow(unsafe_code)]
fn canonical(host: &str) -> Option<String> {
    let host = CString::new(host).ok()?;
    // SAFETY: `addrinfo` is plain numbers and pointers that may be null, so all zeros is a value of it.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_CANONNAME;
    let mut found = ptr::null_mut();
    // SAFETY: the name ends with a NUL, the hints are a value of their type, and the list is written through a pointer to a
    // live variable.
    if unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &hints, &mut found) } != 0 || found.is_null() {
        return None;
    }
    // SAFETY: the list is not empty and ours until it is freed; its first entry has the name, which ends with a NUL, or none.
    let name = unsafe {
        let name = (*found).ai_canonname;
        let name = (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned());
        libc::freeaddrinfo(found);
        name
    };
    name.filter(|name| !name.is_empty())
}

/// Name of the user that we run as, else the number. Looked up once.
pub fn user() -> String {
    static NAME: OnceLock<String> = OnceLock::new();
    let look = || {
        let uid = getuid();
        User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
    };
    NAME.get_or_init(look).clone()
}

/// `PRETTY_NAME` of os-release(5), where there is one.
pub fn distribution() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests;
