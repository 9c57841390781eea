//! The command line beside that of Debian's keepalived: the same words, the same exit status, the same answers.

use std::process::{Command, Stdio};

use super::daemon::{BINARY, Folder};

const KEEPALIVED: &str = "/usr/sbin/keepalived";

/// What is the same beside the exit status.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    /// Standard output and standard error
    All,
    /// Standard output
    Out,
    /// Nothing
    Status,
}

/// `CONF` is a configuration without fault, `NONE` a file that is not there, `LOG` one that may be written.
const LINES: [(&str, Same); 52] = [
    ("--signum=STOP", Same::All),
    ("--signum RELOAD", Same::All),
    ("--signum=DATA", Same::All),
    ("--signum=STATS", Same::All),
    ("--signum=STATS_CLEAR", Same::All),
    ("--signum=JSON", Same::All),
    ("--sig=JSON", Same::All),
    ("--signum=json", Same::All),
    // keepalived 2.2.7 calls the option X in its answer.
    ("--signum=", Same::Out),
    ("--use-file", Same::Out),
    ("--use-file=", Same::All),
    ("-f", Same::All),
    ("-p", Same::All),
    ("-u", Same::All),
    ("-Q", Same::All),
    ("-Qz", Same::All),
    ("-Q -f", Same::All),
    ("--nosuch", Same::All),
    ("--nosuch=5", Same::All),
    ("--dont", Same::All),
    ("--dont-fork=1", Same::All),
    // The answer tells of the release.
    ("-v", Same::Out),
    ("-v -Q", Same::Out),
    ("-Q -v", Same::Out),
    ("-h", Same::Out),
    ("-h more", Same::Out),
    ("-t -f CONF", Same::All),
    ("-tLOG -f CONF", Same::All),
    ("-fCONF -t", Same::All),
    ("--config-test=LOG --use-file=CONF", Same::All),
    ("--config-te -f CONF", Same::All),
    ("-t -f CONF more words", Same::All),
    ("more -t -f CONF", Same::All),
    // Complaints look otherwise.
    ("-t -f NONE", Same::Out),
    ("-t -e -f NONE", Same::Out),
    ("-t -u 022 -f CONF", Same::All),
    ("-t -u 0x12 -f CONF", Same::All),
    ("-t -u 999999 -f CONF", Same::Out),
    ("-t -u abc -f CONF", Same::Out),
    ("-t -S 3 -f CONF", Same::All),
    ("-t -i myself -f CONF", Same::All),
    ("-t -m -f CONF", Same::All),
    ("-t -A unix:/x -f CONF", Same::All),
    ("-t -nlDGaxRXVIPCB -f CONF", Same::All),
    ("-t --all -f CONF", Same::All),
    ("-t --vrrp -f CONF", Same::All),
    ("-t --check -f CONF", Same::All),
    ("-t --no_bfd -f CONF", Same::All),
    ("-t -b x -r x -c x -p x -f CONF", Same::All),
    ("-t -f CONF -- -x", Same::All),
    ("-n -G -f NONE -p PID", Same::Status),
    ("-n -G -e -f NONE -p PID", Same::Status),
];

fn play(program: &str, words: &[String]) -> (Option<i32>, String, String) {
    let output = Command::new(program).args(words).stdin(Stdio::null()).output().expect("both programs are here");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn both_programs_answer_the_same() {
    let folder = Folder::new();
    folder.write("CONF", "global_defs {\n}\n");
    let mut differences = String::new();
    for (line, same) in LINES {
        let place = |word: &str| {
            let names = ["CONF", "NONE", "LOG", "PID"];
            names
                .iter()
                .fold(word.to_owned(), |word, name| word.replace(name, &folder.path(name).display().to_string()))
        };
        // `STATS` and the like are no files.
        let words: Vec<String> =
            line.split(' ').map(|word| if line.contains("--sig") { word.to_owned() } else { place(word) }).collect();
        let (theirs, ours) = (play(KEEPALIVED, &words), play(BINARY, &words));
        let is_same = theirs.0 == ours.0
            && (same == Same::Status || theirs.1 == ours.1)
            && (same != Same::All || theirs.2 == ours.2);
        if !is_same {
            differences.push_str(&format!("{line}\n  keepalived: {theirs:?}\n  ours: {ours:?}\n"));
        }
    }
    assert_eq!(differences, "");
}
