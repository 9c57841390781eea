//! The data that a signal asks the check process for, beside Debian's keepalived 2.2.7 in the same state.
//!
//! Its requests to IPVS are taken for carried out by a preloaded library (`tests/lab/fakeipvs.c`), ours are left out: what
//! is in IPVS is not compared.

use std::net::TcpListener;

use super::*;

/// How long after the first check of all nothing changes any more.
const SETTLE: Duration = Duration::from_secs(5);

/// How the lines begin that are not compared: what IPVS has, what 2.2.7 does not tell, the time of day, and what HTTP_GET
/// counts on when it has failed and forgets with a reload (`tests/checks` compares these with 2.4.3).
const APART: [&str; 11] = [
    "   VS alive = ",
    "   RS set = ",
    "     set = ",
    "     alive = ",
    "     Alive: ",
    " System is compiled with LVS ",
    "     tls_compliant ",
    "     ICMP seq no = ",
    "   Last ran = ",
    "   Retries iterations = ",
    "   Failed URL = ",
];

/// A run of a daemon.
struct Daemon<'a> {
    host: &'a Host,
    running: host::Running,
    file: PathBuf,
}

impl<'a> Daemon<'a> {
    fn start(host: &'a Host, name: &'static str, program: &str, preload: &str) -> Self {
        let folder = Path::new("/tmp").join(name);
        let new = folder.clone();
        host.within(move || fs::create_dir(new).expect("create a folder"));
        let at = |file: &str| folder.join(file).into_os_string();
        let mut command = Command::new(program);
        command.args(["-n", "-G", "-C", "-f", "/run/lab/checking.conf"]);
        command.arg("-p").arg(at("parent")).arg("-c").arg(at("check"));
        command.env("TMPDIR", &folder).env("LD_PRELOAD", preload);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = host.start(command).expect("start a daemon");
        Daemon { host, running, file: folder.join("keepalived_check.data") }
    }

    /// What it writes once all is quiet.
    fn data(&mut self) -> Vec<String> {
        let start = Instant::now();
        let mut known_at = None;
        loop {
            std::thread::sleep(Duration::from_millis(500));
            assert!(self.running.ended().is_none(), "the daemon has ended");
            kill(self.running.pid(), Signal::SIGUSR1).expect("ask for the data");
            std::thread::sleep(Duration::from_millis(500));
            let file = self.file.clone();
            let text = self.host.within(move || fs::read_to_string(file).unwrap_or_default());
            if text.contains("   Has run = yes") && !text.contains("   Has run = no") {
                let known_at = *known_at.get_or_insert_with(Instant::now);
                if known_at.elapsed() >= SETTLE {
                    return compared(&text);
                }
            }
            assert!(start.elapsed() < 3 * PATIENCE, "the checks do not come to an end:\n{text}");
        }
    }

    fn reload(&mut self) {
        kill(self.running.pid(), Signal::SIGHUP).expect("ask for a reload");
    }

    fn stop(mut self) {
        kill(self.running.pid(), Signal::SIGTERM).expect("ask for the end");
        let start = Instant::now();
        while self.running.ended().is_none() {
            assert!(start.elapsed() < PATIENCE, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The lines that are compared; checkers in the order of their text, which is another one in 2.2.7.
fn compared(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.ends_with("------< LVS Topology >------")).collect();
    let is_told = |(at, line): &(usize, &&str)| {
        // Before this line stands whether the virtual server is alive.
        let is_service = lines.get(at + 1).is_some_and(|next| next.starts_with("   quorum_state_up"));
        !is_service && !APART.iter().any(|start| line.starts_with(start))
    };
    let told: Vec<String> = lines.iter().enumerate().filter(is_told).map(|(_, line)| (*line).to_owned()).collect();
    let checkers = told.iter().position(|line| line.ends_with("------< Health checkers >------")).expect("checkers");
    let after = told.iter().position(|line| line.ends_with("------< Checker track files >------")).expect("files");
    let mut blocks: Vec<Vec<String>> = Vec::new();
    for line in &told[checkers + 1..after] {
        if !line.starts_with("  ") {
            blocks.push(Vec::new());
        }
        blocks.last_mut().expect("a checker's first line").push(line.clone());
    }
    blocks.sort();
    [&told[..=checkers], &blocks.concat(), &told[after..]].concat()
}

#[test]
fn the_check_process_tells_how_things_stand_as_keepalived_does() {
    let host = machine("dump-checking");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/fakeipvs.c").display().to_string();
    host.run("cc", &["-shared", "-fPIC", "-O2", "-o", "/tmp/fakeipvs.so", &source]);
    let _server = host.within(|| {
        fs::write("/tmp/tf1", "4\n").expect("write a tracked file");
        TcpListener::bind("127.0.0.2:8000").expect("a server")
    });
    let mut told = Vec::new();
    for (name, program, preload) in [("ours", OURS, ""), ("theirs", "/usr/sbin/keepalived", "/tmp/fakeipvs.so")] {
        let mut daemon = Daemon::start(&host, name, program, preload);
        let first = daemon.data();
        daemon.reload();
        let second = daemon.data();
        daemon.stop();
        told.push((first, second));
    }
    let [(our_first, our_second), (first, second)] = &told[..] else { unreachable!("two programs") };
    assert!(first.len() > 130, "{} lines are compared", first.len());
    assert_same(our_first, first);
    assert_same(our_second, &with_what_it_should(second));
}

/// After a reload keepalived takes 1 from the weight of a server whose script wishes nothing (its configured weight from a
/// wish of 0). It means to tell which files were followed before, and does not.
fn with_what_it_should(lines: &[String]) -> Vec<String> {
    let mend = |line: &String| match line.as_str() {
        "   RIP = 127.0.0.4, RPORT = 80, WEIGHT = 4 EFF WEIGHT = 4" => {
            "   RIP = 127.0.0.4, RPORT = 80, WEIGHT = 5 EFF WEIGHT = 5".to_owned()
        }
        "   effective weight = 4" => "   effective weight = 5".to_owned(),
        "   Current weight = -1" => "   Current weight = 0".to_owned(),
        "     Reloaded = No" => "     Reloaded = Yes".to_owned(),
        _ => line.clone(),
    };
    lines.iter().map(mend).collect()
}
