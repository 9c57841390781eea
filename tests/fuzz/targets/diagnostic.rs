//! What is said about a configuration, for people and for the log.

#![no_main]

use keepalived_rs::conf::diagnostic::Style;
use keepalived_rs_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let loaded = read(input);
    let plain = loaded.render(Style { colour: false });
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert_eq!(plain.is_empty(), loaded.diagnostics.is_empty());
    assert!(loaded.render(Style { colour: true }).len() >= plain.len());
    assert_eq!(loaded.log_lines().count(), loaded.diagnostics.len());
    for (_, line) in loaded.log_lines() {
        assert!(!line.contains('\n'), "{line:?}");
    }
});
