//! How the whole daemon stands at one moment, as core has gathered it: the configuration in force and what the children say.
//!
//! All that shows the daemon to others (status, metrics, SNMP, D-Bus) is made of this, and of nothing else.

use std::sync::Arc;

use super::frame::{Picture, Role, Shared};
use super::running::Running;
use super::running_bfd::RunningBfd;
use super::running_check::RunningCheck;
use super::{CheckConfig, VrrpConfig};

/// The whole. A child that does not run, or does not answer in time, has no picture. Lists in a picture are in the order of
/// the configuration, and may be of another length for the moment of a reload.
#[derive(Clone, Debug)]
pub struct Scene {
    /// When it was gathered, in microseconds since the Unix epoch
    pub at: u64,
    /// When the daemon started, likewise
    pub started: u64,
    /// The pid of core
    pub pid: u32,
    /// The configuration in force
    pub configuration: Arc<Configuration>,
    /// The parent has said what follows; it hears nothing while a script of the start runs, or when it is stuck
    pub answers: bool,
    /// The children that the configuration asks for
    pub children: Vec<ChildScene>,
    /// `vrrp`
    pub vrrp: Option<Arc<Running>>,
    /// `check`
    pub check: Option<Arc<RunningCheck>>,
    /// `bfd`
    pub bfd: Option<Arc<RunningBfd>>,
}

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// `global_defs`, BFD sessions, the host
    pub shared: Shared,
    /// The part of `vrrp`
    pub vrrp: VrrpConfig,
    /// The part of `check`
    pub check: CheckConfig,
    /// Its main file, as it was named
    pub file: String,
    /// When it was taken over, in microseconds since the Unix epoch
    pub since: u64,
    /// Why the last one that was read is not in use, and when it was read
    pub refused: Option<(String, u64)>,
}

/// A child, as core sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildScene {
    /// Which
    pub role: Role,
    /// Its pid; `None`: it waits for its next start
    pub pid: Option<u32>,
    /// How often it has died
    pub deaths: u32,
}

impl Scene {
    /// Puts in what a child has said.
    pub fn put(&mut self, picture: Picture) {
        match picture {
            Picture::Vrrp(running) => self.vrrp = Some(Arc::new(*running)),
            Picture::Check(running) => self.check = Some(Arc::new(*running)),
            Picture::Bfd(running) => self.bfd = Some(Arc::new(*running)),
        }
    }
}
