//! What the measured runs do not show: suspension in full, stops, refusals, IPVS that comes late, the order within a turn.

use keepalived_rs::check::event::Event;
use keepalived_rs::model::Micros;

use crate::director::Director;

const SECOND: Micros = Micros::from_secs(1);

/// A virtual server with these settings and servers.
pub fn service(settings: &str, servers: &[&str]) -> String {
    format!(
        "virtual_server 10.0.0.1 80 {{\n delay_loop 10\n lvs_sched rr\n lvs_method NAT\n protocol TCP\n \
         {settings}\n {}\n}}\n",
        servers.join("\n")
    )
}

/// A real server 10.1.0.N with port 80 and these settings.
pub fn server(number: u8, settings: &str) -> String {
    format!("real_server 10.1.0.{number} 80 {{\n {settings}\n}}")
}

/// A TCP_CHECK that begins a second after the start, with these settings.
pub fn tcp(settings: &str) -> String {
    format!("TCP_CHECK {{\n warmup 0\n retry 0\n {settings}\n}}")
}

fn checked(number: u8) -> String {
    server(number, &tcp(""))
}

fn two(settings: &str) -> String {
    service(settings, &[&checked(1), &checked(2)])
}

#[test]
fn suspended_checkers_are_not_run_and_a_run_under_way_is_cancelled() {
    let mut director = Director::with(&two("ha_suspend"));
    director.done();
    director.wait(SECOND * 35);
    assert!(director.done().is_empty());
    let vip = "10.0.0.1".parse().unwrap();
    director.address(vip, true);
    director.address(vip, true);
    director.wait(SECOND * 10);
    let done = director.done();
    assert_eq!(
        done[..2],
        [
            "Activating healthchecker for service [10.1.0.1]:tcp:80 for VS [10.0.0.1]:tcp:80",
            "Activating healthchecker for service [10.1.0.2]:tcp:80 for VS [10.0.0.1]:tcp:80",
        ]
    );
    assert!(done.contains(&"check 10.1.0.1:80".to_string()), "{done:?}");
    director.address(vip, false);
    assert!(director.done().is_empty(), "another interface has it");
    director.check_takes = SECOND * 9;
    director.wait(SECOND * 10);
    assert_eq!(director.done(), ["check 10.1.0.1:80", "check 10.1.0.2:80"]);
    director.tell(Event::Addresses(vec!["10.9.9.9".parse().unwrap()]));
    assert_eq!(
        director.done(),
        [
            "Suspending healthchecker for service [10.1.0.1]:tcp:80 for VS [10.0.0.1]:tcp:80",
            "Suspending healthchecker for service [10.1.0.2]:tcp:80 for VS [10.0.0.1]:tcp:80",
            "cancel",
            "cancel",
        ]
    );
    director.wait(SECOND * 60);
    assert!(director.done().is_empty());
    director.address(vip, true);
    director.wait(SECOND * 11);
    assert!(director.done().contains(&"check 10.1.0.1:80".to_string()));
}

#[test]
fn any_address_of_a_group_ends_its_suspension() {
    let text = "virtual_server_group G {\n 10.0.0.5-9 80\n 10.0.0.20 80\n fd00::1-4 80\n}\n".to_string()
        + "virtual_server group G {\n delay_loop 5\n protocol TCP\n lvs_sched rr\n lvs_method TUN\n ha_suspend\n"
        + &checked(1)
        + "\n}\n";
    for (address, counts) in
        [("10.0.0.5", true), ("10.0.0.7", true), ("10.0.0.20", true), ("10.0.0.10", false), ("fd00::3", true)]
    {
        let mut director = Director::with(&text);
        director.done();
        director.address(address.parse().unwrap(), true);
        director.wait(SECOND * 11);
        assert_eq!(director.done().contains(&"check 10.1.0.1:80".to_string()), counts, "{address}");
    }
}

#[test]
fn a_table_is_changed_before_anybody_is_told_and_gets_servers_before_it_loses_others() {
    let mut director = Director::with(&two("sorry_server 10.1.0.9 80"));
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 5);
    director.done();
    director.listen("10.1.0.1:80", false);
    director.wait(SECOND * 10);
    assert_eq!(
        director.done(),
        [
            "check 10.1.0.1:80",
            "check 10.1.0.2:80",
            "TCP_CHECK on service [10.1.0.1]:tcp:80 failed.",
            "Removing service [10.1.0.1]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "add 10.1.0.9:80 of -t 10.0.0.1:80 with weight 1",
            "delete 10.1.0.1:80 of -t 10.0.0.1:80",
            "tell RS [10.1.0.1]:tcp:80 [10.0.0.1]:tcp:80 DOWN",
            "Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80",
            "Adding sorry server [10.1.0.9]:tcp:80 to VS [10.0.0.1]:tcp:80",
            "Removing alive servers from the pool for VS [10.0.0.1]:tcp:80",
            "tell VS [10.0.0.1]:tcp:80 DOWN",
        ]
    );
}

