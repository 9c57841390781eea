//! The order in which the hands carry out a turn.

use super::super::rig::*;
use super::*;
use crate::model::{Micros, VrrpConfig};

/// The turn's actions as the hands carry them out.
fn in_stages(rig: &mut Rig) -> Vec<Action> {
    let mut actions = std::mem::take(&mut rig.done);
    actions.sort_by_key(Action::stage);
    actions
}

fn assert_no_packet_after_close(actions: &[Action]) {
    let mut closed = Vec::new();
    let mut sent = 0;
    for action in actions {
        match action {
            Action::Close(id) => closed.push(*id),
            Action::Send(packet) => {
                assert!(!closed.contains(&packet.channel), "a packet over a closed channel");
                sent += 1;
            }
            _ => {}
        }
    }
    assert!(sent > 0 && !closed.is_empty(), "{actions:?}");
}

#[test]
fn farewells_leave_before_the_sockets_close() {
    let mut rig = Rig::master(config([instance(), second()]));
    rig.feed(Event::Stop { keep_addresses: false, take_all: false });
    assert_no_packet_after_close(&in_stages(&mut rig));

    let mut rig = Rig::master(config([instance(), second()]));
    rig.reload(config([second()]));
    assert_no_packet_after_close(&in_stages(&mut rig));

    let peer = crate::model::Peer { ip: LOW.into(), min_ttl: 0, max_ttl: 255 };
    let transport = crate::model::Transport::Unicast { peers: vec![peer], ttl: None };
    let mut rig = Rig::master(config([crate::model::Instance { transport, ..instance() }]));
    rig.feed(Event::AddressGone(on(2, OURS, 24)));
    assert_no_packet_after_close(&in_stages(&mut rig));
}

#[test]
fn within_a_turn_adverts_come_first_then_addresses_then_announcements_then_reports() {
    let mut rig = Rig::new(VrrpConfig { ..config([instance()]) });
    rig.forget();
    rig.wait(Micros::from_secs(4));
    let stages: Vec<Stage> = in_stages(&mut rig).iter().map(Action::stage).collect();
    let mut distinct = stages.clone();
    distinct.dedup();
    assert_eq!(distinct, [Stage::Adverts, Stage::Tables, Stage::Announcements, Stage::Reports]);
}
