#![doc = "The keepalived-rs binary."]
fn main() {}
