//! Who follows a session: instances and sync groups, by weight or without, and real servers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::peer::Kind;
use super::stage::{ONE, Stage, TWO, instance, session};
use super::{PATIENCE, Plan, WATCHFUL};
use crate::rig::conf::{Instance, file};
use crate::rig::moment::{now, stay, wait_until};
use crate::rig::node::{ARGS, Daemon};

const PLAN: Plan = Plan::with_multiplier(WATCHFUL);

crate::tests! {
    weights
    groups
    real_servers
}

/// An instance with this number and priority, master of one address.
fn numbered(number: u8, priority: u8) -> Instance {
    Instance {
        name: format!("VI_{number}"),
        vrid: 50 + number,
        priority,
        addresses: vec![format!("10.0.0.{}/24", 100 + number)],
        scripts: false,
        ..instance(ONE)
    }
}

fn follows(number: u8, line: &str) -> Instance {
    numbered(number, 150).line(&format!("track_bfd {{\n        {line}\n    }}"))
}

/// Waits until the latest adverts have these priorities, by virtual router; 0 stands for silence.
fn expect_priorities(stage: &Stage, expected: &[(u8, u8)]) {
    let wanted: BTreeMap<u8, u8> = expected.iter().copied().collect();
    let mut seen = BTreeMap::new();
    let mut tries = 0;
    wait_until("the adverts have the priorities", PATIENCE, || {
        let since = now();
        stay(Duration::from_millis(400));
        seen = wanted.keys().map(|vrid| (*vrid, 0)).collect();
        seen.extend(
            stage.lab.wire.adverts("lb01", since).into_iter().map(|(_, advert)| (advert.vrid, advert.priority)),
        );
        tries += 1;
        if tries % 20 == 0 {
            eprintln!("priorities: {seen:?}, expected {wanted:?}");
        }
        seen == wanted
    });
}

/// Each kind of weight, at start, when the session comes up, and when it goes down.
fn weights() {
    let mut stage = Stage::new("weights", Kind::Frr, PLAN);
    let instances = [
        follows(1, "B weight -60"),
        follows(2, "B weight 60"),
        follows(3, "B weight -60 reverse"),
        follows(4, "B weight 60 reverse"),
        follows(5, "B"),
    ];
    let instances: Vec<&Instance> = instances.iter().collect();
    let text = file(&session(ONE, &PLAN, PLAN.timers), &instances);
    stage.lab.nodes[ONE].start(Daemon::Ours, &text);
    let down = [(51, 90), (52, 150), (53, 210), (54, 150), (55, 0)];
    let up = [(51, 150), (52, 210), (53, 150), (54, 90), (55, 150)];
    expect_priorities(&stage, &down);
    stage.start_peer();
    expect_priorities(&stage, &up);
    for line in
        ["VI_1) Changing effective priority from 90 to 150", "VI_2) Changing effective priority from 150 to 210"]
    {
        stage.expect_logged(0, line);
    }
    let mark = stage.mark();
    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    expect_priorities(&stage, &down);
    for line in ["VI_1) Changing effective priority from 150 to 90", "VI_4) Changing effective priority from 90 to 150"]
    {
        stage.expect_logged(mark, line);
    }
    stage.start_peer();
    expect_priorities(&stage, &up);
    stage.end();
}

/// A group that follows a session fails and recovers as a whole; with a weight its members' priorities move together.
fn groups() {
    let mut stage = Stage::new("groups", Kind::Frr, PLAN);
    let group = |name: &str, members: &str, line: &str| {
        format!(
            "vrrp_sync_group {name} {{\n    group {{\n        {members}\n    }}\n    track_bfd {{\n        {line}\n    }}\n}}\n"
        )
    };
    let before = session(ONE, &PLAN, PLAN.timers)
        + &group("G1", "VI_1\n        VI_2", "B")
        + &group("G2", "VI_3\n        VI_4", "B weight -60");
    let instances = [1, 2, 3, 4].map(|number| numbered(number, 150));
    let instances: Vec<&Instance> = instances.iter().collect();
    stage.lab.nodes[ONE].start(Daemon::Ours, &file(&before, &instances));
    let down = [(51, 0), (52, 0), (53, 90), (54, 90)];
    let up = [(51, 150), (52, 150), (53, 150), (54, 150)];
    expect_priorities(&stage, &down);
    stage.start_peer();
    expect_priorities(&stage, &up);
    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    expect_priorities(&stage, &down);
    stage.start_peer();
    expect_priorities(&stage, &up);
    stage.end();
}

/// Real servers behind FRR: one that counts as good until its session is heard of, and one that does not (`alpha`).
fn real_servers() {
    let mut stage = Stage::new("real_servers", Kind::Frr, PLAN);
    let server = |last: u8, line: &str| {
        format!(
            " real_server 10.0.0.{last} 80 {{\n  notify_up \"/run/lab/notify RS {last} up\"\n  notify_down \"/run/lab/notify RS \
             {last} down\"\n  BFD_CHECK {{\n   name B\n{line}  }}\n }}\n"
        )
    };
    let text = format!(
        "global_defs {{\n router_id lb\n script_user root\n}}\n{}virtual_server 10.77.0.1 80 {{\n lb_algo rr\n lb_kind NAT\n \
         protocol TCP\n{}{}}}\n",
        session(ONE, &PLAN, PLAN.timers),
        server(2, ""),
        server(3, "   alpha\n"),
    );
    let node = &mut stage.lab.nodes[ONE];
    node.configure(&text);
    // keepalived needs IPVS, or what stands for it.
    let mut variables = Vec::new();
    if crate::is_stand_in() {
        crate::checks::play::build_stand_in(node.folder());
        variables.push(("LD_PRELOAD", "/run/lab/fakeipvs.so"));
    }
    node.start_env(Daemon::Ours, ARGS, &variables);
    let said = |stage: &Stage, mark: usize, state: &str, verb: &str, last: u8| {
        stage.expect_logged(mark, &format!("BFD check of [B] RS([10.0.0.{last}]:tcp:80) is {state}"));
        stage.expect_logged(mark, &format!("{verb} service [10.0.0.{last}]:tcp:80 "));
    };
    said(&stage, 0, "DOWN", "Removing", 2);
    stage.expect_logged(0, "Lost quorum 1-0=1 > 0 for VS [10.77.0.1]:tcp:80");

    let mark = stage.mark();
    assert!(!stage.logged(0).contains("Adding service [10.0.0.3]"), "alpha waits for the session");
    stage.start_peer();
    for last in [2, 3] {
        said(&stage, mark, "UP", "Adding", last);
    }
    stage.expect_logged(mark, "Gained quorum 1+0=1 <= ");

    let mark = stage.mark();
    stage.peer.kill(&mut stage.lab.nodes[TWO]);
    stage.expect_logged(mark, "(B) Expired after ");
    for last in [2, 3] {
        said(&stage, mark, "DOWN", "Removing", last);
    }
    let told = ["[RS][2][down]", "[RS][2][up]", "[RS][2][down]", "[RS][3][down]", "[RS][3][up]", "[RS][3][down]"];
    wait_until("the scripts are run", PATIENCE, || stage.ours().notified("RS").len() >= told.len());
    let mut seen = stage.ours().notified("RS");
    seen.sort_by_key(|call| call.starts_with("[RS][3]"));
    assert_eq!(seen, told);
    stage.lab.nodes[ONE].terminate();
}
