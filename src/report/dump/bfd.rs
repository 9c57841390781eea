//! The section of the `bfd` process.

use crate::model::bfd::{BfdConfig, BfdInstance};

use super::{Page, either, truth};

pub(super) fn dump(page: &mut Page, config: &BfdConfig) {
    page.section("BFD Topology", &config.instances, session);
}

fn session(page: &mut Page, session: &BfdInstance) {
    page.at(1).pair("BFD Instance", &session.name);
    let mut at = page.at(3);
    at.pair("Neighbor IP", session.neighbor);
    at.maybe("Source IP", session.source);
    at.pair("Required min RX interval", format_args!("{} us", session.min_rx.0));
    at.pair("Desired min TX interval", format_args!("{} us", session.min_tx.0));
    at.pair("Desired idle TX interval", format_args!("{} us", session.idle_tx.0));
    at.pair("Detection multiplier", session.multiplier);
    at.pair(either(session.neighbor.is_ipv4(), "TTL", "hoplimit"), session.ttl);
    at.pair("max_hops", session.max_hops);
    at.pair("passive", truth(session.passive));
    at.pair("send event to VRRP process", either(session.for_vrrp, "Yes", "No"));
    at.pair("send event to checker process", either(session.for_checker, "Yes", "No"));
}
