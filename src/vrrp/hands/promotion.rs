//! `promote_secondaries` of interfaces, made what it was in the end.

use std::collections::HashSet;
use std::io;

use tracing::info;

use crate::model::{Family, IfName};
use crate::net::sysctl;

const KEY: &str = "promote_secondaries";

/// The interfaces on which we have set it, and it was not set before.
#[derive(Debug, Default)]
pub(super) struct Promotion(HashSet<IfName>);

impl Promotion {
    /// Sets it, or takes back that we did. An interface that has gone has nothing to be taken back.
    pub(super) fn set(&mut self, interface: &IfName, wanted: bool) {
        let done = match wanted {
            true => self.turn_on(interface),
            false => self.take_back(interface),
        };
        if let Err(error) = done
            && (wanted || error.kind() != io::ErrorKind::NotFound)
        {
            info!("{interface}: cannot set {KEY}: {error}");
        }
    }

    fn turn_on(&mut self, interface: &IfName) -> io::Result<()> {
        if sysctl::read(interface.as_str(), Family::V4, KEY) == Some(0) {
            sysctl::write(interface.as_str(), Family::V4, KEY, 1)?;
            self.0.insert(interface.clone());
        }
        Ok(())
    }

    fn take_back(&mut self, interface: &IfName) -> io::Result<()> {
        match self.0.remove(interface) {
            true => sysctl::write(interface.as_str(), Family::V4, KEY, 0),
            false => Ok(()),
        }
    }
}
