use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::tests::{line, options};
use super::*;
use crate::model::frame::LogFormat;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("log-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    fn log(&self, name: &str, format: LogFormat) -> LogFile {
        let file = Some(self.0.join(name));
        LogFile::new(&LogOptions { file, format, ..options("K") }).expect("a file was asked for")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn lines_are_dated_and_appended() {
    let folder = Folder::new("dated");
    fs::write(folder.0.join("log"), "old\n").expect("written");
    let mut log = folder.log("log", LogFormat::Text);
    let (one, two) = (line("one"), line("two"));
    log.write(&one).expect("written");
    log.write(&two).expect("written");
    let date = |line: &Line| LocalTime::of(line.when).file().to_string();
    assert_eq!(folder.read("log"), format!("old\n{}: one\n{}: two\n", date(&one), date(&two)));
}

#[test]
fn json_has_no_date_in_front() {
    let folder = Folder::new("json");
    folder.log("log", LogFormat::Json).write(&line("one")).expect("written");
    let text = folder.read("log");
    assert!(text.starts_with("{\"time\":\"") && text.ends_with("\"message\":\"one\"}\n"), "{text}");
}

#[test]
fn a_file_that_was_moved_or_removed_is_made_anew() {
    let folder = Folder::new("moved");
    let mut log = folder.log("log", LogFormat::Text);
    log.write(&line("one")).expect("written");
    fs::rename(folder.0.join("log"), folder.0.join("log.1")).expect("moved");
    log.write(&line("two")).expect("written");
    assert!(folder.read("log.1").ends_with(": one\n"));
    assert!(folder.read("log").ends_with(": two\n") && !folder.read("log").contains("one"));
    fs::remove_file(folder.0.join("log")).expect("removed");
    log.write(&line("three")).expect("written");
    assert!(folder.read("log").ends_with(": three\n"));
}

#[test]
fn a_symlink_is_not_followed_until_it_is_gone() {
    let folder = Folder::new("symlink");
    fs::write(folder.0.join("victim"), "untouched").expect("written");
    fs::set_permissions(folder.0.join("victim"), fs::Permissions::from_mode(0o644)).expect("set");
    symlink("victim", folder.0.join("log")).expect("a link");
    let mut log = folder.log("log", LogFormat::Text);
    assert!(log.write(&line("one")).is_err());
    assert_eq!(folder.read("victim"), "untouched");
    fs::remove_file(folder.0.join("log")).expect("removed");
    log.write(&line("two")).expect("written");
    assert!(folder.read("log").ends_with(": two\n"));
    // Nor is one that takes the place of the file that is open.
    fs::remove_file(folder.0.join("log")).expect("removed");
    symlink("victim", folder.0.join("log")).expect("a link");
    assert!(log.write(&line("three")).is_err());
    assert_eq!(folder.read("victim"), "untouched");
}

#[test]
fn a_full_disk_loses_lines_and_nothing_else() {
    let device = || LogOptions { file: Some("/dev/full".into()), ..options("K") };
    let mut log = LogFile::new(&device()).expect("a file was asked for");
    assert!(log.write(&line("one")).is_err());
    assert!(log.write(&line("two")).is_err());
}

#[test]
fn the_file_of_another_process_is_taken_up() {
    let folder = Folder::new("adopt");
    let mut log = folder.log("log", LogFormat::Text);
    log.write(&line("one")).expect("written");
    log.adopt(&LogOptions { file: Some(folder.0.join("log_ns")), ..options("K_ns") });
    log.write(&line("two")).expect("written");
    assert!(folder.read("log").ends_with(": one\n"));
    assert!(folder.read("log_ns").ends_with(": two\n"));
}
