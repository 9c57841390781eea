use crate::check::general::General;
use crate::model::ipvs::{IpvsChange, IpvsRefusal, SyncRole, SyncSettings, Timeouts};
use crate::model::settings::{FlushOnStop, Lvs, SyncDaemon};
use crate::model::{IfName, Time};

use IpvsChange::{Flush, SetTimeouts, StartDaemon, StopDaemon};
use SyncRole::{Backup, Master};

const KERNEL: Timeouts = Timeouts { tcp: 900, tcp_fin: 120, udp: 300 };

fn daemon(name: &str, id: Option<u8>, instance: Option<&str>) -> SyncDaemon {
    SyncDaemon {
        interface: IfName::new(name).expect("a name"),
        instance: instance.map(str::to_owned),
        id,
        max_len: None,
        port: None,
        ttl: None,
        group: None,
    }
}

fn refusal(errno: i32) -> IpvsRefusal {
    IpvsRefusal { errno, text: "No such device".into() }
}

#[test]
fn nothing_is_asked_without_need() {
    let mut general = General::default();
    assert_eq!(general.start(&Lvs::default(), KERNEL), []);
    assert_eq!(general.reload(&Lvs::default()), []);
    assert_eq!(general.stop(&Lvs::default()), []);
    assert_eq!(general.next_timeout(), None);
}

#[test]
fn timeouts_are_set_and_given_back() {
    let mut general = General::default();
    let some = Lvs { tcp_timeout: Some(10), udp_timeout: Some(0), ..Lvs::default() };
    let ours = Timeouts { tcp: 10, ..KERNEL };
    assert_eq!(general.start(&some, KERNEL), [SetTimeouts(ours)]);
    assert_eq!(general.reload(&some), []);
    let other = Lvs { tcp_fin_timeout: Some(7), ..Lvs::default() };
    assert_eq!(general.reload(&other), [SetTimeouts(Timeouts { tcp_fin: 7, ..KERNEL })]);
    assert_eq!(general.reload(&Lvs::default()), [SetTimeouts(KERNEL)]);
    assert_eq!(general.stop(&Lvs::default()), []);

    let mut general = General::default();
    general.start(&some, KERNEL);
    assert_eq!(general.stop(&some), [SetTimeouts(KERNEL)]);
}

#[test]
fn our_own_timeouts_are_not_taken_for_the_kernels() {
    let mut general = General::default();
    let some = Lvs { tcp_timeout: Some(10), ..Lvs::default() };
    let ours = Timeouts { tcp: 10, ..KERNEL };
    general.start(&some, KERNEL);
    general.gone();
    assert_eq!(general.reload(&Lvs::default()), []);
    // Out of reach for a while: what is in force is ours, and no longer wanted.
    assert_eq!(general.start(&Lvs::default(), ours), [SetTimeouts(KERNEL)]);
    general.gone();
    // The module was loaded anew.
    assert_eq!(general.start(&some, KERNEL), [SetTimeouts(ours)]);
}

#[test]
fn the_table_is_flushed_once_and_at_the_stop_if_wanted() {
    let mut general = General::default();
    let lvs = Lvs { flush: true, flush_on_stop: FlushOnStop::All, ..Lvs::default() };
    assert_eq!(general.start(&lvs, KERNEL), [Flush]);
    general.gone();
    assert_eq!(general.start(&lvs, KERNEL), []);
    assert_eq!(general.reload(&lvs), []);
    assert_eq!(general.stop(&lvs), [Flush]);
    let services = Lvs { flush_on_stop: FlushOnStop::Services, ..Lvs::default() };
    general.start(&services, KERNEL);
    assert_eq!(general.stop(&services), []);
}

#[test]
fn sync_daemons_run_both_and_start_over_when_they_change() {
    let mut general = General::default();
    let first = Lvs { sync_daemon: Some(daemon("eth0", None, None)), ..Lvs::default() };
    let second = Lvs { sync_daemon: Some(daemon("eth1", Some(4), None)), ..Lvs::default() };
    let followed = Lvs { sync_daemon: Some(daemon("eth1", Some(4), Some("VI_1"))), ..Lvs::default() };
    let settings = |lvs: &Lvs| SyncSettings::of(lvs.sync_daemon.as_ref().expect("one"), 0);
    let start = |lvs: &Lvs| [StartDaemon(Master, settings(lvs)), StartDaemon(Backup, settings(lvs))];
    let stop = |id| [StopDaemon(Master, id), StopDaemon(Backup, id)];

    assert_eq!(general.start(&first, KERNEL), [stop(0), start(&first)].concat());
    assert_eq!(general.reload(&first), []);
    assert_eq!(general.reload(&second), [stop(0), start(&second)].concat());
    assert_eq!(general.reload(&followed), stop(4));
    assert_eq!(general.reload(&first), start(&first));
    assert_eq!(general.stop(&first), stop(0));
}

#[test]
fn what_is_refused_is_said_once_and_tried_again() {
    let mut general = General::default();
    let lvs = Lvs { sync_daemon: Some(daemon("eth0", None, None)), ..Lvs::default() };
    let changes = general.start(&lvs, KERNEL);
    let now = Time(0);
    assert_eq!(general.refused(now, &changes[0], &refusal(3)), None);
    assert_eq!(
        general.refused(now, &changes[2], &refusal(19)).as_deref(),
        Some("IPVS cmd IP_VS_SO_SET_STARTDAEMON(1163) error: No such device(19)")
    );
    let mut due = general.next_timeout().expect("another try");
    assert_eq!(due, Time(1_000_000));
    assert_eq!(general.handle_timeout(due), [StopDaemon(Master, 0), changes[2].clone()]);
    assert_eq!((general.next_timeout(), general.refused(due, &changes[2], &refusal(19))), (None, None));
    due = general.next_timeout().expect("another try");
    assert_eq!(due, Time(3_000_000));
    // Another configuration starts afresh.
    general.reload(&Lvs::default());
    assert_eq!(general.next_timeout(), None);
    assert_eq!(general.handle_timeout(due), []);
}
