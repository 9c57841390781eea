//! Watches tracked files: reads the number in each when it has been written, and posts it.
//!
//! The folder of a file is watched (inotify(7)), so that the file may be missing, written over or moved into place. A
//! thread of its own: a disk that does not answer holds up nobody else.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tracing::{info, warn};

use super::errand::{Mailbox, Woken, rest};
use super::number::{LOOKED_AT, leading_number};
use crate::model::tracker::TrackFile;
use crate::model::{LogLimit, Micros, Time};
use crate::os::clock;

/// From one reading of a file to the next: one that is written all the time is not read all the time.
const READ_PAUSE: Micros = Micros::from_millis(100);
/// From one look for a folder that has gone to the next.
const FOLDER_PAUSE: Micros = Micros::from_secs(1);
/// From one reading of events to the next.
const EVENT_PAUSE: Micros = Micros::from_millis(5);

/// One tracked file.
#[derive(Debug)]
struct Watched {
    name: String,
    /// As configured
    path: PathBuf,
    /// Without symbolic links, as it was when the folder was found
    resolved: PathBuf,
    folder: Option<WatchDescriptor>,
    /// What is to be done once `next_at` has come
    task: Option<Task>,
    /// When it may be read, or its folder looked for
    next_at: Time,
    posted: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// It has been written
    Read,
    /// It has gone, and what may be there in its place has not been written yet
    Clear,
    /// Its folder is to be found
    Find,
}

/// Complaints that may repeat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Complaint {
    Number(String),
    Unreadable(String),
    Folder(String),
}

struct Files<Post> {
    post: Post,
    inotify: Option<Inotify>,
    watched: Vec<Watched>,
    complaints: LogLimit<Complaint>,
}

/// Watches what the orders say until nobody gives orders any more. `post` is told the name of a file and its number, at
/// first and when the number is another.
pub fn run(mut mailbox: Mailbox<Vec<TrackFile>>, post: impl FnMut(&str, i32)) {
    let mut files = Files { post, inotify: None, watched: vec![], complaints: LogLimit::default() };
    loop {
        if let Some(order) = mailbox.order() {
            files.begin(order.what);
            drop(order.done);
        }
        let now = clock::now();
        files.work(now);
        let due = files.watched.iter().filter(|file| file.task.is_some()).map(|file| file.next_at).min();
        if mailbox.wait(files.inotify.as_ref().map(AsFd::as_fd), now, due) == Woken::Over {
            return;
        }
        if files.take_events() {
            rest(EVENT_PAUSE);
        }
    }
}

impl<Post: FnMut(&str, i32)> Files<Post> {
    /// Watches these files instead of others, and looks at each at once.
    fn begin(&mut self, wanted: Vec<TrackFile>) {
        self.inotify = None;
        self.watched = wanted.into_iter().map(|file| Watched::new(file.name, file.file)).collect();
        if self.watched.is_empty() {
            return;
        }
        self.inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .inspect_err(|error| warn!("Unable to monitor track files: {}", error.desc()))
            .ok();
        self.work(clock::now());
    }

