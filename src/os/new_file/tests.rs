use super::*;

use std::os::unix::fs::symlink;

use nix::sys::stat::{Mode, umask};

/// A folder of its own, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ka-new-file-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("make a folder");
        Folder(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("list the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("remove the folder");
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("the file").permissions().mode() & 0o7777
}

#[test]
fn a_file_is_made_and_replaced() {
    let folder = Folder::new("made");
    let path = folder.0.join("data");
    write(&path, 0o600, b"one\n").expect("write");
    assert_eq!((fs::read(&path).expect("read"), mode(&path)), (b"one\n".to_vec(), 0o600));

    let mut reader = File::open(&path).expect("open");
    write(&path, 0o644, b"two\n").expect("write again");
    assert_eq!((fs::read(&path).expect("read"), mode(&path)), (b"two\n".to_vec(), 0o644));
    let mut old = String::new();
    io::Read::read_to_string(&mut reader, &mut old).expect("read on");
    assert_eq!(old, "one\n", "who has opened the old file reads it to its end");
    assert_eq!(folder.names(), ["data"]);
}

#[test]
fn the_mode_is_as_asked_whatever_the_umask() {
    let folder = Folder::new("mode");
    let path = folder.0.join("data");
    let before = umask(Mode::from_bits_truncate(0o077));
    let written = write(&path, 0o664, b"");
    umask(before);
    written.expect("write");
    assert_eq!(mode(&path), 0o664);
}

#[test]
fn a_link_at_the_name_is_replaced_and_not_followed() {
    let folder = Folder::new("link");
    let (path, victim) = (folder.0.join("data"), folder.0.join("victim"));
    fs::write(&victim, "precious").expect("write");
    symlink(&victim, &path).expect("plant a link");
    write(&path, 0o600, b"text").expect("write");
    assert!(fs::symlink_metadata(&path).expect("the file").is_file());
    assert_eq!(fs::read_to_string(&victim).expect("read"), "precious");

    fs::remove_file(&path).expect("remove");
    fs::hard_link(&victim, &path).expect("plant a hard link");
    write(&path, 0o600, b"text").expect("write");
    assert_eq!(fs::read_to_string(&victim).expect("read"), "precious");
    assert_eq!(folder.names(), ["data", "victim"]);
}

#[test]
fn a_refusal_leaves_what_was_there_and_nothing_else() {
    let folder = Folder::new("refused");
    let occupied = folder.0.join("occupied");
    fs::create_dir(&occupied).expect("make a folder");
    fs::write(occupied.join("within"), "").expect("write");
    write(&occupied, 0o600, b"text").expect_err("a folder has the name");
    write(&folder.0.join("missing/data"), 0o600, b"text").expect_err("no such folder");
    write(Path::new("/"), 0o600, b"text").expect_err("no name");
    assert_eq!(folder.names(), ["occupied"]);
}
