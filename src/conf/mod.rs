//! x
pub mod diagnostic;
pub mod environment;
mod lex;
pub mod place;
pub mod source;
mod text;
mod value;
