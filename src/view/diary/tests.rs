use std::fs;

use super::*;
use crate::model::moment::Moment;
use crate::model::occurrence::Kind;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ka-diary-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(sequence: u64) -> Record {
    Record {
        sequence,
        at: Moment(1_700_000_000_000_000),
        kind: Kind::Instance,
        subject: "VI_1\n".into(),
        from: "BACKUP".into(),
        to: "MASTER".into(),
        priority: None,
        cause: "no advert from 10.0.0.1 for 3.61 s".into(),
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = Folder::new("whole");
    let path = folder.0.join("events");
    assert!(read(&path).is_empty(), "no file is no fault");
    let records: Vec<_> = (1..=ring::KEPT as u64).map(record).collect();
    let shared: Vec<_> = records.iter().cloned().map(Arc::new).collect();
    write(&path, &shared).expect("written");
    assert_eq!(read(&path), records);
    assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, MODE);
}

#[test]
fn what_is_no_record_is_passed_over() {
    let folder = Folder::new("corrupt");
    let path = folder.0.join("events");
    let line = |sequence| serde_json::to_string(&record(sequence)).expect("JSON");
    let text = format!("{}\n{{\"half\n\u{fffd}\n{}\n{}\n{}", line(4), line(4), line(9), line(2));
    fs::write(&path, text).expect("written");
    let (records, lost) = try_read(&path).expect("read");
    assert_eq!((records, lost), (vec![record(4), record(9)], 4));
}

#[test]
fn numbers_never_run_out() {
    let folder = Folder::new("numbers");
    let path = folder.0.join("events");
    let text = [1, u64::MAX].map(|sequence| serde_json::to_string(&record(sequence)).expect("JSON")).join("\n");
    fs::write(&path, text).expect("written");
    assert_eq!(try_read(&path).expect("read"), (vec![record(1)], 1));
}

#[test]
fn nothing_but_a_file_of_ours_is_read() {
    let folder = Folder::new("odd");
    let (path, link) = (folder.0.join("events"), folder.0.join("link"));
    write(&path, &[Arc::new(record(1))]).expect("written");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    assert!(read(&link).is_empty());
    let pipe = folder.0.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    assert!(read(&pipe).is_empty() && read(&folder.0).is_empty());
}

#[test]
fn a_file_goes_with_its_socket() {
    assert_eq!(beside(Path::new("/run/keepalived.sock")), Path::new("/run/keepalived.events"));
    assert_eq!(beside(Path::new("/run/ka.v1")), Path::new("/run/ka.v1.events"));
}
