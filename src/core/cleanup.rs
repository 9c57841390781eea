//! `--cleanup`: what a daemon that was killed has left in the network and in IPVS is removed, by its configuration.
//!
//! The pid files are held meanwhile, so that no daemon starts while its addresses go away under it.

use std::io::{self, Write};

use super::configuration::{Reading, Refusal, Source};
use super::paths::Paths;
use super::start::{self, Failure, PidFiles, Setting};
use crate::check;
use crate::cli::Options;
use crate::model::Cleanup;
use crate::model::frame::Role;
use crate::os::{namespace, process};
use crate::vrrp;

/// Exit status when a daemon runs, or the kernel refuses.
const FAILED: u8 = 1;

/// Removes, and prints what; the answer is the exit status: 0 when nothing is left, 1 when a daemon runs or something
/// could not be removed, otherwise that of a daemon which cannot start with this configuration.
pub(super) fn run(options: Options) -> u8 {
    let failure = match clean(options) {
        Ok(outcome) => return print(&outcome),
        Err(Failure::Running) => {
            Refusal { status: FAILED, text: "a daemon is running, nothing was removed".to_owned() }
        }
        Err(Failure::Refused(refusal)) => refusal,
    };
    start::complain(&failure.text);
    failure.status
}

fn clean(options: Options) -> Result<Cleanup, Failure> {
    process::keep_descriptors_private();
    start::apply_umask(&options, None);
    let source = Source::new(&options);
    if let Some(name) = &options.namespace {
        namespace::enter(name).map_err(|error| start::not_entered(name, &error))?;
    }
    let Reading { config, complaints, refusal, .. } = source.read();
    if let Some(refusal) = refusal {
        complaints.iter().for_each(|line| start::complain(line));
        return Err(Failure::Refused(refusal));
    }
    let namespace = start::enter_namespace(&options, &config)?;
    let paths = Paths::new(&options, &config.global, namespace.as_deref());
    let setting = Setting { options, source, namespace, paths, core_limit: None };
    start::prepare_folder(&setting)?;
    let PidFiles { parent, children } = start::claim(&setting)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    // Services before addresses: nobody is sent to servers through an address that has already gone.
    let services = check::driver::clean_up(&config.check, &config.global);
    let network = runtime.block_on(async { vrrp::driver::clean_up(config.vrrp, setting.paths.of(Role::Vrrp)) });
    children.into_iter().for_each(|(_, file)| file.remove());
    parent.remove();
    start::leave_folder(&setting);
    Ok(services.and(network.map_err(Failure::new)?))
}

fn print(outcome: &Cleanup) -> u8 {
    let mut out = io::stdout().lock();
    // Nobody may be listening: what was removed is removed all the same.
    for object in &outcome.removed {
        let _ = writeln!(out, "removed {object}");
    }
    if outcome.removed.is_empty() && outcome.left.is_empty() {
        let _ = writeln!(out, "nothing to remove");
    }
    for object in &outcome.left {
        start::complain(&format!("could not remove {object}"));
    }
    if outcome.left.is_empty() { 0 } else { FAILED }
}
