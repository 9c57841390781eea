//! However a file is made, reading it takes memory in proportion to it: at most [`FACTOR`] bytes for each of its bytes,
//! and [`BASE`] more. What repetition makes of a short file is bounded by its own limit of lines, see [`REPEATED`].
//!
//! The program itself is run with a limit on its address space: beyond it, it would be ended by a signal.

use std::process::{Command, Stdio};

/// Bytes of memory for each byte of a file.
const FACTOR: usize = 256;
/// Address space that the program takes whatever it reads, in bytes: its code, libraries and stacks, and the complaints
/// that are kept.
const BASE: usize = 48 << 20;
/// Address space that repetition may take beyond that.
const REPEATED: usize = 512 << 20;
/// Size of the files.
const SIZE: usize = 128 << 10;

/// Lines, made of their numbers, up to the size.
fn lines(line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < SIZE {
        text.push_str(&line(number));
        text.push('\n');
        number += 1;
    }
    text
}

/// Runs a test of the text; the exit status, `None` if it was ended by a signal.
fn status(name: &str, text: &str, limit: usize) -> Option<i32> {
    let path = std::env::temp_dir().join(format!("keepalived-rs-bounds-{}-{name}.conf", std::process::id()));
    std::fs::write(&path, text).expect("write a file");
    let status = Command::new("sh")
        .args(["-c", r#"ulimit -v "$0" && exec "$@""#])
        .arg((limit / 1024).to_string())
        .args([env!("CARGO_BIN_EXE_keepalived-rs"), "-t", "-f"])
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run the program");
    std::fs::remove_file(&path).expect("remove the file");
    status.code()
}

#[test]
fn memory_is_bounded_by_the_size_of_the_file() {
    let address = |n: usize| format!("10.{}.{}.{}", n / 62_500 % 250, n / 250 % 250, n % 250);
    let instance = "vrrp_instance V {\ninterface lo\nvirtual_router_id 5\n";
    let within = |block: &str, line: &dyn Fn(usize) -> String| format!("{instance}{block} {{\n{}}}\n}}\n", lines(line));
    let files = [
        ("blank", lines(|_| String::new())),
        ("opening", lines(|_| "{".repeat(1000))),
        ("closing", lines(|_| "}".repeat(1000))),
        ("words", lines(|n| format!("{n:x}"))),
        ("quotes", lines(|_| "\"".into())),
        ("escapes", lines(|_| "\\#".into())),
        ("uses", format!("$X=a\n{}", lines(|_| "$X".into()))),
        ("definitions", lines(|n| format!("$A{n:x}="))),
        ("bodies", format!("$L=a\\\n{}\n$L\n$L\n", lines(|_| "a\\".into()))),
        ("sequences", lines(|_| "~SEQ(I,1,2)a".into())),
        ("instances", lines(|n| format!("vrrp_instance {n:x}{{}}"))),
        ("groups", lines(|n| format!("vrrp_sync_group {n:x}{{group{{a}}}}"))),
        ("scripts", lines(|n| format!("vrrp_script {n:x}{{}}"))),
        ("servers", lines(|n| format!("virtual_server {} 1{{real_server ::1 1{{TCP_CHECK{{}}}}}}", address(n)))),
        ("neighbours", lines(|n| format!("bfd_instance {n:x}{{}}"))),
        ("addresses", within("virtual_ipaddress", &address)),
        ("peers", within("unicast_peer", &address)),
        ("routes", within("virtual_routes", &|n| format!("{} dev lo", address(n)))),
        ("no-line-end", "x".repeat(SIZE)),
    ];
    let failed: Vec<_> = files
        .iter()
        .map(|(name, text)| (name, status(name, text, BASE + FACTOR * text.len())))
        .filter(|(_, status)| !matches!(status, Some(0 | 2 | 4 | 5 | 6)))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn repetition_has_a_bound_of_its_own() {
    let files = [
        ("instances", "~SEQ(I,1,999999) vrrp_instance $I{}\n"),
        ("braces", "~SEQ(I,1,999999) {}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}\n"),
        ("servers", "~SEQ(I,1,999999) virtual_server fwmark $I{real_server ::1 1{}}\n"),
        ("bodies", "$L=$L\\\n$L\\\n$L\n$L\n"),
    ];
    for (name, text) in files {
        let status = status(&format!("repeated-{name}"), text, BASE + REPEATED);
        assert!(matches!(status, Some(0 | 2 | 4 | 5 | 6)), "{name}: {status:?}");
    }
}
