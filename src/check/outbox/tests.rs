use super::*;
use crate::check::event::Marked;
use crate::check::table::Owner;
use crate::model::check::Protocol;
use crate::model::ipvs::{ServiceKey, ServiceSettings};
use crate::model::{ServiceNotice, Time};

#[test]
fn tables_are_changed_before_anybody_is_told_and_marks_follow_their_service() {
    let mut out = Outbox::default();
    let ip = "10.0.0.1".parse().unwrap();
    let settings = ServiceSettings { scheduler: "rr".into(), flags: 0, timeout: 0, netmask: u32::MAX, engine: None };
    out.table.open(Time(1));
    out.table.handle_timeout(Time(1));
    out.table.observed(Time(1), Vec::new());
    out.info("one".into());
    out.push(Action::Notify(ServiceNotice {
        virtual_server: "v".into(),
        real_server: None,
        up: true,
        script: None,
        stopping: false,
    }));
    out.info("two".into());
    out.table.want_service(Owner(1), ServiceKey::Address { protocol: Protocol::Tcp, ip, port: 80 }, settings);
    let marked = |port| Marked { protocol: Protocol::Tcp, first: ip, last: ip, port };
    out.marks = vec![MarkChange::Add(marked(80), 1000), MarkChange::Remove(marked(81))];
    let actions: Vec<String> = out.end_turn().iter().map(|action| format!("{action:?}")).collect();
    let begin =
        ["Log(Info, \"one\"", "Mark([Remove(", "Change([AddService(", "Mark([Add(", "Notify(", "Log(Info, \"two\""];
    assert_eq!(actions.len(), begin.len());
    assert!(actions.iter().zip(begin).all(|(action, begin)| action.starts_with(begin)), "{actions:?}");
    assert!(out.end_turn().is_empty());
}
