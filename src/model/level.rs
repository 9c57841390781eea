//! The weight of a log line that an engine wants written.

/// Weight of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something that went wrong
    Error,
    /// Something the operator should mend
    Warning,
    /// Ordinary
    Info,
    /// Only with `-D`
    Detail,
}
