//! The files by the rules of those who read them: mehdy's keepalived-exporter (text and JSON), gen2brain's
//! keepalived_exporter, and scripts that take the statistics for YAML.

use std::collections::BTreeMap;

use serde_json::Value;

use super::scene::{Scene, sample_text};

/// Counters that both exporters want, all of Go's type `int`.
const COUNTERS: [&str; 14] = [
    "advert_rcvd",
    "advert_sent",
    "become_master",
    "release_master",
    "packet_len_err",
    "advert_interval_err",
    "ip_ttl_err",
    "invalid_type_rcvd",
    "addr_list_err",
    "invalid_authtype",
    "authtype_mismatch",
    "auth_failure",
    "pri_zero_rcvd",
    "pri_zero_sent",
];

/// The same by section and key of the statistics file.
const STATISTICS: [(&str, &str); 14] = [
    ("Advertisements", "Received"),
    ("Advertisements", "Sent"),
    ("", "Became master"),
    ("", "Released master"),
    ("Packet Errors", "Length"),
    ("Packet Errors", "Advertisement Interval"),
    ("Packet Errors", "TTL"),
    ("Packet Errors", "Invalid Type"),
    ("Packet Errors", "Address List"),
    ("Authentication Errors", "Invalid Type"),
    ("Authentication Errors", "Type Mismatch"),
    ("Authentication Errors", "Failure"),
    ("Priority Zero", "Received"),
    ("Priority Zero", "Sent"),
];

/// What an exporter knows of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    state: i64,
    wants: i64,
    interface: String,
    garp_delay: i64,
    vrid: i64,
    /// Address and interface of each
    vips: Vec<(String, String)>,
    excluded: Vec<(String, String)>,
}

type Instances = BTreeMap<String, Instance>;
type Counters = BTreeMap<String, Vec<i64>>;

/// A number that Go's JSON decoder puts into an `int`: no point, no exponent.
fn int(value: &Value, name: &str) -> i64 {
    let number = value.get(name).unwrap_or_else(|| panic!("no {name} in {value}"));
    number.as_i64().filter(|_| number.is_i64() || number.is_u64()).unwrap_or_else(|| panic!("{name} is {number}"))
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no word {name} in {value}"))
}

/// An address is the first word of its line, its interface the third.
fn vip(line: &str) -> (String, String) {
    let words: Vec<&str> = line.split(' ').collect();
    assert!(words.len() >= 3, "too few words: {line}");
    (words[0].to_owned(), words[2].to_owned())
}

/// JSON as both exporters decode it: an array, or the array in an object.
fn read_json(text: &str) -> (Instances, Counters) {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let array = value.as_array().or_else(|| value.get("vrrp")?.as_array()).expect("an array of instances");
    let (mut instances, mut counters) = (Instances::new(), Counters::new());
    for one in array {
        let data = one.get("data").expect("data");
        let lines = |name: &str| {
            let lines = data.get(name).map_or(&[][..], |list| list.as_array().expect("an array"));
            lines.iter().map(|line| vip(line.as_str().expect("text"))).collect::<Vec<_>>()
        };
        // Go's float64; a time of this decade.
        let changed = data.get("last_transition").and_then(Value::as_f64).expect("a number");
        assert!((1.7e9..4.0e9).contains(&changed), "last_transition {changed}");
        let instance = Instance {
            state: int(data, "state"),
            wants: int(data, "wantstate"),
            interface: data.get("ifp_ifname").map_or(String::new(), |_| word(data, "ifp_ifname").to_owned()),
            garp_delay: int(data, "garp_delay"),
            vrid: int(data, "vrid"),
            vips: lines("vips"),
            excluded: lines("evips"),
        };
        let name = word(data, "iname").to_owned();
        let stats = one.get("stats").expect("stats");
        for (name, number) in stats.as_object().expect("an object") {
            assert!(number.is_u64(), "{name}: each member becomes a metric, {number}");
        }
        counters.insert(name.clone(), COUNTERS.map(|name| int(stats, name)).to_vec());
        instances.insert(name, instance);
    }
    (instances, counters)
}

fn state(text: &str) -> i64 {
    let states = ["INIT", "BACKUP", "MASTER", "FAULT"];
    states.iter().position(|state| *state == text).unwrap_or_else(|| panic!("unknown state {text}")) as i64
}

/// The data file: an instance begins with ` VRRP Instance`, its lines have three blanks or more, and any other line ends it.
/// A key is what stands before `=`, else before `:`; lines with five blanks are values of the key before.
fn read_data(text: &str) -> Instances {
    let mut instances = Instances::new();
    let (mut name, mut key) = (String::new(), String::new());
    for line in text.lines() {
        if line.starts_with(" VRRP Instance") && line.contains('=') {
            name = line.split('=').nth(1).expect("a name").trim().to_owned();
            instances.insert(name.clone(), Instance::default());
            continue;
        }
        if !line.starts_with("   ") || name.is_empty() {
            let of_old_releases = line.starts_with(" VRRP Version") || line.starts_with(" VRRP Script");
            if !of_old_releases {
                name.clear();
            }
            continue;
        }
        let value = if line.starts_with("     ") {
            line.trim().to_owned()
        } else {
            let separator = if line.contains('=') { '=' } else { ':' };
            let mut parts = line.trim().split(separator).map(str::trim);
            let first = parts.next().expect("a part");
            let Some(second) = parts.next() else { continue };
            key = first.to_owned();
            if key == "Virtual IP" {
                continue;
            }
            second.to_owned()
        };
        let instance = instances.get_mut(&name).expect("it was put there");
        let number = || value.parse().unwrap_or_else(|_| panic!("{key} is {value}"));
        match key.as_str() {
            "State" => instance.state = state(&value),
            "Wantstate" => instance.wants = state(&value),
            "Interface" | "Listening device" => instance.interface = value,
            "Gratuitous ARP delay" => instance.garp_delay = number(),
            "Virtual Router ID" => instance.vrid = number(),
            "Virtual IP Excluded" if !value.is_empty() => instance.excluded.push(vip(&value)),
            key if key.starts_with("Virtual IP (") && !value.is_empty() => instance.vips.push(vip(&value)),
            _ => {}
        }
    }
    instances
}

