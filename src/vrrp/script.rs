//! Tracked scripts as a machine: when each runs, when a run is ended by force, and what its results mean.
//!
//! It is told the time and the ends of runs; it wants runs begun and ended, writes keepalived's log lines, and says how a
//! script stands when that changes. `scripting.rs` joins it to the engine, which knows who follows a script.
//!
//! A script runs from start to start: a slow run does not move the next one, and while one goes on the next is left out.
//! Its results move a counter from 0 to rise + fall - 1, and it is good from `rise` on: so many successes in a row make it
//! good, so many failures in a row bad, and one success restores the full patience. A fresh script stands one success
//! before good, so that its first result decides alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::event::{Action, Force, Level, RunEnd, RunId, Standing};
use crate::model::running::{FirstResult, RunState, RunningScript};
use crate::model::running_why::ScriptResult;
use crate::model::tracker::{Probe, TrackScript};
use crate::model::{Micros, Script, Time};

/// How long a run may take to obey SIGTERM, and the kernel to obey SIGKILL.
const GRACE: Micros = Micros::from_secs(2);
/// The span between further SIGKILLs.
const INSISTENCE: Micros = Micros::from_secs(10);

/// A limit that is noticed this late was not watched: the machine stood still, the script with it or unheard.
const LATE: Micros = Micros::from_millis(20);

/// A script that somebody follows.
#[derive(Clone, Debug)]
struct Watch {
    config: TrackScript,
    standing: Standing,
    /// 0 to rise + fall - 1; good from rise on
    counter: u32,
    /// No run has ended yet, so that the first failure counts whatever the counter says
    fresh: bool,
    /// A run has ended
    heard: bool,
    last_status: i32,
    /// How the last run ended, and when
    last: Option<(Time, ScriptResult)>,
    /// When the first of the failures in a row was
    failing_since: Option<Time>,
    /// Why it could not be run the last time
    trouble: Option<String>,
    next_at: Time,
    /// Taken from the first interval, so that scripts of one interval do not all run at one moment for ever
    shift: Micros,
    /// It has run before
    in_rhythm: bool,
    run: Option<RunId>,
    /// It was said already that the present run lasts too long
    skip_told: bool,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    Asked,
    Killed,
}

/// A run that has not ended.
#[derive(Clone, Debug)]
struct Run {
    /// Whose result it is; `None` if nobody wants it any more
    watch: Option<usize>,
    stage: Stage,
    /// When it is ended, or ended with more force
    limit: Time,
    /// It has been given more time already
    extended: bool,
}

/// What can be due. At one moment starts come first, as in keepalived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Start(usize),
    Limit(RunId),
}

/// A script that stands otherwise than before: its name, and how.
pub(super) type News = (String, Standing);

/// All scripts that somebody follows.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripts {
    watches: Vec<Watch>,
    runs: BTreeMap<RunId, Run>,
    timers: BTreeSet<(Time, Due)>,
    next_run: u64,
}

impl Watch {
    fn new(config: TrackScript, now: Time, standing: Standing) -> Self {
        let counter = if standing == Standing::Bad { 0 } else { config.rise.saturating_sub(1) };
        Watch {
            standing,
            counter,
            fresh: standing != Standing::Bad,
            heard: false,
            last_status: 0,
            last: None,
            failing_since: None,
            trouble: None,
            next_at: now,
            shift: Micros::ZERO,
            in_rhythm: false,
            run: None,
            skip_told: false,
            config,
        }
    }

    /// The counter of a script that is as good as it can be.
    fn best(config: &TrackScript) -> u32 {
        config.rise.saturating_add(config.fall).saturating_sub(1)
    }

    /// How long a run may take.
    fn time_limit(&self) -> Micros {
        self.config.timeout.unwrap_or(self.config.interval)
    }

    /// Counts a result; true if the script stands otherwise now.
    fn count(&mut self, success: bool) -> bool {
        let (rise, best) = (self.config.rise, Watch::best(&self.config));
        let fresh = std::mem::take(&mut self.fresh);
        self.heard = true;
        let standing = match success {
            true if self.counter < rise.saturating_sub(1) => {
                self.counter += 1;
                self.standing
            }
            true => {
                self.counter = best;
                Standing::Good
            }
            false if self.counter > rise => {
                self.counter -= 1;
                self.standing
            }
            false if self.counter == rise || fresh => {
                self.counter = 0;
                Standing::Bad
            }
            false => {
                self.counter = 0;
                self.standing
            }
        };
        std::mem::replace(&mut self.standing, standing) != standing
    }

