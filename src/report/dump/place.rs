//! Where dumps go: names and folders by the configuration.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::model::frame::Shared;

/// The folder of files that the configuration gives no folder, unless the environment does.
const FOLDER: &str = "/tmp";

/// The last part of the name of a data file, before its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The `vrrp` process
    Vrrp,
    /// The parent
    Parent,
    /// The `check` process
    Check,
    /// The `bfd` process
    Bfd,
}

/// Where files go whose folder is not configured: `TMPDIR`, if that is a folder with an absolute path.
pub fn temporary_folder() -> PathBuf {
    let wanted = std::env::var_os("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
    wanted.unwrap_or_else(|| FOLDER.into())
}

/// The data file (`state_dump_file`, `data_use_instance`).
pub fn data(shared: &Shared, folder: &Path, owner: Owner) -> PathBuf {
    let files = &shared.global.files;
    let path = place(files.state_dump_file.as_deref(), folder, "keepalived.data");
    let mut inner = OsString::from(match owner {
        Owner::Vrrp => "",
        Owner::Parent => "_parent",
        Owner::Check => "_check",
        Owner::Bfd => "_bfd",
    });
    let names = [&shared.global.net_namespace, &shared.global.instance].map(Option::as_deref);
    let names: Vec<&str> = names.into_iter().flatten().collect();
    if files.data_use_instance && !names.is_empty() {
        inner.push(".");
        inner.push(names.join("_"));
    }
    let name = path.file_name().unwrap_or_default().as_bytes();
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    let (stem, extension) = name.split_at_checked(dot).unwrap_or((name, b""));
    path.with_file_name(OsString::from_vec([stem, inner.as_bytes(), extension].concat()))
}

/// Permission bits of data and statistics, by the umask of the daemon.
pub fn mode(shared: &Shared) -> u32 {
    0o666 & !shared.umask
}

/// Permission bits of JSON, whatever the umask.
pub const JSON_MODE: u32 = 0o600;

/// The statistics file (`stats_dump_file`).
pub fn stats(shared: &Shared, folder: &Path) -> PathBuf {
    place(shared.global.files.stats_dump_file.as_deref(), folder, "keepalived.stats")
}

/// The JSON file (`json_dump_file`).
pub fn json(shared: &Shared, folder: &Path) -> PathBuf {
    place(shared.global.files.json_dump_file.as_deref(), folder, "keepalived.json")
}

/// An absolute path as it is, with a slash at its end a folder; of any other one only its last part counts.
fn place(wanted: Option<&Path>, folder: &Path, usual: &str) -> PathBuf {
    let Some(wanted) = wanted else {
        return folder.join(usual);
    };
    let is_folder = wanted.as_os_str().as_bytes().ends_with(b"/");
    let name = wanted.file_name().filter(|_| !is_folder).unwrap_or(OsStr::new(usual));
    match (wanted.is_absolute(), is_folder) {
        (true, true) => wanted.join(name),
        (true, false) => wanted.with_file_name(name),
        (false, _) => folder.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(change: impl FnOnce(&mut Shared)) -> Shared {
        let mut shared = Shared::default();
        change(&mut shared);
        shared
    }

    fn names(shared: &Shared) -> [String; 3] {
        let folder = Path::new("/tmp");
        [Owner::Vrrp, Owner::Parent, Owner::Check].map(|owner| data(shared, folder, owner).display().to_string())
    }

    #[test]
    fn data_files_are_named_after_their_process() {
        let usual = ["/tmp/keepalived.data", "/tmp/keepalived_parent.data", "/tmp/keepalived_check.data"];
        assert_eq!(names(&shared(|_| {})), usual);
    }

    #[test]
    fn namespace_and_instance_stand_before_the_extension() {
        let named = |namespace: Option<&str>, instance: Option<&str>| {
            shared(|it| {
                it.global.files.data_use_instance = true;
                (it.global.net_namespace, it.global.instance) =
                    (namespace.map(str::to_owned), instance.map(str::to_owned));
            })
        };
        assert_eq!(names(&named(None, None))[0], "/tmp/keepalived.data");
        assert_eq!(names(&named(None, Some("ka1")))[1], "/tmp/keepalived_parent.ka1.data");
        assert_eq!(names(&named(Some("red"), None))[0], "/tmp/keepalived.red.data");
        assert_eq!(names(&named(Some("red"), Some("ka1")))[2], "/tmp/keepalived_check.red_ka1.data");
    }

    #[test]
    fn a_configured_file_gives_folder_and_name() {
        let at = |path: &str, instance: bool| {
            names(&shared(|it| {
                it.global.files.state_dump_file = Some(path.into());
                it.global.files.data_use_instance = instance;
                it.global.instance = Some("ka1".into());
            }))
        };
        assert_eq!(at("/run/d/st.txt", false)[1], "/run/d/st_parent.txt");
        assert_eq!(at("/run/d/st.txt", true)[1], "/run/d/st_parent.ka1.txt");
        assert_eq!(at("/run/d/", false)[0], "/run/d/keepalived.data");
        assert_eq!(at("plain", false)[2], "/tmp/plain_check");
        assert_eq!(at("some/st.tar.gz", false)[2], "/tmp/st.tar_check.gz");
        assert_eq!(at("/st", false)[0], "/st");
    }

    #[test]
    fn statistics_and_json_have_files_of_their_own() {
        let folder = Path::new("/var/tmp");
        let usual = shared(|_| {});
        assert_eq!(stats(&usual, folder), Path::new("/var/tmp/keepalived.stats"));
        assert_eq!(json(&usual, folder), Path::new("/var/tmp/keepalived.json"));
        let own = shared(|it| {
            it.global.files.stats_dump_file = Some("/run/s".into());
            it.global.files.json_dump_file = Some("/run/j/".into());
        });
        assert_eq!(stats(&own, folder), Path::new("/run/s"));
        assert_eq!(json(&own, folder), Path::new("/run/j/keepalived.json"));
    }
}
