//! The configuration test (`-t`) as a command: exit codes for all kinds of files, streams, and what comes out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use super::daemon::{Folder, mode, own_files, run};

/// Complained of, and used all the same.
const FAULTY: &str = "global_defs {\n    prority 5\n}\n";

/// Files of all kinds.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("good.conf", "global_defs {\n}\n");
    folder.write("good2.conf", "global_defs {\n}\n");
    folder.write("faulty.conf", FAULTY);
    folder.write("stop.conf", "vrrp_instance V {\n    priority\n}\n");
    folder.write("include.conf", "includem nosuch.conf\n");
    folder.write("plain-include.conf", "include nosuch.conf\n");
    folder.write("note.conf", "global_defs {\n    router_id LVS_DEVEL\n}\n");
    let executable = folder.write("executable.conf", "global_defs {\n}\n");
    fs::set_permissions(executable, fs::Permissions::from_mode(0o755)).expect("its mode");
    fs::create_dir(folder.path("folder.conf")).expect("a folder");
    folder
}

#[test]
fn exit_codes_are_those_of_keepalived_and_strict_ones_never_0_where_something_is_wrong() {
    let folder = folder();
    // File, then the exit code: usual, with -e, with --strict. The first two were measured.
    for (file, expected) in [
        ("good.conf", [0, 0, 0]),
        ("faulty.conf", [5, 5, 5]),
        ("stop.conf", [2, 2, 2]),
        ("include.conf", [6, 6, 6]),
        ("plain-include.conf", [0, 6, 5]),
        ("note.conf", [0, 0, 5]),
        ("executable.conf", [0, 4, 5]),
        ("folder.conf", [0, 4, 5]),
        ("nosuch.conf", [0, 4, 5]),
        ("nosuch*.conf", [0, 4, 5]),
        ("good*.conf", [5, 5, 5]),
        ("e*.conf", [0, 4, 5]),
    ] {
        let path = folder.path(file).display().to_string();
        for (options, code) in [&["-t"][..], &["-t", "-e"], &["--strict", "-t"]].into_iter().zip(expected) {
            let (status, out, err) = run(options.iter().copied().chain(["-l", "-f", &path]));
            assert_eq!(status, Some(code), "{file} {options:?}: {err}");
            assert_eq!(out, "", "{file} {options:?}");
            assert_eq!(err.is_empty(), file == "good.conf", "{file} {options:?}: {err}");
        }
    }
}

/// For `ExecReload=`: complaints that keep no daemon from running are not told, and do not count.
#[test]
fn whether_a_daemon_would_start_is_told_by_the_status() {
    let folder = folder();
    let ask = |file: &str, more: &[&str]| {
        let path = folder.path(file).display().to_string();
        run(["--would-start", "-n", "-D", "-f", &path].into_iter().chain(more.iter().copied()))
    };
    for file in ["good.conf", "faulty.conf", "plain-include.conf", "note.conf"] {
        assert_eq!(ask(file, &[]), (Some(0), String::new(), String::new()), "{file}");
    }
    for (file, more, status, told) in [
        ("stop.conf", &[][..], 2, "priority"),
        ("include.conf", &[], 6, "nosuch.conf"),
        ("nosuch.conf", &[], 6, "keepalived: Config files missing"),
        ("good.conf", &["-s", "nosuch"], 1, "/run/netns/nosuch"),
    ] {
        let (code, out, err) = ask(file, more);
        assert_eq!((code, out.as_str()), (Some(status), ""), "{file}: {err}");
        assert!(err.contains(told), "{file}: {err}");
    }
}

#[test]
fn an_empty_file_name_is_passed_over_in_silence() {
    for (options, code) in [(&["-t"][..], 0), (&["-t", "-e"], 0), (&["-t", "--strict"], 5)] {
        let (status, out, err) = run(options.iter().copied().chain(["-f", ""]));
        assert_eq!((status, out.as_str(), err.as_str()), (Some(code), "", ""), "{options:?}");
    }
    let (status, ..) = run(["-n", "-G", "-f", ""]);
    assert_eq!(status, Some(6));
}

#[test]
fn complaints_are_added_to_a_file_that_is_no_link() {
    let folder = folder();
    let file = folder.path("faulty.conf").display().to_string();
    let log = folder.path("log");
    for round in 1..=2 {
        let (status, out, err) = run([&format!("-t{}", log.display()), "-f", &file]);
        assert_eq!((status, out.as_str(), err.as_str()), (Some(5), "", ""));
        assert_eq!(folder.read("log").matches("error[KA0012]").count(), round);
    }
    assert_eq!(mode(&log) & 0o600, 0o600);
    std::os::unix::fs::symlink("log", folder.path("link")).expect("a link");
    let (status, _, err) = run([&format!("--config-test={}", folder.path("link").display()), "-f", &file]);
    assert_eq!(status, Some(1));
    assert!(err.contains("Unable to open config-test log file "), "{err}");
}

