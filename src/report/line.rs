//! Log lines that engines want written.

use tracing::{debug, error, info, warn};

use crate::model::Level;

/// Writes one.
pub fn say(level: Level, line: &str) {
    match level {
        Level::Error => error!("{line}"),
        Level::Warning => warn!("{line}"),
        Level::Info => info!("{line}"),
        Level::Detail => debug!("{line}"),
    }
}
