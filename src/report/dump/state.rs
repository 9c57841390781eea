//! The state of all instances as JSON for programs, in keepalived's two layouts: an array of instances (1), or an object
//! with that array and one of tracked processes (2). The order of members, the forms of numbers and the escapes are
//! keepalived's, down to the slash.

use std::fmt::{Display, Write};

use crate::model::frame::Shared;
use crate::model::running::{RouterState, Running, RunningRouter};
use crate::model::stats::{Counter, Stats};
use crate::model::tracker::{ParamMatch, TrackProcess};
use crate::model::{Auth, Instance, Micros, Notify, VrrpConfig};

use super::instance::{accepts, address_lines};
use super::number::{general, seconds, whole_seconds};
use super::{route, tracker, vrrp};
use crate::report::link_names::{self, Names};

const COUNTERS: [(&str, Counter); 20] = [
    ("advert_rcvd", Counter::Received),
    ("advert_sent", Counter::Sent),
    ("become_master", Counter::BecameMaster),
    ("release_master", Counter::ReleasedMaster),
    ("packet_len_err", Counter::Length),
    ("advert_interval_err", Counter::Interval),
    ("ip_ttl_err", Counter::Ttl),
    ("invalid_type_rcvd", Counter::InvalidType),
    ("addr_list_err", Counter::AddressList),
    ("invalid_authtype", Counter::InvalidAuthType),
    ("authtype_mismatch", Counter::AuthTypeMismatch),
    ("auth_failure", Counter::AuthFailure),
    ("auth_ext_missing", Counter::TrailerMissing),
    ("auth_ext_malformed", Counter::TrailerMalformed),
    ("auth_ext_unknown_key", Counter::TrailerKey),
    ("auth_ext_invalid_hmac", Counter::TrailerTag),
    ("auth_ext_stale", Counter::TrailerStale),
    ("auth_ext_replay", Counter::TrailerReplay),
    ("pri_zero_rcvd", Counter::PriorityZeroReceived),
    ("pri_zero_sent", Counter::PriorityZeroSent),
];

/// The document, one line.
pub fn json(shared: &Shared, config: &VrrpConfig, running: &Running) -> String {
    let mut json = Json::default();
    let whole = shared.global.files.json_v2;
    if whole {
        json.open('{');
        json.name("vrrp");
    }
    json.open('[');
    let named = config.instances.iter().zip(link_names::names(shared, config));
    for ((one, names), router) in named.zip(&running.routers) {
        json.open('{');
        json.name("data");
        json.open('{');
        data(&mut json, shared, config, (one, &names), router);
        json.close('}');
        json.name("stats");
        json.open('{');
        counters(&mut json, &router.stats);
        json.close('}');
        json.close('}');
    }
    json.close(']');
    if whole {
        if !config.processes.is_empty() {
            json.name("track_process");
            json.open('[');
            config.processes.iter().for_each(|it| process(&mut json, it, running));
            json.close(']');
        }
        json.close('}');
    }
    json.text.push('\n');
    json.text
}

