//! The forms that stand before any keyword: they decide which text is read at all. `conf::source` carries them out.

/// One form.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// How it begins
    pub name: &'static str,
    /// What follows
    pub arguments: &'static str,
    /// What it is for
    pub effect: &'static str,
}

const fn form(name: &'static str, arguments: &'static str, effect: &'static str) -> Form {
    Form { name, arguments, effect }
}

/// All forms.
#[rustfmt::skip]
pub static FORMS: [Form; 12] = [
    form("include", "PATTERN", "Read other files, named by `*`, `?`, `[...]` and `{a,b}`; missing ones are only told of"),
    form("includer", "PATTERN", "As include, but a file that cannot be read is a failure (exit code 6)"),
    form("includem", "PATTERN", "As includer, and a file that is not there is a failure too"),
    form("includew", "PATTERN", "As includem, and so is a pattern with wildcards that matches nothing"),
    form("includeb", "PATTERN", "As includer, and every alternative in braces has to be there"),
    form("includea", "PATTERN", "As include, with all these checks"),
    form("$NAME=", "TEXT", "Define what $NAME at the end of a word and ${NAME} anywhere stand for; lines that end in a backslash are followed by more"),
    form("@ID", "LINE", "Read the rest of the line only if the configuration id (-i, else the host name up to its first dot) is ID"),
    form("@^ID", "LINE", "Read the rest of the line only if the configuration id is not ID"),
    form("~SEQ", "(VAR, [START, [STEP,]] END) LINE", "Read the rest of the line again and again, with VAR counting up or down"),
    form("~SEQx", "(VAR, [START, [STEP,]] END) LINE", "As ~SEQ, with VAR in hexadecimal"),
    form("~LST", "(VAR, VALUE, ...) LINE", "Read the rest of the line for each value; also ({VAR1,VAR2},{A1,A2},...)"),
];

/// The form that a word asks for: its name, or something that begins as it does.
pub fn find(word: &str) -> Option<&'static Form> {
    let named = |form: &&Form| form.name.eq_ignore_ascii_case(word);
    let sign =
        || FORMS.iter().find(|form| word.len() == 1 && form.name.starts_with(word) && !form.name.starts_with('i'));
    FORMS.iter().find(named).or_else(sign)
}
