//! Virtual servers: what is complained of, in keepalived's words, and the exit code that follows.

use super::*;
use crate::conf::environment::{Identity, fake::found};

/// A complete virtual server with lines added to it and to its real server.
fn service(before: &str, within: &str, after: &str) -> String {
    format!(
        "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n{before}\n\
         real_server 10.0.0.2 80 {{\n{within}\n}}\n{after}\n}}\n"
    )
}

/// Both as one: exit code and complaints.
fn said(text: &str) -> (u8, Vec<String>) {
    let loaded = read(text);
    let code = loaded.test_exit_code();
    (code, words(&loaded).into_iter().map(str::to_string).collect())
}

/// Compares what is said of each text.
fn compare(cases: impl IntoIterator<Item = (String, String, &'static [&'static str])>) {
    for (name, text, expected) in cases {
        let code = if expected.is_empty() { 0 } else { 5 };
        let expected: Vec<String> = expected.iter().map(|it| it.to_string()).collect();
        assert_eq!(said(&text), (code, expected), "{name}");
    }
}

#[test]
fn keywords_of_virtual_servers_have_messages_of_their_own() {
    let cases: [(&str, &[&str]); 39] = [
        ("retry 0", &["retry value invalid - 0"]),
        ("retry 4294967295", &[]),
        ("quorum 0", &["Quorum 0 must be in [1, 4294967295]. Setting to 1."]),
        ("hysteresis x", &["Hysteresis x must be in [0, 4294967295] - ignoring"]),
        ("weight 0", &["Virtual server weight 0 is outside range 1-2147483647"]),
        ("delay_loop 0", &["virtual server delay loop '0' invalid - ignoring"]),
        ("delay_loop 0.000001", &[]),
        ("delay_before_retry -1", &["virtual server delay before retry '-1' invalid - ignoring"]),
        ("warmup 18446744073709.551615", &["virtual server warmup '18446744073709.551615' invalid - ignoring"]),
        ("warmup 18446744073709.551614", &[]),
        ("connect_timeout 4294.967296", &["virtual server connect_timeout 4294.967296 invalid - ignoring"]),
        ("delay_loop 1.1234567", &["number '1.1234567' has too many decimal places"]),
        ("delay_loop 1m", &["invalid number '1m'"]),
        ("lvs_sched RR", &["Invalid lvs_scheduler 'RR' - ignoring"]),
        ("sh-port", &["sh-port only applies to sh scheduler - ignoring"]),
        ("lvs_sched sh\nsh-port\nmh-port", &[]),
        ("hashed", &["hashed only applies to sh scheduler - ignoring"]),
        ("ops", &["Virtual server [10.0.0.1]:tcp:80: one packet scheduling requires UDP - resetting"]),
        ("persistence_timeout 0", &["persistence_timeout invalid"]),
        ("persistence_timeout", &[]),
        ("persistence_engine abcdefghijklmnop", &[]),
        ("persistence_engine abcdefghijklmnopq", &["persistence_name too long, truncating - abcdefghijklmnopq"]),
        ("persistence_granularity 256.1.1.1", &["Invalid IPv4 persistence_granularity specified - 256.1.1.1"]),
        ("persistence_granularity 255.255.0", &[]),
        ("protocol icmp", &["Unknown protocol icmp - ignoring"]),
        ("smtp_alert maybe", &["Invalid virtual_server smtp_alert parameter maybe"]),
        ("virtualhost", &["virtual server virtualhost missing"]),
        ("virtualhost a b\nvirtualhost \"c d\"", &["Duplicate vs virtualhost - overwriting a with c d"]),
        ("snmp_name a b", &["virtual server snmp_name missing or extra parameters"]),
        ("ip_family inet4", &["unknown address family inet4"]),
        ("ip_family inet6", &["Virtual server specified family inet6 conflicts with server family"]),
        ("sorry_server 10.0.0.300", &["Invalid sorry server IP address 10.0.0.300 - skipping"]),
        ("sorry_server_inhibit", &["Ignoring sorry_server inhibit used before or without sorry_server"]),
        ("sorry_server_lvs_method NAT", &["sorry_server forwarding used without sorry_server"]),
        ("lvs_method nat", &["PARSER : unknown [nat] routing method for virtual server."]),
        ("quorum_up /a\nquorum_up /b", &["([10.0.0.1]:tcp:80) quorum_up script already specified - ignoring /b"]),
        ("alpha no\nomega\ninhibit_on_failure 7", &[]),
        ("persistence_granularity", &[]),
        ("lvs_sched", &[]),
    ];
    let (stops, ordinary) = (&cases[37..], &cases[..37]);
    compare(ordinary.iter().map(|(line, expected)| (line.to_string(), service(line, "", ""), *expected)));
    for (line, _) in stops {
        assert_eq!(said(&service(line, "", "")).0, 2, "{line}");
    }
}

