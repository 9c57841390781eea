use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("track-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn only_ordinary_files_are_read() {
    let folder = Folder::new("kinds");
    let path = |name: &str| folder.0.join(name);
    assert_eq!(read(&path("missing")), Ok(0));
    fs::write(path("huge"), vec![b'1'; 5_000_000]).expect("write");
    assert_eq!(read(&path("huge")), Err(Problem::Number("1".repeat(LOOKED_AT))));
    fs::write(path("rubbish"), [0xff, 0, 0xfe]).expect("write");
    assert_eq!(read(&path("rubbish")), Ok(0));
    mkfifo(&path("pipe"), Mode::S_IRWXU).expect("mkfifo");
    let _socket = UnixListener::bind(path("socket")).expect("bind");
    for odd in [path("pipe"), path("socket"), folder.0.clone(), "/dev/zero".into(), "/dev/tty".into()] {
        assert!(matches!(read(&odd), Err(Problem::Unreadable(_))), "{}", odd.display());
    }
}

#[test]
fn links_are_followed_to_the_file_or_its_folder() {
    let folder = Folder::new("links");
    let real = fs::canonicalize(&folder.0).expect("a path");
    fs::create_dir(real.join("there")).expect("a folder");
    symlink("there", real.join("here")).expect("a link");
    assert_eq!(resolve(&real.join("here/file")).ok(), Some(real.join("there/file")));
    fs::write(real.join("target"), "1").expect("write");
    symlink("../target", real.join("there/file")).expect("a link");
    assert_eq!(resolve(&real.join("here/file")).ok(), Some(real.join("target")));
    assert!(resolve(&real.join("nowhere/file")).is_err());
}
