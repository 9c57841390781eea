use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::Weight;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("follow-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn track(&self, name: &str) -> TrackFile {
        TrackFile { name: name.into(), file: self.0.join(name), weight: Weight::default(), init: None }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
}

async fn news(watch: &mut FileWatch) -> Vec<(String, i32)> {
    tokio::time::timeout(Duration::from_secs(10), watch.news()).await.expect("news within 10 s")
}

#[tokio::test]
async fn numbers_are_known_at_once_and_followed() {
    let folder = Folder::new("numbers");
    let (low, missing) = (folder.track("low"), folder.track("missing"));
    write(&low.file, "-20\n");
    let mut watch = FileWatch::new();
    assert_eq!(watch.begin(vec![low.clone(), missing.clone()]), [("low".into(), -20), ("missing".into(), 0)]);
    write(&missing.file, "0x10");
    assert_eq!(news(&mut watch).await, [("missing".into(), 16)]);
    fs::remove_file(&low.file).expect("it is there");
    assert_eq!(news(&mut watch).await, [("low".into(), 0)]);
}

#[tokio::test]
async fn a_reload_says_all_numbers_again_and_leaves_what_nobody_follows() {
    let folder = Folder::new("again");
    let (kept, left) = (folder.track("kept"), folder.track("left"));
    write(&kept.file, "5");
    let mut watch = FileWatch::new();
    assert_eq!(watch.begin(vec![kept.clone(), left.clone()]), [("kept".into(), 5), ("left".into(), 0)]);
    assert_eq!(watch.begin(vec![kept.clone()]), [("kept".into(), 5)]);
    write(&left.file, "9");
    write(&kept.file, "6");
    assert_eq!(news(&mut watch).await, [("kept".into(), 6)]);
}

#[tokio::test]
async fn without_files_there_is_no_thread_and_no_news() {
    let mut watch = FileWatch::new();
    assert_eq!(watch.begin(vec![]), []);
    assert!(watch.files.is_none());
    let none = tokio::time::timeout(Duration::from_millis(50), watch.news()).await;
    assert!(none.is_err(), "{none:?}");
}
