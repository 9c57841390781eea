//! A whole configuration: what can be run, and the exit code.

#![no_main]

use keepalived_rs_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let loaded = read(input);
    assert!(matches!(loaded.test_exit_code(), 0 | 2 | 4 | 5 | 6));
    if let Some(refusal) = loaded.refusal() {
        assert!(matches!(refusal.exit, 2 | 6) && !refusal.reason.is_empty());
    }
});
