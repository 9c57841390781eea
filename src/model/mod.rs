//! Room 0: the data that the other rooms share.
//!
//! Holds the finished configuration, the newtypes of the field and the frames that cross a process
//! boundary. Finished values cannot be wrong: `conf/finish` is the only place that builds them from text.
//! Nothing here reads a clock, a file or a socket, and nothing here knows another room.

pub mod address;
pub mod bfd;
pub mod check;
pub mod checker;
pub mod cleanup;
pub mod command;
pub mod config;
pub mod control;
pub mod entry;
pub mod explanation;
pub mod filter;
pub mod frame;
pub mod global;
pub mod histogram;
pub mod hmac;
pub mod instance;
pub mod ipvs;
pub mod level;
pub mod limit;
pub mod link;
pub mod macvlan;
pub mod mark;
pub mod moment;
pub mod names;
pub mod notification;
pub mod occurrence;
pub mod own_link;
pub mod pace;
pub mod random;
pub mod readable;
pub mod release;
pub mod restraint;
pub mod route;
pub mod running;
pub mod running_bfd;
pub mod running_check;
pub mod running_why;
#[cfg(test)]
pub mod sample;
pub mod scene;
pub mod script;
pub mod secret;
pub mod settings;
pub mod stats;
pub mod status;
pub mod time;
pub mod tracker;
pub mod trap;
pub mod weight;

pub use address::{Address, Family, Lifetime};
pub use bfd::{BfdConfig, BfdInstance};
pub use check::CheckConfig;
pub use cleanup::Cleanup;
pub use config::{Config, VrrpConfig};
pub use entry::{Entry, KernelRoute};
pub use filter::{FilterRules, FilterStyle, FilteredLink, LinkRef};
pub use global::Global;
pub use histogram::Histogram;
pub use hmac::Hmac;
pub use instance::{Auth, Extras, Garp, Instance, Notify, Peer, SyncGroup, TrackInterface, Transport, Version};
pub use level::Level;
pub use limit::LogLimit;
pub use link::{IfAddress, KernelEvent, Link, Ties};
pub use mark::{MarkChange, MarkStyle, Marked};
pub use names::{IfName, Priority, Vrid};
pub use notification::{Alert, Notification, NotifyState, ServiceNotice, Subject};
pub use occurrence::Occurrence;
pub use pace::Pace;
pub use random::Random;
pub use restraint::Restraint;
pub use route::{Route, Rule};
pub use scene::Scene;
pub use script::Script;
pub use secret::Secret;
pub use time::{Micros, Time};
pub use weight::{Tracked, Tracking, Weight};
