//! Routes and policy rules, and what is known of the names in them.

use std::collections::HashMap;

use crate::conf::environment::NameTable;
use crate::model::route::{Route, Rule};

/// Numbers with their names.
pub type NameList = Vec<(u32, String)>;

/// What the route and rule blocks wrote.
#[derive(Debug)]
pub struct RawRouting {
    /// `static_routes`
    pub static_routes: Vec<Route>,
    /// `static_rules`
    pub static_rules: Vec<Rule>,
    /// `virtual_routes`, with the instance
    pub routes: Vec<(String, Route)>,
    /// `virtual_rules`, with the instance
    pub rules: Vec<(String, Rule)>,
    /// What the next IPv4 rule without preference gets
    pub next_preference4: u32,
    /// What the next IPv6 rule without preference gets
    pub next_preference6: u32,
    /// Files of names that were read
    pub names: HashMap<NameTable, NameList>,
}

/// Preference of the first rule that has none (linux/fib_rules.h has no such number; keepalived's choice).
const FIRST_PREFERENCE: u32 = 16384;

impl Default for RawRouting {
    fn default() -> Self {
        RawRouting {
            static_routes: Vec::new(),
            static_rules: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            next_preference4: FIRST_PREFERENCE,
            next_preference6: FIRST_PREFERENCE,
            names: HashMap::new(),
        }
    }
}
