//! What the program tells about itself and its configuration language (keywords, codes, completion, the manual), and the
//! commands that ask a running daemon (status, watch, explain).
//!
//! The first are pure: lists of `conf` and `cli` into text, which `core` prints. The others read what the daemon answers
//! ([`Source`]) and show it. Nothing here reads a configuration or starts anything.

mod ask;
mod codes;
mod completion;
mod explain;
mod keyword;
mod manual;
mod screen;
mod status;
mod watch;

pub use ask::{Source, run};

use crate::cli::{Section, Topic};

/// The text that answers, or why there is none.
pub fn tell(topic: &Topic) -> Result<String, String> {
    match topic {
        Topic::Keyword(None) => Ok(keyword::list()),
        Topic::Keyword(Some(name)) => keyword::describe(name),
        Topic::Code(None) => Ok(codes::list()),
        Topic::Code(Some(code)) => codes::describe(code),
        Topic::Completion(shell) => Ok(completion::script(*shell)),
        Topic::Manual(Section::Options) => Ok(manual::options()),
        Topic::Manual(Section::Keywords) => Ok(manual::keywords()),
    }
}

#[cfg(test)]
mod tests;
