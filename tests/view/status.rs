//! The same scene as `status --json` shows it.

use keepalived_rs::model::status::{Level, Moment, State, Status};
use keepalived_rs::view::status::status;

use crate::metrics::{EPOCH, scene};

fn shown() -> Status {
    status(&scene())
}

#[test]
fn lists_are_in_the_order_of_the_configuration() {
    let it = shown();
    let names: Vec<&str> = it.instances.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["VI_1", "VI_2"]);
    assert_eq!(it.instances.iter().map(|it| it.state).collect::<Vec<_>>(), [State::Master, State::Fault]);
    assert_eq!(it.instances[0].group.as_deref(), Some("G"));
    assert_eq!(it.groups[0].in_fault, ["VI_2"]);
    let addresses: Vec<_> =
        it.instances[0].addresses.iter().map(|it| (it.address.as_str(), it.interface.as_str(), it.excluded)).collect();
    let expected = [
        ("192.168.2.1/24", "eth0", false),
        ("192.168.2.2/32", "eth0", false),
        ("192.168.3.1/24", "eth1", false),
        ("10.1.0.1/16", "eth0", true),
    ];
    assert_eq!(addresses, expected);
    let services: Vec<&str> = it.virtual_servers.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(services, ["[10.0.0.1]:tcp:80", "FWM 7", "FWM 7"]);
}

#[test]
fn trackers_files_and_processes_say_what_is_known() {
    let it = shown();
    let scripts: Vec<_> = it.scripts.iter().map(|it| (it.name.as_str(), it.counter, it.rise, it.running)).collect();
    assert_eq!(scripts, [("good", 2, 2, true), ("bad", 0, 1, false)]);
    assert_eq!((it.files[0].file.as_str(), it.files[0].value), ("/load", Some(-5)));
    assert_eq!((it.processes[0].count, it.processes[0].good), (3, true));
}

#[test]
fn servers_have_their_checks_with_the_last_result() {
    let it = shown();
    let [first, second] = it.virtual_servers[0].real_servers.as_slice() else { panic!("two servers") };
    assert_eq!((first.up, first.weight, first.since), (false, -3, Some(Moment(EPOCH + 8_000_000))));
    let [tcp, misc] = first.checks.as_slice() else { panic!("two checks") };
    assert_eq!((tcp.kind.as_str(), tcp.up, tcp.last_result.as_str()), ("TCP_CHECK", Some(false), "Connection refused"));
    assert_eq!((tcp.last_run, tcp.next_run), (Some(Moment(EPOCH + 8_000_250)), Some(Moment(EPOCH + 9_000_000))));
    // Arguments may hold secrets.
    assert_eq!((misc.kind.as_str(), misc.up, misc.target.as_str()), ("MISC_CHECK", None, "/bin/true"));
    assert_eq!((second.up, second.set, second.since), (true, true, None));
}

#[test]
fn the_worst_comes_first_and_nothing_bad_is_left_out() {
    let it = shown();
    assert_eq!(it.health.level, Level::Contested);
    let found: Vec<_> = it.health.reasons.iter().map(|it| (it.level, it.subject.as_str())).collect();
    assert!(found.is_sorted_by(|one, next| one.0 >= next.0), "{found:?}");
    for expected in [
        (Level::Contested, "VI_1"),
        (Level::Fault, "VI_2"),
        (Level::Fault, "[10.0.0.1]:tcp:80"),
        (Level::Degraded, "[10.0.0.1]:tcp:80"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
    }
}

#[test]
fn a_document_is_read_as_it_was_written_and_moments_are_text() {
    let it = shown();
    let text = serde_json::to_string(&it).expect("JSON");
    assert_eq!(serde_json::from_str::<Status>(&text).expect("a status"), it);
    assert!(text.contains(r#""at":"2026-09-21T14:13:29.000000Z""#), "{text}");
    // New members may come.
    let newer = text.replacen("{\"version\":1,", "{\"version\":1,\"later\":[1],", 1);
    assert_eq!(serde_json::from_str::<Status>(&newer).expect("a status"), it);
}
