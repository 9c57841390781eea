//! Keepalived's dump in its log, reduced to what the configuration determines.

/// How the lines begin that only a running daemon knows.
const STATE: [&str; 17] = [
    "   Last advert sent",
    "   No sockets allocated",
    "   fd_in ",
    "   Highest other priority",
    "   Num member fault",
    "   Init state",
    "   Result = ",
    "   Status = ",
    "   State = ",
    "   Current processes",
    "   Have quorum",
    "   Bfd is ",
    "   Next gratuitous ARP",
    " GARP next time",
    " GNA next time",
    " libnftnl version",
    " current realtime",
];

/// How the lines begin that 2.2.7 does not have.
const NEWER: [&str; 12] = [
    " Set supplementary groups",
    " Don't set supplementary groups",
    " Replace symlinks in script paths",
    " Don't set supplementary groups",
    " Use VRRPv2 checksum for VRRPv3 IPv4",
    " SNMP VS stats update interval",
    " SNMP RS stats update interval",
    " DBus no interface name",
    " json_version",
    " iproute ",
    "   VRRPv3 uses VRRPv2 checksum",
    "   Address owner ignores received adverts",
];

/// Whether 2.2.7 shows nothing of this kind.
pub fn is_newer(line: &str) -> bool {
    NEWER.iter().any(|start| line.starts_with(start))
}

/// The dump of the `vrrp` process in a log of 2.2.7, in the words of 2.4.3.
pub fn configuration(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().filter_map(without_time).collect();
    let last = lines.iter().position(|line| *line == "------< Interfaces >------").expect("the end of the dump");
    let dump = &lines[..last];
    let first = dump.iter().rposition(|line| *line == "------< Global definitions >------").expect("its beginning");
    let dump = dump[first..].iter().filter(|line| line.starts_with(' ') || line.starts_with("------<"));
    // A route that does not fit into one line of the log goes on in the next.
    let dump = dump.filter(|line| !line.starts_with("      ") || line.starts_with("       "));
    dump.filter(|line| !is_state(line)).map(|line| in_new_words(line)).collect()
}

/// A line of the log without its time.
fn without_time(line: &str) -> Option<&str> {
    let (_, text) = line.split_at_checked("Sun Nov 22 00:48:04 2026".len())?;
    text.strip_prefix(": ")
}

fn is_state(line: &str) -> bool {
    let found = line.starts_with("   Using src_ip = ") && !line.ends_with("(from configuration)");
    found || STATE.iter().any(|start| line.starts_with(start))
}

fn in_new_words(line: &str) -> String {
    if line.starts_with("------< GARP delay group") {
        return "------< GARP delay group >------".into();
    }
    for interval in [" GARP interval = ", " GNA interval = "] {
        if let Some(seconds) = line.strip_prefix(interval) {
            return format!("{interval}{:.6}", seconds.parse::<f64>().expect("seconds"));
        }
    }
    if line.starts_with("   Password = ") {
        return "   Password = ********".into();
    }
    if let Some((group, _)) = line.rsplit_once(", ").filter(|_| line.starts_with(" VRRP Sync Group = ")) {
        return format!("{group}, INIT");
    }
    if let Some((address, _)) = line.split_once(", ifindex ").filter(|_| line.starts_with("   Multicast address")) {
        return address.into();
    }
    let line = line.split(" [installed ifindex").next().unwrap_or_default();
    let line = line.strip_suffix(" set").filter(|_| line.starts_with("     ")).unwrap_or(line);
    line.replace("is_up = true", "is_up = false")
}
