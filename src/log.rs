//! The log of a process: from `tracing` events to syslog or the journal, the console and a file.
//!
//! Whoever logs never waits: a line goes into a bounded queue, one thread per device writes, and what does not fit is
//! counted and reported once there is room. `tracing` levels mean: `error` needs a person now (syslog's alert), `warn`
//! and `info` are themselves, `debug` is said only with `-D` (and is then written as info, as keepalived does). An event may
//! carry facts in fields of its own ([`facts`]): they are for JSON and the journal, plain text has the message alone.
//! Called by `core` and by the start of every child; nobody else knows devices.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::model::frame::{LogFormat, LogOptions};

mod device;
mod facts;
mod file;
mod journal;
#[cfg(test)]
mod tests;

use device::{Console, Device, Syslog};
use facts::Facts;
use file::LogFile;
use journal::Journal;

/// Lines that may wait for a device: enough for the start of a thousand instances with `-D`.
const QUEUE: usize = 8192;

/// How long the end of the process waits for a device that does not take its lines.
const FLUSH_LIMIT: Duration = Duration::from_millis(100);

/// The longest text of a line in bytes; more is cut off.
const MAX_TEXT: usize = 8 << 10;

/// Events of the libraries that we use are not for the operator.
const OUR_TARGETS: &str = env!("CARGO_CRATE_NAME");

/// One line on its way to a device.
#[derive(Clone, Debug)]
struct Line {
    level: Level,
    when: SystemTime,
    text: String,
    facts: Facts,
}

enum Message {
    Line(Line),
    /// From here on, lines are those of this process
    Options(Box<LogOptions>),
    /// Answer when everything before this has been written
    Flush(Sender<()>),
}

/// A device with its queue. (The queue grows with what waits in it, unlike a channel of fixed size, which would take
/// its whole memory from the start.)
struct Outlet {
    queue: Sender<Message>,
    count: Arc<Count>,
    /// Until its thread is started
    writer: Mutex<Option<Writer>>,
}

/// What both ends of a queue count.
#[derive(Default)]
struct Count {
    waiting: AtomicUsize,
    lost: AtomicU64,
}

impl Outlet {
    fn new(device: impl Device + 'static) -> Self {
        let (queue, lines) = channel();
        let count = Arc::default();
        let writer = Writer { device: Box::new(device), lines, count: Arc::clone(&count) };
        Outlet { queue, count, writer: Mutex::new(Some(writer)) }
    }

    fn offer(&self, line: Line) {
        let Count { waiting, lost } = &*self.count;
        if waiting.fetch_add(1, Ordering::Relaxed) < QUEUE && self.queue.send(Message::Line(line)).is_ok() {
            return;
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        lost.fetch_add(1, Ordering::Relaxed);
    }

    fn start(&self) {
        let writer = self.writer.lock().ok().and_then(|mut writer| writer.take());
        if let Some(writer) = writer {
            // Without a thread the lines are lost, and the process goes on.
            let _ = thread::Builder::new().name("log".into()).stack_size(128 << 10).spawn(move || writer.run());
        }
    }
}

/// The other end of a queue, in a thread of its own.
struct Writer {
    device: Box<dyn Device>,
    lines: Receiver<Message>,
    count: Arc<Count>,
}

impl Writer {
    /// Writes until nobody can log any more.
    fn run(mut self) {
        while let Ok(message) = self.lines.recv() {
            match message {
                Message::Line(line) => self.write(&line),
                Message::Options(options) => self.device.adopt(&options),
                Message::Flush(done) => {
                    // The one who asked may have given up.
                    let _ = done.send(());
                }
            }
        }
    }

    fn write(&mut self, line: &Line) {
        let Count { waiting, lost } = &*self.count;
        waiting.fetch_sub(1, Ordering::Relaxed);
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let text = format!("{missing} log lines dropped");
            let report = Line { level: Level::WARN, text, when: line.when, facts: Facts::default() };
            if self.device.write(&report).is_err() {
                lost.fetch_add(missing, Ordering::Relaxed);
            }
        }
        if self.device.write(line).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The log of this process.
#[derive(Clone)]
pub struct Log {
    outlets: Arc<[Outlet]>,
}

impl Log {
    /// Makes this the log of the process. Lines are kept until [`Log::start`], because threads do not survive the fork
    /// into the background. Only the first log of a process counts.
    pub fn open(options: &LogOptions) -> Log {
        let mut outlets = Vec::new();
        let journal = options.facility.is_some() && journal::takes_syslog();
        // What the journal is told as a log daemon it need not read once more from the console.
        if options.console && !(journal && journal::is_console()) {
            outlets.push(Outlet::new(Console::new(options)));
        }
        match options.facility {
            Some(facility) if journal => outlets.push(Outlet::new(Journal::new(options, facility))),
            Some(facility) => outlets.push(Outlet::new(Syslog::new(options, facility))),
            None => {}
        }
        if let Some(file) = LogFile::new(options) {
            outlets.push(Outlet::new(file));
        }
        let log = Log { outlets: outlets.into() };
        let facts = journal || options.format == LogFormat::Json;
        let layer = Tap { log: log.clone(), detail: options.detail, facts };
        // A second subscriber is refused: tests open several logs in one process.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
        log
    }

    /// Begins to write.
    pub fn start(&self) {
        self.outlets.iter().for_each(Outlet::start);
    }

    /// Makes a panic of this process a line of the log: standard error is nowhere in the background.
    pub fn report_panics(&self) {
        let log = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            tracing::error!("Internal error, please report it: {panic}");
            log.flush();
        }));
    }

    /// Writes the lines from here on as those of this process: another ident, another file. Devices stay what they are.
    pub fn adopt(&self, options: &LogOptions) {
        for outlet in self.outlets.iter() {
            // Without a writer thread there is nobody to tell.
            let _ = outlet.queue.send(Message::Options(Box::new(options.clone())));
        }
    }

    /// Waits until everything logged so far is written, but no longer than a tenth of a second for a device that does
    /// not take it.
    pub fn flush(&self) {
        self.start();
        let deadline = Instant::now() + FLUSH_LIMIT;
        for outlet in self.outlets.iter() {
            let (done, written) = channel();
            if outlet.queue.send(Message::Flush(done)).is_ok() {
                // A device that is stuck loses what it has not taken.
                let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            }
        }
    }
}

/// Takes events off `tracing` and queues them as lines.
struct Tap {
    log: Log,
    detail: bool,
    /// Whether somebody wants more than the message
    facts: bool,
}

impl<S: Subscriber> Layer<S> for Tap {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let finest = if self.detail { Level::DEBUG } else { Level::INFO };
        *metadata.level() <= finest && metadata.target().starts_with(OUR_TARGETS)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let (text, facts) = facts::of(event, self.facts);
        let line = Line { level, when: SystemTime::now(), text: one_line(text), facts };
        if let Some((last, others)) = self.log.outlets.split_last() {
            others.iter().for_each(|outlet| outlet.offer(line.clone()));
            last.offer(line);
        }
    }
}

/// Makes text fit for one line: control characters are shown, not obeyed, and what is too long is cut off.
fn one_line(text: String) -> String {
    let clean = text.len() <= MAX_TEXT && !text.contains(char::is_control);
    if clean {
        return text;
    }
    let mut line = String::new();
    for character in text.chars() {
        let before = line.len();
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
        if line.len() > MAX_TEXT {
            line.truncate(before);
            break;
        }
    }
    line
}
