//! The keepalived-rs binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    keepalived_rs::core::run(std::env::args_os().collect()).into()
}
