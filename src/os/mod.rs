//! Room 4: what the operating system offers beside packets and netlink.
//!
//! Acts and never decides. The only room, beside `sock`, where `unsafe` may stand.

pub mod calendar;
pub mod capabilities;
pub mod clock;
pub mod core_dump;
pub mod descriptors;
pub mod folder_watch;
pub mod host;
pub mod ipc;
pub mod linkbeat;
pub mod namespace;
pub mod new_file;
pub mod packed;
pub mod pcre2;
pub mod pid_file;
pub mod process;
pub mod process_list;
pub mod random;
pub mod relay;
pub mod runner;
pub mod scheduling;
pub mod script;
pub mod signals;
pub mod terminal;
pub mod usage;
pub mod watch;