    /// Takes over what was known of the same script before a reload, in proportion to the new rise and fall. Gives the
    /// word for it, if results were known.
    fn inherit(&mut self, old: &Watch) -> Option<&'static str> {
        (self.last_status, self.trouble, self.run) = (old.last_status, old.trouble.clone(), old.run);
        self.in_rhythm = true;
        (self.skip_told, self.fresh, self.standing) = (old.skip_told, old.fresh, old.standing);
        self.heard = old.heard;
        (self.last, self.failing_since) = (old.last, old.failing_since);
        let interval = self.config.interval;
        self.next_at = if interval == old.config.interval {
            old.next_at
        } else {
            ((old.next_at - old.config.interval) + interval).max(self.next_at)
        };
        let (rise, best) = (self.config.rise, Watch::best(&self.config));
        let (old_rise, old_best) = (old.config.rise, Watch::best(&old.config));
        if old.fresh {
            self.counter = rise.saturating_sub(1);
            return None;
        }
        self.counter = match old.counter {
            0 => 0,
            counter if counter < old_rise => rise.saturating_sub(old_rise - counter),
            counter if counter == old_best => best,
            counter => rise.saturating_add(counter - old_rise).min(best),
        };
        self.standing = if self.counter >= rise { Standing::Good } else { Standing::Bad };
        Some(if self.standing == Standing::Good { "successful" } else { "unsuccessful" })
    }
}

impl Scripts {
    /// Begins with these scripts, each at once. Gives how each stands.
    pub(super) fn start(&mut self, now: Time, followed: Vec<TrackScript>, out: &mut VecDeque<Action>) -> Vec<News> {
        let first = |config: &TrackScript| if config.init_fail { Standing::Bad } else { Standing::Pending };
        self.watches = followed.into_iter().map(|it| (first(&it), it)).map(|(s, it)| Watch::new(it, now, s)).collect();
        self.arrange();
        self.begin_due(now, out);
        self.news()
    }

    /// Goes on with these scripts. One that does the same as before keeps its result, its run and its time; another is no
    /// reason for FAULT until it has failed. Gives how each stands.
    pub(super) fn reload(&mut self, now: Time, followed: Vec<TrackScript>, out: &mut VecDeque<Action>) -> Vec<News> {
        let mut old: HashMap<String, Watch> =
            std::mem::take(&mut self.watches).into_iter().map(|watch| (watch.config.name.clone(), watch)).collect();
        for config in followed {
            let before = old.get(&config.name);
            let watch = match before {
                Some(before) if before.config.probe == config.probe => {
                    let mut watch = Watch::new(config, now, before.standing);
                    if let Some(how) = watch.inherit(before) {
                        let line = format!("VRRP_Script({}) considered {how} on reload", watch.config.name);
                        out.push_back(Action::Log(Level::Info, line));
                    }
                    old.remove(&watch.config.name);
                    watch
                }
                // What was good goes on as good, and who waits goes on waiting, until the new command has its say.
                Some(before) if matches!(before.standing, Standing::Good | Standing::Pending) => {
                    Watch::new(config, now, before.standing)
                }
                None if config.init_fail => Watch::new(config, now, Standing::Bad),
                Some(_) | None => Watch::new(config, now, Standing::Assumed),
            };
            self.watches.push(watch);
        }
        for run in self.runs.values_mut() {
            run.watch = None;
        }
        for (index, watch) in self.watches.iter().enumerate() {
            if let Some(run) = watch.run.and_then(|run| self.runs.get_mut(&run)) {
                run.watch = Some(index);
            }
        }
        let unwanted = |(id, run): (&RunId, &Run)| (run.watch.is_none() && run.stage == Stage::Running).then_some(*id);
        for id in self.runs.iter().filter_map(unwanted).collect::<Vec<_>>() {
            self.press(now, id, out);
        }
        self.arrange();
        self.begin_due(now, out);
        self.news()
    }

    /// Ends all runs: nothing is followed any more.
    pub(super) fn stop(&mut self, out: &mut VecDeque<Action>) {
        out.extend(self.runs.keys().map(|run| Action::EndScript(*run, Force::Ask)));
        (self.watches, self.runs, self.timers) = Default::default();
    }

    /// When [`Scripts::handle_timeout`] has something to do.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Begins and ends what is due.
    pub(super) fn handle_timeout(&mut self, now: Time, out: &mut VecDeque<Action>) {
        self.begin_due(now, out);
    }

