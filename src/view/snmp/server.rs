//! KEEPALIVED-MIB: real servers. Of a virtual server with a sorry server that one comes first.

use crate::model::check::{RealServer, SorryServer, VirtualServer};
use crate::model::running_check::{RunningLoad, RunningServer, RunningService};

use super::names::keepalived;
use super::objects::{
    Row, Sheet, Value, address, address_type, index, integer, micros, seconds, text, truth, unsigned,
};
use super::service::{forwarding, path, traffic, tunnel};

pub(super) fn write(sheet: &mut Sheet, service: &VirtualServer, now: &RunningService, own: u32) {
    if let Some(sorry) = &service.sorry_server {
        write_sorry(&mut sheet.row(keepalived![3, 4, 1], &[own, 1]), sorry, &now.sorry_load);
    }
    let before = usize::from(service.sorry_server.is_some());
    for (place, (server, now)) in service.real_servers.iter().zip(&now.servers).enumerate() {
        write_server(&mut sheet.row(keepalived![3, 4, 1], &[own, index(before + place)]), service, server, now);
    }
}

/// The columns that a sorry server has, too. What it lacks it has as if nothing were configured.
fn write_sorry(row: &mut Row<'_>, sorry: &SorryServer, load: &RunningLoad) {
    row.put(2, integer(2));
    row.put(3, address_type(sorry.ip));
    row.put(4, address(sorry.ip));
    row.put(5, unsigned(sorry.port));
    counted(row, load);
    row.put(40, forwarding(sorry.forwarding));
    row.put(42, truth(false));
    for column in [43, 44, 45, 46, 48, 49, 50, 51, 63] {
        row.put(column, unsigned(0u32));
    }
    row.put(47, truth(false));
    tunnel(row, 52, sorry.forwarding);
}

fn write_server(row: &mut Row<'_>, service: &VirtualServer, server: &RealServer, now: &RunningServer) {
    row.put(2, integer(1));
    row.put(3, address_type(server.ip));
    row.put(4, address(server.ip));
    row.put(5, unsigned(server.port));
    row.put(6, truth(now.alive));
    row.put(7, Value::Integer(now.weight.clamp(0, i64::from(i32::MAX)) as i32));
    row.put(8, Some(server.upper_threshold).filter(|limit| *limit != 0).map(unsigned));
    row.put(9, Some(server.lower_threshold).filter(|limit| *limit != 0).map(unsigned));
    row.put(10, truth(!server.inhibit_on_failure));
    row.put(11, server.notify_up.as_ref().map(text));
    row.put(12, server.notify_down.as_ref().map(text));
    row.put(13, unsigned(now.failed()));
    counted(row, &now.load);
    row.put(40, forwarding(server.forwarding));
    // That of the virtual server is its own business.
    row.put(41, server.virtualhost.as_ref().filter(|host| service.virtualhost.as_ref() != Some(host)).map(text));
    row.put(42, truth(server.alpha));
    row.put(43, unsigned(server.retry.unwrap_or_default()));
    let spans = [
        (Some(44), 48, server.delay_before_retry.unwrap_or_default()),
        (Some(45), 49, server.warmup.unwrap_or_default()),
        (Some(46), 50, server.delay_loop),
        (None, 51, server.connect_timeout),
    ];
    for (whole, fine, span) in spans {
        if let Some(whole) = whole {
            row.put(whole, seconds(span));
        }
        row.put(fine, micros(span));
    }
    row.put(47, truth(server.smtp_alert));
    tunnel(row, 52, server.forwarding);
    row.put(55, server.snmp_name.as_ref().map(text));
    row.put(56, server.notify_up.as_ref().map(path));
    row.put(57, server.notify_down.as_ref().map(path));
    row.put(63, unsigned(now.checkers.iter().filter(|checker| !checker.has_run).count()));
}

fn counted(row: &mut Row<'_>, load: &RunningLoad) {
    traffic(row, &load.traffic, [14, 18, 22, 27, 30, 58]);
    for (column, count) in (15..).zip(load.connections) {
        row.put(column, Value::Gauge32(count));
    }
}
