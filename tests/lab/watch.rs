//! `watch` on a terminal: tmux shows what a person would see. Needs tmux.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use crate::rig::conf::Speech;
use crate::rig::moment::comes_true;
use crate::rig::node::{Daemon, Node};
use crate::scene::{FIRST, OURS, Scene};

crate::tests! {
    watch_draws_filters_and_leaves_the_terminal_as_it_was
}

/// It draws once a second, and tmux starts a shell.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the shell says when the terminal is in order again.
const WATCH: &str =
    "/run/bin/keepalived-rs watch; echo left with $?; stty -a | grep -ow -e -icanon -e icanon -e -echo -e echo";

/// A terminal on a node.
struct Terminal<'a> {
    node: &'a Node,
}

impl<'a> Terminal<'a> {
    fn open(node: &'a Node) -> Self {
        let terminal = Terminal { node };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "24", "env PS1='$ ' TERM=screen sh"]);
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        self.node.host.run("tmux", &[&["-u", "-S", "/tmp/terminal"], words].concat())
    }

    fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits for a screen that is as it should be.
    fn expect(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let came = comes_true(PATIENCE, || {
            screen = self.screen();
            wanted(&screen)
        });
        assert!(came, "{what}: the screen is\n{screen}\n{}", self.node.log_tail());
        screen
    }

    /// Waits until it draws on the other screen without a cursor, or no longer does.
    fn expect_drawn(&self, drawn: bool) {
        let wanted = if drawn { "1 0" } else { "0 1" };
        let mut flags = String::new();
        let came = comes_true(PATIENCE, || {
            flags = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
            flags.trim() == wanted
        });
        assert!(came, "alternate screen and cursor are {flags:?}, not {wanted:?}\n{}", self.screen());
    }

    /// Starts it below a line that has to be there again in the end.
    fn watch(&self) {
        self.press(&["clear; echo before", "Enter"]);
        self.expect("the shell answers", |it| it.lines().any(|line| line == "before"));
        self.press(&[WATCH, "Enter"]);
        self.expect_drawn(true);
    }

    /// The shell is there again, with its screen and a terminal that echoes and edits lines.
    fn expect_restored(&self) {
        self.expect_drawn(false);
        let screen = self.expect("the shell goes on", |it| it.lines().any(|line| line == "echo" || line == "-echo"));
        for line in ["before", "left with 0", "icanon", "echo"] {
            assert!(screen.lines().any(|it| it == line), "{line} is not on\n{screen}");
        }
    }
}

fn watch_draws_filters_and_leaves_the_terminal_as_it_was() {
    let mut scene = Scene::new("watch", OURS, Speech::QUICK);
    let first = scene.conf(FIRST);
    let block = first.get(first.find("vrrp_instance").expect("an instance")..).expect("it is found");
    let second = block.replace("VI_1", "VI_2").replace("router_id 51", "router_id 52").replace("0.12/", "0.14/");
    let conf = format!("{first}{second}");
    scene.node_mut(FIRST).start(Daemon::Ours, &conf);
    let node = scene.node(FIRST);
    let terminal = Terminal::open(node);
    terminal.watch();
    let both = |it: &str| it.contains("VI_1") && it.contains("VI_2");
    let masters = |it: &str| it.matches("MASTER").count() >= 2;
    let screen = terminal.expect("both instances are masters", |it| both(it) && masters(it) && it.contains("q leaves"));
    assert!(screen.contains("10.0.0.12/24") && screen.contains("eth0"), "{screen}");

    // Keys.
    terminal.press(&["f"]);
    terminal.expect("only what is in FAULT", |it| it.contains("only FAULT") && !it.contains("VI_1"));
    terminal.press(&["f"]);
    terminal.expect("all again", both);
    terminal.press(&["/", "VI_2", "Enter"]);
    terminal.expect("only VI_2", |it| it.contains("only \"VI_2\"") && it.contains("10.0.0.14") && !it.contains("VI_1"));
    terminal.press(&["Escape"]);
    terminal.expect("all again", both);
    terminal.press(&["?"]);
    terminal.expect("the keys", |it| it.contains("any key goes back"));
    terminal.press(&["x"]);

    // What happens is seen, whatever the size.
    scene.lab.carrier(FIRST, false);
    terminal.expect("a link that goes down", |it| it.matches("FAULT").count() >= 2);
    scene.lab.carrier(FIRST, true);
    terminal.expect("a link that comes up", |it| both(it) && masters(it));
    terminal.tmux(&["resize-window", "-x", "50", "-y", "6"]);
    terminal.expect("a small terminal", |it| it.contains("lines 1-5 of "));
    terminal.press(&["End"]);
    terminal.expect("the end", |it| it.contains("lines ") && !it.contains("lines 1-"));
    terminal.tmux(&["resize-window", "-x", "90", "-y", "24"]);
    terminal.expect("a large one again", both);

    terminal.press(&["q"]);
    terminal.expect_restored();

    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        terminal.watch();
        terminal.expect("it draws", both);
        let watch = process_with(node, "watch");
        kill(watch, signal).expect("end it");
        terminal.expect_restored();
    }

    // Without a daemon it says so, and goes on when there is one.
    terminal.watch();
    scene.node_mut(FIRST).terminate();
    let terminal = Terminal { node: scene.node(FIRST) };
    terminal.expect("nobody is there", |it| it.contains("No daemon answers at /run/keepalived.sock"));
    scene.node_mut(FIRST).start(Daemon::Ours, &conf);
    let terminal = Terminal { node: scene.node(FIRST) };
    terminal.expect("it is there again", |it| both(it) && masters(it));

    // It ends with its terminal, as the stop sees.
    terminal.tmux(&["kill-server"]);
    scene.node_mut(FIRST).stop();
}

/// The process of the node that has this word on its command line.
fn process_with(node: &Node, word: &str) -> nix::unistd::Pid {
    let has = |pid: nix::unistd::Pid| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        text.split('\0').any(|it| it == word)
    };
    let found = node.processes().into_iter().find(|process| has(process.pid));
    found.unwrap_or_else(|| panic!("no process has {word} on its command line")).pid
}
