use proptest::prelude::*;

use super::*;

/// A message of the kernel: what has happened, and the words that say to whom.
fn message(what: u32, words: &[u32], tail: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; NETLINK_HEADER];
    bytes.extend([PROCESSES, PROCESSES, 7, 0, 40].iter().flat_map(|word| word.to_ne_bytes()));
    bytes.extend(what.to_ne_bytes());
    bytes.extend([0; 12]);
    bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    bytes.extend(tail);
    bytes
}

#[test]
fn messages_are_read() {
    for (what, words, expected) in [
        (NONE, [0; 4], Told::Confirmed),
        (FORK, [9, 8, 12, 12], Told::Event(ProcessEvent::Forked { parent: 8, child: 12 })),
        (FORK, [8, 8, 13, 8], Told::Nothing),
        (EXEC, [8, 8, 0, 0], Told::Event(ProcessEvent::Executed(8))),
        (EXEC, [9, 8, 0, 0], Told::Nothing),
        (EXIT, [8, 8, 0, 0], Told::Event(ProcessEvent::Ended(8))),
        (EXIT, [9, 8, 0, 0], Told::Nothing),
        (4, [8, 8, 0, 0], Told::Nothing),
    ] {
        assert_eq!(read(&message(what, &words, &[])), Some(expected), "{what} {words:?}");
    }
    let renamed = Told::Event(ProcessEvent::Renamed { pid: 8, name: b"a name".to_vec() });
    assert_eq!(read(&message(COMM, &[8, 8], b"a name\0\0\0\0\0\0\0\0\0\0")), Some(renamed));
    assert_eq!(read(&message(COMM, &[9, 8], b"a name\0\0\0\0\0\0\0\0\0\0")), Some(Told::Nothing));
    assert_eq!(read(&message(COMM, &[8, 8], b"short")), None);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes: Vec<u8>, cut in 0..80_usize) {
        let _ = read(&bytes);
        let whole = message(FORK, &[1, 2, 3, 3], &[]);
        let cut = cut.min(whole.len());
        prop_assert_eq!(read(&whole[..cut]).is_some(), cut == whole.len());
    }
}
