//! A reload at a time that stands in a file (`reload_time_file`): watches the file, and waits.
//!
//! The parent's loop asks for [`Timetable::news`] and does the reload; what a text means `reload_time` knows.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use nix::libc;
use tokio::time::sleep;
use tracing::info;

use super::reload_time::{self, Calendar, Due, Fault};
use crate::model::settings::ReloadRules;
use crate::os::calendar::{self, Civil, LocalTime};
use crate::os::clock;
use crate::os::folder_watch::{Change, FolderWatch};

/// The longest that a clock which is set meanwhile can put a reload off.
const NAP: Duration = Duration::from_secs(30);

/// More is no time.
const LONGEST_TEXT: u64 = 64;

/// The calendar of this machine.
struct Machine;

impl Calendar for Machine {
    fn civil(&self, epoch: i64, utc: bool) -> Civil {
        calendar::civil(epoch, utc)
    }

    fn epoch(&self, civil: Civil, utc: bool) -> Option<i64> {
        calendar::epoch(civil, utc)
    }
}

/// A file that is watched, and what it says.
#[derive(Debug)]
pub(super) struct Timetable {
    file: PathBuf,
    /// The file stays where it is, and counts for the next day as well
    repeats: bool,
    watch: FolderWatch,
    due: Option<Due>,
}

impl Timetable {
    /// Watches the file, if the configuration names one. Must be called inside a tokio runtime.
    pub(super) fn by(rules: &ReloadRules) -> Option<Self> {
        let file = rules.time_file.clone()?;
        match FolderWatch::new(&file) {
            Ok(watch) => {
                let mut table = Timetable { file, repeats: rules.repeat, watch, due: None };
                table.look();
                Some(table)
            }
            Err(error) => {
                info!("Unable to monitor reload timer file {}: {error}", file.display());
                None
            }
        }
    }

    /// Waits until the time has come. Can be dropped at any time. Nothing more comes of one that has ended.
    async fn wait(&mut self) -> bool {
        loop {
            let pause = self.due.map(|due| Duration::from_secs_f64((due.at as f64 - now()).max(0.0)));
            tokio::select! {
                change = self.watch.change() => match change {
                    Ok(Change::File) => self.look(),
                    Ok(Change::FolderGone) => {
                        self.cancel();
                        info!("Directory of reload timer file has disappeared. Monitoring stopped.");
                        return false;
                    }
                    Err(error) => {
                        info!("Monitoring of reload timer file stopped: {error}");
                        return false;
                    }
                },
                () = sleep(pause.unwrap_or_default().min(NAP)), if pause.is_some() => {
                    if self.due.is_some_and(|due| due.at as f64 <= now()) {
                        return true;
                    }
                }
            }
        }
    }

    /// Reads the file again.
    fn look(&mut self) {
        let Ok(text) = self.text() else {
            return self.cancel();
        };
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return self.cancel();
        }
        let new = match reload_time::due(line, now() as i64, &Machine) {
            Ok(due) => due,
            Err(fault) => {
                info!("Reload time {line} {fault} - ignoring");
                info!(
                    "{}",
                    match fault {
                        Fault::Past => "Reload date/time is in the past - ignoring".to_owned(),
                        Fault::Format | Fault::Time => format!("Invalid reload time '{line}' specified - ignoring"),
                    }
                );
                return self.cancel();
            }
        };
        match self.due.replace(new) {
            Some(old) if old.at == new.at => {}
            Some(old) => info!("Reload time updated from {} to {}", show(old), show(new)),
            None => info!("Scheduling reload for {}", show(new)),
        }
    }

    /// Reads without waiting for whoever may hold the other end of something that is no file.
    fn text(&self) -> io::Result<String> {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.file)?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        file.take(LONGEST_TEXT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn cancel(&mut self) {
        if let Some(due) = self.due.take() {
            info!("Cancelling reload scheduled for {}", show(due));
        }
    }

    /// Takes the file away, unless it is for the next day as well.
    fn serve(self) {
        let is_dated = self.due.is_some_and(|due| due.is_dated);
        if !self.repeats || is_dated {
            // It may have been taken away by now.
            let _ = fs::remove_file(&self.file);
        }
    }
}

/// Waits until a reload is due; pending while none is planned. Then there is no timetable any more.
pub(super) async fn due(table: &mut Option<Timetable>) {
    if let Some(planned) = table {
        let is_due = planned.wait().await;
        let ended = table.take();
        if is_due {
            ended.into_iter().for_each(Timetable::serve);
            return;
        }
    }
    std::future::pending().await
}

/// Seconds since the Unix epoch.
fn now() -> f64 {
    clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn show(due: Due) -> String {
    let moment = UNIX_EPOCH + Duration::from_secs(u64::try_from(due.at).unwrap_or(0));
    LocalTime::of(moment).iso().to_string()
}
