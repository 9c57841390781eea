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
