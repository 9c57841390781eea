use super::*;

fn at(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn an_address_counts_once_for_each_interface() {
    let mut suspension = Suspension { single: HashMap::from([(at("10.0.0.1"), vec![0, 2])]), ..Suspension::default() };
    suspension.ranges.push((at("10.0.0.0"), at("10.0.0.9"), 2));
    suspension.add(at("10.0.0.1"));
    suspension.add(at("10.0.0.1"));
    suspension.add(at("10.0.0.2"));
    assert_eq!(suspension.counts(3), [2, 0, 3]);
    assert_eq!(suspension.dependents(at("10.0.0.1")), [0, 2], "each once");
    assert!(suspension.remove(at("10.0.0.1")));
    assert_eq!(suspension.counts(3), [1, 0, 2]);
}

#[test]
fn an_address_that_nobody_told_of_does_not_go() {
    let mut suspension = Suspension::default();
    assert!(!suspension.remove(at("10.0.0.1")));
    suspension.add(at("10.0.0.1"));
    assert!(suspension.remove(at("10.0.0.1")));
    assert!(!suspension.remove(at("10.0.0.1")));
}

#[test]
fn ranges_are_of_one_family() {
    let suspension = Suspension { ranges: vec![(at("::1"), at("::9"), 0)], ..Suspension::default() };
    assert_eq!(suspension.dependents(at("::9")), [0]);
    assert!(suspension.dependents(at("0.0.0.5")).is_empty());
}

#[test]
fn a_full_list_gives_what_has_come_and_gone() {
    let mut suspension = Suspension::default();
    for address in ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        suspension.add(at(address));
    }
    let all = [at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.2"), at("10.0.0.4")];
    let (come, gone) = suspension.difference(&all);
    assert_eq!(come, [at("10.0.0.2"), at("10.0.0.4")]);
    assert_eq!(gone, [at("10.0.0.1"), at("10.0.0.3")]);
}
