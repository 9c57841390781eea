//! The codes of complaints, for `--explain`.

use crate::conf::diagnostic::Code;

/// All codes, a line each.
pub(super) fn list() -> String {
    let line = |code: &Code| format!("{code}  {}\n", code.meaning().trim());
    Code::ALL.iter().map(line).collect()
}

/// One code at length.
pub(super) fn describe(code: &str) -> Result<String, String> {
    match Code::from_text(code) {
        Some(code) => Ok(code.explain().to_string()),
        None => Err(format!("There is no code {code}. `--explain` alone lists all of them.\n")),
    }
}
