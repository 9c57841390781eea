//! Whether scripts can and may be run.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::conf::apply::notify;
use crate::conf::diagnostic::{Code, Diagnostic, Weight};
use crate::conf::environment::{Absence, Command, Identity, Weakness};
use crate::conf::place::Place;
use crate::conf::raw::checker::{RawKind, RawMisc};
use crate::conf::raw::service::RawService;
use crate::conf::raw::settings::{RawFifo, RawFifos};
use crate::conf::raw::track::RawTrackScript;
use crate::conf::raw::{RawCommand, RawNotify};
use crate::conf::reader::Reader;
use crate::model::tracker::{Probe, TrackScript};
use crate::model::{Micros, Script};

/// What a look at some scripts found.
#[derive(Default)]
struct Seen {
    /// A script that exists
    any: Option<Place>,
    /// One that others could change
    insecure: Option<Place>,
}

impl Seen {
    fn add(&mut self, command: &Command, place: Place) {
        if let Command::Found { weakness, .. } = command {
            self.any.get_or_insert(place);
            if weakness.is_some() {
                self.insecure.get_or_insert(place);
            }
        }
    }

    /// Complains if scripts run without `enable_script_security`. `what` is keepalived's word for them.
    fn report(&self, reader: &mut Reader, what: &str) {
        let Some(place) = self.any.filter(|_| !reader.raw.global.script_security) else {
            return;
        };
        let insecure = match self.insecure {
            Some(_) => " There are insecure scripts.",
            None => "",
        };
        let text =
            format!("SECURITY VIOLATION - {what}scripts are being executed but script_security not enabled.{insecure}");
        reader.complain(
            Diagnostic::warning(Code::ScriptSecurity, text)
                .title("scripts run, but enable_script_security is not set")
                .at(self.insecure.unwrap_or(place))
                .effect(match self.insecure {
                    Some(_) => "they run, this one with root's rights although others than root could change it",
                    None => "they run",
                })
                .help("set `enable_script_security` and `script_user` in global_defs")
                .weighing(Weight::Security),
        );
    }
}

/// `</path`: succeeds if the file can be opened; nothing is executed.
fn is_file_test(command: &RawCommand) -> bool {
    let first = command.argv.first().map(|word| word.as_bytes());
    let Some([b'<', rest @ ..]) = first else {
        return false;
    };
    rest.iter().find(|byte| !b" \t".contains(byte)) == Some(&b'/')
}

fn look(reader: &Reader, command: &RawCommand) -> Option<Command> {
    let first = command.argv.first()?;
    (!is_file_test(command)).then(|| reader.env.command(first, command.identity))
}

/// A reason for not running a script, and what would help.
struct Reason {
    text: String,
    help: Option<String>,
}

impl Reason {
    fn missing(shown: &str, absence: Absence) -> Self {
        let text = match absence {
            Absence::NotInPath => format!("Cannot find script {shown} in path - disabling"),
            Absence::NotPermitted => format!("Permissions failure for script {shown} in path - disabling"),
            Absence::Inaccessible(why) => format!("Script {shown} cannot be accessed - {why}"),
            Absence::Foreign(Identity { uid, gid, .. }) => {
                format!("Unable to set uid:gid {uid}:{gid} for script {shown} - disabling")
            }
        };
        Reason { text, help: None }
    }

    fn not_executable(shown: &str, command: &RawCommand) -> Self {
        let (uid, gid) = (command.identity.uid, command.identity.gid);
        let text = format!("WARNING - script '{shown}' is not executable for uid:gid {uid}:{gid} - disabling.");
        Reason { text, help: Some(format!("chmod +x {shown}, or name a user who may run it")) }
    }

    fn odd(shown: &str) -> Self {
        let text = format!("Wrong file type found in script path '{shown}'. It is no file.");
        Reason { text, help: None }
    }

