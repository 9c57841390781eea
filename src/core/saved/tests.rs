use super::*;

#[test]
fn copies_are_numbered_and_for_their_owner() {
    let folder = std::env::temp_dir().join(format!("keepalived-copies-{}", std::process::id()));
    let mut saved = Saved::default();
    saved.add(&folder, "one\n", 0o177);
    saved.add(&folder, "two\n", 0o177);
    let copy = |number: u32| folder.join(format!("keepalived.conf.{}.{number}", std::process::id()));
    assert_eq!(fs::read_to_string(copy(0)).expect("a file"), "one\n");
    assert_eq!(fs::read_to_string(copy(1)).expect("a file"), "two\n");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&copy(1))), (0o700, 0o600));
    fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_folder_in_no_folder_is_not_made() {
    let folder = std::env::temp_dir().join(format!("keepalived-none-{}", std::process::id())).join("copies");
    Saved::default().add(&folder, "one\n", 0o177);
    assert!(!folder.exists());
}