    /// A run has ended. Gives the script that stands otherwise now, if any.
    pub(super) fn ended(&mut self, now: Time, id: RunId, end: RunEnd, out: &mut VecDeque<Action>) -> Option<News> {
        let run = self.runs.remove(&id)?;
        self.timers.remove(&(run.limit, Due::Limit(id)));
        let watch = self.watches.get_mut(run.watch?)?;
        watch.run = None;
        let name = watch.config.name.clone();
        let mut log = |line: String| out.push_back(Action::Log(Level::Info, line));
        // One that had to be ended has failed, whatever it made of the signal.
        let timed_out = run.stage != Stage::Running;
        let trouble = match &end {
            RunEnd::CannotRun(reason) | RunEnd::NoProcess(reason) => Some(reason.clone()),
            RunEnd::Exited(_) | RunEnd::Signalled(_) => None,
        };
        if trouble != watch.trouble
            && let Some(line) = &trouble
        {
            // Once, however often it is tried.
            log(line.clone());
        }
        watch.trouble = trouble;
        watch.last = match &end {
            RunEnd::NoProcess(_) => watch.last,
            RunEnd::CannotRun(_) => Some((now, ScriptResult::CannotRun)),
            RunEnd::Exited(_) | RunEnd::Signalled(_) if timed_out => Some((now, ScriptResult::TimedOut)),
            RunEnd::Signalled(signal) => Some((now, ScriptResult::Signalled(*signal))),
            RunEnd::Exited(status) => Some((now, ScriptResult::Exited(*status))),
        };
        let (success, how) = match end {
            RunEnd::NoProcess(_) => return None,
            RunEnd::CannotRun(_) => (false, "failed (cannot be run)".to_owned()),
            RunEnd::Exited(_) | RunEnd::Signalled(_) if timed_out => (false, "timed_out".to_owned()),
            RunEnd::Signalled(signal) => (false, format!("failed (due to signal {signal})")),
            RunEnd::Exited(status) => {
                if std::mem::replace(&mut watch.last_status, status) != status {
                    log(format!("Script `{name}` now returning {status}"));
                }
                match status {
                    0 => (true, "succeeded".to_owned()),
                    _ => (false, format!("failed (exited with status {status})")),
                }
            }
        };
        watch.failing_since = if success { None } else { watch.failing_since.or(Some(now)) };
        if !watch.count(success) {
            return None;
        }
        log(format!("VRRP_Script({name}) {how}"));
        Some((name, watch.standing))
    }

    /// How far each script has come.
    pub(super) fn running(&self) -> BTreeMap<String, RunningScript> {
        let of = |watch: &Watch| RunningScript {
            counter: watch.counter,
            first_result: match watch.standing {
                Standing::Pending => FirstResult::Awaited,
                Standing::Assumed => FirstResult::AwaitedAfterReload,
                Standing::Bad if !watch.heard => FirstResult::AwaitedAsFailed,
                Standing::Good | Standing::Bad | Standing::Number(_) => FirstResult::Known,
            },
            run: match watch.run.and_then(|run| self.runs.get(&run)).map(|run| run.stage) {
                None => RunState::Idle,
                Some(Stage::Running) => RunState::Running,
                Some(Stage::Asked) => RunState::Asked,
                Some(Stage::Killed) => RunState::Killed,
            },
            good: match watch.standing {
                Standing::Good => Some(true),
                Standing::Bad => Some(false),
                Standing::Pending | Standing::Assumed | Standing::Number(_) => None,
            },
            since: None,
            last: watch.last,
            failing_since: watch.failing_since,
        };
        self.watches.iter().map(|watch| (watch.config.name.clone(), of(watch))).collect()
    }

    /// How the last run of a script ended.
    pub(super) fn last_of(&self, name: &str) -> Option<ScriptResult> {
        self.watch_of(name)?.last.map(|(_, result)| result)
    }

    /// Since when a script has failed each time.
    pub(super) fn failing_since(&self, name: &str) -> Option<Time> {
        self.watch_of(name)?.failing_since
    }

    fn watch_of(&self, name: &str) -> Option<&Watch> {
        self.watches.iter().find(|watch| watch.config.name == name)
    }

    /// How each script stands.
    fn news(&self) -> Vec<News> {
        self.watches.iter().map(|watch| (watch.config.name.clone(), watch.standing)).collect()
    }