#[test]
fn keywords_of_real_servers_have_messages_of_their_own() {
    let cases: [(&str, &[&str]); 13] = [
        ("weight 2147483648", &["Real server weight 2147483648 is outside range 0-2147483647"]),
        ("weight 0\nweight 1", &[]),
        ("retry 0", &["retry value invalid - 0"]),
        ("delay_loop x", &["real server delay_loop 'x' invalid - ignoring"]),
        ("delay_before_retry -1", &["real server delay_before_retry '-1' invalid - ignoring"]),
        ("uthreshold -1", &["Invalid real_server uthreshold '-1' - ignoring"]),
        ("lthreshold 4294967296", &["Invalid real_server lthreshold '4294967296' - ignoring"]),
        ("inhibit_on_failure YES", &["Invalid inhibit_on_failure parameter YES"]),
        ("alpha 1", &["Invalid alpha parameter 1"]),
        ("smtp_alert 1", &["Invalid real_server smtp_alert parameter 1"]),
        ("virtualhost", &["real server virtualhost missing"]),
        ("snmp_name", &["real server snmp_name missing or extra parameters"]),
        ("lb_kind NAT", &["Unknown keyword 'lb_kind'"]),
    ];
    compare(cases.iter().map(|(line, expected)| (line.to_string(), service("", line, ""), *expected)));
}

#[test]
fn tunnels_have_options_that_fit() {
    let cases: [(&str, &[&str]); 14] = [
        ("TUN", &[]),
        ("TUN type gue port 5 remcsum", &[]),
        ("TUN type gre csum", &[]),
        ("TUN type", &["Missing tunnel type for real server."]),
        ("TUN type ipip6", &["Unknown tunnel type ipip6 for real server."]),
        ("TUN port", &["Missing port for real server gue tunnel."]),
        ("TUN type gue port 65536", &["Invalid gue tunnel port 65536 for real server."]),
        ("TUN type gue", &["gue tunnels require port, otherwise cannot have port."]),
        ("TUN port 5", &["gue tunnels require port, otherwise cannot have port."]),
        ("TUN csum", &["ipip tunnels do not support checksum option."]),
        ("TUN type gre remcsum", &["gre tunnels do not support remote checksum option."]),
        ("TUN bogus", &["Invalid tunnel option bogus for real server."]),
        ("NAT type gue port 4", &[]),
        ("tun", &["PARSER : unknown [tun] routing method for real server."]),
    ];
    let text = |options: &str| service("", &format!("lvs_method {options}"), "");
    compare(cases.iter().map(|(options, expected)| (options.to_string(), text(options), *expected)));
}

#[test]
fn heads_that_cannot_be_read_are_skipped() {
    let with_server = |head: &str| format!("virtual_server {head} {{\nfoo\nreal_server 10.0.0.2 80 {{\n}}\nbar\n}}\n");
    for (head, expected) in [
        ("10.0.0.300 80", "Invalid virtual server IP address/port 10.0.0.300/80 - skipping"),
        ("10.0.0.300", "Invalid virtual server IP address 10.0.0.300 - skipping"),
        ("10.0.0.300 000", "Invalid virtual server IP address 10.0.0.300 - skipping"),
        ("10.0.0.1 65536", "Invalid virtual server IP address/port 10.0.0.1/65536 - skipping"),
        ("fwmark -1", "virtual server fwmark '-1' must be in [0, 4294967295] - ignoring"),
    ] {
        assert_eq!(said(&with_server(head)), (5, vec![expected.to_string()]), "{head}");
    }
    let (code, complaints) = said(&service("", "", "real_server 10.0.0.3 http {\nfoo\n}"));
    assert_eq!((code, &*complaints[0]), (5, "Invalid real server ip address/port 10.0.0.3/http - skipping"));
    assert_eq!(complaints.len(), 1);
    assert_eq!(said("virtual_server {\n}\n").0, 2);
    assert_eq!(said(&service("", "", "real_server {\n}")).0, 2);
}

