//! Metrics for Prometheus and whatever reads its formats, over HTTP (`metrics_listen`).
//!
//! [`text()`] makes the text of a scene, in families of which each file holds those of one process; [`serve`] is the server.
//! Decides nothing, and knows of the daemon what a [`Scene`](crate::model::Scene) says.

mod balancing;
mod detection;
mod http;
mod page;
mod routers;
mod server;
mod text;

pub use self::page::Format;
pub use self::server::serve;
pub use self::text::{Counts, text};
