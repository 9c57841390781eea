use super::*;

#[test]
fn lines_hold_a_number_and_a_name() {
    let read = |line| entry(line, 255);
    assert_eq!(read("254\tmain"), Some((254, "main".into())));
    assert_eq!(read("0x10 hex # comment"), Some((16, "hex".into())));
    for line in ["", "# 1 a", "1", "1 a b", "256 a", "-1 a", "x a", "1x a"] {
        assert_eq!(read(line), None, "{line}");
    }
}
