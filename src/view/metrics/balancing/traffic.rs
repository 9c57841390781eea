//! What IPVS has counted. Counts begin again at zero when an entry is put into IPVS again.

use super::{Servers, Services};
use crate::model::running_check::RunningTraffic;
use crate::view::metrics::page::{Labels, Page};

type Counted<'a> = Vec<(&'a Labels, &'a RunningTraffic)>;
type Count = fn(&RunningTraffic) -> u64;

/// Names behind that of the kind of server, what they count, and how it is told.
const COUNTS: [(&str, &str, &str, Count); 5] = [
    (
        "keepalived_virtual_server_connections",
        "keepalived_real_server_connections",
        "Connections that IPVS has made",
        |it| it.connections,
    ),
    (
        "keepalived_virtual_server_incoming_packets",
        "keepalived_real_server_incoming_packets",
        "Packets from clients",
        |it| it.packets[0],
    ),
    (
        "keepalived_virtual_server_outgoing_packets",
        "keepalived_real_server_outgoing_packets",
        "Packets to clients, as far as they come by here",
        |it| it.packets[1],
    ),
    (
        "keepalived_virtual_server_incoming_bytes",
        "keepalived_real_server_incoming_bytes",
        "Octets from clients",
        |it| it.octets[0],
    ),
    (
        "keepalived_virtual_server_outgoing_bytes",
        "keepalived_real_server_outgoing_bytes",
        "Octets to clients, as far as they come by here",
        |it| it.octets[1],
    ),
];

/// Connections of a real server by their state.
const STATES: [&str; 3] = ["active", "inactive", "persistent"];

pub(super) fn write(page: &mut Page, services: &Services<'_>, servers: &Servers<'_>) {
    let of_services: Counted<'_> = services.iter().map(|(labels, _, now)| (labels, &now.traffic)).collect();
    let of_servers: Counted<'_> = servers.iter().map(|(labels, now)| (labels, &now.load.traffic)).collect();
    for (of_service, of_server, help, count) in COUNTS {
        for (name, all) in [(of_service, &of_services), (of_server, &of_servers)] {
            page.counter(name, help, |family| {
                all.iter().for_each(|(labels, traffic)| family.at(labels, count(traffic)));
            });
        }
    }
    page.gauge("keepalived_real_server_current_connections", "Connections that IPVS has now, by state", |family| {
        for (labels, now) in servers {
            for (state, count) in STATES.iter().zip(now.load.connections) {
                family.at(&labels.and("state", state), count);
            }
        }
    });
}
