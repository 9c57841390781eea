use std::process::{Command, Stdio};

use super::*;

#[test]
fn names_may_hold_anything() {
    assert_eq!(name_and_state(b"12 (a) b) (c) S 1 2"), Some((&b"a) b) (c"[..], b'S')));
    for text in [&b""[..], b"12", b"12 (a", b"12 (a)", b"12 (a) ", b")(", b"12 )a( S"] {
        assert_eq!(name_and_state(text), None, "{text:?}");
    }
}

#[test]
fn a_process_is_seen_until_it_ends() {
    let mut child =
        Command::new("sleep").arg("1000").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("sleep");
    let pid = child.id();
    // For a moment the child is still a copy of us, or has no command line yet.
    let seen = ProcessLook { name: b"sleep".to_vec(), command_line: b"sleep\x001000\0".to_vec() };
    while look(pid, 64) != Some(seen.clone()) {}
    assert_eq!(look(pid, 7).map(|it| it.command_line), Some(b"sleep\x001".to_vec()));
    let found = all(0).expect("/proc").into_iter().find(|(other, _)| *other == pid);
    assert_eq!(found, Some((pid, ProcessLook { name: b"sleep".to_vec(), command_line: vec![] })));
    child.kill().expect("kill");
    while look(pid, 0).is_some() {}
    assert!(Path::new("/proc").join(pid.to_string()).exists(), "it is a zombie");
    child.wait().expect("wait");
    assert_eq!(look(pid, 0), None);
}
