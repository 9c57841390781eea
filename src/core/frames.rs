//! What the parent tells its children.

use super::roles;
use super::shared;
use super::start::Setting;
use crate::cli::Dump;
use crate::model::Config;
use crate::model::frame::{ChildOptions, Role, ToCheck, ToVrrp};
use crate::os::ipc::{Error, Frame};

/// The first frame of a child.
pub(super) fn start(role: Role, setting: &Setting, config: &Config) -> Result<Frame, Error> {
    let options = child_options(role, setting, config);
    let shared = Box::new(shared::of(&setting.options, setting.namespace.as_deref(), config));
    match role {
        Role::Check => Frame::encode(&ToCheck::Start(options, shared, config.check.clone())),
        Role::Vrrp => Frame::encode(&ToVrrp::Start(options, shared, Box::new(config.vrrp.clone()))),
    }
}

/// A new configuration for a child that runs.
pub(super) fn reload(role: Role, setting: &Setting, config: &Config) -> Result<Frame, Error> {
    let shared = Box::new(shared::of(&setting.options, setting.namespace.as_deref(), config));
    match role {
        Role::Check => Frame::encode(&ToCheck::Reload(shared, config.check.clone())),
        Role::Vrrp => Frame::encode(&ToVrrp::Reload(shared, Box::new(config.vrrp.clone()))),
    }
}

fn child_options(role: Role, setting: &Setting, config: &Config) -> ChildOptions {
    let options = &setting.options;
    ChildOptions {
        log: setting.log(roles::words(role).ident, config),
        process_name: roles::process_name(role, &config.global.process_names),
        pid_file: setting.paths.of(role).to_owned(),
        dont_release_vrrp: options.dont_release_vrrp,
        release_vips: options.release_vips,
        address_monitoring: options.address_monitoring,
        dump: options.dump == Some(Dump::Text),
    }
}
