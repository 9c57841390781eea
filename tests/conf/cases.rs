//! Small configurations, one for each rule, and the files beside them.

/// A file of a case.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
    pub mode: u32,
}

/// A configuration to be tested; the one that is named to the program is `c.conf`.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub files: Vec<File>,
    /// Further arguments of the program
    pub arguments: Vec<String>,
}

impl Case {
    pub fn new(name: String, bytes: Vec<u8>) -> Self {
        Case { name, files: vec![File { name: "c.conf".into(), bytes, mode: 0o644 }], arguments: Vec::new() }
    }
}

/// Text with `«HH»` for a byte and `«HH*N»` for N of them.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('«') {
        bytes.extend(before.as_bytes());
        let (code, after) = after.split_once('»').expect("«HH»");
        let (byte, count) = code.split_once('*').unwrap_or((code, "1"));
        let byte = u8::from_str_radix(byte, 16).expect("a byte in hexadecimal");
        bytes.extend(std::iter::repeat_n(byte, count.parse().expect("a number")));
        rest = after;
    }
    bytes.extend(rest.as_bytes());
    bytes
}