#[test]
fn cross_checks_come_in_keepalived_s_order() {
    let text = "virtual_server 10.0.0.1 {\nquorum 9\nhysteresis 9\nreal_server 10.0.0.2 80 {\nlvs_method DR\n}\n\
                real_server 10.0.0.2 80 {\n}\nreal_server ::1 80 {\n}\nsorry_server ::5\n}\n";
    let expected = [
        "Address family of virtual server and real server ::1 don't match - skipping real server.",
        "Address family of virtual server and sorry server ::5 don't match - skipping sorry server.",
        "Virtual server [10.0.0.1]:none:0: no protocol set - defaulting to UDP",
        "Virtual server [10.0.0.1]:udp:0: zero port only valid for persistent services - setting",
        "Virtual server [10.0.0.1]:udp:0: no scheduler set, setting default 'wlc'",
        "VS [10.0.0.1]:udp:0: real server [10.0.0.2]:udp:80 is duplicated - removing second rs",
        "Warning - quorum 9 for [10.0.0.1]:udp:0 exceeds total weight of real servers 1, reducing quorum to 1",
        "Virtual server [10.0.0.1]:udp:0: hysteresis 9 >= quorum 1; setting hysteresis to 0",
        "WARNING - virtual server [10.0.0.1]:udp:0 and real server [10.0.0.2]:udp:80 ports don't match - resetting",
    ];
    assert_eq!(words(&read(text)), expected);
}

#[test]
fn marks_need_neither_protocol_nor_ports() {
    let text = "virtual_server fwmark 7 {\nlvs_sched rr\nlvs_method DR\nha_suspend\nprotocol TCP\nops\n\
                sorry_server 10.0.0.9 80\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let loaded = read(text);
    let expected = [
        "Virtual server FWM 7: cannot use ha_suspend with fwmarks - clearing ha_suspend",
        "Warning: Virtual server FWM 7: protocol specified for fwmark - protocol will be ignored",
        "WARNING - fwmark virtual server FWM 7, real server [10.0.0.2]:none:80 has port specified - clearing",
        "WARNING - virtual server FWM 7, sorry server has port specified - clearing",
    ];
    assert_eq!(words(&loaded), expected);
    let service = &loaded.config.check.virtual_servers[0];
    assert!(service.one_packet && !service.ha_suspend && service.protocol.is_none());
    assert_eq!((service.real_servers[0].port, service.sorry_server.as_ref().unwrap().port), (0, 0));
}

#[test]
fn all_weights_zero_is_a_service_that_waits_for_a_weight() {
    let loaded = read(service("weight 3", "weight 0", ""));
    let expected = [
        "Warning - quorum 1 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 0, reducing quorum to 0",
        "Virtual server [10.0.0.1]:tcp:80: hysteresis 0 >= quorum 0; setting hysteresis to 4294967295",
    ];
    assert_eq!(words(&loaded), expected);
    let service = &loaded.config.check.virtual_servers[0];
    assert_eq!((service.quorum, service.hysteresis), (1, 0));
}

#[test]
fn a_sorry_server_among_the_real_ones_inhibits_as_they_do() {
    let text = service("", "inhibit_on_failure", "sorry_server 10.0.0.2 80");
    let loaded = read(text);
    let expected = "Virtual server [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 matches sorry server, but inhibit setting differs, setting on sorry server";
    assert_eq!(words(&loaded), [expected]);
    assert!(loaded.config.check.virtual_servers[0].sorry_server.as_ref().unwrap().inhibit);
}

#[test]
fn group_entries() {
    let cases: [(&str, &[&str]); 22] = [
        ("10.0.0.1-5 80", &[]),
        ("10.0.0.9-10.0.1.9 80", &[]),
        ("2001:db8::1-ff 80", &[]),
        ("10.0.0.0/24 80", &[]),
        ("10.0.0.1/32 80", &[]),
        ("fwmark 5 inet", &[]),
        ("10.0.0.5-5", &["Address range end is not greater than address range start - 10.0.0.5-5 - skipping"]),
        ("10.0.0.1-256", &["Virtual server group range '10.0.0.1-256' end '256' too large"]),
        ("10.0.0.1-5x", &["Virtual server group range '10.0.0.1-5x' has extra characters at end 'x'"]),
        ("10.0.0.9-10.0.0.1", &["Address range end is less than address range start - 10.0.0.9-10.0.0.1 - skipping"]),
        ("10.0.0.9-10.0.0.x", &["Invalid range end 10.0.0.9-10.0.0.x - skipping"]),
        ("10.0.0.9-::1", &["Invalid virtual server group IP address 10.0.0.9-::1  - skipping"]),
        ("10.0.0.1/24", &["Address mask bits not empty - 10.0.0.1/24 - skipping"]),
        ("10.0.0.0/33", &["Invalid netmask - 10.0.0.0/33 - skipping"]),
        ("10.0.0.0/0", &["Invalid netmask - 10.0.0.0/0 - skipping"]),
        ("2001:db8::1/64", &["Address mask bits not empty - 2001:db8::1/64 - skipping"]),
        ("x 80", &["Invalid virtual server group IP address x /port/80 - skipping"]),
        ("10.0.0.1 x", &["Invalid virtual server group IP address 10.0.0.1 /port/x - skipping"]),
        ("fwmark x", &["(G): fwmark 'x' must be in [0, 4294967295] - ignoring"]),
        ("fwmark 5 x", &["(G): fwmark '5' family x unknown - ignoring"]),
        ("10.0.0.1 80 extra", &[]),
        ("10.0.0.1 000", &[]),
    ];
    let text = |entry: &str| format!("virtual_server_group G {{\n10.9.0.1 80\n{entry}\n}}\n");
    compare(cases.iter().map(|(entry, expected)| (entry.to_string(), text(entry), *expected)));
    let text = |entries: &str| format!("virtual_server_group G {{\n{entries}\n}}\n");
    for (entries, expected) in [
        ("", "virtual server group G has no entries - removing"),
        (
            "10.0.0.1\n::1\nfwmark 1",
            "virtual server group G cannot have IPv4, IPv6 and fwmark without family - removing",
        ),
    ] {
        assert_eq!(said(&text(entries)), (5, vec![expected.to_string()]), "{entries}");
    }
}

