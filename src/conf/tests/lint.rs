//! Notes of a configuration test: what gives them, and what does not.

use super::*;
use crate::conf::diagnostic::{Code, Severity};

/// Codes of the notes to a text.
fn notes(text: &str) -> Vec<Code> {
    let loaded = examine_for(&Fake::default(), text);
    let found: Vec<&Diagnostic> = loaded.diagnostics.iter().filter(|it| it.code.is_lint()).collect();
    for it in &found {
        assert_eq!((it.severity, it.weight), (Severity::Note, Weight::None), "{it:?}");
        assert!(it.place.is_some(), "{it:?}");
    }
    found.iter().map(|it| it.code).collect()
}

/// An instance of its own id with an address of the interface's subnet, and these lines.
fn instance(number: u8, lines: &str) -> String {
    format!(
        "vrrp_instance V{number} {{\ninterface eth0\nvirtual_router_id {number}\nvirtual_ipaddress {{\n\
         10.255.1.{}\n}}\n{lines}\n}}\n",
        number + 10
    )
}

/// Each text with the only notes it gives.
fn check(cases: &[(String, &[Code])]) {
    for (text, expected) in cases {
        assert_eq!(notes(text), *expected, "{text}");
    }
}

fn vips(lines: &str) -> String {
    format!("virtual_ipaddress {{\n{lines}\n}}")
}

#[test]
fn a_good_file_gets_no_note() {
    check(&[(instance(1, ""), &[]), (instance(1, "") + &instance(2, ""), &[]), (String::new(), &[])]);
}

#[test]
fn addresses_are_looked_at() {
    let group = "vrrp_sync_group G {\ngroup {\nV1\nV2\n}\n}\n".to_string();
    let two =
        |lines: &str| instance(1, &vips("10.9.9.1/24")) + &instance(2, &format!("{}\n{lines}", vips("10.9.9.2/24")));
    check(&[
        (instance(1, "") + &instance(2, &vips("10.255.1.11")), &[Code::SharedAddress]),
        (instance(1, "") + &instance(2, &vips("10.255.1.11 dev eth1")), &[Code::LoneAddress]),
        (two(""), &[Code::TwinAddress]),
        (group + &two(""), &[]),
        (instance(1, &vips("10.255.1.3/24")) + &instance(2, &vips("10.255.1.4/24")), &[]),
        (instance(1, &vips("192.0.2.7")), &[Code::LoneAddress]),
        (instance(1, &vips("192.0.2.7/28")), &[]),
        (instance(1, &vips("10.9.9.0/24")), &[Code::NotAHost]),
        (instance(1, &vips("10.9.9.255/24")), &[Code::NotAHost]),
        (instance(1, &vips("10.9.9.15/28\n10.9.9.16/27\n10.9.9.0/31\n10.9.9.0/23")), &[Code::NotAHost]),
        (instance(1, "priority 255"), &[Code::NotOwner]),
        (instance(1, "state MASTER"), &[Code::NotOwner]),
        (instance(1, "state MASTER\npriority 150"), &[]),
        (
            "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\npriority 255\nvirtual_ipaddress {\n10.255.1.1\n}\n}\n".into(),
            &[],
        ),
        (instance(1, "unicast_peer {\n10.255.1.1\n10.255.1.2\n}"), &[Code::SelfPeer]),
        (instance(1, "unicast_src_ip 10.7.7.7\nunicast_peer {\n10.7.7.7\n}"), &[Code::SelfPeer]),
        (instance(1, "unicast_peer {\n10.255.1.2\n}"), &[]),
    ]);
}

#[test]
fn elections_are_looked_at() {
    let pass = |word: &str| instance(1, &format!("authentication {{\nauth_type PASS\nauth_pass {word}\n}}"));
    let strict = "global_defs {\nvrrp_strict\n}\n".to_string();
    check(&[
        (
            instance(1, "")
                + &instance(2, "mcast_dst_ip 224.0.0.81").replace("virtual_router_id 2", "virtual_router_id 1"),
            &[Code::SharedId],
        ),
        (strict.clone() + &instance(1, ""), &[Code::StrictAccess]),
        (strict.clone() + &instance(1, "strict_mode off"), &[]),
        (strict + &instance(1, "version 3\naccept"), &[]),
        (pass("1111"), &[Code::WeakPassword]),
        (pass("aaaaaa"), &[Code::WeakPassword]),
        (pass("k7-Yp2.q"), &[]),
        (instance(1, "priority 254\ntrack_interface {\neth1 weight 10\n}"), &[Code::IdleWeight]),
        (instance(1, "priority 254\ntrack_interface {\neth1 weight -10\n}"), &[]),
        (instance(1, "priority 1\ntrack_interface {\neth1 weight -10\n}"), &[Code::IdleWeight]),
        (instance(1, "nopreempt\ntrack_interface {\neth1 weight -10\n}"), &[Code::IdleWeight]),
        (instance(1, "nopreempt\ntrack_interface {\neth1\n}"), &[]),
    ]);
}