    /// Spreads the scripts of each interval over half of it, and sets the timers.
    fn arrange(&mut self) {
        let mut sharing: HashMap<Micros, u64> = HashMap::new();
        for watch in &self.watches {
            *sharing.entry(watch.config.interval).or_default() += 1;
        }
        let mut seen: HashMap<Micros, u64> = HashMap::new();
        for watch in &mut self.watches {
            let interval = watch.config.interval;
            let position = seen.entry(interval).or_default();
            let all = sharing.get(&interval).copied().unwrap_or(1);
            watch.shift = if watch.in_rhythm { Micros::ZERO } else { Micros(interval.0 / 2 / all * *position) };
            *position += 1;
        }
        let starts = self.watches.iter().enumerate().map(|(index, watch)| (watch.next_at, Due::Start(index)));
        let limits = self.runs.iter().map(|(id, run)| (run.limit, Due::Limit(*id)));
        self.timers = starts.chain(limits).collect();
    }

    fn begin_due(&mut self, now: Time, out: &mut VecDeque<Action>) {
        while let Some((at, due)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            match due {
                Due::Start(index) => {
                    self.timers.remove(&(at, due));
                    self.begin(now, index, out);
                }
                Due::Limit(id) => self.limit_reached(now, id, out),
            }
        }
    }

    /// The time of a script has come.
    fn begin(&mut self, now: Time, index: usize, out: &mut VecDeque<Action>) {
        let Some(watch) = self.watches.get_mut(index) else {
            return;
        };
        // From deadline to deadline, so that the rate is exact; what a stall has made late is left out.
        let interval = watch.config.interval.max(Micros(1));
        let missed = now.since(watch.next_at).0 / interval.0;
        watch.next_at = (watch.next_at + interval * (missed + 1)) - std::mem::take(&mut watch.shift);
        self.timers.insert((watch.next_at, Due::Start(index)));
        if let Some(run) = watch.run.and_then(|id| self.runs.get(&id)) {
            if !std::mem::replace(&mut watch.skip_told, true) {
                let how = if run.stage == Stage::Running { "already running" } else { "being timed out" };
                let line = format!("Track script {} is {how}, expect idle - skipping run", watch.config.name);
                out.push_back(Action::Log(Level::Info, line));
            }
            return;
        }
        let id = RunId(self.next_run);
        self.next_run += 1;
        (watch.run, watch.skip_told) = (Some(id), false);
        let limit = now + watch.time_limit();
        self.runs.insert(id, Run { watch: Some(index), stage: Stage::Running, limit, extended: false });
        self.timers.insert((limit, Due::Limit(id)));
        let script = command(&watch.config.probe);
        out.push_back(Action::RunScript { run: id, name: watch.config.name.clone(), script });
    }

    /// The time of a run is over.
    fn limit_reached(&mut self, now: Time, id: RunId, out: &mut VecDeque<Action>) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        let late = now.since(run.limit);
        if run.stage != Stage::Running || run.extended || late < LATE {
            return self.press(now, id, out);
        }
        let watch = run.watch.and_then(|index| self.watches.get(index));
        let whole = watch.map_or(Micros::ZERO, Watch::time_limit);
        self.timers.remove(&(run.limit, Due::Limit(id)));
        (run.limit, run.extended) = (now + late.min(whole), true);
        self.timers.insert((run.limit, Due::Limit(id)));
    }

    /// A run has to end now, with more force than before.
    fn press(&mut self, now: Time, id: RunId, out: &mut VecDeque<Action>) {
        let Some(run) = self.runs.get_mut(&id) else {
            return;
        };
        self.timers.remove(&(run.limit, Due::Limit(id)));
        let (stage, force, patience) = match run.stage {
            Stage::Running => (Stage::Asked, Force::Ask, GRACE),
            Stage::Asked => (Stage::Killed, Force::Kill, GRACE),
            Stage::Killed => (Stage::Killed, Force::KillAgain, INSISTENCE),
        };
        (run.stage, run.limit) = (stage, now + patience);
        self.timers.insert((run.limit, Due::Limit(id)));
        out.push_back(Action::EndScript(id, force));
    }
}

/// What is run for a probe. A file is opened by a shell, as keepalived has it: under the user of the script, and if it is a
/// pipe or on a dead server, it is the shell that waits.
fn command(probe: &Probe) -> Script {
    match probe {
        Probe::Run(script) => script.clone(),
        Probe::Open { file, uid, gid, further_groups } => Script {
            argv: vec!["/bin/sh".into(), "-c".into(), "<\"$0\"".into(), file.into()],
            uid: *uid,
            gid: *gid,
            program: None,
            further_groups: *further_groups,
        },
    }
}

#[cfg(test)]
mod tests;
