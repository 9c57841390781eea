//! The examples of `--explain` give the complaint that they explain.

use super::*;
use crate::conf::diagnostic::Code;
use crate::conf::environment::fake::found;

/// Complaints that no piece of text can show.
const NOT_TEXT: [Code; 2] = [Code::File, Code::Line];

#[test]
fn every_example_gives_its_complaint() {
    let mut env = Fake::default();
    let script = found("/etc/keepalived/notify.sh");
    env.commands.insert("/etc/keepalived/notify.sh".into(), script);
    let mut faults = Vec::new();
    for code in Code::ALL.iter().filter(|code| !NOT_TEXT.contains(code)) {
        let example = code.explain().example;
        let file = File::new(example);
        let request = Request { file: file.0.clone(), config_id: None, require_files: false };
        let loaded = examine(&request, &env, Some([2, 2, 7]));
        if !loaded.diagnostics.iter().any(|it| it.code == *code) {
            faults.push(format!("{code}:\n{example}\ngives\n{}", loaded.render(Style::default())));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