#[test]
fn scripts_are_looked_at() {
    let safe = "global_defs {\nenable_script_security\nscript_user root\n}\n";
    let followed = instance(1, "track_script {\nchk\n}");
    let script = |lines: &str| format!("{safe}vrrp_script chk {{\n{lines}\n}}\n{followed}");
    check(&[
        (script("script \"/usr/bin/pidof nginx || exit 1\""), &[Code::ShellSyntax]),
        (script("script \"/usr/bin/test -f /run/x > /dev/null\""), &[Code::ShellSyntax]),
        (script("script \"/bin/sh -c 'pidof nginx || exit 1'\""), &[]),
        (script("script \"/usr/bin/grep a;b /etc/x\""), &[]),
        (script("script </run/ready"), &[]),
        (script("script < /run/ready"), &[]),
        (script("script killall -0 nginx"), &[Code::LostWords]),
        (script("script /usr/bin/x\ninterval 2\ntimeout 3"), &[Code::ScriptTimeout]),
        (script("script /usr/bin/x\ninterval 2\ntimeout 2"), &[Code::ScriptTimeout]),
        (script("script /usr/bin/x\ntimeout 1.5"), &[Code::ScriptTimeout]),
        (script("script /usr/bin/x\ninterval 2\ntimeout 1"), &[]),
        (format!("{safe}vrrp_script other {{\nscript /usr/bin/x\n}}\n{}", instance(1, "")), &[Code::ScriptUnused]),
        (instance(1, "notify /usr/bin/x"), &[Code::ScriptsOpen]),
        (format!("{safe}{}", instance(1, "notify /usr/bin/x")), &[]),
    ]);
}

#[test]
fn what_was_left_over_is_looked_at() {
    let global = |lines: &str| format!("global_defs {{\n{lines}\n}}\n{}", instance(1, ""));
    let mail = "notification_email {\na@example.com\n}";
    check(&[
        (global("router_id LVS_DEVEL"), &[Code::SampleValue]),
        (global("router_id lb01"), &[]),
        (global(&format!("smtp_alert\nsmtp_server 192.168.200.1\n{mail}")), &[Code::SampleValue]),
        (global("smtp_alert\nnotification_email {\nacassen@firewall.loc\nsys@firewall.loc\n}"), &[Code::SampleValue]),
        (global(mail), &[Code::SilentMail]),
        (global(&format!("{mail}\nsmtp_alert")), &[]),
        (instance(1, "preempt") + &instance(2, "preempt"), &[Code::OldName]),
        (global("lvs_sync_daemon eth0 V1\nstate_dump_file /run/x"), &[]),
    ]);
}

#[test]
fn where_keepalived_complains_nothing_is_added() {
    // Truncating, and a weak password: one complaint is enough.
    let text = instance(1, "authentication {\nauth_type PASS\nauth_pass password1\n}");
    let loaded = examine_for(&Fake::default(), &text);
    assert_eq!(loaded.diagnostics.len(), 1, "{}", loaded.render(Style::default()));
    // Reading stopped: nobody knows what would have come.
    let text = instance(1, "priority 255") + "vrrp_instance W {\npriority\n}\n";
    assert_eq!(notes(&text), []);
}

#[test]
fn a_daemon_is_spared_all_notes() {
    let loaded = read(instance(1, "priority 255"));
    assert_eq!(loaded.diagnostics, []);
}

#[test]
fn a_strict_test_fails_where_there_is_a_note_or_no_file() {
    let strict = |text: &str| {
        let loaded = examine_for(&Fake::default(), text);
        (loaded.test_exit_code(), loaded.strict_exit_code())
    };
    assert_eq!(strict(&instance(1, "")), (0, 0));
    assert_eq!(strict(&instance(1, "priority 255")), (0, 5));
    assert_eq!(strict(&instance(1, "prority 255")), (5, 5));
    assert_eq!(strict("vrrp_instance V {\npriority\n}\n"), (2, 2));
    for name in ["/nosuch/keepalived.conf", ""] {
        let request = Request { file: name.into(), config_id: None, require_files: false };
        let loaded = examine(&request, &Fake::default(), None);
        assert_eq!((loaded.test_exit_code(), loaded.strict_exit_code()), (0, 5), "{name}");
        assert_eq!(loaded.refusal().map(|it| it.exit), Some(6));
    }
}

