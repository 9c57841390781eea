//! What is said over the control socket: a line of JSON for each request, and one or more for its answer.
//!
//! A request: `{"version":1,"request":"status"}`. Its answer: one line with `version` and either `error` or a member of the
//! request's name. `events` has one line for each, and then one with `end`, unless it follows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::explanation::Explanation;
use super::moment::Moment;
use super::occurrence::Record;
use super::status::Status;

/// The version of requests and answers. Members may be added under one version, none changes or goes.
pub const VERSION: u64 = 1;

/// The most bytes of a request, its line end included.
pub const MAX_REQUEST: usize = 4096;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// How all stands
    Status,
    /// What has happened
    Events {
        /// Only from then on
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Moment>,
        /// And what will happen, until either side closes
        #[serde(default)]
        follow: bool,
    },
    /// Why an instance or a sync group stands as it does
    Explain {
        /// Its name
        name: String,
    },
}

/// The names of requests.
pub const REQUESTS: [&str; 3] = ["status", "events", "explain"];

/// A line of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// [`VERSION`]
    pub version: u64,
    /// What it holds
    #[serde(flatten)]
    pub content: Content,
}

/// What a line of an answer holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// To `status`
    Status(Box<Status>),
    /// To `explain`; nothing: nothing bears this name
    Explain(Option<Box<Explanation>>),
    /// To `events`: one of them
    Event(Record),
    /// While following: so many were lost, because they were not read in time
    Lost(u64),
    /// To `events`: these were all
    End(bool),
    /// The request cannot be answered
    Error(String),
}

/// A request as it is sent.
#[derive(Clone, Debug, Serialize)]
pub struct Question<'a> {
    /// [`VERSION`]
    pub version: u64,
    /// What is asked
    #[serde(flatten)]
    pub request: &'a Request,
}

/// Reads a line of a client.
///
/// # Errors
/// Why it is no request, for whoever wrote it.
pub fn read(line: &[u8]) -> Result<Request, String> {
    let example = r#"{"version":1,"request":"status"}"#;
    let value: Value =
        serde_json::from_slice(line).map_err(|_| format!("this is no line of JSON; a request is {example}"))?;
    match value.get("version").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => return Err(format!("version {other} is not known here; version {VERSION} is")),
        None => return Err(format!("the request has no version; a request is {example}")),
    }
    let name = value.get("request").and_then(Value::as_str).unwrap_or_default();
    if !REQUESTS.contains(&name) {
        return Err(format!("there is no such request; there are {}", REQUESTS.join(", ")));
    }
    let name = name.to_owned();
    serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests;
