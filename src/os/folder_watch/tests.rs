use std::fs;
use std::time::Duration;

use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(5);
const NEVER: Duration = Duration::from_millis(100);

#[tokio::test]
async fn tells_of_its_file_and_of_the_end_of_the_folder() {
    let folder = std::env::temp_dir().join(format!("keepalived-folder-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("at");
    let mut watch = FolderWatch::new(&file).expect("a watch");
    fs::write(folder.join("other"), "x").expect("a file");
    assert!(timeout(NEVER, watch.change()).await.is_err(), "another file is none of our business");
    fs::write(&file, "x").expect("a file");
    assert_eq!(timeout(SOON, watch.change()).await.expect("in time").expect("told"), Change::File);
    fs::rename(&file, folder.join("away")).expect("renamed");
    assert_eq!(timeout(SOON, watch.change()).await.expect("in time").expect("told"), Change::File);
    fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(timeout(SOON, watch.change()).await.expect("in time").expect("told"), Change::FolderGone);
}

#[tokio::test]
async fn needs_a_folder() {
    assert!(FolderWatch::new(Path::new("/nonexistent/folder/file")).is_err());
    assert!(FolderWatch::new(Path::new("/")).is_err());
}
