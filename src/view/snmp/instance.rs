//! KEEPALIVED-MIB: virtual routers, sync groups, and what both follow.

use crate::model::frame::Shared;
use crate::model::instance::TrackInterface;
use crate::model::running::{RouterState, Running, RunningRouter};
use crate::model::{
    Auth, Family, Instance, Notify, Script, SyncGroup, Tracked, Tracking, Transport, Version, VrrpConfig,
};

use super::names::keepalived;
use super::objects::{Sheet, address, address_type, index, integer, seconds, text, truth, unsigned};

/// Whether packets to the addresses are accepted.
pub(super) fn accepts(one: &Instance) -> bool {
    one.extras.accept.unwrap_or(!one.strict || one.priority.is_owner())
}

/// VrrpState.
pub(super) fn state(state: RouterState) -> super::Value {
    integer(state.number())
}

/// The state that an instance is configured to begin with.
pub(super) fn initial_state(one: &Instance) -> super::Value {
    state(if one.start_as_master { RouterState::Master } else { RouterState::Backup })
}

pub(super) fn write(sheet: &mut Sheet, shared: &Shared, config: &VrrpConfig, running: &Running) {
    for (place, group) in config.groups.iter().enumerate() {
        write_group(sheet, shared, group, index(place));
        let now = running.groups.get(place).map(|now| now.state).unwrap_or_default();
        sheet.row(keepalived![2, 1, 1], &[index(place)]).put(3, state(now));
    }
    for (place, (one, router)) in config.instances.iter().zip(&running.routers).enumerate() {
        write_instance(sheet, (shared, config), one, router, index(place));
    }
}

fn command(script: &Option<Box<Script>>) -> Option<super::Value> {
    script.as_deref().map(text)
}

fn sends_mail(shared: &Shared, own: Option<bool>) -> bool {
    let mail = &shared.global.mail;
    own.or(mail.alert_vrrp).or(mail.alert).unwrap_or_default()
}

fn has_scripts(notify: &Notify) -> bool {
    let Notify { master, backup, fault, stop, deleted, master_rx_lower_pri, any, split_brain: _, report_deleted: _ } =
        notify;
    [master, backup, fault, stop, deleted, master_rx_lower_pri, any].into_iter().any(Option::is_some)
}

/// vrrpSyncGroupTable, without the state; its members, and what they follow together.
fn write_group(sheet: &mut Sheet, shared: &Shared, group: &SyncGroup, own: u32) {
    let at = [own];
    let mut row = sheet.row(keepalived![2, 1, 1], &at);
    row.put(2, text(&group.name));
    row.put(4, truth(sends_mail(shared, group.smtp_alert)));
    row.put(5, truth(has_scripts(&group.notify)));
    row.put(6, command(&group.notify.master));
    row.put(7, command(&group.notify.backup));
    row.put(8, command(&group.notify.fault));
    row.put(9, command(&group.notify.any));
    row.put(10, truth(group.tracking_weight));
    row.put(11, command(&group.notify.stop));
    for (place, member) in group.members.iter().enumerate() {
        sheet.row(keepalived![2, 2, 1], &[own, index(place)]).put(2, text(member));
    }
    followed_interfaces(sheet, keepalived![2, 14, 1], own, &group.track_interfaces);
    let Tracking { scripts, files, processes, bfds } = &group.tracking;
    let tables = [
        (keepalived![2, 15, 1], scripts),
        (keepalived![2, 16, 1], files),
        (keepalived![2, 19, 1], bfds),
        (keepalived![2, 22, 1], processes),
    ];
    tables.into_iter().for_each(|(table, things)| followed(sheet, table, own, things));
}

/// Interfaces that somebody follows.
fn followed_interfaces(sheet: &mut Sheet, table: &[u32], own: u32, interfaces: &[TrackInterface]) {
    for (place, it) in interfaces.iter().enumerate() {
        let at = [own, index(place)];
        let mut row = sheet.row(table, &at);
        row.put(1, text(&it.interface));
        row.put(2, integer(it.weight));
        row.put(3, truth(it.reverse));
    }
}

