//! What the program tells about itself and its configuration language: keywords, codes, completion, the manual.
//!
//! Pure: lists of `conf` and `cli` into text. `core` prints it. It reads no configuration and starts nothing.

mod codes;
mod completion;
mod keyword;
mod manual;

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
