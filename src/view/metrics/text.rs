//! A scene as text for scrapers: what all processes have, and the order of the rest.

use std::collections::BTreeMap;

use super::page::{Format, Labels, Page, date};
use super::{balancing, detection, routers};
use crate::model::frame::Role;
use crate::model::histogram::Histogram;
use crate::model::occurrence::Kind;
use crate::model::release::{COMPATIBLE, OWN};
use crate::model::scene::Scene;

/// How much has happened since the start, by kind.
pub type Counts = BTreeMap<Kind, u64>;

/// All that is known, in one of the formats.
pub fn text(scene: &Scene, counts: &Counts, format: Format) -> String {
    let mut page = Page::new(format);
    daemon(&mut page, scene);
    events(&mut page, counts);
    if let Some(running) = &scene.vrrp {
        routers::write(&mut page, &scene.configuration, running);
    }
    if let Some(running) = &scene.check {
        balancing::write(&mut page, &scene.configuration, running);
    }
    if let Some(running) = &scene.bfd {
        detection::write(&mut page, &scene.configuration, running);
    }
    page.end()
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Check => "check",
        Role::Vrrp => "vrrp",
        Role::Bfd => "bfd",
    }
}

/// Whether a process has answered.
fn is_seen(scene: &Scene, role: Role) -> bool {
    match role {
        Role::Check => scene.check.is_some(),
        Role::Vrrp => scene.vrrp.is_some(),
        Role::Bfd => scene.bfd.is_some(),
    }
}

fn daemon(page: &mut Page, scene: &Scene) {
    let all = Labels::default();
    let children: Vec<_> =
        scene.children.iter().map(|child| (Labels::of(&[("process", name(child.role))]), child)).collect();
    let is_up = |role| is_seen(scene, role);
    page.gauge("keepalived_up", "Whether all processes that the configuration asks for run and answer", |family| {
        family.at(&all, scene.children.iter().all(|child| child.pid.is_some() && is_up(child.role)));
    });
    page.info(
        "keepalived_build",
        "The version of keepalived-rs, and that of the keepalived that it stands for",
        |family| {
            let version = Labels::of(&[("version", OWN), ("compatible", COMPATIBLE)]);
            family.at(&version, true);
        },
    );
    page.gauge(
        "process_start_time_seconds",
        "When the daemon was started, in seconds since the Unix epoch",
        |family| {
            family.at(&all, date(scene.started));
        },
    );
    page.gauge("keepalived_process_up", "Whether a process runs and answers", |family| {
        for (labels, child) in &children {
            family.at(labels, child.pid.is_some() && is_up(child.role));
        }
    });
    page.counter("keepalived_process_deaths", "How often a process has died and had to be started again", |family| {
        children.iter().for_each(|(labels, child)| family.at(labels, child.deaths));
    });
    let configuration = &scene.configuration;
    page.gauge(
        "keepalived_config_last_reload_successful",
        "Whether the configuration that was read last is in use",
        |family| family.at(&all, configuration.refused.is_none()),
    );
    page.gauge(
        "keepalived_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was taken over, in seconds since the Unix epoch",
        |family| family.at(&all, date(configuration.since)),
    );
    page.histogram(
        "keepalived_timer_lateness_seconds",
        "How late the timers of a process went off",
        lateness(scene).map(|(role, histogram)| (Labels::of(&[("process", name(role))]), histogram)),
    );
}

fn lateness(scene: &Scene) -> impl Iterator<Item = (Role, &Histogram)> {
    let vrrp = scene.vrrp.as_deref().map(|it| (Role::Vrrp, &it.lateness));
    let check = scene.check.as_deref().map(|it| (Role::Check, &it.lateness));
    let bfd = scene.bfd.as_deref().map(|it| (Role::Bfd, &it.lateness));
    [vrrp, check, bfd].into_iter().flatten()
}

/// Kinds of which nothing has happened have a sample, too: a rate begins with it.
fn events(page: &mut Page, counts: &Counts) {
    page.counter("keepalived_events", "What has happened since the start, by what it has happened to", |family| {
        for kind in Kind::ALL {
            let count = counts.get(&kind).copied().unwrap_or_default();
            family.at(&Labels::of(&[("kind", kind.word())]), count);
        }
    });
}
