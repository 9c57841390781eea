use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const ROOT: Identity = Identity { uid: 0, gid: 0, further_groups: false };
const NOBODY: Identity = Identity { uid: 65534, gid: 65534, further_groups: false };

/// A folder of root's that nobody else can write to, removed at the end. These tests need root, as the daemon does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/var/keepalived-rs-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("root may make a folder in /var");
        let folder = Folder(path);
        folder.mode("", 0o755);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.0.clone() } else { self.0.join(name) }
    }

    fn mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        std::fs::write(self.path(name), "#!/bin/sh\n").unwrap();
        self.mode(name, mode);
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn facts(path: &Path, identity: Identity) -> (bool, bool, bool) {
    match look(path, identity) {
        Command::Found { executable, insecure, odd_path, .. } => (executable, insecure, odd_path),
        Command::Missing => panic!("{} is missing", path.display()),
    }
}

#[test]
fn a_script_of_roots_is_secure() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o755);
    assert_eq!(facts(&script, ROOT), (true, false, false));
    assert_eq!(facts(&script, NOBODY), (true, false, false));
    assert_eq!(facts(&folder.file("text", 0o644), ROOT), (false, false, false));
    assert_eq!(facts(&folder.file("mine", 0o744), NOBODY), (false, false, false));
    assert_eq!(look(&folder.path("missing"), ROOT), Command::Missing);
}

#[test]
fn what_others_can_change_is_insecure_for_root_only() {
    let folder = Folder::new();
    let script = folder.file("open", 0o757);
    assert_eq!(facts(&script, ROOT), (true, true, false));
    assert_eq!(facts(&script, NOBODY), (true, false, false), "it cannot do what nobody could not do anyway");
    let owned = folder.file("owned", 0o755);
    chown(&owned, Some(65534), None).unwrap();
    assert_eq!(facts(&owned, ROOT), (true, true, false));
    folder.mode("open", 0o755);
    folder.mode("", 0o777);
    assert_eq!(facts(&script, ROOT), (true, true, false));
    folder.mode("", 0o1777);
    assert_eq!(facts(&script, ROOT), (true, false, false), "a sticky folder is fine");
    assert_eq!(facts(&folder.file("set-id", 0o4755), NOBODY), (true, false, false));
}

#[test]
fn a_path_over_a_link_is_odd_and_a_link_to_a_script_is_not() {
    let folder = Folder::new();
    folder.file("ok", 0o755);
    symlink(folder.path(""), folder.path("up")).unwrap();
    symlink(folder.path("ok"), folder.path("link")).unwrap();
    assert_eq!(facts(&folder.path("up/ok"), ROOT), (true, false, true));
    assert_eq!(facts(&folder.path("link"), ROOT), (true, false, false));
    match look(&folder.path(".//link"), ROOT) {
        Command::Found { path, .. } => assert_eq!(path, folder.path("link"), "the name stays that of the link"),
        Command::Missing => panic!("missing"),
    }
}

#[test]
fn a_folder_that_may_not_be_searched_hides_what_is_in_it() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o755);
    folder.mode("", 0o700);
    assert_eq!(look(&script, NOBODY), Command::Missing);
    assert_eq!(facts(&script, ROOT), (true, false, false));
}

#[test]
fn the_machine_knows_its_loopback_and_its_root() {
    let machine = Machine::new(false, true);
    let lo = machine.interface(None, "lo").expect("there is always lo");
    assert!(lo.loopback && !lo.multicast);
    assert_eq!(machine.interface(None, "no-such-link"), None);
    assert!(machine.interface(Some("no-such-namespace"), "any").is_some_and(|it| it.addresses.is_empty()));
    assert_eq!(Machine::new(true, true).interface(Some("no-such-namespace"), "lo").map(|it| it.loopback), Some(true));
    assert_eq!(machine.user("root"), Some(ROOT));
    assert_eq!(machine.group("no-such-group"), None);
    assert!(matches!(machine.command(OsStr::new("sh"), ROOT), Command::Found { executable: true, .. }));
    assert_eq!(machine.command(OsStr::new("no-such-command"), ROOT), Command::Missing);
    assert_eq!(machine.command(OsStr::new(""), ROOT), Command::Missing);
    assert_eq!(machine.variable(OsStr::new("a=b")), None);
    assert!(machine.processors() >= 1 && !machine.host_name().is_empty());
}
