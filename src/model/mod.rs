//! Room 0: the data that the other rooms share.
//!
//! Holds the finished configuration, the newtypes of the field and the frames that cross a process
//! boundary. Finished values cannot be wrong: `conf/finish` is the only place that builds them from text.
//! Nothing here reads a clock, a file or a socket, and nothing here knows another room.

pub mod address;
pub mod check;
pub mod config;
pub mod frame;
pub mod global;
pub mod instance;
pub mod link;
pub mod names;
pub mod notification;
pub mod script;
pub mod secret;
pub mod time;

pub use address::{Address, Family, Lifetime};
pub use check::CheckConfig;
pub use config::{Config, VrrpConfig};
pub use global::Global;
pub use instance::{Auth, Garp, Instance, Notify, Peer, SyncGroup, TrackInterface, Transport, Version};
pub use link::{IfAddress, KernelEvent, Link};
pub use names::{IfName, Priority, Vrid};
pub use notification::{Notification, NotifyState, Subject};
pub use script::Script;
pub use secret::Secret;
pub use time::{Micros, Time};
