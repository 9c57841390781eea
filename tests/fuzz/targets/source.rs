//! A file, with what it includes and repeats, into units.

#![no_main]

use keepalived_rs::conf::fuzz;
use keepalived_rs_fuzz::{Machine, request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (mut units, mut bytes) = (0, 0);
    fuzz::units(&request(input), &Machine, |unit| {
        assert!(!unit.is_empty());
        assert!(unit.len() <= 1024 + 1, "a unit of {} bytes", unit.len());
        units += 1;
        bytes += unit.len();
    });
    // What the jail's files and repetition may add.
    assert!(units <= input.len() + 20_000, "{units} units");
    assert!(bytes <= input.len() + 2_000_000, "{bytes} bytes");
});
