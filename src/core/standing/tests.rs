use super::*;

const ONE_EACH: Scope = Scope { instances: 1, virtual_servers: 1, sessions: (0, 0) };

#[test]
fn the_line_tells_what_children_have_said() {
    let mut standing = Standing::default();
    assert_eq!(
        standing.line(&Scope { virtual_servers: 2, ..Scope::default() }, &[]),
        "Running: 0 VRRP instances, 2 virtual servers"
    );
    standing.note(Tally::Instances { master: 1, backup: 0, fault: 0 });
    standing.note(Tally::Servers { up: 1, all: 2 });
    let all = "1 VRRP instance (1 MASTER, 0 BACKUP, 0 FAULT), 1 virtual server (1 of 2 real servers up)";
    assert_eq!(standing.line(&ONE_EACH, &[]), format!("Running: {all}"));
    standing.refused = Some("no such interface".into());
    let refused = format!("Running on the older configuration: no such interface; {all}");
    assert_eq!(standing.line(&ONE_EACH, &[]), refused);
}

#[test]
fn sessions_are_counted_where_there_are_some() {
    let scope = Scope { sessions: (1, 2), ..ONE_EACH };
    let line = Standing::default().line(&scope, &[]);
    assert_eq!(line, "Running: 1 VRRP instance, 1 virtual server, 2 BFD sessions (1 up)");
}

#[test]
fn a_master_that_has_died_is_none() {
    let mut standing = Standing::default();
    standing.note(Tally::Instances { master: 1, backup: 0, fault: 0 });
    standing.forget(Role::Vrrp);
    assert_eq!(
        standing.line(&ONE_EACH, &["VRRP"]),
        "Running: 1 VRRP instance, 1 virtual server; the VRRP process has died and will be started again"
    );
}
