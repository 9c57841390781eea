use std::collections::BTreeSet;

use super::*;

/// Our own measurement of keepalived 2.4.3: block, tab, keyword; one pair a line.
const MEASURED: &str = include_str!("../../../tests/conf/keywords.tsv");

#[test]
fn the_list_is_exactly_what_was_measured() {
    let measured: BTreeSet<(String, String)> = MEASURED
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(block, name)| (block.replace("(root)", ""), name.to_string()))
        .collect();
    let listed = |block: Block| block.keywords().map(move |it| (block.path().to_string(), it.name.to_string()));
    let ours: Vec<(String, String)> = Block::ALL.into_iter().flat_map(listed).collect();
    let distinct: BTreeSet<(String, String)> = ours.iter().cloned().collect();
    assert_eq!(distinct.len(), ours.len(), "a keyword is listed twice");
    let missing: Vec<_> = measured.difference(&distinct).collect();
    let surplus: Vec<_> = distinct.difference(&measured).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(surplus.is_empty(), "not in keepalived: {surplus:?}");
    assert_eq!(ours.len(), 531);
}

#[test]
fn every_keyword_says_what_it_is_for() {
    for block in Block::ALL {
        for keyword in block.keywords() {
            assert!(!keyword.effect.is_empty(), "{} {}", block.path(), keyword.name);
        }
    }
}

#[test]
fn suggestions_are_near() {
    for (block, word, expected) in [
        (Block::Instance, "prority", Some("priority")),
        (Block::Instance, "virtual_ipadress", Some("virtual_ipaddress")),
        (Block::Instance, "intrefaec", Some("interface")),
        (Block::Instance, "interfcae", Some("interface")),
        (Block::Instance, "no_preempt", Some("nopreempt")),
        (Block::Instance, "Priority", Some("priority")),
        (Block::VirtualServer, "lib_algo", Some("lb_algo")),
        (Block::Root, "vrrp_instnace", Some("vrrp_instance")),
        (Block::Instance, "zzz", None),
        (Block::Instance, "！", None),
    ] {
        assert_eq!(suggestion(block, word), expected, "{word}");
    }
}
