//! Files in which names stand for numbers: those of iproute2, and `/etc/protocols`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// A regular file as text; bytes that are no UTF-8 cannot be a name that a configuration has.
fn text(path: &Path) -> Option<String> {
    let bytes = path.is_file().then(|| fs::read(path).ok()).flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Names of the visible `*.conf` files in a folder, sorted.
fn drop_ins(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let wanted = |name: &OsString| {
        let name = name.as_encoded_bytes();
        !name.starts_with(b".") && name.len() > b".conf".len() && name.ends_with(b".conf")
    };
    entries.filter(wanted).collect()
}

/// The texts of `file` and of what is in the folder `file.d`. A file in `etc` hides the one of the same name in `usr`.
pub(super) fn texts(file: &str, etc: &Path, usr: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let main = etc.join(file);
    found.extend(if main.is_file() { text(&main) } else { text(&usr.join(file)) });
    let folder = format!("{file}.d");
    let (etc, usr) = (etc.join(&folder), usr.join(&folder));
    if usr != etc {
        let visible = drop_ins(&usr).into_iter().filter(|name| !etc.join(name).exists());
        found.extend(visible.filter_map(|name| text(&usr.join(name))));
    }
    found.extend(drop_ins(&etc).into_iter().filter_map(|name| text(&etc.join(name))));
    found
}

/// The number of the protocol with this name or alias, in the words of `/etc/protocols`.
pub(super) fn ip_protocol(protocols: &str, name: &str) -> Option<u8> {
    protocols.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let first = words.next()?;
        let number = words.next()?.parse().ok()?;
        (first == name || words.any(|alias| alias == name)).then_some(number)
    })
}

#[cfg(test)]
mod tests;
