//! The direction of dependence between the rooms, read off the `use` lines and paths of `src/` (see `src/README.md`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each room may name of the crate. Engines and drivers share folders, so files count before folders.
const ALLOWED: [(&str, &[&str]); 26] = [
    ("model", &["model"]),
    ("conf", &["conf", "model"]),
    ("wire", &["wire", "model"]),
    ("bfd", BFD_ENGINE),
    ("bfd/mod", BFD_DRIVER),
    ("bfd/driver", BFD_DRIVER),
    ("bfd/hands", BFD_DRIVER),
    ("vrrp", ENGINE),
    ("vrrp/mod", DRIVER),
    ("vrrp/driver", DRIVER),
    ("vrrp/hands", DRIVER),
    ("check", CHECK_ENGINE),
    ("check/mod", CHECK_DRIVER),
    ("check/driver", CHECK_DRIVER),
    ("check/hands", CHECK_DRIVER),
    ("check/probe", CHECK_DRIVER),
    ("net", &["net", "model", "wire", "os"]),
    ("sock", &["sock", "model", "wire", "os"]),
    ("os", &["os", "model"]),
    ("watch", &["watch", "model", "os"]),
    ("report", &["report", "model", "os"]),
    ("view", &["view", "model", "wire", "os", "report"]),
    ("log", &["log", "model", "os"]),
    ("cli", &["cli", "model", "os"]),
    ("command", &["command", "conf", "cli", "model", "os"]),
    (
        "core",
        &["core", "conf", "cli", "command", "log", "model", "os", "net", "report", "view", "vrrp", "check", "bfd"],
    ),
];
const ENGINE: &[&str] = &["vrrp", "model", "wire"];
const CHECK_ENGINE: &[&str] = &["check", "model", "wire"];
const CHECK_DRIVER: &[&str] = &["check", "model", "wire", "net", "sock", "os", "watch", "report"];
const BFD_ENGINE: &[&str] = &["bfd", "model", "wire"];
const BFD_DRIVER: &[&str] = &["bfd", "model", "os", "report", "sock"];
const DRIVER: &[&str] = &["vrrp", "model", "wire", "net", "sock", "os", "watch", "report"];

/// Crates and modules that the pure rooms (0 to 3) must not touch: they would bring in a clock, a socket or a task.
const HANDS_ONLY: [&str; 12] = [
    "tokio",
    "nix",
    "socket2",
    "rtnetlink",
    "netlink_packet_route",
    "netlink_packet_core",
    "tracing",
    "std::fs",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant::now",
];

/// What engines must not name of their own folder.
const HANDS: [&str; 10] = [
    "super::driver",
    "super::hands",
    "super::probe",
    "vrrp::driver",
    "vrrp::hands",
    "check::driver",
    "check::hands",
    "check::probe",
    "bfd::driver",
    "bfd::hands",
];

fn is_engine(allowed: &[&str]) -> bool {
    [ENGINE, CHECK_ENGINE, BFD_ENGINE].contains(&allowed)
}

/// Netlink packets live in one room.
const NETLINK: [&str; 3] = ["rtnetlink", "netlink_packet_route", "netlink_packet_core"];

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    collect(&root, &root, &mut files);
    assert!(files.len() > 40, "only {} source files found", files.len());
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("src can be read") {
        let path: PathBuf = entry.expect("src can be read").path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("inside src").to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).expect("a text file"));
        }
    }
}

/// The code of a file without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
        .filter(|(_, line)| !line.trim().is_empty())
}

fn room(file: &str) -> Option<(&'static str, &'static [&'static str])> {
    let stem = file.trim_end_matches(".rs");
    ALLOWED
        .into_iter()
        .filter(|(room, _)| stem == *room || stem.starts_with(&format!("{room}/")))
        .max_by_key(|(room, _)| room.len())
}

/// The rooms that a line names by `crate::`.
fn named(line: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for (start, _) in line.match_indices("crate::") {
        let rest = &line[start + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => rooms.extend(list.split(',').map(|item| item.trim().split("::").next().unwrap_or_default())),
            None => rooms.push(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()),
        }
    }
    rooms
}

#[test]
fn dependence_has_one_direction() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        if matches!(file.as_str(), "lib.rs" | "main.rs") {
            continue;
        }
        let Some((room, allowed)) = room(&file) else {
            faults.push(format!("{file}: belongs to no room"));
            continue;
        };
        for (number, line) in code(&text) {
            for other in named(line) {
                if !other.is_empty() && !allowed.contains(&other) {
                    faults.push(format!("{file}:{number}: {room} must not name {other}: {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn engines_know_no_hands_of_their_own_folder() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        if room(&file).is_none_or(|(_, allowed)| !is_engine(allowed)) {
            continue;
        }
        for (number, line) in code(&text) {
            if HANDS.iter().any(|hand| line.contains(hand)) {
                faults.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Whether the line has the word, not as the end of a longer one (`unix` is not `nix`).
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn pure_rooms_touch_no_clock_socket_or_task() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let Some((room, allowed)) = room(&file) else { continue };
        let pure = matches!(room, "model" | "wire" | "conf") || is_engine(allowed);
        if !pure || file.contains("tests") || file == "vrrp/rig.rs" {
            continue;
        }
        for (number, line) in code(&text) {
            for word in HANDS_ONLY.iter().filter(|word| names(line, word)) {
                // Reading files is what conf/source is for.
                if !(*word == "std::fs" && file.starts_with("conf/source")) {
                    faults.push(format!("{file}:{number}: {word}: {}", line.trim()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn netlink_packets_stay_in_their_room() {
    let mut faults = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("net/")) {
        for (number, line) in code(&text) {
            if NETLINK.iter().any(|word| line.contains(word)) {
                faults.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn unsafe_code_stands_where_the_system_is_called_and_says_why() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code(&text) {
            if !line.contains("unsafe {") && !line.contains("unsafe fn") && !line.contains("unsafe impl") {
                continue;
            }
            let reasoned = lines[..number - 1].iter().rev().take(4).any(|above| above.contains("SAFETY:"));
            if !(file.starts_with("os/") || file.starts_with("sock/")) || !reasoned {
                faults.push(format!("{file}:{number}: {}", line.trim()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
