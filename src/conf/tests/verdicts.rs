//! What keepalived says to small configurations, and with which exit code.

use super::*;

fn check(loaded: &Loaded, code: u8, expected: &[&str]) {
    assert_eq!(words(loaded), expected, "{}", loaded.render(Style::default()));
    assert_eq!(loaded.test_exit_code(), code, "{}", loaded.render(Style::default()));
}

#[test]
fn a_good_file_says_nothing() {
    let loaded = with("");
    check(&loaded, 0, &[]);
    assert_eq!(loaded.render(Style::default()), "");
    assert_eq!(loaded.refusal(), None);
    check(&read(""), 0, &[]);
}

#[test]
fn semantic_checks_have_keepalived_s_words() {
    for (lines, expected) in [
        ("authentication {\nauth_type PASS\n}", &["(V) Authentication specified but no password given. Ignoring"][..]),
        ("authentication {\nauth_type PASS\nauth_pass 123456789\n}", &["Truncating auth_pass to 8 characters"]),
        (
            "version 3\nauthentication {\nauth_type PASS\nauth_pass 1\n}",
            &["(V) VRRP version 3 does not support authentication. Ignoring."],
        ),
        (
            "strict_mode\nauthentication {\nauth_type PASS\nauth_pass 1\n}",
            &["(V) Strict mode does not support authentication. Ignoring."],
        ),
        (
            "state MASTER\npriority 100\nnopreempt",
            &["(V) Warning - nopreempt will not work with initial state MASTER - clearing"],
        ),
        ("priority 255\nnopreempt", &["(V) nopreempt is incompatible with priority 255. resetting nopreempt"]),
        (
            "state MASTER\npriority 100\npreempt_delay 5",
            &["(V) Warning - preempt delay will not work with initial state MASTER - clearing"],
        ),
        ("nopreempt\npreempt_delay 5", &["(V) preempt_delay is incompatible with nopreempt mode - resetting"]),
        ("advert_int 1.5", &["(V) VRRPv2 advertisement interval 1.500000s must be an integer. rounding"]),
        (
            "version 3\nadvert_int 41",
            &["(V) VRRPv3 advertisement interval 41.00s is out of range. Must be less than 40.96s. Setting to 40.95s"],
        ),
        ("strict_mode\nstate MASTER\npriority 100", &["(V) State MASTER must match being address owner"]),
        (
            "unicast_src_ip 10.9.9.1",
            &[
                "(V) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage \
               is deprecated - please update your configuration.",
            ],
        ),
        ("virtual_ipaddress {\n10.9.9.8\n}", &["(V): VIP duplicates a VIP 10.9.9.8 - ignoring"]),
        ("virtual_ipaddress_excluded {\n10.9.9.8\n}", &["(V): Excluded VIP duplicates a VIP 10.9.9.8 - ignoring"]),
        ("unicast_ttl 5", &["(V): Cannot use unicast_ttl without unicast peers - resetting"]),
        ("state ZZ", &["(V) unknown state 'ZZ', defaulting to BACKUP"]),
        ("state MASTER\nstate BACKUP", &["(V) state previously set as MASTER - ignoring BACKUP"]),
        ("priority 0", &["number '0' outside range [1, 255]"]),
        ("priority=100", &["Unknown keyword 'priority=100'"]),
        ("version 4", &["number '4' outside range [2, 3]"]),
        ("strict_mode 1", &["(V) invalid strict_mode 1 specified"]),
        ("track_interface {\neth0\n}", &["(V) Ignoring track_interface eth0 since own interface"]),
        ("garp_master_repeat 0", &["(V): garp_master_repeat must be greater than 0, setting to 1"]),
        ("track_script {\nx\n}", &["(V) track script x not found, ignoring..."]),
    ] {
        check(&with(lines), 5, expected);
    }
}

#[test]
fn extra_words_are_ignored() {
    check(&with("priority 100 200 foo"), 0, &[]);
    check(&read("global_defs extra {\n}\n"), 0, &[]);
}

#[test]
fn an_instance_that_cannot_run_stops_the_daemon() {
    for (text, expected, code) in [
        ("vrrp_instance V {\ninterface eth0\n}", "(V) the virtual router id must be set", 5),
        ("vrrp_instance V {\nvirtual_router_id 5\n}", "(V) Unknown interface!", 5),
        (
            "vrrp_instance V {\ninterface eth9\nvirtual_router_id 5\n}",
            "Non-existent interface specified in configuration",
            5,
        ),
        (
            "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nversion 3\n}",
            "(V) No VIP specified; at least one is required",
            5,
        ),
        (
            "vrrp_instance V {\nvirtual_router_id 5\nunicast_peer {\n10.9.9.2\n}\n}",
            "(V): Unicast instances must have unicast_src_ip or interface",
            5,
        ),
        ("vrrp_instance V {\ninterface eth0\nvirtual_router_id 300\n}", "(V) the virtual router id must be set", 5),
        (
            "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nstrict_mode\nunicast_peer {\n10.9.9.2\n}\n\
             virtual_ipaddress {\n10.9.9.8\n}\n}",
            "(V) Unicast peers are not supported in strict mode",
            5,
        ),
        ("vrrp_instance V {\npriority\n}", "a keyword lacks its value", 2),
    ] {
        let loaded = read(text);
        let refusal = loaded.refusal().unwrap_or_else(|| panic!("{text} is not refused"));
        assert_eq!((refusal.exit, refusal.reason.as_str()), (2, expected));
        assert_eq!(loaded.test_exit_code(), code, "{text}");
    }
}

