use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::cli::Shell;
use crate::conf::diagnostic::Code;
use crate::conf::table::Block;

fn keyword(name: &str) -> Result<String, String> {
    tell(&Topic::Keyword(Some(name.into())))
}

#[test]
fn a_keyword_is_described_in_every_block_that_has_it() {
    let expected = "\
priority INT
    255 = address owner; out of range: reported and 100 used.
    stands in   vrrp_instance
    values      1..255
    default     100
";
    assert_eq!(keyword("priority").as_deref(), Ok(expected));
    let weights = keyword("weight").unwrap();
    for block in ["vrrp_script", "track_file, vrrp_track_file", "virtual_server/real_server/FILE_CHECK"] {
        assert!(weights.contains(&format!("    stands in   {block}\n")), "{block} in\n{weights}");
    }
    assert_eq!(weights.matches("stands in   virtual_server\n").count(), 1);
}

#[test]
fn a_block_in_front_narrows_the_search() {
    for name in ["real_server/weight", "virtual_server/real_server/weight"] {
        let text = keyword(name).unwrap();
        assert_eq!(text.matches("stands in").count(), 1, "{text}");
        assert!(text.contains("stands in   virtual_server/real_server\n"), "{text}");
    }
    assert_eq!(
        keyword("server/weight"),
        Err("There is no keyword `weight` in server; it stands in ".to_string()
            + &{
                let blocks: Vec<&str> = Block::ALL
                    .into_iter()
                    .filter(|it| it.keywords().any(|it| it.name == "weight"))
                    .map(Block::path)
                    .collect();
                blocks.join(", ") + "\n"
            })
    );
}

#[test]
fn what_stands_before_any_keyword_is_described_too() {
    for (word, begins) in
        [("include", "include PATTERN\n"), ("~seq", "~SEQ (VAR,"), ("$", "$NAME= TEXT\n"), ("@", "@ID LINE\n")]
    {
        let text = keyword(word).unwrap();
        assert!(text.starts_with(begins) && text.ends_with(".\n"), "{text}");
    }
    assert!(tell(&Topic::Keyword(None)).unwrap().starts_with("before any keyword:\n    include includer"));
}

#[test]
fn what_is_not_there_is_near_something() {
    assert_eq!(keyword("prority"), Err("There is no keyword `prority`; did you mean `priority`?\n".into()));
    assert_eq!(keyword("zzzzzz"), Err("There is no keyword `zzzzzz`\n".into()));
    let expected = "There is no keyword `priority` in global_defs; it stands in vrrp_instance\n";
    assert_eq!(keyword("global_defs/priority"), Err(expected.into()));
}

#[test]
fn every_keyword_can_be_described_and_is_listed() {
    let list = tell(&Topic::Keyword(None)).unwrap();
    for block in Block::ALL {
        for it in block.keywords() {
            let text = keyword(format!("{}/{}", block.path(), it.name).trim_start_matches('/')).unwrap();
            assert!(text.starts_with(it.name) && text.contains("stands in"), "{text}");
            assert!(list.split_whitespace().any(|word| word == it.name), "{}", it.name);
            assert!(text.lines().skip(1).all(|line| line.chars().count() <= 100), "{text}");
        }
    }
}

#[test]
fn codes_are_listed_and_explained() {
    let list = tell(&Topic::Code(None)).unwrap();
    assert_eq!(list.lines().count(), Code::ALL.len());
    assert!(list.contains("KA0031  A block is never closed.\n"));
    for code in Code::ALL {
        let text = tell(&Topic::Code(Some(code.to_string()))).unwrap();
        assert!(text.starts_with(&format!("{code}: ")) && text.contains("\nWhat to do: "), "{text}");
    }
    let fault = "There is no code KA7777. `--explain` alone lists all of them.\n";
    assert_eq!(tell(&Topic::Code(Some("KA7777".into()))), Err(fault.into()));
}

/// Standard output and standard error of a program that is fed `input`.
fn feed(program: &str, arguments: &[&str], input: &str) -> (String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn bash_completes_options_keywords_and_codes() {
    let script = tell(&Topic::Completion(Shell::Bash)).unwrap();
    let asks = [
        ("--help keyword prio", "priority"),
        ("--he", "--help"),
        ("--explain KA003", "KA0030 KA0031 KA0032 KA0033 KA0034"),
        ("--diagnostics j", "json"),
        ("-h key", "keyword"),
        ("-s x", ""),
    ];
    let ask = "COMP_WORDS=(keepalived-rs $1); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _keepalived_rs; \
               echo \"${COMPREPLY[*]}\"";
    let calls: String = asks.iter().map(|(line, _)| format!("ask '{line}'\n")).collect();
    let (answers, faults) = feed("bash", &["--norc"], &format!("{script}\nask() {{ {ask}; }}\n{calls}"));
    assert_eq!(faults, "");
    let expected: Vec<&str> = asks.iter().map(|(_, answer)| *answer).collect();
    assert_eq!(answers.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn scripts_for_zsh_and_fish_have_every_option_and_keyword_in_closed_quotes() {
    for (shell, option) in [(Shell::Zsh, "'--use-file=["), (Shell::Fish, " -l use-file ")] {
        let script = tell(&Topic::Completion(shell)).unwrap();
        for part in [option, "keyword", "virtual_router_id", "KA0031", "json"] {
            assert!(script.contains(part), "{part} in {shell:?}");
        }
        assert!(script.lines().all(|line| line.matches('\'').count() % 2 == 0), "{shell:?}");
    }
}

#[test]
fn the_manual_section_is_sound_roff_with_every_keyword() {
    let roff = tell(&Topic::Manual(Section::Keywords)).unwrap();
    let requests = [".SH ", ".SS ", ".TP"];
    for line in roff.lines().filter(|line| line.starts_with(['.', '\''])) {
        assert!(requests.iter().any(|request| line.starts_with(request)), "{line}");
    }
    for block in Block::ALL {
        for it in block.keywords() {
            assert!(roff.contains(&format!("\n\\fB{}\\fR", it.name.replace('-', "\\-"))), "{}", it.name);
        }
    }
    assert_eq!(roff.matches(".TP\n").count(), 539 + 12, "keywords, and what stands before them");
    // groff looks closer, where it is installed.
    if Command::new("groff").arg("--version").stdout(Stdio::null()).status().is_ok() {
        let (_, faults) = feed("groff", &["-man", "-ww", "-z"], &format!(".TH keepalived.conf 5\n{roff}"));
        assert_eq!(faults, "");
    }
}
