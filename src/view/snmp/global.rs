//! KEEPALIVED-MIB: the daemon as a whole.

use crate::model::frame::Shared;
use crate::model::release::RELEASE;
use crate::model::scene::Configuration;
use crate::model::settings::FlushOnStop;

use super::names::{GLOBAL, keepalived};
use super::objects::{Sheet, address, address_type, index, integer, seconds, text, truth, unsigned};

/// How long mail servers are waited for, in seconds, where nothing is configured.
const SMTP_TIMEOUT: u64 = 30;

/// The name that we go by among routers.
pub fn router_id(shared: &Shared) -> &str {
    shared.global.router_id.as_deref().unwrap_or(&shared.host_name)
}

pub(super) fn write(sheet: &mut Sheet, configuration: &Configuration) {
    let Configuration { shared, vrrp, .. } = configuration;
    let global = &shared.global;
    let mut one = sheet.single(GLOBAL);
    one.put(1, text(RELEASE.to_string()));
    one.put(2, text(router_id(shared)));
    one.put(4, truth(global.snmp.traps));
    one.put(5, integer(if global.vrrp.linkbeat_use_polling { 2 } else { 1 }));
    one.put(6, truth(global.lvs.flush));
    one.put(7, truth(true));
    one.put(8, text(global.net_namespace.as_deref().unwrap_or_default()));
    one.put(9, truth(global.dbus.enabled));
    one.put(10, truth(vrrp.dynamic_interfaces));
    let flush = match global.lvs.flush_on_stop {
        FlushOnStop::All => 1,
        FlushOnStop::No => 2,
        FlushOnStop::Services => 3,
    };
    one.put(11, integer(flush));
    one.put(12, truth(global.vrrp.v3_checksum_as_v2));
    mail(sheet, shared);
}

fn mail(sheet: &mut Sheet, shared: &Shared) {
    let mail = &shared.global.mail;
    let mut one = sheet.single(keepalived![1, 3]);
    // Nowhere is an address of four zeros, and as keepalived says, one of the other family than IPv4.
    one.put(1, mail.server.map_or(integer(2), |server| address_type(server.ip())));
    one.put(2, address(mail.server.map_or([0; 4].into(), |server| server.ip())));
    // Without a server nothing is said of how long it is waited for.
    let timeout = mail.timeout.filter(|_| mail.server.is_some());
    one.put(3, timeout.map_or(unsigned(if mail.server.is_some() { SMTP_TIMEOUT } else { 0 }), seconds));
    one.put(4, mail.from.as_ref().map(text));
    one.put(6, unsigned(mail.server.map_or(0, |server| server.port())));
    one.put(7, truth(!mail.no_faults));
    let switch = |is_on: Option<bool>| is_on.map_or(integer(3), truth);
    one.put(8, switch(mail.alert));
    one.put(9, switch(mail.alert_vrrp));
    one.put(10, switch(mail.alert_checker));
    for (place, to) in mail.to.iter().enumerate() {
        sheet.row(keepalived![1, 3, 5, 1], &[index(place)]).put(2, text(to));
    }
}