#[test]
fn one_virtual_router_cannot_be_there_twice() {
    let pair = |second: &str| {
        let one = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n";
        read(format!("{one}vrrp_instance W {{\ninterface {second}\n}}\n"))
    };
    let loaded = pair("eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.9\n}");
    check(&loaded, 5, &["V and W both use VRID 5 with IPv4 on interface eth0"]);
    assert_eq!(loaded.refusal().unwrap().exit, 2);
    for second in [
        "eth1\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.9\n}",
        "eth0\nvirtual_router_id 6\nvirtual_ipaddress {\n10.9.9.9\n}",
        "eth0\nvirtual_router_id 5\nvirtual_ipaddress {\nfe80::9\n}",
        "eth0\nvirtual_router_id 5\nmcast_dst_ip 224.0.0.19\nvirtual_ipaddress {\n10.9.9.9\n}",
    ] {
        check(&pair(second), 0, &[]);
    }
}

#[test]
fn the_daemon_runs_in_spite_of_ordinary_faults() {
    for lines in ["foo bar", "virtual_ipaddress {\n300.1.1.1\n}", "priority 300", "advert_int x", "notify_master \"x"] {
        let loaded = with(lines);
        assert_eq!(loaded.test_exit_code(), 5, "{lines}");
        assert_eq!(loaded.refusal(), None, "{lines}");
        assert_eq!(loaded.config.vrrp.instances.len(), 1, "{lines}");
    }
    let unclosed = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n";
    let loaded = read(unclosed);
    check(&loaded, 5, &["There are 2 missing '}'s or extra '{'s"]);
    assert_eq!(loaded.config.vrrp.instances.len(), 1);
}

#[test]
fn an_unknown_block_ends_the_block_around_it() {
    let loaded = with("foo bar\nzap {\na 1\npriority 7\n}\nstate MASTER");
    assert_eq!(
        words(&loaded),
        [
            "Unknown keyword 'foo'",
            "Unknown keyword 'zap'",
            "Unexpected '{' - ignoring",
            "Unknown keyword 'a'",
            "Unknown keyword 'state'",
            "Unknown keyword '}'",
        ]
    );
    assert_eq!(loaded.config.vrrp.instances[0].priority.get(), 7);
    assert!(!loaded.config.vrrp.instances[0].start_as_master);
}

#[test]
fn a_block_that_is_not_ours_swallows_what_is_left_open_in_it() {
    // global_defs is never closed: the first `}` ends it for the parent, but the other processes skip it by its braces.
    let text = "global_defs {\nrouter_id x\nvrrp_instance V {\ninterface eth0\n}\nvrrp_instance W {\n}\n";
    let loaded = read(text);
    assert_eq!(loaded.config.vrrp.instances.len(), 0);
    assert_eq!(loaded.test_exit_code(), 5);
    assert!(words(&loaded).contains(&"Unknown keyword 'vrrp_instance'"));
}

#[test]
fn a_name_that_is_taken_skips_the_block() {
    let loaded = with("}\nvrrp_instance V {\nnonsense\nfoo {\n}");
    check(&loaded, 5, &["vrrp instance V already defined"]);
    check(&read("vrrp_instance {\nfoo\n}"), 5, &["vrrp_instance must have a name"]);
}

#[test]
fn missing_braces() {
    let loaded = read("global_defs\nrouter_id a\n}\n");
    // The other processes do not take it for a block either, and look into it.
    let expected =
        ["Missing '{' at beginning of configuration block", "Extra '}' found", "Unknown keyword 'router_id'"];
    check(&loaded, 5, &expected);
    assert_eq!(loaded.config.global.router_id.as_deref(), Some("a"));
    let loaded = with("state MASTER {");
    assert!(words(&loaded).contains(&"Unexpected '{' - ignoring"));
    let loaded = with("virtual_ipaddress 10.9.9.7\n10.9.9.9");
    assert_eq!(words(&loaded), ["Block virtual_ipaddress has extra parameters 10.9.9.7 ..."]);
    assert_eq!(loaded.config.vrrp.instances[0].vips.len(), 2);
}

