//! What two runs never have in common: times, descriptors, MAC addresses and what is made of them.

/// Lines whose value differs from run to run.
const VARYING: [&str; 10] = [
    "   Last transition = ",
    "   Read timeout = ",
    "   Last advert sent = ",
    "   fd_in ",
    " fd_in ",
    "   Using src_ip = fe80:",
    "   IPv6 address = fe80:",
    "   MAC = ",
    "   index = ",
    "   Multicast address ff02::12, ifindex ",
];

/// Values that say something in spite of it.
const TELLING: [&str; 2] = ["DISABLED", "0.000000"];

/// Lines of a data file, with what varies as three dots, and without the far ends of the links, which may be elsewhere.
pub fn data(text: &str) -> Vec<String> {
    let mut far = false;
    let is_near = |line: &&str| {
        far = line.starts_with(" Name = peth") || far && line.starts_with("   ");
        !far
    };
    text.lines().filter(is_near).filter(|line| !line.starts_with(" libnftnl version")).map(line).collect()
}

fn line(line: &str) -> String {
    if let Some((start, _)) = line.split_once("Last checked ") {
        return format!("{start}Last checked ...");
    }
    let start = VARYING.iter().find(|start| line.starts_with(**start));
    match start.filter(|start| !TELLING.contains(&&line[start.len()..])) {
        Some(start) => format!("{start}..."),
        None => line.to_owned(),
    }
}

/// Members of JSON one by one, each with what stands before it; those that vary with three dots.
pub fn json(text: &str, varying: &[&str]) -> Vec<String> {
    let lines = text.replace(",\"", ",\n\"").replace("{\"", "{\n\"");
    let mask = |line: &str| {
        let name = line.strip_prefix('"').and_then(|line| line.split('"').next());
        match name.filter(|name| *name == "last_transition" || varying.contains(name)) {
            Some(name) => format!("\"{name}\":..."),
            None => line.to_owned(),
        }
    };
    lines.lines().map(mask).collect()
}

/// Lines of statistics; the numbers of adverts vary.
pub fn stats(text: &str) -> Vec<String> {
    let mask = |line: &str| match line.strip_prefix("    Sent: ") {
        Some(number) if number != "0" => "    Sent: ...".to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(mask).collect()
}
