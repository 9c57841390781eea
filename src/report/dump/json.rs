//! The effective configuration as one JSON document, for programs: every setting by its name in the model, spans in
//! seconds, commands as lists of words, secrets as asterisks.

use serde::Serialize;

use crate::model::bfd::BfdConfig;
use crate::model::{CheckConfig, Config, Global, VrrpConfig};

/// Version of the document; it grows when a reader has to change.
const VERSION: u32 = 1;

/// The document, its members in this order.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    global: &'a Global,
    vrrp: &'a VrrpConfig,
    check: &'a CheckConfig,
    bfd: &'a BfdConfig,
}

/// The document with a line end. Fails where a path is no text.
pub fn document(config: &Config) -> Result<String, serde_json::Error> {
    let Config { global, vrrp, check, bfd } = config;
    let document = Document { version: VERSION, global, vrrp, check, bfd };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
