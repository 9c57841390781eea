//! What is said about a configuration: for people, for programs and for the log.

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
    let json = loaded.to_json(loaded.test_exit_code());
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    assert_eq!(loaded.log_lines().count(), loaded.diagnostics.len());
    for (_, line) in loaded.log_lines() {
        assert!(!line.contains('\n'), "{line:?}");
    }
});
