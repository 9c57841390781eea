//! Virtual servers and their health checks.

use serde::{Deserialize, Serialize};

/// The part of the configuration that the `check` process owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckConfig {
    /// Names of the virtual services in configuration order, as keepalived prints them
    pub virtual_servers: Vec<String>,
}
