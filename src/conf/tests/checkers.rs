//! Health checks: what is complained of, and the values that come of them.

use std::net::SocketAddr;

use super::*;
use crate::model::checker::{CheckKind, Checker, Connect, HttpProtocol, MaskedByte};
use crate::model::tracker::TrackFile;
use crate::model::{Micros, Weight};

/// A virtual server whose real server has these lines.
fn server(lines: &str) -> String {
    server_of("", lines)
}

fn server_of(service: &str, lines: &str) -> String {
    format!(
        "track_file f {{\nfile /dev/shm/f\n}}\nbfd_instance b {{\nneighbor_ip 10.0.0.5\nsource_ip 10.0.0.6\n}}\n\
         virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n{service}\n\
         real_server 10.0.0.2 80 {{\n{lines}\n}}\n}}\n"
    )
}

fn checkers(lines: &str) -> Vec<Checker> {
    let loaded = read(server(lines));
    assert_eq!(words(&loaded), Vec::<&str>::new(), "{lines}");
    loaded.config.check.virtual_servers[0].real_servers[0].checkers.clone()
}

fn one(lines: &str) -> Checker {
    let mut all = checkers(lines);
    assert_eq!(all.len(), 1, "{lines}");
    all.remove(0)
}

/// The complaints about a block, each case with how many checks are left.
fn compare(cases: &[(&str, &[&str], usize)]) {
    for (lines, expected, left) in cases {
        let loaded = read(server(lines));
        assert_eq!(words(&loaded), *expected, "{lines}");
        assert_eq!(loaded.test_exit_code(), if expected.is_empty() { 0 } else { 5 }, "{lines}");
        let servers = &loaded.config.check.virtual_servers[0].real_servers;
        assert_eq!(servers[0].checkers.len(), *left, "{lines}");
    }
}

