use std::os::unix::fs::symlink;

use super::*;

fn init(value: i32, overwrite: bool) -> InitFile {
    InitFile { value, overwrite }
}

#[test]
fn a_file_is_made_and_written_over_only_if_that_is_asked_for() {
    let folder = std::env::temp_dir().join(format!("track-files-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("number");
    let text = || fs::read_to_string(&path).expect("a file");
    write(&path, init(-5, false)).expect("it is written");
    assert_eq!(text(), "-5\n");
    write(&path, init(7, false)).expect("it stays");
    assert_eq!(text(), "-5\n");
    let link = folder.join("link");
    symlink(&path, &link).expect("a link");
    write(&link, init(7, true)).expect("it is written");
    assert_eq!(text(), "7\n");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink(), "the link stays one");
    assert!(write(&folder, init(7, true)).is_err());
    assert!(write(&folder.join("missing/number"), init(7, true)).is_err());
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 2, "no drafts are left");
    fs::remove_dir_all(&folder).expect("it goes");
}
