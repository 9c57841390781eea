use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ka-place-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("a file").mode() & 0o7777
}

#[test]
fn a_socket_has_its_mode_serves_and_goes() {
    let folder = Folder::new("mode");
    let path = folder.0.join("sock");
    let (place, listener) = Place::take(&path, None).expect("a socket");
    assert_eq!((mode(&path), folder.names()), (OURS, vec!["sock".to_owned()]));
    UnixStream::connect(&path).expect("a client").write_all(b"x").expect("sent");
    listener.set_nonblocking(false).expect("a socket");
    let mut word = [0];
    listener.accept().expect("the client").0.read_exact(&mut word).expect("its word");
    drop(place);
    assert!(folder.names().is_empty());
}

#[test]
fn a_group_may_use_it_too() {
    let folder = Folder::new("group");
    let path = folder.0.join("sock");
    let ours = nix::unistd::getegid().as_raw();
    let _taken = Place::take(&path, Some(ours)).expect("a socket");
    assert_eq!((mode(&path), fs::symlink_metadata(&path).expect("a file").gid()), (WITH_GROUP, ours));
}

#[test]
fn only_what_nobody_serves_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.0.join("sock");
    let (place, listener) = Place::take(&path, None).expect("a socket");
    let error = Place::take(&path, None).expect_err("served");
    assert!(error.to_string().contains("another daemon serves it"), "{error}");
    drop(listener);
    let (newer, _listener) = Place::take(&path, None).expect("a stale one is replaced");
    // Who comes later owns it.
    drop(place);
    assert!(path.exists());
    drop(newer);
    assert!(!path.exists());
}

#[test]
fn nothing_else_is_touched() {
    let folder = Folder::new("other");
    let (file, link) = (folder.0.join("file"), folder.0.join("link"));
    fs::write(&file, "text").expect("written");
    std::os::unix::fs::symlink(folder.0.join("elsewhere"), &link).expect("a link");
    for path in [&file, &link] {
        let error = Place::take(path, None).expect_err("not ours");
        assert!(error.to_string().contains("something else"), "{error}");
    }
    assert!(Place::take(&folder.0.join("missing/sock"), None).is_err());
    assert_eq!(fs::read_to_string(&file).expect("read"), "text");
    assert_eq!(folder.names().len(), 2);
}
