//! The configuration as one text, as it was understood: included files in their places, names replaced, repeated lines
//! written out, lines of other hosts left out. Passwords are not shown. Called for `config_save_dir`.

use super::diagnostic::conceal;
use super::place::Files;
use super::text::Text;

#[cfg(test)]
mod tests;

/// The units of a configuration line by line, which read as they were read; a comment tells where each file begins.
pub(super) fn text(units: &[Text], files: &Files) -> String {
    let mut out = String::new();
    let mut file = None;
    let mut depth = 0_usize;
    // What a `{` belongs to
    let mut heading = false;
    for unit in units {
        let site = unit.site(0);
        if file.replace(site.file) != Some(site.file) {
            end_line(&mut out, &mut heading);
            out.push_str(&format!("# {}\n", files.name(site.file)));
        }
        if unit.is(b'{') {
            out.push_str(if heading { " {\n" } else { "{\n" });
            heading = false;
            depth += 1;
            continue;
        }
        end_line(&mut out, &mut heading);
        let closes = unit.is(b'}');
        depth = depth.saturating_sub(usize::from(closes));
        out.push_str(&"  ".repeat(depth));
        out.push_str(&conceal(unit.bytes()));
        heading = true;
    }
    end_line(&mut out, &mut heading);
    out
}

fn end_line(out: &mut String, heading: &mut bool) {
    if std::mem::take(heading) {
        out.push('\n');
    }
}
