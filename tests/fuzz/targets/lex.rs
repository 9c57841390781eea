//! A unit into words, in both grammars.

#![no_main]

use keepalived_rs::conf::fuzz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (words, unmatched) = fuzz::words(input);
    let mut end = 0;
    for word in &words {
        assert!(word.start >= end && word.end >= word.start && word.end <= input.len(), "{words:?}");
        assert!(!input[word.clone()].contains(&b'"'), "{words:?}");
        end = word.end;
    }
    assert!(unmatched.is_none_or(|at| at >= end && input[at] == b'"'), "{unmatched:?}");
    let made: usize = fuzz::script_words(input).iter().flatten().map(|word| word.len()).sum();
    assert!(made <= 2 * input.len());
});
