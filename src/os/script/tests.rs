use super::*;

fn script(gid: u32, further_groups: bool) -> Script {
    Script { argv: vec!["/bin/true".into()], program: None, uid: 0, gid, further_groups }
}

/// `root :daemon`: what root's own group may, the script may too.
#[test]
fn another_group_does_not_cost_a_user_its_own() {
    let (_, gid, groups) = identity(&script(1, true)).unwrap();
    assert_eq!(gid, Gid::from_raw(1));
    assert!(groups.contains(&Gid::from_raw(0)), "{groups:?}");
}

#[test]
fn there_are_no_further_groups_unless_asked_for() {
    let (_, _, groups) = identity(&script(1, false)).unwrap();
    assert_eq!(groups, []);
}
