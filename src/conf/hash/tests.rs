use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault};

use super::{Map, Mixer};

fn hash(name: &str) -> u64 {
    BuildHasherDefault::<Mixer>::default().hash_one(name)
}

#[test]
fn names_that_are_alike_spread() {
    let names: Vec<String> = (0..20_000).map(|number| format!("VI_{number}")).collect();
    let all: HashSet<u64> = names.iter().map(|name| hash(name)).collect();
    assert_eq!(all.len(), names.len());
    // The places in a table of 4096, and the seven bits that a table compares first.
    for part in [|it: u64| it & 4095, |it: u64| it >> 57] {
        let mut counts: Map<u64, usize> = Map::default();
        names.iter().for_each(|name| *counts.entry(part(hash(name))).or_default() += 1);
        let mean = names.len() / counts.len();
        assert!(counts.values().all(|count| *count < mean * 2 + 20), "{counts:?}");
    }
}

#[test]
fn a_name_and_its_beginning_differ() {
    assert_ne!(hash(""), hash("\0"));
    assert_ne!(hash("a"), hash("a\0"));
    assert_ne!(hash("abcdefgh"), hash("abcdefgh\0"));
}
