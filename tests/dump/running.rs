//! The data, JSON and statistics of a running daemon, line by line beside keepalived's: samples of 2.4.3, and Debian's 2.2.7
//! in the same scene.

use super::keepalived::is_newer;
use super::scene::{Scene, sample_text};
use super::{OURS, masks};

/// Where ours shall say something else, as (ours, keepalived's).
const ON_PURPOSE: [(&str, &str); 4] = [
    // In a group the weight of a tracked interface counts; keepalived says that it does not.
    ("     eth1 weight 5", "     eth1 weight 0"),
    // What the socket has, where the configuration asks for nothing.
    ("   Rx buf size = 212992", "   Rx buf size = 0"),
    // It was 0: keepalived has read another interface's.
    ("   Original arp_ignore 0", "   Original arp_ignore 1"),
    // Two of them: the last words of a master.
    ("\"pri_zero_sent\":2", "\"pri_zero_sent\":1"),
];

/// Fails where lines differ that should not.
fn assert_alike(ours: &[String], theirs: &[String], what: &str) {
    let is_known = |our: &str, their: &str| ON_PURPOSE.contains(&(our, their));
    let mut differences = Vec::new();
    for row in 0..ours.len().max(theirs.len()) {
        let [our, their] = [ours, theirs].map(|lines| lines.get(row).map_or("(nothing)", String::as_str));
        if our != their && !is_known(our, their) {
            differences.push(format!("line {}:\n  ours:       {our:?}\n  keepalived: {their:?}", row + 1));
        }
    }
    differences.truncate(10);
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

/// Names of the counters.
fn counters() -> Vec<String> {
    let sample = sample_text("keepalived.v1.json");
    let value: serde_json::Value = serde_json::from_str(&sample).expect("JSON");
    value[0]["stats"].as_object().expect("counters").keys().cloned().collect()
}

#[test]
fn a_running_daemon_shows_what_keepalived_2_4_shows() {
    let scene = Scene::of_samples("running", OURS);
    assert_alike(&masks::data(&scene.data()), &masks::data(&sample_text("keepalived.data.2.4.3")), "masters");
    assert_alike(&masks::stats(&scene.stats()), &masks::stats(&sample_text("keepalived.stats.2.4.3")), "statistics");
    let sent = ["advert_sent"];
    assert_alike(&masks::json(&scene.json(), &sent), &masks::json(&sample_text("keepalived.v2.json"), &sent), "JSON");

    let names = counters();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    scene.spoil();
    assert_alike(&masks::data(&scene.data()), &masks::data(&sample_text("keepalived.data.2.4.3.fault")), "faults");
    let expected = masks::json(&sample_text("keepalived.v2.fault.json"), &names);
    assert_alike(&masks::json(&scene.json(), &names), &expected, "JSON of faults");
}

#[test]
fn the_older_layout_is_an_array() {
    let host = super::scene::machine("running-v1");
    host.within(|| {
        let text = std::fs::read_to_string("/run/lab/rich.conf").expect("read the configuration");
        std::fs::write("/run/v1.conf", text.replace("json_version 2", "")).expect("write another");
    });
    let scene = Scene::start(host, OURS, &["-f", "/run/v1.conf"], &[]);
    scene.awaits(&["(VI_1) Entering MASTER STATE", "(VI_2) Entering MASTER STATE", "(VI_6) Entering MASTER STATE"]);
    let names = counters();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ours = masks::json(&scene.json(), &names);
    // The sample ends with the second instance.
    let expected = masks::json(&sample_text("keepalived.v1.json"), &names);
    assert!(expected.len() > 100, "{expected:?}");
    let last = expected.len() - 1;
    assert_alike(&ours[..last], &expected[..last], "JSON");
}

/// Lines of 2.2.7 in the words of 2.4, without what it does not have.
fn in_new_words(lines: Vec<String>) -> Vec<String> {
    let newer = |line: &String| {
        is_newer(line)
            || line.starts_with("   Flags of interface faults")
            || line.starts_with("     unspecified")
            || line.starts_with("   Last advert sent")
            || line.starts_with("   Highest other priority")
            || line.starts_with("   Group = ")
            || line.starts_with("\"auth_ext_")
            || line.starts_with("    Missing:")
            || line.starts_with("    Malformed:")
            || line.starts_with("    Unknown Key:")
            || line.starts_with("    Invalid HMAC:")
            || line.starts_with("    Stale:")
            || line.starts_with("    Replay:")
            || line.starts_with("  Authentication Extension Errors:")
    };
    let word = |line: String| {
        let line = line.split(" [installed ifindex").next().unwrap_or_default();
        // It loses the quotation marks of a word.
        let line = line.replace("'dq'", "'\"dq\"'").replace("'\\\"dq\\\"'", "'\"dq\"'");
        line.replace("Number of interface and track script faults", "Number of tracker faults")
    };
    lines.into_iter().filter(|line| !newer(line)).map(word).collect()
}

#[test]
fn a_running_daemon_shows_what_debian_s_shows() {
    let theirs = std::thread::spawn(|| Scene::of_samples("running-old", "/usr/sbin/keepalived"));
    let ours = Scene::of_samples("running-new", OURS);
    let theirs = theirs.join().expect("keepalived's scene");
    let words = |text: String| in_new_words(masks::data(&text));
    assert_alike(&words(ours.data()), &words(theirs.data()), "masters");
    let words = |text: String| in_new_words(masks::stats(&text));
    assert_alike(&words(ours.stats()), &words(theirs.stats()), "statistics");
    // It knows one layout, and does not have tracked processes in it.
    let members = |text: String| {
        let array = text.trim_end().strip_prefix("{\"vrrp\":").map(|text| text.split(",\"track_process\":[{").next());
        let array = array.flatten().unwrap_or(text.trim_end()).replace(",\"track_process\":[\"tp\"]", "");
        in_new_words(masks::json(&array, &["advert_sent"]))
    };
    assert_alike(&members(ours.json()), &members(theirs.json()), "JSON");
    [&ours, &theirs].into_iter().for_each(Scene::spoil);
    let words = |text: String| in_new_words(masks::data(&text));
    assert_alike(&words(ours.data()), &words(theirs.data()), "faults");
    super::exporters::compare(&ours, &theirs);
}
