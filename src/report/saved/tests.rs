use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn shared(folder: Option<&Path>) -> Shared {
    let mut shared = Shared { umask: 0o177, ..Shared::default() };
    shared.global.files.config_save_dir = folder.map(Path::to_owned);
    shared
}

#[test]
fn each_reload_leaves_what_was_and_what_is() {
    let folder = std::env::temp_dir().join(format!("keepalived-saved-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let wanted = shared(Some(&folder));
    let mut saved = Saved::begin(Role::Vrrp, &wanted, || vec!["one".into()]);
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 0, "a start leaves nothing");
    saved.replace(&wanted, || vec!["two".into()]);
    saved.replace(&shared(None), || panic!("nobody wants it"));
    saved.replace(&shared(None), || panic!("nobody wants it"));
    let read = |name: &str| fs::read_to_string(folder.join(format!("keepalived_vrrp.{}.{name}", process::id()))).ok();
    assert_eq!(read("1.pre").as_deref(), Some("one\n"));
    assert_eq!(read("1.post").as_deref(), Some("two\n"));
    assert_eq!(read("2.pre").as_deref(), Some("two\n"));
    assert_eq!(read("2.post"), None);
    assert_eq!(read("3.pre"), None);
    for file in fs::read_dir(&folder).expect("a folder") {
        assert_eq!(file.expect("a file").metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    }
    fs::remove_dir_all(folder).expect("removed");
}
