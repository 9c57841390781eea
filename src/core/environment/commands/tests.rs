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

/// Whether it may be executed, and how others could change it.
fn facts(path: &Path, identity: Identity) -> (bool, Option<String>) {
    match look(path, identity) {
        Command::Found { executable, weakness, odd: false, .. } => (executable, weakness.map(|it| it.mend)),
        other => panic!("{}: {other:?}", path.display()),
    }
}

fn why_missing(path: &Path, identity: Identity) -> String {
    match look(path, identity) {
        Command::Missing(Absence::Inaccessible(why)) => why,
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// A group that is not root's, and the one that it is called.
const STAFF: u32 = 50;

#[test]
fn a_script_of_roots_is_secure() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o755);
    assert_eq!(facts(&script, ROOT), (true, None));
    assert_eq!(facts(&script, NOBODY), (true, None));
    assert_eq!(facts(&folder.file("text", 0o644), ROOT), (false, None));
    assert_eq!(facts(&folder.file("mine", 0o744), NOBODY), (false, None));
    assert_eq!(facts(&folder.file("group-of-root", 0o775), ROOT), (true, None), "root's group is root");
}

#[test]
fn what_others_can_change_is_insecure_for_root_only() {
    let folder = Folder::new();
    let script = folder.file("open", 0o757);
    let mend = |words: &str, name: &str| Some(format!("{words} {}", folder.path(name).display()));
    assert_eq!(facts(&script, ROOT), (true, mend("chmod o-w", "open")));
    assert_eq!(facts(&script, NOBODY), (true, None), "it cannot do what nobody could not do anyway");
    let of_roots_group = Identity { gid: 0, ..NOBODY };
    assert_eq!(facts(&script, of_roots_group), (true, mend("chmod o-w", "open")));
    let owned = folder.file("owned", 0o755);
    chown(&owned, Some(65534), None).unwrap();
    assert_eq!(facts(&owned, ROOT), (true, mend("chown root", "owned")));
    let grouped = folder.file("grouped", 0o775);
    chown(&grouped, None, Some(STAFF)).unwrap();
    assert_eq!(facts(&grouped, ROOT), (true, mend("chmod g-w", "grouped")));
    assert_eq!(facts(&folder.file("set-uid", 0o4757), NOBODY), (true, mend("chmod o-w", "set-uid")));
    assert_eq!(facts(&folder.file("set-gid", 0o2757), NOBODY), (true, mend("chmod o-w", "set-gid")));
    assert_eq!(facts(&folder.file("set-id", 0o4755), NOBODY), (true, None));
    assert_eq!(facts(&folder.file("idle", 0o646), ROOT), (false, None), "it is not run");
}

#[test]
fn every_folder_above_counts() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o755);
    let mend = |words: &str| Some(format!("{words} {}", folder.0.display()));
    for (mode, group, found) in [
        (0o777, 0, mend("chmod o-w")),
        (0o775, STAFF, mend("chmod g-w")),
        (0o775, 0, None),
        (0o1777, 0, None),
        (0o1775, STAFF, None),
    ] {
        folder.mode("", mode);
        chown(&folder.0, None, Some(group)).unwrap();
        assert_eq!(facts(&script, ROOT), (true, found), "{mode:o} {group}");
    }
    folder.mode("", 0o1755);
    chown(&folder.0, Some(65534), None).unwrap();
    assert_eq!(facts(&script, ROOT), (true, mend("chown root")), "who owns a sticky folder may do anything there");
}

#[test]
fn the_fault_is_told_in_words() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o775);
    chown(&script, None, Some(STAFF)).unwrap();
    let Command::Found { weakness: Some(weakness), .. } = look(&script, ROOT) else {
        panic!("it is weak");
    };
    assert_eq!(weakness.path, script);
    assert_eq!(weakness.fault, format!("{} is writable by group staff", script.display()));
}

