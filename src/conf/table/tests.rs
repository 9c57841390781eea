use std::collections::BTreeSet;

use super::*;

/// Our own measurement of keepalived 2.4.3, a keyword of a block a line: block, keyword, arguments, range, default, and
/// since when it is there, if that is after 2.2.7; with tabs between.
const MEASURED: &str = include_str!("../../../tests/conf/keywords.tsv");

fn measured() -> impl Iterator<Item = [&'static str; 6]> {
    MEASURED.lines().map(|line| {
        let mut fields = line.split('\t');
        let row = [(); 6].map(|()| fields.next().unwrap_or_else(|| panic!("not six fields: {line}")));
        let block = if row[0] == "(root)" { "" } else { row[0] };
        [block, row[1], row[2], row[3], row[4], row[5]]
    })
}

#[test]
fn the_list_is_exactly_what_was_measured() {
    let measured: BTreeSet<(String, String)> = measured().map(|row| (row[0].to_string(), row[1].to_string())).collect();
    let listed = |block: Block| {
        let known = block.keywords().filter(|it| !it.ours);
        known.map(move |it| (block.path().to_string(), it.name.to_string()))
    };
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
fn what_was_measured_of_a_keyword_is_described() {
    let mut faults = Vec::new();
    for [path, name, arguments, range, default, since] in measured() {
        let block = Block::ALL.into_iter().find(|block| block.path() == path).unwrap();
        let keyword = find(block, name.as_bytes()).unwrap();
        let ours = [keyword.arguments, keyword.range, keyword.default];
        for (what, (ours, measured)) in
            ["arguments", "range", "default"].iter().zip(ours.iter().zip([arguments, range, default]))
        {
            if ours.is_empty() && !measured.is_empty() {
                faults.push(format!("{path}/{name}: no {what}, measured: {measured}"));
            }
        }
        if keyword.since.unwrap_or_default() != since {
            faults.push(format!("{path}/{name}: since {:?}, measured: {since:?}", keyword.since));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
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
