use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pid-file-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("daemon.pid")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_number_stands_alone_on_a_line_and_everybody_may_read_it() {
    let folder = Folder::new("number");
    fs::write(folder.file(), "1234567890 and more").expect("an older, longer file");
    let mut file = PidFile::claim(&folder.file()).expect("claimed");
    file.write(4711).expect("written");
    assert_eq!(fs::read_to_string(folder.file()).expect("readable"), "4711\n");
    let mode = fs::metadata(folder.file()).expect("there").mode();
    assert_eq!(mode & 0o7777, 0o644);
    file.remove();
    assert!(!folder.file().exists());
}

#[test]
fn a_second_claim_is_refused_until_the_first_is_given_up() {
    let folder = Folder::new("second");
    let first = PidFile::claim(&folder.file()).expect("claimed");
    let refused = PidFile::claim(&folder.file());
    assert!(matches!(refused, Err(Error::Held(path)) if path == folder.file()));
    drop(first);
    PidFile::claim(&folder.file()).expect("free again");
}

#[test]
fn a_removed_file_comes_back_with_the_next_pid() {
    let folder = Folder::new("removed");
    let mut file = PidFile::claim(&folder.file()).expect("claimed");
    fs::remove_file(folder.file()).expect("removed");
    file.write(12).expect("written");
    assert_eq!(fs::read_to_string(folder.file()).expect("readable"), "12\n");
}

#[test]
fn the_file_of_somebody_else_is_left_alone() {
    let folder = Folder::new("else");
    let file = PidFile::claim(&folder.file()).expect("claimed");
    fs::remove_file(folder.file()).expect("removed");
    fs::write(folder.file(), "99\n").expect("replaced");
    file.remove();
    assert!(folder.file().exists());
    remove_if_of(&folder.file(), 98);
    assert!(folder.file().exists());
    remove_if_of(&folder.file(), 99);
    assert!(!folder.file().exists());
}

#[test]
fn a_symbolic_link_is_refused() {
    let folder = Folder::new("link");
    let target = folder.0.join("target");
    fs::write(&target, "precious").expect("a target");
    std::os::unix::fs::symlink(&target, folder.file()).expect("a link");
    assert!(matches!(PidFile::claim(&folder.file()), Err(Error::Io { .. })));
    assert_eq!(fs::read_to_string(&target).expect("there"), "precious");
}