#[test]
fn keywords_that_a_release_does_not_know_are_named() {
    let text = format!("global_defs {{\nvrrp_delay_after_boot 5\n}}\n{}", instance(1, "owner_ignore_adverts"));
    let file = File::new(&text);
    let request = Request { file: file.0.clone(), config_id: None, require_files: false };
    let found = |target| {
        let loaded = examine(&request, &Fake::default(), target);
        let newer = loaded.diagnostics.into_iter().filter(|it| it.code == Code::NewerKeyword);
        newer.map(|it| it.text.split(' ').next().unwrap_or_default().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(Some([2, 2, 7])), ["vrrp_delay_after_boot", "owner_ignore_adverts"]);
    assert_eq!(found(Some([2, 4, 3])), [""; 0]);
    assert_eq!(found(None), [""; 0]);
}

#[test]
fn words_are_suggested_where_one_is_near() {
    for (lines, expected) in [
        ("state backup", Some("did you mean `BACKUP`?")),
        ("state MASTR", Some("did you mean `MASTER`?")),
        ("state SLAVE", Some("MASTER or BACKUP")),
        ("strict_mode TRUE", Some("did you mean `true`?")),
        ("strict_mode 0", Some("did you mean `off`?")),
        ("authentication {\nauth_type pas\n}", Some("did you mean `PASS`?")),
        ("authentication {\nauth_type s3cr3t\n}", Some("PASS or AH")),
    ] {
        let loaded = examine_for(&Fake::default(), instance(1, lines));
        let complaint = loaded.diagnostics.iter().find(|it| matches!(it.code, Code::Choice | Code::Bool)).unwrap();
        assert_eq!(complaint.expected.as_deref(), expected, "{lines}");
    }
    let text =
        format!("vrrp_script chk_nginx {{\nscript /usr/bin/x\n}}\n{}", instance(1, "track_script {\nchk_ngnix\n}"));
    let loaded = examine_for(&Fake::default(), text);
    let complaint = loaded.diagnostics.iter().find(|it| it.code == Code::Reference).unwrap();
    assert_eq!(complaint.expected.as_deref(), Some("did you mean `chk_nginx`?"));
}

#[test]
fn what_nobody_sees_in_a_word_is_named() {
    for (text, help) in [
        (
            "vrrp_script x {\nscript /usr/bin/x\nfall 3\u{a0}x\n}\n",
            "in this word stands a no-break space, not a blank: it was pasted from a web page or a document",
        ),
        ("\u{feff}global_defs {\n}\n", "in this word stands a byte order mark: save the file as UTF-8 without one"),
        (
            "global_defs {\n\u{a0}\u{a0}router_id x\n}\n",
            "in this word stands a no-break space, not a blank: it was pasted from a web page or a document",
        ),
    ] {
        let loaded = examine_for(&Fake::default(), text);
        let told = loaded.diagnostics.iter().any(|it| it.help.as_deref() == Some(help));
        assert!(told, "{}", loaded.render(Style::default()));
    }
}

#[test]
fn a_definition_that_is_not_there_is_named() {
    for line in ["priority $PRIO", "state $PRIO", "virtual_ipaddress {\n$PRIO\n}", "$PRIO"] {
        let loaded = examine_for(&Fake::default(), instance(1, line));
        let help = "`$PRIO` is not defined above; a definition is a line `$PRIO=...`";
        let told = loaded.diagnostics.iter().any(|it| it.help.as_deref() == Some(help));
        assert!(told, "{line}: {}", loaded.render(Style::default()));
    }
    let loaded = examine_for(&Fake::default(), instance(1, "authentication {\nauth_type $PRIO\n}"));
    assert!(!loaded.render(Style::default()).contains("PRIO"));
}

#[test]
fn many_notes_of_one_kind_are_told_in_short() {
    let text: String = (1..=9).map(|number| instance(number, "priority 255")).collect();
    let loaded = examine_for(&Fake::default(), &text);
    let shown = loaded.render(Style::default());
    assert_eq!(shown.matches("note[KA0513]").count(), 3, "{shown}");
    assert!(shown.contains("\n6 more of KA0513: A router says that it owns"), "{shown}");
    let end = "9 notes; the daemon would start. `keepalived-rs --explain KA0513` tells more.\n";
    assert!(shown.ends_with(end), "{shown}");
    assert_eq!(loaded.to_json(0).matches("\"KA0513\"").count(), 9);
}