#[test]
fn links_are_followed_part_by_part() {
    let folder = Folder::new();
    folder.file("ok", 0o755);
    std::fs::create_dir(folder.path("open")).unwrap();
    folder.mode("open", 0o777);
    folder.file("open/weak", 0o755);
    symlink(folder.path(""), folder.path("up")).unwrap();
    symlink("ok", folder.path("link")).unwrap();
    symlink("open/weak", folder.path("bad")).unwrap();
    symlink("../ok", folder.path("open/back")).unwrap();
    symlink("open/back", folder.path("detour")).unwrap();
    let weak = Some(format!("chmod o-w {}", folder.path("open").display()));
    assert_eq!(facts(&folder.path("up/ok"), ROOT), (true, None), "a folder may be a link, if it is root's");
    assert_eq!(facts(&folder.path("link"), ROOT), (true, None));
    for name in ["bad", "open/back", "detour", "up/detour", "up/../bad"] {
        let path = if name == "up/../bad" { folder.path("up/bad") } else { folder.path(name) };
        assert_eq!(facts(&path, ROOT), (true, weak.clone()), "{name}");
    }
    match look(&folder.path(".//link"), ROOT) {
        Command::Found { path, real, .. } => {
            assert_eq!((path, real), (folder.path("link"), folder.path("ok")), "the name stays that of the link");
        }
        other => panic!("{other:?}"),
    }
    match look(&folder.path("open/../link"), ROOT) {
        Command::Found { path, real, .. } => assert_eq!((&path, &real), (&folder.path("ok"), &folder.path("ok"))),
        other => panic!("{other:?}"),
    }
    match look(&folder.path("bad"), ROOT) {
        Command::Found { weakness: Some(weakness), .. } => assert_eq!(weakness.path, folder.path("open/weak")),
        other => panic!("{other:?}"),
    }
    std::os::unix::fs::lchown(folder.path("link"), Some(65534), None).unwrap();
    let mend = Some(format!("chown -h root {}", folder.path("link").display()));
    assert_eq!(facts(&folder.path("link"), ROOT), (true, mend), "who owns the link says where it leads");
}

#[test]
fn what_leads_nowhere_is_missing() {
    let folder = Folder::new();
    folder.file("ok", 0o755);
    symlink("/nowhere/at/all", folder.path("dangling")).unwrap();
    symlink("loop", folder.path("loop")).unwrap();
    for (name, why) in [
        ("missing", "No such file or directory"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many symbolic links encountered"),
        ("ok/under", "Not a directory"),
    ] {
        assert_eq!(why_missing(&folder.path(name), ROOT), why, "{name}");
    }
}

#[test]
fn what_is_no_file_is_odd_for_root() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("folder")).unwrap();
    nix::unistd::mkfifo(&folder.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for name in ["folder", "pipe"] {
        assert!(matches!(look(&folder.path(name), ROOT), Command::Found { odd: true, .. }), "{name}");
    }
}

#[test]
fn a_folder_that_may_not_be_searched_hides_what_is_in_it() {
    let folder = Folder::new();
    let script = folder.file("ok", 0o755);
    folder.mode("", 0o700);
    let shown = folder.0.display();
    let why = format!("Permission denied, {shown} may not be searched by uid 65534: chmod o+x {shown}");
    assert_eq!(why_missing(&script, NOBODY), why);
    assert_eq!(facts(&script, ROOT), (true, None));
}

#[test]
fn commands_without_slash_are_looked_for() {
    let folder = Folder::new();
    for name in ["first", "second"] {
        std::fs::create_dir(folder.path(name)).unwrap();
    }
    folder.file("second/x", 0o755);
    folder.file("first/x", 0o644);
    folder.file("first/text", 0o644);
    let path = std::env::join_paths([folder.path("first"), folder.path("second")]).unwrap();
    let find = |name: &str, identity| search(&path, OsStr::new(name), identity);
    for identity in [ROOT, NOBODY] {
        match find("x", identity) {
            Command::Found { path, .. } => assert_eq!(path, folder.path("second/x"), "the first is no program"),
            other => panic!("{other:?}"),
        }
        assert_eq!(find("text", identity), Command::Missing(Absence::NotPermitted));
        assert_eq!(find("missing", identity), Command::Missing(Absence::NotInPath));
        assert_eq!(find("", identity), Command::Missing(Absence::NotInPath));
    }
}