/// Other things that somebody follows.
fn followed(sheet: &mut Sheet, table: &[u32], own: u32, things: &[Tracked]) {
    for (place, it) in things.iter().enumerate() {
        let at = [own, index(place)];
        let mut row = sheet.row(table, &at);
        row.put(2, text(&it.name));
        row.put(3, integer(it.weight.value));
        row.put(4, truth(it.weight.reverse));
    }
}

/// vrrpInstanceTable, and what the instance follows.
fn write_instance(
    sheet: &mut Sheet,
    (shared, config): (&Shared, &VrrpConfig),
    one: &Instance,
    router: &RunningRouter,
    own: u32,
) {
    let at = [own];
    let mut row = sheet.row(keepalived![2, 3, 1], &at);
    row.put(2, text(&one.name));
    row.put(3, unsigned(one.vrid.get()));
    row.put(4, state(router.state));
    row.put(5, initial_state(one));
    row.put(6, state(router.wants));
    row.put(7, integer(router.base_priority));
    row.put(8, integer(router.priority));
    row.put(9, truth(router.state == RouterState::Master && one.addresses().next().is_some()));
    row.put(10, router.own_link.as_ref().or(one.interface.as_ref()).map(text));
    row.put(11, truth(!one.track_interfaces.is_empty()));
    let interval = match one.version {
        Version::V2 => one.advert_interval.0 / 1_000_000,
        Version::V3 => one.advert_interval.as_centis(),
    };
    row.put(12, unsigned(interval));
    row.put(13, truth(router.preempts));
    row.put(14, seconds(one.preempt_delay));
    let auth = match one.auth {
        Auth::None | Auth::Hmac(_) => 0,
        Auth::Pass(_) => 1,
        Auth::Ah(_) => 2,
    };
    row.put(15, integer(auth));
    let daemon = config.sync_daemon.as_ref().filter(|it| it.instance.as_ref() == Some(&one.name));
    row.put(16, truth(daemon.is_some()));
    row.put(17, daemon.map(|it| text(&it.interface)));
    row.put(18, config.groups.iter().find(|group| group.members.contains(&one.name)).map(|it| text(&it.name)));
    row.put(19, seconds(one.garp.master_delay));
    row.put(20, truth(sends_mail(shared, one.extras.smtp_alert)));
    row.put(21, truth(has_scripts(&one.notify)));
    row.put(22, command(&one.notify.master));
    row.put(23, command(&one.notify.backup));
    row.put(24, command(&one.notify.fault));
    row.put(25, command(&one.notify.stop));
    row.put(26, command(&one.notify.any));
    let accept = if one.version == Version::V3 { truth(accepts(one)) } else { integer(0) };
    row.put(27, accept);
    row.put(28, truth(one.extras.promote_secondaries));
    row.put(29, truth(one.extras.linkbeat_use_polling));
    row.put(30, integer(one.version.number()));
    row.put(31, command(&one.notify.master_rx_lower_pri));
    row.put(32, command(&one.notify.deleted));
    row.put(33, truth(one.notify.report_deleted));
    if let Transport::Multicast { group } = one.transport {
        row.put(34, address_type(group));
        row.put(35, address(group));
    }
    row.put(36, truth(one.v3_checksum_as_v2 && one.family == Family::V4));
    followed_interfaces(sheet, keepalived![2, 4, 1], own, &one.track_interfaces);
    let Tracking { scripts, files, processes, bfds } = &one.tracking;
    let tables = [
        (keepalived![2, 5, 1], scripts),
        (keepalived![2, 12, 1], files),
        (keepalived![2, 17, 1], bfds),
        (keepalived![2, 20, 1], processes),
    ];
    tables.into_iter().for_each(|(table, things)| followed(sheet, table, own, things));
}