fn data(
    json: &mut Json,
    shared: &Shared,
    config: &VrrpConfig,
    (one, names): (&Instance, &Names<'_>),
    router: &RunningRouter,
) {
    json.string("iname", &one.name);
    json.bare("dont_track_primary", u8::from(!one.track_primary));
    json.bare("skip_check_adv_addr", u8::from(one.skip_check_adv_addr));
    json.bare("strict_mode", u8::from(one.strict));
    let own = router.own_link.as_ref().map(|name| name.as_str()).or(names.own.as_deref());
    json.string("vmac_ifname", own.unwrap_or_default());
    if let Some(name) = own.or(one.interface.as_ref().map(|name| name.as_str())) {
        json.string("ifp_ifname", name);
    }
    json.bare("master_priority", router.leader.map_or(0, |(_, priority)| priority));
    json.bare("last_transition", seconds(Micros(router.changed_on)));
    bursts(json, one);
    json.bare("lower_prio_no_advert", u8::from(one.lower_prio_no_advert));
    json.bare("higher_prio_send_advert", u8::from(one.higher_prio_send_advert));
    json.bare("vrid", one.vrid);
    json.bare("base_priority", one.priority);
    json.bare("effective_priority", router.priority);
    json.bare("vipset", router.state == RouterState::Master && one.addresses().next().is_some());
    json.bare("promote_secondaries", one.extras.promote_secondaries);
    json.bare("adver_int", general(one.advert_interval.as_secs_f64()));
    json.bare("master_adver_int", general(router.master_interval.as_secs_f64()));
    json.bare("accept", u8::from(accepts(one)));
    json.bare("nopreempt", one.nopreempt);
    json.bare("preempt_delay", whole_seconds(one.preempt_delay));
    json.bare("state", router.state.number());
    json.bare("wantstate", router.wants.number());
    json.bare("version", one.version.number());
    json.bare("smtp_alert", vrrp::sends_mail(shared, one.extras.smtp_alert));
    scripts(json, &one.notify);
    let [vips, excluded] = address_lines(one, names, Some(router));
    json.strings("vips", vips);
    json.strings("evips", excluded);
    json.strings("vroutes", one.routes.iter().map(route::route).collect());
    json.strings("vrules", one.rules.iter().map(route::rule).collect());
    json.strings("track_ifp", one.track_interfaces.iter().map(|it| it.interface.to_string()).collect());
    let command = |name: &str| config.scripts.iter().find(|script| script.name == name).map(tracker::command);
    json.strings("track_script", one.tracking.scripts.iter().filter_map(|it| command(&it.name)).collect());
    json.strings("track_process", one.tracking.processes.iter().map(|it| it.name.clone()).collect());
    let auth = match one.auth {
        Auth::None | Auth::Hmac(_) => 0,
        Auth::Pass(_) => 1,
        Auth::Ah(_) => 2,
    };
    json.bare("auth_type", auth);
    if auth != 0 {
        json.string("auth_data", "********");
    }
}

fn bursts(json: &mut Json, one: &Instance) {
    let garp = &one.garp;
    json.bare("garp_delay", general(garp.master_delay.as_secs_f64()));
    json.bare("garp_refresh", whole_seconds(garp.master_refresh));
    json.bare("garp_rep", garp.master_repeat);
    json.bare("garp_refresh_rep", garp.master_refresh_repeat);
    json.bare("garp_lower_prio_delay", whole_seconds(garp.lower_prio_delay));
    json.bare("garp_lower_prio_rep", garp.lower_prio_repeat);
}

fn scripts(json: &mut Json, notify: &Notify) {
    json.bare("notify_deleted", notify.report_deleted);
    let scripts = [
        ("script_backup", &notify.backup),
        ("script_master", &notify.master),
        ("script_fault", &notify.fault),
        ("script_stop", &notify.stop),
        ("script_deleted", &notify.deleted),
        ("script", &notify.any),
        ("script_master_rx_lower_pri", &notify.master_rx_lower_pri),
    ];
    for (name, script) in scripts {
        if let Some(script) = script {
            json.string(name, &script.to_string());
        }
    }
}

fn counters(json: &mut Json, stats: &Stats) {
    COUNTERS.iter().for_each(|(name, counter)| json.bare(name, stats[*counter]));
}

fn process(json: &mut Json, process: &TrackProcess, running: &Running) {
    let now = running.processes.get(&process.name).copied().unwrap_or_default();
    let [forks, ends] = tracker::timers(process, now);
    json.open('{');
    json.string("process", &process.name);
    let parameters: Vec<_> = process.command.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    if !parameters.is_empty() {
        json.string("parameters", &parameters.join(" "));
    }
    let by = match process.param_match {
        ParamMatch::Ignored => "none",
        ParamMatch::Exact => "exact",
        ParamMatch::Partial => "partial",
        ParamMatch::Initial => "initial",
    };
    json.string("param_match", by);
    json.bare("min_processes", process.quorum);
    if let Some(most) = process.quorum_max {
        json.bare("max_processes", most);
    }
    json.bare("current_processes", now.count);
    json.bare("have_quorum", now.has_quorum);
    let sign = if process.weight.reverse { -1 } else { 1 };
    json.bare("weight", process.weight.value * sign);
    json.bare("terminate_delay", general(process.terminate_delay.as_secs_f64()));
    json.bare("fork_delay", general(process.fork_delay.as_secs_f64()));
    json.bare("fork_delay_timer_running", forks);
    json.bare("terminate_delay_timer_running", ends);
    json.bare("full_command", process.full_command);
    json.close('}');
}

/// A document in the making, without blanks.
#[derive(Default)]
struct Json {
    text: String,
    /// Something stands before what comes next, in the same brackets
    follows: bool,
}

impl Json {
    fn open(&mut self, bracket: char) {
        self.separate();
        self.text.push(bracket);
        self.follows = false;
    }

    fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.follows = true;
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.follows, true) {
            self.text.push(',');
        }
    }

    /// The name of the member that comes next.
    fn name(&mut self, name: &str) {
        self.separate();
        self.quote(name);
        self.text.push(':');
        self.follows = false;
    }

    /// A member that is a number or a truth.
    fn bare(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Text takes everything.
        let _ = write!(self.text, "{value}");
        self.follows = true;
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quote(value);
        self.follows = true;
    }

    /// A member that is a list, unless it is empty.
    fn strings(&mut self, name: &str, values: Vec<String>) {
        if values.is_empty() {
            return;
        }
        self.name(name);
        self.open('[');
        for value in values {
            self.separate();
            self.quote(&value);
        }
        self.close(']');
    }

    fn quote(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' | '/' => self.text.extend(['\\', character]),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\u{c}' => self.text.push_str("\\f"),
                '\u{8}' => self.text.push_str("\\b"),
                control if control < ' ' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(control));
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_keepalived_quotes_it() {
        let mut json = Json::default();
        json.quote("'/run/a b' \"c\" \\ \t\n\r\u{c}\u{8}\u{1}\u{1f} ü");
        assert_eq!(json.text, r#""'\/run\/a b' \"c\" \\ \t\n\r\f\b\u0001\u001f ü""#);
    }

    #[test]
    fn brackets_nest_and_commas_stand_between() {
        let mut json = Json::default();
        json.open('[');
        for number in [1, 2] {
            json.open('{');
            json.bare("a", number);
            json.strings("none", vec![]);
            json.strings("b", vec!["x".into(), "y".into()]);
            json.close('}');
        }
        json.close(']');
        assert_eq!(json.text, r#"[{"a":1,"b":["x","y"]},{"a":2,"b":["x","y"]}]"#);
    }
}
