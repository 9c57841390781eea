//! What a script keyword leads to, and who could change it.
//!
//! The path is walked part by part, through all symbolic links: where a script has root's rights, each part has to belong to
//! root, and nobody else may write to it. Then nobody but root can change anything of what was found until it is run.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};

use crate::conf::environment::{Absence, Command, Identity, Weakness};
use crate::os::capabilities;

/// Folders of commands if `PATH` is not set (`confstr(_CS_PATH)`).
const USUAL_PATH: &str = "/bin:/usr/bin";

/// As many links as the kernel follows (path_resolution(7)).
const LINKS: usize = 40;

/// What a command means for somebody. One without slash is looked for in `PATH`.
pub(super) fn find(command: &OsStr, identity: Identity) -> Command {
    let is_own = (identity.uid, identity.gid) == (geteuid().as_raw(), getegid().as_raw());
    if !is_own && !capabilities::may_become_others() {
        return Command::Missing(Absence::Foreign(identity));
    }
    if command.as_bytes().contains(&b'/') {
        return look(Path::new(command), identity);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into());
    search(&path, command, identity)
}

pub(super) fn search(path: &OsStr, command: &OsStr, identity: Identity) -> Command {
    if command.is_empty() {
        return Command::Missing(Absence::NotInPath);
    }
    let mut absence = Absence::NotInPath;
    for file in std::env::split_paths(path).map(|folder| folder.join(command)) {
        match file.metadata() {
            Ok(found) if found.is_file() && may_execute(&found, identity) => return look(&file, identity),
            Ok(_) => absence = Absence::NotPermitted,
            Err(_) => {}
        }
    }
    Command::Missing(absence)
}

/// What is known of a file that is to be run.
pub(super) fn look(path: &Path, identity: Identity) -> Command {
    let missing = |reason| Command::Missing(Absence::Inaccessible(reason));
    let trail = match Trail::of(path) {
        Ok(trail) => trail,
        Err(errno) => return missing(errno.desc().to_owned()),
    };
    if let Some(folder) = trail.closed_to(identity) {
        let folder = folder.display();
        let reason = format!("{folder} may not be searched by uid {}: chmod o+x {folder}", identity.uid);
        return missing(format!("{}, {reason}", Errno::EACCES.desc()));
    }
    let Some((real, file)) = trail.end() else {
        return missing(Errno::ENOENT.desc().to_owned());
    };
    let path = cleaned(path, real);
    let executable = may_execute(file, identity);
    let set_id =
        (file.uid() == 0 && file.mode() & 0o4100 == 0o4100) || (file.gid() == 0 && file.mode() & 0o2010 == 0o2010);
    let with_root_rights = executable && (identity.uid == 0 || identity.gid == 0 || set_id);
    let odd = with_root_rights && !file.is_file();
    let weak = if with_root_rights && !odd { trail.weakness() } else { None };
    let weakness = weak.map(|(part, fault, mend)| {
        let along = path.starts_with(part) || !real.starts_with(part);
        Weakness { path: if along { path.clone() } else { real.to_path_buf() }, fault, mend }
    });
    Command::Found { real: real.to_path_buf(), path, executable, weakness, odd }
}

/// All that the kernel passes on its way to a file, links and what they lead to, from the root on.
struct Trail(Vec<(PathBuf, Metadata)>);

impl Trail {
    fn of(path: &Path) -> Result<Self, Errno> {
        let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or_default());
        let mut to_do = parts(&std::path::absolute(path).map_err(errno)?);
        let root = PathBuf::from("/");
        let mut passed = vec![(root.clone(), root.symlink_metadata().map_err(errno)?)];
        let (mut at, mut links) = (root.clone(), 0);
        while let Some(part) = to_do.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&part);
            let found = next.symlink_metadata().map_err(errno)?;
            let kind = found.file_type();
            passed.push((next.clone(), found));
            if kind.is_symlink() {
                links += 1;
                if links > LINKS {
                    return Err(Errno::ELOOP);
                }
                let target = next.read_link().map_err(errno)?;
                if target.is_absolute() {
                    at.clone_from(&root);
                }
                let rest = std::mem::replace(&mut to_do, parts(&target));
                to_do.extend(rest);
            } else if !to_do.is_empty() && !kind.is_dir() {
                return Err(Errno::ENOTDIR);
            } else {
                at = next;
            }
        }
        // A path that ends in `..`, or is the root, has not ended with what was passed last.
        let found = at.symlink_metadata().map_err(errno)?;
        passed.push((at, found));
        Ok(Trail(passed))
    }

    /// What it leads to.
    fn end(&self) -> Option<(&Path, &Metadata)> {
        self.0.last().map(|(path, found)| (path.as_path(), found))
    }

    /// A folder on the way that somebody may not search.
    fn closed_to(&self, identity: Identity) -> Option<&Path> {
        let (_, folders) = self.0.split_last()?;
        let closed = |found: &Metadata| identity.uid != 0 && found.is_dir() && !may_search(found, identity);
        folders.iter().find(|(_, found)| closed(found)).map(|(path, _)| path.as_path())
    }

    /// The first part that somebody else than root could change: which, why, and what would mend it.
    fn weakness(&self) -> Option<(&Path, String, String)> {
        self.0.iter().find_map(|(path, found)| {
            let (fault, mend) = fault(path, found)?;
            Some((path.as_path(), fault, mend))
        })
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

/// Why others than root could change this part of a path. A folder with the sticky bit protects what belongs to root.
fn fault(path: &Path, found: &Metadata) -> Option<(String, String)> {
    let (shown, kind, mode) = (path.display(), found.file_type(), found.mode());
    if found.uid() != 0 {
        let owner = match User::from_uid(Uid::from_raw(found.uid())) {
            Ok(Some(user)) => user.name,
            Ok(None) | Err(_) => found.uid().to_string(),
        };
        let link = if kind.is_symlink() { "-h " } else { "" };
        return Some((format!("{shown} belongs to {owner}"), format!("chown {link}root {shown}")));
    }
    if kind.is_symlink() || (kind.is_dir() && mode & 0o1000 != 0) {
        return None;
    }
    if found.gid() != 0 && mode & 0o020 != 0 {
        let group = match Group::from_gid(Gid::from_raw(found.gid())) {
            Ok(Some(group)) => group.name,
            Ok(None) | Err(_) => found.gid().to_string(),
        };
        return Some((format!("{shown} is writable by group {group}"), format!("chmod g-w {shown}")));
    }
    (mode & 0o002 != 0).then(|| (format!("{shown} is writable by everybody"), format!("chmod o-w {shown}")))
}

/// Whether the mode bits give this identity the right that `bit` (of the last three) stands for.
fn may(file: &Metadata, identity: Identity, bit: u32) -> bool {
    let shift = match () {
        () if file.uid() == identity.uid => 6,
        () if file.gid() == identity.gid => 3,
        () => 0,
    };
    file.mode() & (bit << shift) != 0
}

fn may_execute(file: &Metadata, identity: Identity) -> bool {
    match identity.uid {
        0 => file.mode() & 0o111 != 0,
        _ => may(file, identity, 1),
    }
}

fn may_search(folder: &Metadata, identity: Identity) -> bool {
    may(folder, identity, 1)
}

/// An absolute path without empty and `.` parts; one with `..`, or a relative one, is what it leads to.
fn cleaned(path: &Path, real: &Path) -> PathBuf {
    let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    if plain { path.components().collect() } else { real.to_path_buf() }
}

#[cfg(test)]
mod tests;