#[test]
fn a_virtual_server_without_its_group_is_dropped_silently() {
    let text = "virtual_server group G {\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let loaded = read(text);
    assert_eq!((loaded.test_exit_code(), loaded.config.check.virtual_servers.len()), (0, 0));
    let note = "Virtual server group G specified but not configured - ignoring virtual server [G]:0";
    assert!(loaded.diagnostics.iter().any(|it| it.text == note));
}

#[test]
fn ports_of_a_group_are_only_compared() {
    let text = "virtual_server_group G {\n10.0.0.1-2 80\nfwmark 5\n}\nvirtual_server group G {\nprotocol TCP\n\
                lvs_sched rr\nlvs_method DR\nreal_server 10.0.0.9 81 {\n}\nsorry_server 10.0.0.8 82\n}\n";
    let loaded = read(text);
    let expected = [
        "WARNING - fwmark virtual server [G]:0, real server [10.0.0.9]:tcp:81 has port specified - port will be ignored",
        "WARNING - fwmark virtual server [G]:0, sorry server has port specified - port will be ignored",
        "virtual server [G]:0:[10.0.0.1-10.0.0.2,80] and real server [10.0.0.9]:tcp:81 ports don't match",
        "WARNING - virtual server [G]:0, sorry server has port specified - port will be ignored",
    ];
    assert_eq!(words(&loaded), expected);
}

#[test]
fn passwords_of_keys_stay_out_of_messages() {
    let loaded = read("SSL {\npassword hunter1\npassword hunter2\nca a\nca b\nkey\n}\nSSL {\n}\n");
    let expected = [
        "Duplicate SSL - overwriting password",
        "Duplicate SSL - overwriting a with b",
        "SSL keyfile missing",
        "SSL context already specified - replacing",
    ];
    assert_eq!(words(&loaded), expected);
    let log: Vec<String> = loaded.log_lines().map(|(_, line)| line).collect();
    assert!(!log.concat().contains("hunter"), "{log:?}");
}

#[test]
fn scripts_that_are_missing_are_dropped() {
    let mut env = Fake::default();
    let found = found("/bin/up");
    env.commands.insert("/bin/up".into(), found);
    let text = service(
        "quorum_up /bin/up\nquorum_down /bin/down",
        "notify_up \"/bin/up x\" nobody\nnotify_down /bin/down\nMISC_CHECK {\nmisc_path /bin/down\n}\n\
         MISC_CHECK {\nmisc_path \"/bin/up y\"\nuser nobody\n}",
        "",
    );
    let loaded = load_for(&env, text);
    assert_eq!(loaded.test_exit_code(), 6);
    let violation = "SECURITY VIOLATION - check scripts are being executed but script_security not enabled.";
    assert_eq!(words(&loaded), [violation]);
    let service = &loaded.config.check.virtual_servers[0];
    let server = &service.real_servers[0];
    assert!(service.quorum_up.is_some() && service.quorum_down.is_none());
    assert!(server.notify_down.is_none() && server.checkers.len() == 1);
    let up = server.notify_up.as_ref().unwrap();
    let nobody = Identity { uid: 65534, gid: 65534, further_groups: false };
    assert_eq!((up.to_string().as_str(), up.uid, up.gid), ("'/bin/up' 'x'", nobody.uid, nobody.gid));
}
