use super::*;
use crate::model::config::ReceiveBuffers;
use crate::model::{Instance, Priority, Vrid, VrrpConfig};
use crate::vrrp::event::Event;
use crate::vrrp::rig::{Rig, config, instance, link};

fn buffers(rig: &Rig) -> Vec<ReceiveBuffer> {
    let set = rig.done.iter().filter_map(|action| match action {
        Action::Buffer(_, buffer) => Some(*buffer),
        _ => None,
    });
    set.collect()
}

fn last(config: VrrpConfig) -> ReceiveBuffer {
    *buffers(&Rig::new(config)).last().expect("a buffer is set")
}

fn many(count: u8, change: impl Fn(&mut Instance)) -> VrrpConfig {
    config((1..=count).map(|number| {
        let mut one = Instance {
            name: format!("VI_{number}"),
            vrid: Vrid::new(number).expect("not zero"),
            priority: Priority::DEFAULT,
            ..instance()
        };
        change(&mut one);
        one
    }))
}

#[test]
fn one_router_gets_the_usual_size() {
    assert_eq!(last(many(1, |_| {})), ReceiveBuffer { bytes: LEAST as u32, force: true });
}

#[test]
fn many_routers_get_room_for_two_seconds() {
    let each_second = last(many(255, |_| {}));
    assert_eq!(u64::from(each_second.bytes), 255 * 4 * COST);
    let often = last(many(255, |one| {
        one.version = Version::V3;
        one.advert_interval = Micros::from_centis(1);
    }));
    assert_eq!(u64::from(often.bytes), MOST);
}

#[test]
fn configured_sizes_add_up_and_are_not_forced() {
    let policy = |policy, multiplier| {
        let receive_buffers = ReceiveBuffers { policy, multiplier };
        last(VrrpConfig { receive_buffers, ..many(2, |_| {}) })
    };
    assert_eq!(policy(RxBuffers::Size(5000), 3), ReceiveBuffer { bytes: 10_000, force: false });
    assert_eq!(policy(RxBuffers::Advert, 10).bytes, 2 * 10 * 40);
    assert_eq!(policy(RxBuffers::Mtu, 3).bytes, 2 * 3 * 1500);
    let mut own = many(2, |_| {});
    own.instances[0].extras.kernel_rx_buf_size = Some(70_000);
    assert_eq!(last(own.clone()).bytes, 70_000);
    own.receive_buffers = ReceiveBuffers { policy: RxBuffers::Size(1000), multiplier: 3 };
    assert_eq!(last(own), ReceiveBuffer { bytes: 71_000, force: false });
}

#[test]
fn a_buffer_follows_the_mtu_and_reloads_and_nothing_else() {
    let by_mtu = ReceiveBuffers { policy: RxBuffers::Mtu, multiplier: 3 };
    let mut rig = Rig::new(VrrpConfig { receive_buffers: by_mtu, ..many(1, |_| {}) });
    rig.forget();
    rig.feed(Event::Link(link("eth0", 2, true)));
    assert!(buffers(&rig).is_empty());
    rig.feed(Event::Link(crate::model::Link { mtu: 9000, ..link("eth0", 2, true) }));
    assert_eq!(buffers(&rig), [ReceiveBuffer { bytes: 27_000, force: false }]);
    rig.forget();
    rig.reload(many(1, |_| {}));
    assert_eq!(buffers(&rig), [ReceiveBuffer { bytes: LEAST as u32, force: true }]);
}

#[test]
fn nothing_is_kept_of_channels_that_are_closed() {
    let mut rig = Rig::new(many(1, |_| {}));
    for index in 4..40 {
        rig.feed(Event::LinkGone(rig.engine.link(&crate::vrrp::rig::name("eth0")).expect("it is there").index));
        rig.feed(Event::Link(link("eth0", index, true)));
    }
    assert!(rig.engine.buffers.len() <= 1);
}
