//! Rules that depend on the machine: interfaces, users, scripts.

use std::path::Path;

use super::*;
use crate::conf::environment::{Absence, Command, Identity, Weakness};

fn found(path: &str, insecure: bool, executable: bool) -> Command {
    let weakness = insecure.then(|| Weakness {
        path: path.into(),
        fault: "/tmp is writable by group staff".into(),
        mend: "chmod g-w /tmp".into(),
    });
    Command::Found { path: path.into(), real: path.into(), executable, weakness, odd: false }
}

fn with_scripts() -> Fake {
    let mut env = Fake::default();
    env.commands.insert("/bin/ok".into(), found("/bin/ok", false, true));
    env.commands.insert("ok".into(), found("/bin/ok", false, true));
    env.commands.insert("/tmp/open".into(), found("/tmp/open", true, true));
    env.commands.insert("/bin/text".into(), found("/bin/text", false, false));
    env
}

fn notify(env: &Fake, global: &str, script: &str) -> Loaded {
    load_for(
        env,
        format!(
            "global_defs {{\n{global}\n}}\nvrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n\
             virtual_ipaddress {{\n10.9.9.8\n}}\nnotify_master {script}\n}}\n"
        ),
    )
}

fn argv(loaded: &Loaded) -> Option<Vec<String>> {
    let script = loaded.config.vrrp.instances[0].notify.master.as_ref()?;
    Some(script.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

#[test]
fn a_script_without_script_security_is_a_violation_and_runs() {
    let loaded = notify(&with_scripts(), "", "\"/bin/ok a 'b c'\"");
    assert_eq!(loaded.test_exit_code(), 6);
    assert_eq!(words(&loaded), ["SECURITY VIOLATION - scripts are being executed but script_security not enabled."]);
    assert_eq!(argv(&loaded).unwrap(), ["/bin/ok", "a", "b c"]);
    assert_eq!(loaded.refusal(), None);
    let loaded = notify(&with_scripts(), "", "/tmp/open");
    assert!(words(&loaded)[0].ends_with("not enabled. There are insecure scripts."));
    assert!(argv(&loaded).is_some());
}

#[test]
fn script_security_drops_what_others_can_change() {
    let loaded = notify(&with_scripts(), "enable_script_security\nscript_user root", "/tmp/open");
    assert_eq!((loaded.test_exit_code(), argv(&loaded)), (0, None));
    let loaded = notify(&with_scripts(), "enable_script_security\nscript_user root", "/bin/ok");
    assert_eq!(loaded.test_exit_code(), 0);
    assert!(argv(&loaded).is_some());
    let loaded = notify(&with_scripts(), "enable_script_security", "/bin/ok");
    assert_eq!(words(&loaded), ["Unable to set default user keepalived_script for script"]);
    assert_eq!(argv(&loaded), None);
}

#[test]
fn scripts_that_cannot_run_are_dropped_silently() {
    for script in ["/bin/missing", "\"\"", "/bin/ok nosuchuser", "/bin/ok root nosuchgroup"] {
        let loaded = notify(&with_scripts(), "", script);
        assert_eq!((loaded.test_exit_code(), argv(&loaded)), (0, None), "{script}");
    }
    let loaded = notify(&with_scripts(), "", "/bin/text");
    assert_eq!((loaded.test_exit_code(), argv(&loaded)), (6, None), "it counts as long as it exists");
    let loaded = notify(&with_scripts(), "", "\"/bin/ok");
    assert_eq!((loaded.test_exit_code(), argv(&loaded)), (5, None));
}

/// Of a script under `enable_script_security`: what is said, and whether it is run.
fn judged(command: Command, shown: &str, user: &str) -> (Vec<String>, bool) {
    let mut env = Fake::default();
    env.commands.insert(shown.into(), command);
    let loaded = notify(&env, "enable_script_security\nscript_user root", &format!("{shown} {user}"));
    let notes = loaded.diagnostics.iter().map(|it| it.text.clone()).filter(|it| it.contains("cript"));
    (notes.collect(), argv(&loaded).is_some())
}

#[test]
fn each_reason_for_not_running_a_script_is_told() {
    let inaccessible = |why: &str| Command::Missing(Absence::Inaccessible(why.into()));
    let odd =
        Command::Found { path: "/run/p".into(), real: "/run/p".into(), executable: true, weakness: None, odd: true };
    for (command, shown, user, words) in [
        (Command::Missing(Absence::NotInPath), "x", "", "Cannot find script x in path - disabling"),
        (Command::Missing(Absence::NotPermitted), "x", "", "Permissions failure for script x in path - disabling"),
        (inaccessible("Not a directory"), "/a/x", "", "Script /a/x cannot be accessed - Not a directory"),
        (
            Command::Missing(Absence::Foreign(Identity { uid: 0, gid: 0, further_groups: false })),
            "/bin/x",
            "",
            "Unable to set uid:gid 0:0 for script /bin/x - disabling",
        ),
        (
            found("/bin/text", false, false),
            "/bin/text",
            "nobody nogroup",
            "WARNING - script '/bin/text' is not executable for uid:gid 65534:65534 - disabling.",
        ),
        (odd, "/run/p", "", "Wrong file type found in script path '/run/p'. It is no file."),
        (
            found("/tmp/x", true, true),
            "/tmp/x",
            "",
            "Unsafe permissions found for script '/tmp/x' - disabling. /tmp is writable by group staff: chmod g-w /tmp",
        ),
        (found("/bin/x", false, true), "/bin/x", "nosuch", "Script user 'nosuch' does not exist"),
        (found("/bin/x", false, true), "/bin/x", "root nosuch", "Script group 'nosuch' does not exist"),
    ] {
        assert_eq!(judged(command, shown, user), (vec![words.to_owned()], false), "{shown} {user}");
    }
    let searched = "WARNING - script `x` resolved by path search to `/bin/x`. Please specify full path.";
    assert_eq!(judged(found("/bin/x", false, true), "x", ""), (vec![searched.to_owned()], true));
}

#[test]
fn a_weak_script_that_is_run_all_the_same_is_told_of_with_the_mend() {
    let loaded = notify(&with_scripts(), "", "/tmp/open");
    let note = "Unsafe permissions found for script '/tmp/open'. /tmp is writable by group staff: chmod g-w /tmp";
    assert!(loaded.diagnostics.iter().any(|it| it.text == note), "{:?}", loaded.diagnostics);
    assert!(argv(&loaded).is_some());
}

#[test]
fn a_link_is_replaced_by_what_it_leads_to_unless_links_are_kept() {
    let mut env = Fake::default();
    let link = Command::Found {
        path: "/etc/link".into(),
        real: "/opt/script".into(),
        executable: true,
        weakness: None,
        odd: false,
    };
    env.commands.insert("/etc/link".into(), link);
    for (global, program) in
        [("", Some("/opt/script")), ("use_symlink_paths", None), ("use_symlink_paths off", Some("/opt/script"))]
    {
        let loaded = notify(&env, global, "/etc/link");
        let script = loaded.config.vrrp.instances[0].notify.master.clone().expect("a script");
        assert_eq!(script.program.as_deref(), program.map(Path::new), "{global}");
        assert_eq!(script.argv, ["/etc/link"], "its own name stays that of the link");
    }
}

#[test]
fn forms_of_users_are_read() {
    let mut env = with_scripts();
    env.groups.insert("adm".into(), 4);
    for (global, words, identity) in [
        ("script_user nobody", "", Some((65534, 65534, false))),
        ("script_user nobody root", "", Some((65534, 0, false))),
        ("script_user nobody :", "", Some((65534, 65534, true))),
        ("script_user nobody :adm", "", Some((65534, 4, true))),
        ("script_user root", "nobody", Some((65534, 65534, false))),
        ("script_user root", "nobody adm", Some((65534, 4, false))),
        ("script_user root", "nobody :adm", Some((65534, 4, true))),
        ("script_user root\nset_supplementary_groups", "nobody", Some((65534, 65534, true))),
        ("script_user root", "nosuch", None),
        ("script_user root", "nobody nosuch", None),
        ("script_user nosuch", "", None),
    ] {
        let loaded = notify(&env, &format!("enable_script_security\n{global}"), &format!("/bin/ok {words}"));
        let script = loaded.config.vrrp.instances[0].notify.master.clone();
        let found = script.map(|it| (it.uid, it.gid, it.further_groups));
        assert_eq!(found, identity, "{global} / {words}");
    }
}

#[test]
fn scripts_have_a_path_and_an_identity() {
    let loaded = notify(&with_scripts(), "", "ok nobody nogroup");
    assert_eq!(argv(&loaded).unwrap(), ["/bin/ok"]);
    let script = loaded.config.vrrp.instances[0].notify.master.clone().unwrap();
    assert_eq!((script.uid, script.gid), (65534, 65534));
    let mut env = with_scripts();
    env.users.insert("keepalived_script".into(), Identity { uid: 7, gid: 8, further_groups: false });
    let loaded = notify(&env, "", "/bin/ok");
    let script = loaded.config.vrrp.instances[0].notify.master.clone().unwrap();
    assert_eq!((script.uid, script.gid, script.further_groups), (7, 8, false));
    let loaded = notify(&env, "set_supplementary_groups", "/bin/ok");
    let script = loaded.config.vrrp.instances[0].notify.master.clone().unwrap();
    assert!(script.further_groups, "whom nobody names has them too");
}

#[test]
fn the_first_script_stays() {
    let loaded =
        notify(&with_scripts(), "enable_script_security\nscript_user root", "/bin/ok 1\nnotify_master /bin/ok 2");
    assert_eq!(loaded.test_exit_code(), 0, "the first one names a user that does not exist, so the second one counts");
    let loaded =
        notify(&with_scripts(), "enable_script_security\nscript_user root", "/bin/ok\nnotify_master /bin/text");
    assert_eq!(words(&loaded), ["(V) notify_master script already specified - ignoring /bin/text"]);
    assert_eq!(argv(&loaded).unwrap(), ["/bin/ok"]);
}

#[test]
fn tracked_scripts_that_are_not_there_are_faults() {
    let text = "vrrp_script s {\nscript /bin/missing\n}\nvrrp_script t {\nscript </etc/x\n}\nvrrp_script u {\n}\n\
                vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n\
                track_script {\ns\nt\nu\n}\n}\n";
    assert_eq!(
        words(&read(text)),
        [
            "No script set for vrrp_script u - removing",
            "(V) track script u not found, ignoring...",
            "Disabling track script s since not found/accessible: Script /bin/missing cannot be accessed - No such file \
             or directory",
        ]
    );
}

#[test]
fn missing_interfaces_may_come_later_if_they_are_said_to() {
    let text = "vrrp_instance V {\ninterface eth9\nvirtual_router_id 5\ntrack_interface {\neth8\n}\nvirtual_ipaddress {\n\
                10.9.9.8 dev eth7\n}\n}\n";
    let loaded = read(text);
    assert_eq!(
        words(&loaded),
        [
            "WARNING - interface eth9 for vrrp_instance V doesn't exist",
            "(V) tracked interface eth8 doesn't exist",
            "WARNING - interface eth7 for ip address 10.9.9.8 doesn't exist",
            "Non-existent interface specified in configuration",
        ]
    );
    assert_eq!(loaded.refusal().unwrap().exit, 2);
    let loaded = read(format!("global_defs {{\ndynamic_interfaces\n}}\n{text}"));
    assert_eq!(loaded.test_exit_code(), 0);
    assert_eq!(loaded.config.vrrp.instances[0].interface.as_ref().unwrap().as_str(), "eth9");
    assert!(loaded.config.vrrp.dynamic_interfaces);
}

#[test]
fn an_interface_without_multicast_needs_peers() {
    let mut env = Fake::default();
    env.interfaces.get_mut("eth0").unwrap().multicast = false;
    let text = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n";
    let loaded = load_for(&env, text);
    assert!(loaded.config.vrrp.instances[0].config_fault.is_some());
    assert_eq!((loaded.test_exit_code(), loaded.refusal()), (5, None));
}

#[test]
fn mail_servers_have_to_be_resolved() {
    let text = "global_defs {\nsmtp_server mail.example.com\n}\n";
    assert_eq!(words(&read(text)), ["Invalid smtp server mail.example.com 25"]);
    let mut env = Fake::default();
    env.hosts.insert("mail.example.com".into());
    assert_eq!(load_for(&env, text).test_exit_code(), 0);
    assert_eq!(read("global_defs {\nsmtp_server 127.0.0.1\n}\n").test_exit_code(), 0);
}
