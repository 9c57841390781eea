//! What the parent tells its children.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::roles;
use super::shared;
use super::start::Setting;
use super::systemd;
use crate::cli::Dump;
use crate::model::command::Command;
use crate::model::frame::{ChildOptions, Role, SessionNews, Shared, ToBfd, ToCheck, ToVrrp};
use crate::model::{Config, Global};
use crate::os::clock;
use crate::os::ipc::{Error, Frame};
use crate::os::packed::Packed;
use crate::view::Sealed;

/// The question whether a child still answers.
pub(super) fn question(role: Role) -> Option<Frame> {
    match role {
        Role::Check => Frame::encode(&ToCheck::Ask),
        Role::Vrrp => Frame::encode(&ToVrrp::Ask),
        Role::Bfd => Frame::encode(&ToBfd::Ask),
    }
    .ok()
}

/// The question how a child stands as a whole.
pub(super) fn look(role: Role) -> Option<Frame> {
    match role {
        Role::Check => Frame::encode(&ToCheck::Show),
        Role::Vrrp => Frame::encode(&ToVrrp::Show),
        Role::Bfd => Frame::encode(&ToBfd::Show),
    }
    .ok()
}

/// What others ask of a child, and of which.
pub(super) fn command(command: Command) -> Option<(Role, Frame)> {
    let role = match command {
        Command::SendGarp { .. }
        | Command::SetPriority { .. }
        | Command::SetPreempt { .. }
        | Command::PrintData
        | Command::PrintStats { .. } => Role::Vrrp,
        Command::SetWeight { .. } => Role::Check,
    };
    let frame = match role {
        Role::Check => Frame::encode(&ToCheck::Do(command)),
        Role::Vrrp | Role::Bfd => Frame::encode(&ToVrrp::Do(command)),
    };
    Some((role, frame.ok()?))
}

/// What a child is told of a BFD session.
pub(super) fn news(role: Role, news: SessionNews) -> Option<Frame> {
    match role {
        Role::Check => Frame::encode(&ToCheck::Bfd(news)).ok(),
        Role::Vrrp => Frame::encode(&ToVrrp::Bfd(news)).ok(),
        Role::Bfd => None,
    }
}

/// The configuration in force, as far as the parent needs it. What its children need is kept in their encoding, which
/// is a fraction of the size.
pub(super) struct InForce {
    pub(super) global: Arc<Global>,
    /// When it was taken over, in microseconds since the Unix epoch
    since: u64,
    /// What every process knows, for the dump of the parent
    pub(super) shared: Packed<Shared>,
    /// How many VRRP instances there are
    pub(super) instances: usize,
    /// How many virtual servers there are
    pub(super) virtual_servers: usize,
    /// The names of the BFD sessions
    pub(super) sessions: BTreeSet<String>,
    /// For the roles that are asked for
    check: Option<Result<Frame, Error>>,
    vrrp: Option<Result<Frame, Error>>,
    bfd: Option<Result<Frame, Error>>,
}

impl InForce {
    /// Encodes what children are told of a configuration.
    pub(super) fn new(setting: &Setting, config: Config) -> Self {
        let wanted = |role, has_work| setting.allows(role) && (has_work || setting.options.subsystems.all);
        let has_check = wanted(Role::Check, !config.check.is_empty());
        let has_vrrp = wanted(Role::Vrrp, !config.vrrp.is_empty());
        let has_bfd = wanted(Role::Bfd, !config.bfd.instances.is_empty());
        let options = |role| child_options(role, setting, &config.global);
        let (for_check, for_vrrp, for_bfd) = (options(Role::Check), options(Role::Vrrp), options(Role::Bfd));
        let shared = Box::new(shared::of(&setting.options, setting.namespace.as_deref(), &config));
        let mut for_vrrp_only = shared.clone();
        if has_check && let Some(all) = &mut for_vrrp_only.global.fifos.all {
            // Both write, one has it read.
            all.script = None;
        }
        let Config { global, vrrp, check, bfd } = config;
        let bfd_frame = has_bfd.then(|| Frame::encode(&ToBfd::Configure(for_bfd, shared.clone())));
        InForce {
            global: Arc::new(global),
            since: clock::epoch(),
            shared: Packed::of(&shared),
            instances: vrrp.instances.len(),
            virtual_servers: check.virtual_servers.len(),
            sessions: bfd.instances.into_iter().map(|it| it.name).collect(),
            bfd: bfd_frame,
            check: has_check.then(|| Frame::encode(&ToCheck::Configure(for_check, shared, Box::new(check)))),
            vrrp: has_vrrp.then(|| Frame::encode(&ToVrrp::Configure(for_vrrp, for_vrrp_only, Box::new(vrrp)))),
        }
    }

    /// Whether a child of this role is asked for.
    pub(super) fn wants(&self, role: Role) -> bool {
        self.told(role).is_some()
    }

    /// What a child of this role is told, at its start as well as at a reload.
    pub(super) fn frame(&self, role: Role) -> Option<Result<Frame, &Error>> {
        Some(match self.told(role).as_ref()? {
            Ok(frame) => Ok(frame.clone()),
            Err(error) => Err(error),
        })
    }

    /// The same for those who look at the daemon. `file` is where it was read, `refused` why a newer one is not in use.
    pub(super) fn sealed(&self, file: &Path, refused: Option<(String, u64)>) -> Sealed {
        let frame = |told: &Option<Result<Frame, Error>>| told.as_ref()?.as_ref().ok().cloned();
        Sealed {
            global: self.global.clone(),
            shared: self.shared.clone(),
            vrrp: frame(&self.vrrp),
            check: frame(&self.check),
            file: file.display().to_string(),
            since: self.since,
            refused,
        }
    }

    fn told(&self, role: Role) -> &Option<Result<Frame, Error>> {
        match role {
            Role::Check => &self.check,
            Role::Vrrp => &self.vrrp,
            Role::Bfd => &self.bfd,
        }
    }
}

fn child_options(role: Role, setting: &Setting, global: &Global) -> ChildOptions {
    let options = &setting.options;
    ChildOptions {
        log: setting.log(Some(role), global),
        process_name: roles::process_name(role, &global.process_names),
        pid_file: setting.paths.of(role).to_owned(),
        dont_release_vrrp: options.dont_release_vrrp,
        dont_release_ipvs: options.dont_release_ipvs,
        release_vips: options.release_vips,
        address_monitoring: options.address_monitoring,
        dump: options.dump == Some(Dump::Text),
        core_limit: setting.core_limit,
        tells: systemd::listens(),
    }
}
