//! Virtual servers, real servers and checks.

mod traffic;

use std::collections::HashMap;

use super::page::{Labels, Page, dated};
use crate::model::check::VirtualServer;
use crate::model::running_check::{RunResult, RunningCheck, RunningChecker, RunningServer, RunningService};
use crate::model::scene::Configuration;

type Services<'a> = Vec<(Labels, &'a VirtualServer, &'a RunningService)>;
type Servers<'a> = Vec<(Labels, &'a RunningServer)>;
type Checks<'a> = Vec<(Labels, &'a RunningChecker)>;

pub(super) fn write(page: &mut Page, configuration: &Configuration, running: &RunningCheck) {
    let (mut services, mut servers, mut checks) = (Services::new(), Servers::new(), Checks::new());
    // Marks have the same name in both families.
    let mut names: HashMap<String, u32> = HashMap::new();
    for (config, now) in configuration.check.virtual_servers.iter().zip(&running.services) {
        let mut name = config.name();
        let uses = names.entry(name.clone()).or_default();
        *uses += 1;
        if *uses > 1 {
            name.push_str(&format!(" #{uses}"));
        }
        let labels = Labels::of(&[("virtual_server", &name)]);
        for (server, now) in config.real_servers.iter().zip(&now.servers) {
            let protocol = config.protocol.map_or("none", |protocol| protocol.name());
            let labels = labels.and("real_server", &format!("[{}]:{protocol}:{}", server.ip, server.port));
            for (number, (checker, now)) in server.checkers.iter().zip(&now.checkers).enumerate() {
                let kind = checker.kind.keyword();
                checks.push((labels.and("check", kind).and("number", &(number + 1).to_string()), now));
            }
            servers.push((labels, now));
        }
        services.push((labels, config, now));
    }
    about_services(page, &services, running);
    about_servers(page, &servers, running);
    about_checks(page, &checks, running);
    traffic::write(page, &services, &servers);
}

fn about_services(page: &mut Page, all: &Services<'_>, running: &RunningCheck) {
    page.gauge("keepalived_virtual_server_up", "Whether the quorum of a virtual server is up", |family| {
        all.iter().for_each(|(labels, _, now)| family.at(labels, now.quorum_up));
    });
    page.gauge("keepalived_virtual_server_set", "Whether a virtual server is in IPVS", |family| {
        all.iter().for_each(|(labels, _, now)| family.at(labels, now.alive));
    });
    page.gauge("keepalived_virtual_server_weight", "The weights of the real servers that are up, together", |family| {
        all.iter().for_each(|(labels, _, now)| family.at(labels, now.weight));
    });
    page.gauge("keepalived_virtual_server_quorum", "The weight that is wanted for the quorum", |family| {
        all.iter().for_each(|(labels, config, _)| family.at(labels, config.quorum));
    });
    page.gauge(
        "keepalived_virtual_server_quorum_threshold",
        "What the weights have to come to as things stand: the quorum less, or more, its hysteresis",
        |family| all.iter().for_each(|(labels, _, now)| family.at(labels, now.threshold)),
    );
    page.gauge("keepalived_virtual_server_real_servers", "How many real servers are configured", |family| {
        all.iter().for_each(|(labels, _, now)| family.at(labels, now.servers.len()));
    });
    page.gauge("keepalived_virtual_server_real_servers_up", "How many real servers are up", |family| {
        for (labels, _, now) in all {
            family.at(labels, now.servers.iter().filter(|server| server.alive).count());
        }
    });
    page.gauge("keepalived_virtual_server_sorry_server", "Whether the sorry server serves", |family| {
        all.iter().for_each(|(labels, _, now)| family.at(labels, now.sorry.1));
    });
    page.gauge(
        "keepalived_virtual_server_suspended",
        "Whether nothing is checked, as its address is elsewhere",
        |family| {
            all.iter().for_each(|(labels, _, now)| family.at(labels, now.suspended));
        },
    );
    page.gauge(
        "keepalived_virtual_server_last_change_timestamp_seconds",
        "Since when the quorum is up or down, in seconds since the Unix epoch",
        |family| {
            for (labels, _, now) in all {
                family.maybe(labels, dated(Some(now.change.at), |at| running.epoch(at)));
            }
        },
    );
}

fn about_servers(page: &mut Page, all: &Servers<'_>, running: &RunningCheck) {
    page.gauge("keepalived_real_server_up", "Whether all checks find a real server good", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.alive));
    });
    page.gauge("keepalived_real_server_set", "Whether a real server is in IPVS", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.set));
    });
    page.gauge("keepalived_real_server_weight", "The configured weight and what checks add to it", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.weight));
    });
    page.gauge("keepalived_real_server_ipvs_weight", "The weight in IPVS, of servers that are there", |family| {
        all.iter().for_each(|(labels, now)| family.maybe(labels, now.weight_set));
    });
    page.gauge(
        "keepalived_real_server_last_change_timestamp_seconds",
        "Since when a real server is up or down, in seconds since the Unix epoch",
        |family| {
            for (labels, now) in all {
                family.maybe(labels, dated(Some(now.change.at), |at| running.epoch(at)));
            }
        },
    );
}

fn about_checks(page: &mut Page, all: &Checks<'_>, running: &RunningCheck) {
    let epoch = |at| running.epoch(at);
    page.gauge("keepalived_check_up", "Whether a check holds its server for good, retries included", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.up));
    });
    page.gauge("keepalived_check_enabled", "Whether a check is not suspended", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.enabled));
    });
    page.gauge("keepalived_check_failures", "Failures since the last good run or the last decision", |family| {
        all.iter().for_each(|(labels, now)| family.at(labels, now.failures));
    });
    page.gauge("keepalived_check_last_run_successful", "Whether the last run found the server good", |family| {
        for (labels, now) in all {
            let is_good = match now.last.result {
                RunResult::Good => Some(true),
                RunResult::Bad => Some(false),
                RunResult::None | RunResult::Unable => None,
            };
            family.maybe(labels, is_good);
        }
    });
    page.gauge("keepalived_check_last_run_duration_seconds", "How long the last run took", |family| {
        all.iter().for_each(|(labels, now)| family.maybe(labels, now.last.ended_at.map(|_| now.last.took)));
    });
    page.gauge(
        "keepalived_check_last_run_timestamp_seconds",
        "When the last run ended, in seconds since the Unix epoch",
        |family| all.iter().for_each(|(labels, now)| family.maybe(labels, dated(now.last.ended_at, epoch))),
    );
    page.gauge(
        "keepalived_check_next_run_timestamp_seconds",
        "When the next run is due, in seconds since the Unix epoch",
        |family| all.iter().for_each(|(labels, now)| family.maybe(labels, dated(now.next_at, epoch))),
    );
}
