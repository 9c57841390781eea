use super::*;

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("keepalived-core-{}-{name}", std::process::id()));
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn old_pattern_comes_back() {
    let path = file("back", "|/usr/lib/handler %p\n");
    let pattern = Pattern::set_in(&path, "/var/crash/core.%p").expect("it is set");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "/var/crash/core.%p");
    pattern.restore_in(&path).expect("it is put back");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "|/usr/lib/handler %p");
    fs::remove_file(path).expect("it is there");
}

#[test]
fn pattern_of_somebody_else_stays() {
    let path = file("stays", "core\n");
    let pattern = Pattern::set_in(&path, "ours").expect("it is set");
    fs::write(&path, "theirs\n").expect("a file");
    pattern.restore_in(&path).expect("nothing to do");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "theirs\n");
    fs::remove_file(path).expect("it is there");
}
