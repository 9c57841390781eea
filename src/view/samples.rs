//! Scenes for tests.

use std::sync::Arc;

use crate::model::scene::{Configuration, Scene};
use crate::model::{Instance, VrrpConfig};

/// A daemon with these instances, of which nobody has told how they stand.
pub(super) fn scene(instances: Vec<Instance>) -> Scene {
    let vrrp = VrrpConfig { instances, ..VrrpConfig::default() };
    let configuration = Arc::new(Configuration { vrrp, ..Configuration::default() });
    Scene {
        at: 0,
        started: 0,
        pid: 2,
        configuration,
        answers: true,
        children: vec![],
        vrrp: None,
        check: None,
        bfd: None,
    }
}