    /// Others could change it. `runs`: it is run all the same.
    fn weak(weakness: &Weakness, runs: bool) -> Self {
        let Weakness { path, fault, mend } = weakness;
        let what = if runs { "" } else { " - disabling" };
        let text = format!("Unsafe permissions found for script '{}'{what}. {fault}: {mend}", path.display());
        Reason { text, help: Some(format!("{fault}: `{mend}`")) }
    }

    fn complain(self, reader: &mut Reader, place: Place, effect: &str) {
        let diagnostic = Diagnostic::note(Code::Script, self.text).at(place).effect(effect);
        reader.complain(match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}

/// A script that others could change is run nevertheless: names the part of its path and the mend.
fn note_weakness(reader: &mut Reader, weakness: Option<&Weakness>, place: Place) {
    if let Some(weakness) = weakness {
        Reason::weak(weakness, true).complain(reader, place, "it runs with root's rights nevertheless");
    }
}

/// Says where a command without a path was found.
fn note_search(reader: &mut Reader, shown: &str, path: &Path, place: Place) {
    if shown.contains('/') {
        return;
    }
    let found = path.display();
    let text = format!("WARNING - script `{shown}` resolved by path search to `{found}`. Please specify full path.");
    reader.complain(Diagnostic::note(Code::Script, text).at(place));
}

/// What is run for a script: by its real path, as that is what was looked at, unless links are to be kept.
fn program(reader: &Reader, path: &Path, real: PathBuf) -> Option<PathBuf> {
    (real != path && !reader.raw.settings.keep_symlinks).then_some(real)
}

/// Looks at a notify script: gives it its path, or takes it away if it cannot or may not be run.
fn check_notify(reader: &mut Reader, seen: &mut Seen, mut command: RawCommand) -> Option<RawCommand> {
    let found = look(reader, &command)?;
    seen.add(&found, command.place);
    let secure = reader.raw.global.script_security;
    let shown = command.argv.first()?.to_string_lossy().into_owned();
    let reason = match found {
        Command::Missing(absence) => Reason::missing(&shown, absence),
        Command::Found { executable: false, .. } => Reason::not_executable(&shown, &command),
        Command::Found { odd: true, .. } => Reason::odd(&shown),
        Command::Found { weakness: Some(weakness), .. } if secure => Reason::weak(&weakness, false),
        Command::Found { path, real, weakness, .. } => {
            note_search(reader, &shown, &path, command.place);
            note_weakness(reader, weakness.as_ref(), command.place);
            command.program = program(reader, &path, real);
            *command.argv.first_mut()? = path.into_os_string();
            return Some(command);
        }
    };
    reason.complain(reader, command.place, "the script is not run");
    None
}

fn check_all(reader: &mut Reader, seen: &mut Seen, notify: &mut RawNotify) {
    let mut slots: Vec<&'static str> = notify.keys().copied().collect();
    slots.sort_by_key(|slot| notify.get(slot).map(|command| command.place));
    for slot in slots {
        let Some(command) = notify.remove(slot) else {
            continue;
        };
        notify.extend(check_notify(reader, seen, command).map(|command| (slot, command)));
    }
}

/// Startup and shutdown scripts.
pub(super) fn check_own(reader: &mut Reader) {
    let mut seen = Seen::default();
    let startup = reader.raw.global.startup_script.take();
    let startup = startup.and_then(|command| check_notify(reader, &mut seen, command));
    let shutdown = reader.raw.global.shutdown_script.take();
    let shutdown = shutdown.and_then(|command| check_notify(reader, &mut seen, command));
    (reader.raw.global.startup_script, reader.raw.global.shutdown_script) = (startup, shutdown);
    seen.report(reader, "start/shutdown ");
}

/// One of the named pipes.
type Pipe = fn(&mut RawFifos) -> &mut RawFifo;

/// Scripts that read named pipes: that of all events, and that of the process.
fn check_fifos(reader: &mut Reader, seen: &mut Seen, own: Pipe) {
    let all: Pipe = |fifos| &mut fifos.all;
    for slot in [all, own] {
        let command = slot(&mut reader.raw.settings.fifos).script.take();
        let command = command.and_then(|command| check_notify(reader, seen, command));
        slot(&mut reader.raw.settings.fifos).script = command;
    }
}

/// Scripts of virtual servers: those of their checks first, then those that are told of changes.
pub(super) fn check_services(reader: &mut Reader, services: &mut [RawService]) {
    if services.is_empty() {
        return;
    }
    let mut seen = Seen::default();
    for server in services.iter_mut().flat_map(|service| &mut service.servers) {
        server.checkers.retain_mut(|checker| match &mut checker.kind {
            RawKind::Misc(misc) => check_misc(reader, &mut seen, misc),
            _ => true,
        });
    }
    let mut check = |slot: &mut Option<RawCommand>| {
        *slot = slot.take().and_then(|command| check_notify(reader, &mut seen, command));
    };
    for service in services {
        check(&mut service.quorum_up);
        check(&mut service.quorum_down);
        for server in &mut service.servers {
            check(&mut server.notify_up);
            check(&mut server.notify_down);
        }
    }
    check_fifos(reader, &mut seen, |fifos| &mut fifos.lvs);
    seen.report(reader, "check ");
}

/// The first word of a command, for messages.
fn first(command: &RawCommand) -> String {
    command.argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Looks at the program of a check: gives it its path. Whether it can and may be run; if not, keepalived only logs that.
fn check_misc(reader: &mut Reader, seen: &mut Seen, misc: &mut RawMisc) -> bool {
    let (Some((argv, place)), Some(identity)) = (misc.command.take(), misc.identity) else {
        return false;
    };
    let mut command = RawCommand { argv, program: None, identity, place };
    let found = look(reader, &command);
    if let Some(found) = &found {
        seen.add(found, place);
    }
    let secure = reader.raw.global.script_security;
    let shown = notify::shown(&command.argv);
    let reason = match found {
        Some(Command::Missing(absence)) => {
            let reason = Reason::missing(&first(&command), absence);
            Reason {
                text: format!("Disabling misc script {shown} since not found/accessible: {}", reason.text),
                ..reason
            }
        }
        Some(Command::Found { executable: false, .. }) => {
            let text =
                format!("WARNING - script {shown} is not executable for uid:gid {}:{}", identity.uid, identity.gid);
            Reason { text, ..Reason::not_executable(&first(&command), &command) }
        }
        Some(Command::Found { odd: true, .. }) => {
            let reason = Reason::odd(&first(&command));
            Reason { text: format!("Disabling misc script {shown} due to insecure: {}", reason.text), ..reason }
        }
        Some(Command::Found { weakness: Some(weakness), .. }) if secure => {
            let reason = Reason::weak(&weakness, false);
            Reason { text: format!("Disabling misc script {shown} due to insecure: {}", reason.text), ..reason }
        }
        Some(Command::Found { path, real, weakness, .. }) => {
            note_weakness(reader, weakness.as_ref(), place);
            misc.program = program(reader, &path, real);
            if let Some(first) = command.argv.first_mut() {
                *first = path.into_os_string();
            }
            misc.command = Some((command.argv, place));
            return true;
        }
        // A file is opened, nothing is run.
        None => {
            misc.command = Some((command.argv, place));
            return true;
        }
    };
    reason.complain(reader, place, "the check is dropped");
    false
}

/// Scripts of instances and groups, and those that are tracked: the latter as they can be run. Who follows one that
/// cannot, no longer does.
pub(super) fn check_instances(reader: &mut Reader) -> Vec<TrackScript> {
    if reader.raw.instances.is_empty() {
        return Vec::new();
    }
    let mut seen = Seen::default();
    let mut tracked = Vec::new();
    let mut disabled = HashSet::new();
    for raw in std::mem::take(&mut reader.raw.scripts) {
        match check_tracked(reader, &mut seen, &raw) {
            Some(probe) => tracked.push(track_script(raw, probe)),
            None => drop(disabled.insert(raw.script.name)),
        }
    }
    let mut instances = std::mem::take(&mut reader.raw.instances);
    for instance in &mut instances {
        check_all(reader, &mut seen, &mut instance.notify);
        instance.tracking.scripts.retain(|it| !disabled.contains(&it.name));
    }
    let mut groups = std::mem::take(&mut reader.raw.groups);
    for group in &mut groups {
        check_all(reader, &mut seen, &mut group.notify);
        group.tracking.scripts.retain(|it| !disabled.contains(&it.name));
    }
    (reader.raw.instances, reader.raw.groups) = (instances, groups);
    check_fifos(reader, &mut seen, |fifos| &mut fifos.vrrp);
    seen.report(reader, "");
    tracked
}

/// What a tracked script does each time; `None` if it cannot or may not be run.
fn check_tracked(reader: &mut Reader, seen: &mut Seen, raw: &RawTrackScript) -> Option<Probe> {
    let (Some((argv, place)), Some(Ok(identity))) = (&raw.script.command, &raw.script.user) else {
        return None;
    };
    let mut command = RawCommand { argv: argv.clone(), program: None, identity: *identity, place: *place };
    let Some(found) = look(reader, &command) else {
        let file = command.argv.first()?.as_bytes();
        let path = file.get(1..).unwrap_or_default().trim_ascii_start();
        let Identity { uid, gid, further_groups } = *identity;
        return Some(Probe::Open { file: OsStr::from_bytes(path).into(), uid, gid, further_groups });
    };
    seen.add(&found, *place);
    let (secure, name) = (reader.raw.global.script_security, &raw.script.name);
    let shown = command.argv.first()?.to_string_lossy().into_owned();
    let effect = "instances do not follow this script";
    let (why, reason) = match found {
        Command::Missing(absence @ Absence::Foreign(_)) => ("due to insecure", Reason::missing(&shown, absence)),
        Command::Missing(absence) => ("since not found/accessible", Reason::missing(&shown, absence)),
        Command::Found { executable: false, .. } => {
            Reason::not_executable(&shown, &command).complain(reader, *place, effect);
            return None;
        }
        Command::Found { odd: true, .. } => ("due to insecure", Reason::odd(&shown)),
        Command::Found { weakness: Some(weakness), .. } if secure => {
            ("due to insecure", Reason::weak(&weakness, false))
        }
        Command::Found { path, real, weakness, .. } => {
            note_search(reader, &shown, &path, *place);
            note_weakness(reader, weakness.as_ref(), *place);
            command.program = program(reader, &path, real);
            *command.argv.first_mut()? = path.into_os_string();
            return Some(Probe::Run(script(&command)));
        }
    };
    let text = format!("Disabling track script {name} {why}: {}", reason.text);
    let diagnostic = Diagnostic::error(Code::Script, text).at(*place).effect(effect);
    reader.complain(match reason.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    });
    None
}

/// The finished tracked script.
fn track_script(raw: RawTrackScript, probe: Probe) -> TrackScript {
    TrackScript {
        name: raw.script.name,
        probe,
        interval: raw.interval.unwrap_or(Micros::from_secs(1)),
        timeout: raw.timeout,
        weight: raw.weight,
        rise: raw.rise.unwrap_or(1),
        fall: raw.fall.unwrap_or(1),
        init_fail: raw.init_fail,
    }
}

/// The finished script.
pub(super) fn script(command: &RawCommand) -> Script {
    of(command.argv.clone(), command.program.clone(), command.identity)
}

/// The finished script of these words.
pub(super) fn of(argv: Vec<OsString>, program: Option<PathBuf>, identity: Identity) -> Script {
    let Identity { uid, gid, further_groups } = identity;
    Script { argv, program, uid, gid, further_groups }
}
