//! Opening the configuration file and what it includes.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::budget;
use super::comment::blanks;
use super::{Frame, OpenFile, Source, pattern};
use crate::conf::diagnostic::{Code, Diagnostic, Report, Severity, Weight};
use crate::conf::place::{Place, Site, SourceFile};
use crate::conf::text::Text;

/// Which failures of an include count (`include_check`, `-e`, and the letter of `includer` and the like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// A match that cannot be read as a configuration file
    pub read: bool,
    /// A name without wildcards that is not there
    pub exact: bool,
    /// A pattern with wildcards that matches nothing
    pub wildcard: bool,
    /// One of the alternatives in braces is not there
    pub brace: bool,
}

impl Checks {
    /// All of them.
    pub const ALL: Checks = Checks { read: true, exact: true, wildcard: true, brace: true };

    fn or(self, other: Checks) -> Checks {
        Checks {
            read: self.read || other.read,
            exact: self.exact || other.exact,
            wildcard: self.wildcard || other.wildcard,
            brace: self.brace || other.brace,
        }
    }
}

/// Reads the keyword of an include at the start of a unit: what counts as failure, and the offset of the pattern.
fn keyword(bytes: &[u8]) -> Option<(Checks, usize)> {
    let rest = bytes.strip_prefix(b"include")?;
    let space = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    if space(rest.first()) {
        return Some((Checks::default(), 8));
    }
    let mut checks = Checks { read: true, ..Checks::default() };
    match rest.first()? {
        b'r' => {}
        b'm' => checks.exact = true,
        b'w' => (checks.exact, checks.wildcard) = (true, true),
        b'b' => checks.brace = true,
        b'a' => checks = Checks::ALL,
        _ => return None,
    }
    space(rest.get(1)).then_some((checks, 9))
}

/// Why a file that a pattern matched cannot be used.
fn unusable(path: &Path, name: &str) -> Option<String> {
    if name.ends_with('/') || path.is_dir() {
        let slash = if name.ends_with('/') { "" } else { "/" };
        return Some(format!("Configuration file '{name}{slash}' is a directory - skipping"));
    }
    let plain = path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 == 0);
    (!plain).then(|| format!("Configuration file '{name}' is not a regular non-executable file - skipping"))
}

/// Most bytes of a file. There are files without end that call themselves regular (`/proc/kcore`).
const LONGEST_FILE: u64 = 256 << 20;

/// `O_NONBLOCK` of open(2) as asm-generic/fcntl.h has it (all machines but alpha, mips, parisc and sparc).
const DO_NOT_WAIT: i32 = 0o4000;

/// Reads a file, if it is short enough. One that would make us wait (`/proc/kmsg`) is an error.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = std::fs::OpenOptions::new().read(true).custom_flags(DO_NOT_WAIT).open(path)?;
    let mut text = Vec::with_capacity(file.metadata()?.len().min(LONGEST_FILE) as usize + 1);
    file.take(LONGEST_FILE + 1).read_to_end(&mut text)?;
    match text.len() as u64 > LONGEST_FILE {
        false => Ok(text),
        true => Err(std::io::ErrorKind::FileTooLarge.into()),
    }
}

fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_string(),
        None => text,
    }
}

/// The fault that a pattern matches more than can be read.
fn too_many(pattern: &str) -> Diagnostic {
    let text = format!("'{pattern}' stands for more than {} files - ignoring the rest", pattern::NAMES);
    Diagnostic::error(Code::File, text).help("name the folder that is meant")
}