#[test]
fn people_get_text_without_colours_in_a_pipe() {
    let folder = folder();
    let file = folder.path("faulty.conf").display().to_string();
    let (_, _, err) = run(["-t", "-f", &file]);
    let expected = format!(
        "error[KA0012]: unknown keyword `prority` in global_defs\n  \
         --> {file}:2:5\n   |\n \
         2 |     prority 5\n   |     ^^^^^^^\n   \
         = effect: the line is ignored\n\n\
         1 error; the daemon would start. `keepalived-rs --explain KA0012` tells more.\n"
    );
    assert_eq!(err, expected);
    assert!(!err.contains('\u{1b}'), "{err}");
}

#[test]
fn machines_get_one_document_whatever_is_wrong() {
    let folder = folder();
    for (file, code, count) in [("good.conf", 0, 0), ("faulty.conf", 5, 1), ("stop.conf", 2, 1), ("nosuch.conf", 0, 1)]
    {
        let path = folder.path(file).display().to_string();
        let (status, out, err) = run(["-t", "--diagnostics=json", "-f", &path]);
        assert_eq!((status, out.as_str()), (Some(code), ""));
        let document: Value = serde_json::from_str(&err).unwrap_or_else(|error| panic!("{error}: {err}"));
        assert_eq!(document["exit_code"], code);
        assert_eq!(document["diagnostics"].as_array().map(Vec::len), Some(count), "{err}");
        assert_eq!(
            document["verdict"],
            if matches!(code, 2) || count == 1 && code == 0 { "refused" } else { "starts" }
        );
    }
    let path = folder.path("note.conf").display().to_string();
    let (status, _, err) = run(["-t", "--strict", "--diagnostics", "json", "-f", &path]);
    let document: Value = serde_json::from_str(&err).expect("JSON");
    assert_eq!((status, &document["exit_code"]), (Some(5), &Value::from(5)));
    assert_eq!(document["diagnostics"][0]["code"], "KA0531");
    assert_eq!(document["diagnostics"][0]["counts"], false);
}

#[test]
fn no_password_is_in_any_output() {
    let folder = Folder::new();
    let long = format!("{}{}", "x ".repeat(600), "auth_pass s3cr3t1");
    let text = format!(
        "$DB_PASS=s3cr3t2\n$PW = s3cr3t3\nvrrp_instance V {{\n    interface lo\n    virtual_router_id 5\n    \
         authentication {{\n        auth_type s3cr3t4\n        auth_pas s3cr3t5\n        auth_pass $DB_PASS-too-long\n    \
         }}\n    auth_pass \"s3cr3t6\n{long}\n}}\n"
    );
    let path = folder.write("conf", &text).display().to_string();
    for format in ["text", "json"] {
        let (status, out, err) = run(["-t", "--diagnostics", format, "-f", &path]);
        assert_eq!((status, out.as_str()), (Some(5), ""));
        assert!(!err.contains("s3cr3t"), "{err}");
        assert!(err.contains("********"), "{err}");
    }
    let daemon = own_files(&folder).into_iter().chain(["-n", "-l", "-G"].map(String::from));
    let (status, out, log) = run(daemon);
    assert_eq!((status, out.as_str()), (Some(2), ""), "{log}");
    assert!(log.contains("********") && !log.contains("s3cr3t"), "{log}");
}

#[test]
fn what_is_asked_for_goes_to_standard_output() {
    for (arguments, begin) in [
        (&["--explain", "KA0031"][..], "KA0031: A block is never closed.\n"),
        (&["--explain"], "KA0001  "),
        (&["--help", "keyword", "priority"], "priority INT\n"),
        (&["--completion", "bash"], "# bash completion for keepalived-rs\n"),
        (&["--manual-options"], ".SH OPTIONS\n"),
        (&["--manual-keywords"], ".SH KEYWORDS\n"),
    ] {
        let (status, out, err) = run(arguments);
        assert_eq!((status, err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(out.starts_with(begin), "{arguments:?}: {out}");
    }
    let (status, out, err) = run(["--help", "keyword", "prority"]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert_eq!(err, "There is no keyword `prority`; did you mean `priority`?\n");
}

#[test]
fn a_group_of_many_users_is_found() {
    let folder = Folder::new();
    let members: Vec<String> = (0..20_000).map(|number| format!("somebody{number}")).collect();
    let groups = folder.write("group", &format!("root:x:0:\nmany:x:4711:{}\n", members.join(",")));
    for (group, code) in [("many", 0), ("nosuch", 5)] {
        let config = folder.write("conf", &format!("global_defs {{\n script_user root {group}\n}}\n"));
        let script = format!(
            "mount --bind {} /etc/group && exec {} -t -f {}",
            groups.display(),
            super::daemon::BINARY,
            config.display()
        );
        let done = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().expect("unshare runs");
        assert_eq!(done.status.code(), Some(code), "{}", String::from_utf8_lossy(&done.stderr));
    }
}
