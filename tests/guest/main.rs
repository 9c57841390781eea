//! The hands for IPVS against the kernel's own, in network namespaces. Needs root and a kernel that has IPVS as a module,
//! which nobody else uses meanwhile: these tests remove it. So they are for an emulated machine, and plain `cargo test`
//! leaves them out; `cargo test --no-run --test guest` makes the program that is run there, one test after the other
//! (`--test-threads=1`).

mod daemons;
mod ipvs;
mod module;
#[path = "../hands/namespace.rs"]
#[allow(dead_code)]
mod namespace;
mod scale;