#[test]
fn sync_groups() {
    let group = |lines: &str| {
        let one = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n";
        let two = one.replace("V {", "W {").replace("_id 5", "_id 6").replace("9.8", "9.9");
        read(format!("{one}{two}vrrp_sync_group G {{\n{lines}\n}}\n"))
    };
    let loaded = group("group {\nV\nW\n}");
    check(&loaded, 0, &[]);
    assert_eq!(loaded.config.vrrp.groups[0].members, ["V", "W"]);
    check(&group("group { V W }"), 0, &[]);
    check(
        &group("group {\nV\n}"),
        5,
        &["Sync group G has only 1 virtual router(s) - this probably isn't what you want"],
    );
    let loaded = group("group {\nV\nW\n}\ngroup {\nX\n}\nnotify_nothing");
    check(
        &loaded,
        5,
        &["Group list already specified for sync group G", "Unknown keyword 'notify_nothing'", "Unknown keyword '}'"],
    );
    check(&read("global_defs {\nnotification_email {\n}\n}"), 5, &["Warning - empty notification_email block"]);
    check(&group(""), 5, &["Sync group G has no members - removing"]);
    check(&group("group {\nX\nV\nW\n}"), 5, &["Virtual router X specified in sync group G doesn't exist - ignoring"]);
}

#[test]
fn includes_that_count_stop_the_daemon() {
    let loaded = read("global_defs {\ninclude_check match\n}\ninclude /nowhere/x.conf\n");
    assert_eq!(loaded.test_exit_code(), 6, "include_check counts up to the end of the file");
    let loaded = read("includem /nowhere/x.conf\nfoo\n");
    assert_eq!(loaded.test_exit_code(), 6);
    assert_eq!(loaded.refusal().unwrap().exit, 6);
    let loaded = read("include /nowhere/x.conf\n");
    check(&loaded, 0, &[]);
    assert_eq!(loaded.refusal(), None);
}

#[test]
fn a_missing_file_is_an_exit_code_only_with_all_files_wanted() {
    let request = |require_files| Request { file: "/nowhere/k.conf".into(), config_id: None, require_files };
    let loaded = load(&request(false), &Fake::default());
    assert_eq!((loaded.test_exit_code(), loaded.refusal().unwrap().exit), (0, 6));
    let loaded = load(&request(true), &Fake::default());
    assert_eq!((loaded.test_exit_code(), loaded.refusal().unwrap().exit), (4, 6));
}

#[test]
fn static_addresses_need_an_interface() {
    let env = Fake { interfaces: Default::default(), ..Fake::default() };
    let loaded = load_for(&env, "static_ipaddress {\n10.9.7.8/24\n}\n");
    assert_eq!(loaded.test_exit_code(), 4);
    let loaded = load_for(&env, "static_ipaddress {\n10.9.7.8/24\n}\nfoo\n");
    assert_eq!(loaded.test_exit_code(), 5);
    let loaded = read("static_ipaddress {\n10.9.7.8/24\n}\n");
    assert_eq!(loaded.config.vrrp.static_addresses[0].interface.as_str(), "eth0");
}

#[test]
fn no_complaint_tells_a_password() {
    for lines in [
        "authentication {\nauth_type PASS\nauth_pass s3cr3tlongerthan8\n}",
        "authentication {\nauth_type PASS\nauth_pas s3cr3t\n}",
        "authentication {\nauth_type PASS\nauth_pass=s3cr3t\n}",
        "authentication {\nauth_type PASS\nauth_pass: s3cr3t\n}",
        "authentication {\nauth_type PASS\nauth_pass \"s3cr3t\n}",
        "authentication {\nauth_type PASS\nauth_pass {s3cr3t}\n}",
        "authentication {\nauth_type PASS\nauth_pass s3cr3t\0\n}",
        "authentication { auth_type PASS auth_pass s3cr3t }",
        "authentification {\nauth_type PASS\nauth_pass s3cr3t\n}",
        "auth_pass s3cr3t",
        "authentication {\nauth_type PASS\nkey x s3cr3t\n}\nauth_hmac s3cr3t",
    ] {
        let loaded = with(lines);
        let rendered = loaded.render(Style::default());
        assert!(!rendered.is_empty(), "nothing is said of {lines}");
        let said = words(&loaded).join("\n") + &rendered;
        assert!(!said.contains("s3cr"), "{lines}: {said}");
    }
}

#[test]
fn peers_that_are_asked_for_and_not_there_are_missed() {
    let multicast = "(V) A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage \
                     is deprecated - please update your configuration.";
    check(&with("unicast_peer {\n}"), 5, &[multicast]);
    check(&with("unicast_peer { }"), 5, &[multicast]);
}

#[test]
fn a_block_without_its_brace_is_read_by_the_processes_that_it_is_not_for() {
    let loaded = read("vrrp_instance V\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.9.9.8\n}\n}\n");
    let lines: Vec<u32> = loaded.diagnostics.iter().filter_map(|it| Some(it.place?.at.line)).collect();
    let named = [2, 3, 4, 5, 7].iter().all(|line| lines.contains(line));
    assert!(named, "{}", loaded.render(Style::default()));
}
