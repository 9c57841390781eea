use nix::sched::{CloneFlags, unshare};

use super::*;

#[test]
fn the_kernel_s_text_is_understood() {
    assert_eq!(parse("1\t0\n"), Some((1, 0)));
    assert_eq!(parse("0\t2147483647\n"), Some((0, 2_147_483_647)));
    for text in ["", "1", "1 2 3", "a\t0\n", "-1\t0\n", "1\t4294967296\n"] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn a_range_grows_to_our_group_and_not_beyond() {
    // Where nobody is let in, we alone are: the kernel's default 1 0 becomes 0 0 for root.
    assert_eq!(widen((1, 0), 0), Some((0, 0)));
    assert_eq!(widen((1, 0), 500), Some((500, 500)));
    assert_eq!(widen((1000, 2000), 0), Some((0, 2000)));
    assert_eq!(widen((1000, 2000), 3000), Some((1000, 3000)));
    assert_eq!(widen((0, 2_147_483_647), 0), None);
    assert_eq!(widen((1000, 2000), 1000), None);
}

#[test]
fn the_range_is_widened_for_us_and_put_back() {
    // A namespace of this thread's own, where the range is the kernel's default. The test runs as root.
    unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
    let says = || read().expect("a range");
    assert_eq!(says(), (1, 0));
    let (held, warning) = PingGroup::admit().expect("root may").expect("nobody was let in");
    assert_eq!((says(), warning), ((0, 0), None));
    assert!(PingGroup::admit().expect("root may").is_none(), "once is enough");
    held.restore().expect("root may");
    assert_eq!(says(), (1, 0));

    write((1000, 2000)).expect("root may");
    let (held, warning) = PingGroup::admit().expect("root may").expect("root was not let in");
    let expected = "Warning: /proc/sys/net/ipv4/ping_group_range being expanded from 1000 2000 to 0 2000";
    assert_eq!((says(), warning.as_deref()), ((0, 2000), Some(expected)));
    write((0, 3000)).expect("root may");
    held.restore().expect("root may");
    assert_eq!(says(), (0, 3000), "what somebody else has set stays");
}