#[test]
fn checks_run_without_ipvs_and_the_table_is_made_when_it_appears() {
    let mut director = Director::new();
    director.begin(&two(""));
    director.start();
    director.listen("10.1.0.1:80", true);
    director.wait(SECOND * 5);
    assert!(director.log.contains(&"Removing service [10.1.0.2]:tcp:80 from VS [10.0.0.1]:tcp:80".to_string()));
    assert!(director.changes.is_empty());
    director.ipvs_appears();
    assert_eq!(director.changes, ["add -t 10.0.0.1:80", "add 10.1.0.1:80 of -t 10.0.0.1:80 with weight 1"]);
    director.tell(Event::IpvsGone);
    director.kernel = Default::default();
    director.wait(SECOND * 100);
    director.changes.clear();
    director.ipvs_appears();
    assert_eq!(director.changes, ["add -t 10.0.0.1:80", "add 10.1.0.1:80 of -t 10.0.0.1:80 with weight 1"]);
}

#[test]
fn what_the_kernel_refuses_does_not_change_what_the_checks_found() {
    let mut director = Director::new();
    director.refused = Some("10.1.0.1:80".parse().unwrap());
    director.listen("10.1.0.1:80", true);
    director.begin(&two("alpha"));
    director.ipvs_appears();
    director.start();
    director.wait(SECOND * 2);
    let up = ["RS [10.1.0.1]:tcp:80 [10.0.0.1]:tcp:80 UP", "VS [10.0.0.1]:tcp:80 UP"];
    assert_eq!(director.told()[..2], up);
    assert!(director.log.iter().any(|line| line.starts_with("IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error")));
    assert!(director.pool().is_empty());
    director.refused = None;
    director.wait(SECOND * 300);
    assert_eq!(director.pool(), ["-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1"]);
    assert_eq!(director.told().len(), 3, "nothing but what the checks found is told");
}

#[test]
fn what_others_change_is_mended() {
    let mut director = Director::with(&service("", &[&server(1, "weight 3"), &server(2, "")]));
    let right = director.pool();
    director.kernel.services[0].dests.remove(0);
    director.kernel.services[0].dests[0].1.weight = 77;
    director.wait(SECOND * 3600);
    assert_eq!(director.pool(), right);
}

#[test]
fn a_stop_that_keeps_ipvs_says_and_does_nothing() {
    let mut director = Director::with(&two("omega"));
    director.check_takes = SECOND * 5;
    director.wait(SECOND * 2);
    let before = director.pool();
    director.done();
    director.stop(true);
    assert_eq!(director.done(), ["cancel", "cancel"]);
    assert_eq!(director.pool(), before);
}

#[test]
fn a_stop_removes_a_service_with_all_that_is_in_it() {
    let mut director = Director::with(&two("omega"));
    director.done();
    director.stop(false);
    assert_eq!(
        director.done(),
        [
            "delete -t 10.0.0.1:80",
            "Shutting down service [10.1.0.1]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "tell RS [10.1.0.1]:tcp:80 [10.0.0.1]:tcp:80 DOWN",
            "Shutting down service [10.1.0.2]:tcp:80 from VS [10.0.0.1]:tcp:80",
            "tell RS [10.1.0.2]:tcp:80 [10.0.0.1]:tcp:80 DOWN",
            "tell VS [10.0.0.1]:tcp:80 DOWN",
        ]
    );
    assert!(director.notices.iter().rev().take(3).all(|notice| notice.stopping));
}

#[test]
fn flushing_at_the_stop_leaves_out_the_lines_of_servers() {
    for (option, change) in [("lvs_flush_on_stop", "Flush"), ("lvs_flush_on_stop VS", "delete -t 10.0.0.1:80")] {
        let mut director = Director::with(&format!("global_defs {{\n {option}\n}}\n{}", two("omega")));
        director.done();
        director.stop(false);
        assert_eq!(director.done(), [change, "tell VS [10.0.0.1]:tcp:80 DOWN"]);
        let mut silent = Director::with(&format!("global_defs {{\n {option}\n}}\n{}", two("")));
        silent.done();
        silent.stop(false);
        assert_eq!(silent.done(), [change]);
    }
}

#[test]
fn nothing_happens_after_the_stop() {
    let mut director = Director::with(&two(""));
    director.stop(false);
    director.done();
    director.tell(Event::Start);
    director.tell(Event::Address("10.0.0.1".parse().unwrap()));
    director.reload(&two("alpha"));
    director.wait(SECOND * 100);
    assert!(director.done().is_empty());
}

#[test]
fn start_is_once() {
    let mut director = Director::with(&two(""));
    director.done();
    director.tell(Event::Start);
    assert!(director.done().is_empty());
}

#[test]
fn a_quorum_beyond_32_bits_is_counted() {
    let heavy = |number| server(number, "weight 2147483647");
    let servers: Vec<String> = (1..=4).map(heavy).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let director = Director::with(&service("quorum 4294967295", &servers));
    assert_eq!(director.log[0], "Gained quorum 4294967295+0=4294967295 <= 8589934588 for VS [10.0.0.1]:tcp:80");
}

#[test]
fn first_runs_are_spread_over_the_warm_up() {
    let plain = |number| server(number, "TCP_CHECK {\n}");
    let servers: Vec<String> = (1..=100).map(plain).collect();
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let mut director = Director::with(&service("", &servers));
    director.done();
    director.wait(Micros(999_999));
    assert!(director.done().is_empty());
    let mut checks = 0;
    for _ in 0..10 {
        director.wait(SECOND);
        let now = director.done().iter().filter(|line| line.starts_with("check ")).count();
        assert!((1..30).contains(&now), "{now} in a second");
        checks += now;
    }
    assert!((95..=105).contains(&checks), "{checks}");
}
