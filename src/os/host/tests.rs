use super::*;

#[test]
fn the_resolver_knows_names() {
    assert_eq!(canonical("localhost").as_deref(), Some("localhost"));
    assert_eq!(canonical("no such host"), None);
    assert_eq!(canonical("a\0b"), None);
    assert!(!full_name().is_empty());
}
