//! The configuration in force as core keeps it: in the encoding of frames, which is a fraction of its size. It is opened
//! for a scene, and only while somebody looks.

use std::sync::Arc;

use crate::model::frame::{Shared, ToCheck, ToVrrp};
use crate::model::scene::Configuration;
use crate::model::{Global, VrrpConfig};
use crate::os::ipc::Frame;
use crate::os::packed::Packed;

/// What is in force, and what all servers need of it.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// `global_defs`
    pub global: Arc<Global>,
    /// What every process knows
    pub shared: Packed<Shared>,
    /// The frame that configures `vrrp`, if it is asked for
    pub vrrp: Option<Frame>,
    /// The frame that configures `check`, if it is asked for
    pub check: Option<Frame>,
    /// Its main file
    pub file: String,
    /// When it was taken over, in microseconds since the Unix epoch
    pub since: u64,
    /// Why the last one that was read is not in use, and when it was read
    pub refused: Option<(String, u64)>,
}

impl Sealed {
    /// All of it. What cannot be opened, which would be a fault of this program, is empty.
    pub(super) fn open(&self) -> Configuration {
        let shared =
            self.shared.open().unwrap_or_else(|_| Shared { global: (*self.global).clone(), ..Shared::default() });
        let vrrp = match self.vrrp.as_ref().map(Frame::decode) {
            Some(Ok(ToVrrp::Configure(_, _, config))) => *config,
            _ => VrrpConfig::default(),
        };
        let check = match self.check.as_ref().map(Frame::decode) {
            Some(Ok(ToCheck::Configure(_, _, config))) => *config,
            _ => Default::default(),
        };
        let (file, refused) = (self.file.clone(), self.refused.clone());
        Configuration { shared, vrrp, check, file, since: self.since, refused }
    }
}