fn connect(checker: &Checker) -> &Connect {
    match &checker.kind {
        CheckKind::Tcp(connect)
        | CheckKind::Ping(connect)
        | CheckKind::Udp(connect, _)
        | CheckKind::Smtp(connect, _)
        | CheckKind::Dns(connect, _)
        | CheckKind::Http(connect, _) => connect,
        other => panic!("{other:?} connects to nobody"),
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn what_all_checks_have() {
    compare(&[
        ("TCP_CHECK {\nretry 0\n}", &[], 1),
        ("TCP_CHECK {\nretry x\n}", &["Invalid retry connection value 'x'"], 1),
        ("TCP_CHECK {\ndelay_before_retry x\n}", &["invalid number 'x'"], 1),
        ("TCP_CHECK {\ndelay_before_retry -1\n}", &["Invalid delay_before_retry connection value '-1'"], 1),
        ("TCP_CHECK {\nwarmup -1\n}", &["Invalid warmup connection value '-1'"], 1),
        ("TCP_CHECK {\ndelay_loop 0\n}", &["delay_loop '0' is invalid - ignoring"], 1),
        ("TCP_CHECK {\nconnect_timeout 0\n}", &["connect_timeout 0 invalid - ignoring"], 1),
        ("TCP_CHECK {\nalpha x\n}", &["Invalid alpha parameter x"], 1),
        ("TCP_CHECK {\nlog_all_failures x\n}", &["Invalid log_all_failures parameter x"], 1),
        ("TCP_CHECK {\nconnect_ip 10.0.0\n}", &["Invalid connect_ip address 10.0.0 - ignoring"], 1),
        ("TCP_CHECK {\nconnect_port 0\n}", &["Invalid checker connect_port '0'"], 1),
        ("TCP_CHECK {\nbind_port 65536\n}", &["Invalid checker bind_port '65536'"], 1),
        ("TCP_CHECK {\nfwmark -1\n}", &["Invalid fwmark connection value '-1'"], 1),
        ("TCP_CHECK {\nbind_if abcdefghijklmnop\n}", &["Interface name abcdefghijklmnop is too long - ignoring"], 1),
        (
            "TCP_CHECK {\nbindto ::2\n}",
            &["bindto address ::2 does not match address family of connect_ip - skipping"],
            1,
        ),
        (
            "TCP_CHECK {\nbindto 10.0.0.7\nconnect_ip ::1\n}",
            &["connect_ip address ::1 does not match address family of bindto - skipping"],
            1,
        ),
        ("TCP_CHECK {\nconnect_ip ::1\nbindto ::2\n}", &[], 1),
        ("TCP_CHECK {\nconnect_ip fe80::1\n}", &["Checker link local address fe80::1 requires a bind_if"], 0),
        ("TCP_CHECK {\nconnect_ip fe80::1\nbind_if eth0\n}", &[], 1),
    ]);
}

#[test]
fn each_kind_has_faults_of_its_own() {
    compare(&[
        ("HTTP_GET {\n}", &["HTTP/SSL_GET checker has no urls specified - ignoring"], 0),
        (
            "SSL_GET {\nurl {\n}\n}",
            &[
                "HTTP/SSL_GET checker url has no path - ignoring",
                "HTTP/SSL_GET checker has no urls specified - ignoring",
            ],
            0,
        ),
        ("HTTP_GET {\nurl {\npath a\npath b\n}\n}", &["Duplicate path - overwriting a with b"], 1),
        ("HTTP_GET {\nurl {\npath /\n}\nnb_get_retry 3\n}", &["nb_get_retry is deprecated - please use 'retry'"], 1),
        ("HTTP_GET {\nurl {\npath /\n}\nhttp_protocol 2\n}", &["Invalid http_protocol version 2"], 1),
        ("HTTP_GET {\nurl {\npath /\n}\nenable_sni 2\n}", &["Invalid enable_sni parameter 2"], 1),
        ("SSL_GET {\nurl {\npath /\ntls_compliant 2\n}\n}", &["Invalid tls_compliant option 2"], 1),
        ("HTTP_GET {\nurl {\npath /\n}\ntls_compliant\n}", &["Unknown keyword 'tls_compliant'"], 1),
        ("HTTP_GET {\nurl {\npath /\nvirtualhost\n}\n}", &["Missing HTTP_GET virtualhost name"], 1),
        (
            "HTTP_GET {\nurl {\npath /\ndigest 0123\n}\n}",
            &["digest '0123' character length should be 32 rather than 4"],
            1,
        ),
        (
            "HTTP_GET {\nurl {\npath /\ndigest zz234567890123456789012345678901\n}\n}",
            &["Unable to interpret hex digit in 'zz' at offset 0/1"],
            1,
        ),
        (
            "HTTP_GET {\nurl {\npath /\nstatus_code 99 200- 300-200 404\n}\n}",
            &[
                "Invalid HTTP_GET status code '99'",
                "Invalid HTTP_GET status code '200-'",
                "Invalid HTTP_GET status code '300-200'",
            ],
            1,
        ),
        ("HTTP_GET {\nurl {\npath /\nregex a b\n}\n}", &["regex missing or too many fields"], 1),
        ("HTTP_GET {\nurl {\npath /\nregex a\nregex b\n}\n}", &["Duplicate regex specified - replacing a with b"], 1),
        ("HTTP_GET {\nurl {\npath /\nregex_stack 6 5\nregex_min_offset x\n}\n}", &[], 1),
        ("MISC_CHECK {\n}", &["No script path has been specified for MISC_CHECKER - skipping"], 0),
        ("MISC_CHECK {\nmisc_path\n}", &["No script path has been specified for MISC_CHECKER - skipping"], 0),
        ("MISC_CHECK {\nmisc_path </dev/null\nmisc_timeout 4295\n}", &["Invalid misc_timeout value '4295'"], 1),
        (
            "MISC_CHECK {\nmisc_path \"/bin/a b\"\nuser nosuch\ndelay_loop 5\n}",
            &["Failed to set uid/gid for misc checker script '/bin/a' 'b' - removing"],
            0,
        ),
        ("SMTP_CHECK {\nhelo_name\n}", &["SMTP_CHECK helo name missing"], 1),
        ("SMTP_CHECK {\nhelo_name a\nhelo_name b\n}", &["SMTP_CHECK helo name already specified"], 1),
        ("UDP_CHECK {\npayload\n}", &["UDP_CHECK payload requires a payload"], 1),
        ("UDP_CHECK {\npayload 0x\n}", &["Invalid hex string for UDP_CHECK payload"], 1),
        ("UDP_CHECK {\nrequire_reply 0g\n}", &["Invalid hex string for UDP_CHECK reply"], 1),
        (
            "UDP_CHECK {\nmin_reply_length 65536\n}",
            &["UDP_CHECK min length 65536 not valid - must be between 0 & 65535"],
            1,
        ),
        (
            "UDP_CHECK {\nmin_reply_length 300\n}",
            &["UDP_CHECK min_reply length 300 > max_reply_length 255 - will always fail"],
            1,
        ),
        ("DNS_CHECK {\ntype SRV\n}", &["Unknown DNS check type SRV - ignoring"], 1),
        ("DNS_CHECK {\nname a..example\n}", &["DNS_CHECK name 'a..example' has empty label - ignoring"], 1),
        ("DNS_CHECK {\nname .example\n}", &["DNS_CHECK name '.example' has empty label - ignoring"], 1),
        ("DNS_CHECK {\nname a.example\nname b.example\n}", &["DNS_CHECK name already specified - ignoring"], 1),
        ("FILE_CHECK {\n}", &["FILE_CHECK has no track_file specified - ignoring"], 0),
        (
            "FILE_CHECK {\ntrack_file g\n}",
            &["track_file g not found", "FILE_CHECK has no track_file specified - ignoring"],
            0,
        ),
        ("FILE_CHECK {\ntrack_file f\nweight\n}", &["track file weight missing"], 1),
        ("FILE_CHECK {\ntrack_file f\nweight 5 x\n}", &["unknown track file weight option x - ignoring"], 1),
        (
            "FILE_CHECK {\ntrack_file f\nweight -2147483648\n}",
            &["weight for track file must be in [-2147483647..2147483647] inclusive. Ignoring..."],
            1,
        ),
        ("BFD_CHECK {\n}", &["([10.0.0.2]:tcp:80) No name has been specified for BFD_CHECKER - skipping"], 0),
        (
            "BFD_CHECK {\nname b c\n}",
            &["([10.0.0.2]:tcp:80) BFD_CHECK - No or too many names specified - skipping checker"],
            0,
        ),
        ("BFD_CHECK {\nname c\n}", &["([10.0.0.2]:tcp:80) BFD_CHECK - BFD c not configured"], 0),
        (
            "BFD_CHECK {\nname b\n}\nBFD_CHECK {\nname b\n}",
            &["([10.0.0.2]:tcp:80) BFD_CHECK - RS already monitoring b"],
            1,
        ),
    ]);
}

#[test]
fn a_check_has_what_it_does_not_say_from_those_around_it() {
    let text = server_of(
        "retry 7\ndelay_loop 20\nconnect_timeout 9\nwarmup 4",
        "delay_loop 30\nalpha\nTCP_CHECK {\nwarmup 2\nalpha no\n}\nDNS_CHECK {\nretry 0\n}\nMISC_CHECK {\n\
         misc_path </dev/null\ndelay_loop 5\n}",
    );
    let loaded = read(text);
    assert_eq!(words(&loaded), Vec::<&str>::new());
    let server = &loaded.config.check.virtual_servers[0].real_servers[0];
    let [tcp, dns, misc] = &server.checkers[..] else {
        panic!("{server:?}");
    };
    assert_eq!((tcp.schedule.retry, tcp.schedule.delay_loop), (7, Micros::from_secs(30)));
    assert_eq!((tcp.schedule.warmup, tcp.schedule.alpha), (Micros::from_secs(2), false));
    assert_eq!(tcp.schedule.delay_before_retry, Micros::from_secs(1));
    assert_eq!((connect(tcp).timeout, connect(tcp).to), (Micros::from_secs(9), address("10.0.0.2:80")));
    assert_eq!((dns.schedule.retry, dns.schedule.warmup), (0, Micros::from_secs(4)));
    assert_eq!((dns.schedule.delay_before_retry, dns.schedule.alpha), (Micros::from_secs(30), true));
    assert_eq!((misc.schedule.retry, misc.schedule.delay_loop), (7, Micros::from_secs(5)));
    let CheckKind::Misc(misc) = &misc.kind else {
        panic!("{misc:?}");
    };
    assert_eq!(misc.timeout, Micros::from_secs(20));
}

#[test]
fn defaults_of_each_kind() {
    for (lines, retry, delay) in [
        ("TCP_CHECK {\n}", 1, 1),
        ("PING_CHECK {\n}", 1, 1),
        ("UDP_CHECK {\n}", 1, 1),
        ("SMTP_CHECK {\n}", 1, 1),
        ("HTTP_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("SSL_GET {\nurl {\npath /\n}\n}", 1, 3),
        ("DNS_CHECK {\n}", 3, 60),
        ("MISC_CHECK {\nmisc_path </dev/null\n}", 0, 1),
    ] {
        let got = one(lines).schedule;
        assert_eq!((got.retry, got.delay_before_retry), (retry, Micros::from_secs(delay)), "{lines}");
        assert_eq!((got.delay_loop, got.warmup), (Micros::from_secs(60), Micros::from_secs(60)), "{lines}");
        assert!(!got.alpha && !got.log_all_failures, "{lines}");
    }
}

#[test]
fn values_of_http() {
    let check = one(
        "SSL_GET {\nhttp_protocol 1.0c\nvirtualhost v\nfast_recovery\nurl {\npath /a\nstatus_code 404 200-210\n\
         status_code 211 205-206\ndigest 000102030405060708090A0b0c0d0e0f\nregex \"a \\\"b\\\"\"\nregex_options caseless nonsense\n\
         regex_min_offset 3\nregex_max_offset 9\nregex_no_match\nregex_stack 5 6\ntls_compliant no\n}\nurl {\npath /b\n}\n}",
    );
    let CheckKind::Http(_, http) = &check.kind else {
        panic!("{check:?}");
    };
    assert!(http.tls && http.fast_recovery && !http.enable_sni);
    assert_eq!((http.protocol, http.virtualhost.as_deref()), (HttpProtocol::V10Close, Some("v")));
    let [first, second] = &http.urls[..] else {
        panic!("{http:?}");
    };
    assert_eq!(first.status, [(200, 211), (404, 404)]);
    assert_eq!(first.digest, Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    assert_eq!(first.tls_compliant, Some(false));
    let regex = first.regex.as_ref().unwrap();
    assert_eq!((regex.pattern.as_slice(), regex.no_match), (&b"a \"b\""[..], true));
    assert_eq!((regex.options.len(), regex.min_offset, regex.max_offset), (1, 3, Some(9)));
    assert_eq!(regex.stack, Some((5, 6)));
    assert_eq!((second.status.as_slice(), second.regex.is_some()), (&[(200, 299)][..], false));
}

#[test]
fn values_of_datagrams() {
    let check = one("UDP_CHECK {\npayload 0a1b \"c d\"\nrequire_reply ffx 1X x\nmax_reply_length 65535\n}");
    let CheckKind::Udp(_, udp) = &check.kind else {
        panic!("{check:?}");
    };
    assert_eq!(udp.payload.as_deref(), Some(&[0x0a, 0x1b, 0x0c, 0x0d][..]));
    let octet = |value, mask| MaskedByte { value, mask };
    let expected = [octet(0xff, 0xff), octet(0, 0xf0), octet(0x10, 0xf0), octet(0, 0xf0)];
    assert_eq!(udp.reply.as_deref(), Some(&expected[..]));
    assert_eq!((udp.min_reply, udp.max_reply), (0, 65535));
}

#[test]
fn names_with_short_first_labels_are_names() {
    for (name, expected) in [("c.example", "c.example"), ("a.b.", "a.b."), (".", ".")] {
        let check = one(&format!("DNS_CHECK {{\nname {name}\ntype aaaa\n}}"));
        let CheckKind::Dns(_, dns) = &check.kind else {
            panic!("{check:?}");
        };
        assert_eq!((dns.name.as_str(), dns.kind), (expected, 28));
    }
}

#[test]
fn hosts_of_a_smtp_check_are_checks_of_their_own() {
    let all = checkers(
        "SMTP_CHECK {\nhelo_name h\nretry 4\nhost {\nconnect_ip 10.0.0.5\nretry 2\n}\nhost {\nconnect_port 2525\n}\n}",
    );
    let to: Vec<SocketAddr> = all.iter().map(|it| connect(it).to).collect();
    assert_eq!(to, [address("10.0.0.5:80"), address("10.0.0.2:2525")]);
    assert_eq!([all[0].schedule.retry, all[1].schedule.retry], [2, 4]);
    let all = checkers("SMTP_CHECK {\nconnect_port 26\nhost {\n}\n}");
    let to: Vec<SocketAddr> = all.iter().map(|it| connect(it).to).collect();
    assert_eq!(to, [address("10.0.0.2:26"), address("10.0.0.2:80")]);
}

#[test]
fn files_and_bfd_are_followed_by_name() {
    let all = checkers("FILE_CHECK {\ntrack_file f\nweight -7 reverse\n}\nBFD_CHECK {\nname b\nalpha\n}");
    let weight = Weight { value: -7, reverse: true };
    assert_eq!(all[0].kind, CheckKind::File { track_file: "f".into(), weight });
    assert_eq!(all[1].kind, CheckKind::Bfd { instance: "b".into() });
    assert_eq!([all[0].schedule.alpha, all[1].schedule.alpha], [false, true]);
}

#[test]
fn only_files_that_a_check_names_are_followed() {
    let text = "track_file f {\nfile /tmp/f\n}\ntrack_file g {\nfile /tmp/g\n}\nvirtual_server 10.0.0.1 80 {\nprotocol TCP\n\
                lvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.2 80 {\nFILE_CHECK {\ntrack_file g\n}\n}\n}\n";
    let config = read(text).config.check;
    let names = |files: Vec<TrackFile>| -> Vec<String> { files.into_iter().map(|file| file.name).collect() };
    assert_eq!(names(config.followed_files()), ["g"]);
    assert_eq!(names(config.track_files), ["f", "g"]);
}

#[test]
fn checks_go_to_the_port_that_is_written() {
    let text = "virtual_server fwmark 1 {\nlvs_sched rr\nlvs_method DR\nreal_server 10.0.0.2 8080 {\nTCP_CHECK {\n}\n}\n}\n\
                virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.3 {\n\
                TCP_CHECK {\n}\n}\n}\n";
    let services = read(text).config.check.virtual_servers;
    let to = |index: usize| connect(&services[index].real_servers[0].checkers[0]).to;
    assert_eq!([to(0), to(1)], [address("10.0.0.2:8080"), address("10.0.0.3:80")]);
    assert_eq!(services[0].real_servers[0].port, 0);
}
