//! The terminal of a program that draws: its size, keys one by one, another screen while it draws, and all as before
//! afterwards, whatever ends it.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{self, SetArg, Termios};

/// The alternate screen without a cursor, and the way back (xterm's control sequences, which all terminals of today know).
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Those that end the program.
const STOPS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What the keys have sent
    Keys(Vec<u8>),
    /// The size may be another one
    Resized,
    /// The program shall end, or nobody is there any more
    Stop,
    /// Nothing came in time
    Nothing,
}

/// Signals and keys of a program that waits. Keys come only if it draws.
#[derive(Debug)]
pub struct Terminal {
    signals: SignalFd,
    before: Option<Termios>,
}

/// Columns and rows of the terminal that standard output is; `None` if it is none, or does not say.
#[allow(unsafe_code)]
pub fn size() -> Option<(usize, usize)> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open for the length of the call, and TIOCGWINSZ writes one `winsize`, which lives here.
    let answer = unsafe { libc::ioctl(out.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
    (answer == 0 && columns > 0 && rows > 0).then_some((columns, rows))
}

/// Whether both ends of a person are there: keys and a screen.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl Terminal {
    /// Takes over the signals, and with `draws` the keys and the screen.
    ///
    /// # Errors
    /// If the system refuses one of them; what was taken over is given back.
    pub fn open(draws: bool) -> io::Result<Self> {
        let mut wanted: SigSet = STOPS.into_iter().collect();
        wanted.add(Signal::SIGWINCH);
        wanted.thread_block()?;
        let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        if !draws {
            return Ok(Terminal { signals, before: None });
        }
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        termios::cfmakeraw(&mut raw);
        termios::tcsetattr(io::stdin(), SetArg::TCSANOW, &raw)?;
        let terminal = Terminal { signals, before: Some(before) };
        show(ENTER)?;
        Ok(terminal)
    }

    /// Waits for a key or a signal, but not longer than this.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn wait(&mut self, most: Duration) -> io::Result<Input> {
        let stdin = io::stdin();
        let mut asked = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if self.before.is_some() {
            asked.push(PollFd::new(stdin.as_fd(), PollFlags::POLLIN));
        }
        let limit = PollTimeout::try_from(most).unwrap_or(PollTimeout::MAX);
        match poll(&mut asked, limit) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Input::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let has_key = asked.get(1).and_then(PollFd::any).unwrap_or(false);
        drop(asked);
        if let Some(signal) = self.signals.read_signal()? {
            let is_size = i32::try_from(signal.ssi_signo) == Ok(Signal::SIGWINCH as i32);
            return Ok(if is_size { Input::Resized } else { Input::Stop });
        }
        if !has_key {
            return Ok(Input::Nothing);
        }
        let mut keys = [0; 64];
        match stdin.lock().read(&mut keys) {
            // The terminal is gone.
            Ok(0) | Err(_) => Ok(Input::Stop),
            Ok(length) => Ok(Input::Keys(keys.get(..length).unwrap_or_default().to_vec())),
        }
    }

    /// Puts these lines on the screen, each at its place, and clears the rest.
    ///
    /// # Errors
    /// If the screen is gone.
    pub fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut text = String::from("\x1b[H");
        for (at, line) in lines.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\r\n" });
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J");
        show(&text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The terminal may be gone; then there is nothing to restore.
            let _ = show(LEAVE);
            let _ = termios::tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
    }
}

fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