    /// Does what is due.
    fn work(&mut self, now: Time) {
        let Files { post, inotify, watched, complaints } = self;
        for file in watched.iter_mut().filter(|file| file.task.is_some() && file.next_at <= now) {
            let number = match file.task.take() {
                Some(Task::Clear) => Ok(0),
                Some(Task::Find) => {
                    if let Err(error) = file.find(inotify.as_ref()) {
                        let complaint = Complaint::Folder(file.name.clone());
                        let line = || format!("The folder of {} cannot be watched: {error}", file.path.display());
                        complaints.pass(now, complaint, line).into_iter().for_each(|line| warn!("{line}"));
                        file.task = Some(Task::Find);
                    }
                    read(&file.resolved)
                }
                Some(Task::Read) | None => read(&file.resolved),
            };
            file.next_at = now + if file.task.is_some() { FOLDER_PAUSE } else { READ_PAUSE };
            let number = number.unwrap_or_else(|problem| {
                let (complaint, kept, line) = match problem {
                    Problem::Number(digits) => (
                        Complaint::Number(file.name.clone()),
                        file.posted.unwrap_or(0),
                        format!("Invalid number {digits} read from {} - ignoring", file.resolved.display()),
                    ),
                    Problem::Unreadable(reason) => (
                        Complaint::Unreadable(file.name.clone()),
                        0,
                        format!("{} cannot be read, which counts as 0: {reason}", file.resolved.display()),
                    ),
                };
                complaints.pass(now, complaint, || line).into_iter().for_each(|line| info!("{line}"));
                kept
            });
            if file.posted.replace(number) != Some(number) {
                post(&file.name, number);
            }
        }
    }

    /// Takes note of what has happened in the folders; true if there was anything.
    fn take_events(&mut self) -> bool {
        let Some(inotify) = &self.inotify else {
            return false;
        };
        let mut any = false;
        loop {
            match inotify.read_events() {
                Ok(events) => {
                    any |= !events.is_empty();
                    for event in &events {
                        self.watched.iter_mut().for_each(|file| file.note(event));
                    }
                }
                Err(Errno::EINTR) => {}
                Err(_) => return any,
            }
        }
    }
}

impl Watched {
    fn new(name: String, path: PathBuf) -> Self {
        let resolved = path.clone();
        Watched { name, path, resolved, folder: None, task: Some(Task::Find), next_at: Time(0), posted: None }
    }

    /// Finds the folder and has it watched. The watch comes before the reading, so that nothing is missed in between.
    fn find(&mut self, inotify: Option<&Inotify>) -> io::Result<()> {
        self.resolved = resolve(&self.path)?;
        let folder = self.resolved.parent().unwrap_or(Path::new("/"));
        let what = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        if let Some(inotify) = inotify {
            self.folder = Some(inotify.add_watch(folder, what)?);
        }
        Ok(())
    }

    /// Takes note of an event, if it is about this file.
    fn note(&mut self, event: &InotifyEvent) {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            self.task = Some(Task::Find);
            return;
        }
        if self.folder != Some(event.wd) {
            return;
        }
        let folder_gone = AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_IGNORED
            | AddWatchFlags::IN_UNMOUNT;
        if event.mask.intersects(folder_gone) {
            self.folder = None;
            self.task = Some(Task::Find);
        } else if event.name.as_deref() == self.resolved.file_name() && self.task != Some(Task::Find) {
            let gone = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
            self.task = Some(if event.mask.intersects(gone) { Task::Clear } else { Task::Read });
        }
    }
}

/// The path without symbolic links; of a file that is missing, its folder's.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name: OsString = path.file_name().map(OsStr::to_owned).unwrap_or_default();
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok(fs::canonicalize(folder)?.join(name))
        }
        outcome => outcome,
    }
}

/// Why a file has no number.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// It does not fit
    Number(String),
    /// It is no file, or may not be read
    Unreadable(String),
}

/// The number in a file; 0 if there is none. Only ordinary files are opened: a pipe or a device could do anything.
fn read(path: &Path) -> Result<i32, Problem> {
    let ordinary = |metadata: io::Result<fs::Metadata>| match metadata {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(io::Error::other("it is no ordinary file")),
        Err(error) => Err(error),
    };
    let begin = || -> io::Result<Vec<u8>> {
        ordinary(fs::metadata(path))?;
        // Something else may be there by now.
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        ordinary(file.metadata())?;
        let mut text = Vec::with_capacity(LOOKED_AT);
        file.take(LOOKED_AT as u64).read_to_end(&mut text)?;
        Ok(text)
    };
    match begin() {
        Ok(text) => leading_number(&text).map_err(Problem::Number),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(Problem::Unreadable(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
