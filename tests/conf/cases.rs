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

/// Rules of the language by hand: `== name` begins a case, `-- file NAME [MODE]` a file beside it, `-- args` names further
/// arguments.
const TEXTS: [&str; 9] = [
    include_str!("cases/lines.cases"),
    include_str!("cases/words.cases"),
    include_str!("cases/blocks.cases"),
    include_str!("cases/conditions.cases"),
    include_str!("cases/definitions.cases"),
    include_str!("cases/repeat.cases"),
    include_str!("cases/include.cases"),
    include_str!("cases/scripts.cases"),
    include_str!("cases/verdicts.cases"),
];

/// What stands at the end of a file whose last line has no end.
const NO_LINE_END: &str = "«end»";

/// All of them.
pub fn written() -> Vec<Case> {
    let texts = TEXTS.iter().map(|text| text.strip_prefix("== ").expect("a case"));
    texts.flat_map(|text| text.split("\n== ")).map(one).collect()
}

fn one(text: &str) -> Case {
    let (name, text) = text.split_once('\n').unwrap_or((text, ""));
    // The line end before the next case belongs to the last line.
    let text = format!("\n{text}\n");
    let mut parts = text.split("\n-- ");
    let main = parts.next().unwrap_or_default();
    let content = |text: &str| match text {
        "" | "\n" => Vec::new(),
        text if text.contains(NO_LINE_END) => unescape(text.split(NO_LINE_END).next().unwrap_or_default()),
        text => unescape(&format!("{}\n", text.strip_suffix('\n').unwrap_or(text))),
    };
    let mut case = Case::new(name.to_string(), content(main.strip_prefix('\n').unwrap_or_default()));
    for part in parts {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        match head.split_once(' ').expect("two words") {
            ("args", words) => case.arguments = words.split(' ').map(String::from).collect(),
            ("file", words) => {
                let (name, mode) = match words.rsplit_once(' ') {
                    Some((name, mode)) if mode.bytes().all(|byte| byte.is_ascii_digit()) => (name, mode),
                    _ => (words, "644"),
                };
                let mode = u32::from_str_radix(mode, 8).expect("a mode");
                case.files.push(File { name: name.to_string(), bytes: content(body), mode });
            }
            (other, _) => panic!("{name}: {other}"),
        }
    }
    case
}
