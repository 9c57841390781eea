//! Conformance: packets in, packets out, with a virtual clock. Configurations are written as a person writes them.
//!
//! `operations` has the 22 tests of a public list by its numbers, `rfc9568` what the RFC asks for beside, `strict` what
//! strict mode makes of a configuration. `README.md` beside this file says which test stands for which sentence of the
//! RFC. `BFD.md` is the same for BFD, whose tests stand elsewhere.

mod bench;
mod faults;
mod machine;
mod operations;
mod packet;
mod readme;
mod rfc9568;
mod strict;
