//! Room 4: the kernel's tables of interfaces, addresses, routes, rules, virtual services and the packet filter, read,
//! changed and watched over netlink, and its settings of interfaces.
//!
//! Holds the only netlink code of the crate; outside it there are model types. Never decides what the tables should
//! hold. The drivers call [`Netlink`] to read and to change, and wait on [`Monitor`] for what others change.

mod addr;
mod attribute;
mod buffer;
mod change;
mod connector;
mod filter;
mod ipvs;
mod link;
mod link_info;
mod local_igmp;
mod monitor;
mod neighbour;
mod nftables;
mod own_link;
pub mod ping_group;
mod route;
mod rtnetlink;
mod rule;
mod stacked;
pub mod sysctl;
mod transport;
mod vrf;

pub use change::{Change, PlacedRoute};
pub use connector::{ProcessEvents, Told};
pub use ipvs::{Ipvs, IpvsError, Reading, load_module};
pub use link::forwards_ipv6;
pub use local_igmp::LocalIgmp;
pub use monitor::Monitor;
pub use nftables::{FilterWatch, MarkTables, Nftables};
pub use own_link::Setting;
pub use rtnetlink::Netlink;
pub use stacked::Stacked;
pub use transport::Refusal;

use std::io;

/// What goes wrong between us and the kernel's netlink, beyond the refusal of one request.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The socket itself cannot be used
    #[error("netlink socket: cannot {action}: {source}")]
    Socket {
        /// What was tried
        action: &'static str,
        /// Why it failed
        source: io::Error,
    },
    /// The kernel would not list a table
    #[error("the kernel does not list its {table}: {refusal}")]
    Dump {
        /// Interfaces or addresses
        table: &'static str,
        /// What it said
        refusal: Refusal,
    },
}

impl NetError {
    fn socket<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> NetError {
        move |source| NetError::Socket { action, source: source.into() }
    }
}
