//! The hands (`net`, `sock`, `wire::neigh`) against the real kernel, in network namespaces without names that go away
//! with the test process. Needs root and `ip` of iproute2.

mod addresses;
mod adverts;
mod bfd;
mod filter;
mod links;
mod marks;
mod monitor;
mod namespace;
mod neighbours;
mod own_links;
mod routing;
