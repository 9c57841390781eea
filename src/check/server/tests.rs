use super::*;
use crate::model::Micros;
use crate::model::check::Forwarding;

fn server(weight: u32, inhibit_on_failure: bool) -> Server {
    let config = RealServer {
        ip: "10.1.0.1".parse().unwrap(),
        port: 80,
        weight,
        forwarding: Forwarding::Nat,
        upper_threshold: 0,
        lower_threshold: 0,
        inhibit_on_failure,
        alpha: false,
        delay_loop: Micros::from_secs(60),
        connect_timeout: Micros::from_secs(5),
        retry: None,
        delay_before_retry: None,
        warmup: None,
        notify_up: None,
        notify_down: None,
        smtp_alert: false,
        virtualhost: None,
        snmp_name: None,
        checkers: Vec::new(),
    };
    Server::new(config, "[10.1.0.1]:tcp:80".into(), &"[10.0.0.1]:tcp:80".into(), || CheckerId(1))
}

#[test]
fn weights_are_sent_within_the_bounds_of_the_kernel() {
    let weights =
        [(-5, 0), (0, 0), (7, 7), (2_147_483_647, 2_147_483_647), (1 << 31, 2_147_483_647), (i64::MAX, 2_147_483_647)];
    assert!(weights.iter().all(|(weight, sent)| clamp(*weight) == *sent));
}

#[test]
fn only_what_is_alive_and_not_displaced_takes_part() {
    for inhibit in [false, true] {
        let rest = inhibit.then_some(0);
        let mut server = server(4, inhibit);
        assert_eq!((server.pool_weight(false), server.quorum_weight()), (rest, 0));
        server.alive = true;
        assert_eq!((server.pool_weight(false), server.quorum_weight()), (Some(4), 4));
        assert_eq!((server.pool_weight(true), server.quorum_weight()), (rest, 4));
        server.weight = -3;
        assert_eq!((server.pool_weight(false), server.quorum_weight()), (Some(0), 0));
    }
}