/// Scripts in the data file: name, and the numbers of status and state.
fn read_scripts(text: &str) -> BTreeMap<String, (usize, usize)> {
    let statuses = ["BAD", "GOOD"];
    let states = ["idle", "running", "requested termination", "forcing termination"];
    let mut scripts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if line.starts_with(" VRRP Script") && line.contains('=') {
            name = line.split('=').nth(1).expect("a name").trim().to_owned();
            scripts.insert(name.clone(), (usize::MAX, usize::MAX));
        } else if !line.starts_with("   ") {
            name.clear();
        } else if let Some((key, value)) = line.trim().split_once(" = ").filter(|_| !name.is_empty()) {
            let place = |words: &[&str]| words.iter().position(|word| *word == value).expect("a known word");
            let script = scripts.get_mut(&name).expect("it was put there");
            match key {
                "Status" => script.0 = place(&statuses),
                "State" => script.1 = place(&states),
                _ => {}
            }
        }
    }
    assert!(scripts.values().all(|it| it.0 < 2 && it.1 < 4), "{scripts:?}");
    scripts
}

/// The statistics file: headings end with a colon, lines with four blanks are theirs, lines with two stand alone. All values
/// are whole numbers.
fn read_stats(text: &str) -> Counters {
    let mut counters = Counters::new();
    let (mut name, mut section) = (String::new(), "");
    for line in text.lines() {
        if let Some(instance) = line.strip_prefix("VRRP Instance:") {
            name = instance.trim().to_owned();
            counters.insert(name.clone(), vec![-1; STATISTICS.len()]);
        } else if let Some(heading) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            section = heading;
        } else {
            let (key, value) = line.trim().split_once(": ").expect("key and value");
            let value: i64 = value.parse().unwrap_or_else(|_| panic!("{key} is {value}"));
            if !line.starts_with("    ") {
                section = "";
            }
            if let Some(place) = STATISTICS.iter().position(|it| *it == (section, key)) {
                counters.get_mut(&name).expect("an instance")[place] = value;
            }
        }
    }
    assert!(counters.values().flatten().all(|value| *value >= 0), "{counters:?}");
    counters
}

/// Scripts that have `State` within six lines of the section's heading.
fn assert_state_is_near(text: &str) {
    let near = text.lines().skip_while(|line| !line.contains("VRRP Topology")).take(7);
    assert!(near.into_iter().any(|line| line.trim().starts_with("State = ")), "{text}");
}

/// Adverts and farewells are counted a little apart in two runs.
fn without_adverts(mut counters: Counters) -> Counters {
    for counted in counters.values_mut() {
        counted[1] = 0;
        counted[13] = 0;
    }
    counters
}

/// What an exporter makes of the files of two daemons is the same.
pub fn compare(ours: &Scene, theirs: &Scene) {
    let (our_data, their_data) = (ours.data(), theirs.data());
    assert_eq!(read_data(&our_data), read_data(&their_data));
    assert_eq!(read_scripts(&our_data), read_scripts(&their_data));
    assert_state_is_near(&our_data);
    let (our_json, their_json) = (read_json(&ours.json()), read_json(&theirs.json()));
    assert_eq!(our_json.0, their_json.0);
    assert_eq!(without_adverts(our_json.1), without_adverts(their_json.1));
    assert_eq!(without_adverts(read_stats(&ours.stats())), without_adverts(read_stats(&theirs.stats())));
}

#[test]
fn the_rules_find_in_keepalived_s_files_what_they_say() {
    let instances = read_data(&sample_text("keepalived.data.2.4.3"));
    assert_eq!(instances.keys().collect::<Vec<_>>(), ["VI_1", "VI_2", "VI_3", "VI_6"]);
    let first = &instances["VI_1"];
    assert_eq!((first.state, first.wants, first.garp_delay, first.vrid), (2, 2, 1, 51));
    assert_eq!(first.vips[0], ("10.99.0.100/24".to_owned(), "eth0".to_owned()));
    assert_eq!(first.excluded.len(), 1);
    assert_eq!(instances["VI_6"].vips[1].1, "vrrp.66@eth0");
    let scripts = read_scripts(&sample_text("keepalived.data.2.4.3.fault"));
    assert_eq!(scripts, [("chk_f".to_owned(), (0, 0)), ("chk_hard".to_owned(), (0, 0))].into());
    let (instances, counters) = read_json(&sample_text("keepalived.v2.json"));
    assert_eq!((instances["VI_3"].state, counters["VI_6"][1]), (3, 13));
    assert_eq!(read_stats(&sample_text("keepalived.stats.2.4.3"))["VI_2"][..4], [0, 5, 1, 0]);
}