impl Source<'_> {
    /// Opens the configuration file, which may be a pattern. `false`: there is nothing to read.
    pub fn open(&mut self, file: &Path, report: &mut Report) -> bool {
        let base = self.env.current_dir();
        let name = file.as_os_str().as_bytes();
        let shown = file.display().to_string();
        // As keepalived, without a word.
        if name.is_empty() {
            return false;
        }
        let found = pattern::find(&base, name);
        // A missing file fails a test only if all files are asked for (`-e`).
        let weight = |counts: bool| if counts { Weight::Fatal } else { Weight::None };
        let refuse = |report: &mut Report, text: String, weight: Weight| {
            report.push(Diagnostic::error(Code::File, text).weighing(weight));
            false
        };
        if found.cut {
            report.push(too_many(&shown));
        }
        if found.names.is_empty() {
            let (text, counts) = match found.wildcards {
                true => (format!("No config files matched '{shown}'."), self.checks.wildcard),
                false => (format!("Config files missing '{shown}'."), self.checks.exact),
            };
            return refuse(report, text, weight(counts));
        }
        for name in &found.names {
            let path = base.join(OsStr::from_bytes(name));
            let name = String::from_utf8_lossy(name);
            if let Some(text) = unusable(&path, &name) {
                return refuse(report, text, weight(self.checks.read));
            }
            if std::fs::File::open(&path).is_err() {
                let text = format!("Unable to read configuration file {name}");
                return refuse(report, text, Weight::Fatal);
            }
        }
        if let [first, _, ..] = &found.names[..] {
            let first = String::from_utf8_lossy(first);
            let text = format!("WARNING, multiple configuration file matches of {shown}, starting with {first}");
            report.push(Diagnostic::warning(Code::File, text));
        }
        let kind = Checks { brace: false, ..Checks::ALL };
        self.open_first(found.names.into(), base, kind, None, report)
    }

    /// Takes an include. Whether the unit was one.
    pub(super) fn include(&mut self, text: &Text, report: &mut Report) -> bool {
        let Some((kind, offset)) = keyword(text.bytes()) else {
            return false;
        };
        let rest = text.bytes().get(offset..).unwrap_or_default();
        let wanted = rest.get(blanks(rest)..).unwrap_or_default();
        let shown = String::from_utf8_lossy(wanted).into_owned();
        let site = text.site(0);
        let place = text.place(offset, rest.len());
        let base = self.base();
        if self.budget.is_spent() && (self.is_repeated() || pattern::has_braces(wanted)) {
            self.budget.complain(place, report);
            return true;
        }
        let found = pattern::find(&base, wanted);
        if found.cut {
            report.push(too_many(&shown).at(place));
        }
        let free = if self.is_repeated() { 0 } else { 1 };
        self.budget.take(found.alternatives.saturating_sub(free) * budget::INCLUDE);
        let counts = self.checks.or(kind);
        if found.names.is_empty() {
            if found.missing {
                let counted = match pattern::has_braces(wanted) {
                    true => counts.brace,
                    false => counts.exact,
                };
                let text = format!("Config files missing '{shown}'.");
                self.include_fault(text, counted, place, report);
            } else if counts.wildcard {
                let text = format!("No config files matched '{shown}'.");
                self.include_fault(text, true, place, report);
            }
            return true;
        }
        if found.missing {
            let text = format!("Some config files missing: \"{shown}\".");
            self.include_fault(text, counts.brace, place, report);
            if counts.brace {
                return true;
            }
        }
        self.open_first(found.names.into(), base, kind, Some(site), report);
        true
    }

    fn include_fault(&mut self, text: String, counts: bool, place: Place, report: &mut Report) {
        self.failed_include |= counts;
        let weight = if counts { Weight::Security } else { Weight::None };
        let mut diagnostic = Diagnostic::warning(Code::Include, text).at(place).weighing(weight);
        if counts {
            diagnostic.severity = Severity::Error;
            diagnostic = diagnostic.effect("the daemon does not start with this configuration");
        }
        report.push(diagnostic);
    }

    /// Folder of the file being read: relative names start from it.
    pub(super) fn base(&self) -> PathBuf {
        self.stack
            .iter()
            .rev()
            .find_map(|frame| match frame {
                Frame::File(open) => Some(open.base.clone()),
                _ => None,
            })
            .unwrap_or_else(|| self.env.current_dir())
    }

    /// Opens the first of `names` that can be read; the others follow when it ends.
    fn open_first(
        &mut self,
        mut names: VecDeque<Vec<u8>>,
        base: PathBuf,
        kind: Checks,
        included_at: Option<Site>,
        report: &mut Report,
    ) -> bool {
        let checks_before = self.checks;
        while let Some(name) = names.pop_front() {
            if let Some(mut open) = self.open_one(&name, &base, kind, included_at, report) {
                open.siblings = names;
                open.checks_before = checks_before;
                let Some(site) = included_at else {
                    self.stack.push(Frame::File(Box::new(open)));
                    return true;
                };
                self.push_frame(Frame::File(Box::new(open)), site, report);
                return true;
            }
        }
        false
    }

    fn open_one(
        &mut self,
        name: &[u8],
        base: &Path,
        kind: Checks,
        included_at: Option<Site>,
        report: &mut Report,
    ) -> Option<OpenFile> {
        let path = base.join(OsStr::from_bytes(name));
        let shown = String::from_utf8_lossy(name).into_owned();
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let circle = self.stack.iter().any(|frame| match frame {
            Frame::File(open) => open.real == real,
            _ => false,
        });
        let fault = if circle {
            Some(format!("Configuration file '{shown}' includes itself - skipping"))
        } else {
            unusable(&path, &shown)
        };
        let known = self.read.get(&real).and_then(|id| self.files.get(*id));
        let file = match (fault, known) {
            (Some(fault), _) => Err(fault),
            (None, Some(known)) => Ok(known.again(shown, included_at)),
            (None, None) => match read(&path) {
                Ok(text) => Ok(SourceFile::new(shown, text, included_at)),
                Err(error) => {
                    let reason = io_reason(&error);
                    Err(format!("Configuration file '{shown}' open problem ({reason}) - skipping"))
                }
            },
        };
        let again = known.is_some();
        let file = match file {
            Ok(file) => file,
            Err(fault) => {
                let counts = self.checks.or(kind).read;
                match included_at {
                    Some(site) => self.include_fault(fault, counts, Place::point(site), report),
                    None => report.push(Diagnostic::error(Code::File, fault)),
                }
                return None;
            }
        };
        if again && !self.budget.take(file.lines().max(budget::INCLUDE)) {
            if let Some(site) = included_at {
                self.budget.complain(Place::point(site), report);
            }
            return None;
        }
        let repeated = again || (included_at.is_some() && self.is_repeated());
        let folder = match name.contains(&b'/') {
            true => path.parent().map_or_else(|| base.to_path_buf(), Path::to_path_buf),
            false => base.to_path_buf(),
        };
        // A name is seen from the file that includes; a person stands in the current folder.
        let here = self.env.current_dir();
        let id = self.files.add(match base == here {
            true => file,
            false => file.opened_at(path.strip_prefix(&here).unwrap_or(&path).display().to_string()),
        });
        self.read.entry(real.clone()).or_insert(id);
        Some(OpenFile {
            id,
            line: 1,
            dropped: 0,
            base: folder,
            real,
            siblings: VecDeque::new(),
            siblings_base: base.to_path_buf(),
            kind,
            checks_before: self.checks,
            included_at,
            repeated,
        })
    }

    /// Leaves the file on top of the stack: for the next file of its include, or for what is below.
    pub(super) fn next_file(&mut self, report: &mut Report) {
        let Some(Frame::File(ended)) = self.stack.pop() else {
            return;
        };
        self.checks = ended.checks_before;
        let OpenFile { siblings, siblings_base, kind, included_at, .. } = *ended;
        self.open_first(siblings, siblings_base, kind, included_at, report);
    }
}
