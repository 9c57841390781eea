//! The text of a scenario.
//!
//! ```text
//! What it shows.
//!
//! [interfaces] eth0 eth1
//! [lb01]
//! configuration of the first node; `[lb01 NAME]` is another one for a reload
//! [lb02]
//! configuration of the second
//! [steps]
//! start lb01
//! until lb01 VI_1 MASTER
//! look
//! [differs]
//! only ours: look 1: ...
//!     the reason, indented
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

/// A scenario.
pub struct Scenario {
    /// The interfaces of each node.
    pub interfaces: Vec<String>,
    /// Configurations by the header of their section.
    pub configurations: BTreeMap<String, String>,
    /// What is done.
    pub steps: Vec<Step>,
    /// Lines that only one program gives, each with a reason in the file.
    pub differences: Vec<String>,
}

/// The number of a node, from 0.
pub type NodeNumber = usize;

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `start lb01`
    Start(NodeNumber),
    /// `stop lb01`: SIGTERM, and waits for the end
    Stop(NodeNumber),
    /// `kill lb01`: SIGKILL to parent and child
    Kill(NodeNumber),
    /// `crash lb01`: SIGKILL to the child
    Crash(NodeNumber),
    /// `pause lb01`, `resume lb01`: SIGSTOP, SIGCONT to the child
    Pause(NodeNumber, bool),
    /// `reload lb01 NAME`
    Reload(NodeNumber, String),
    /// `lb01 link set eth0 down`: a line for `ip`
    Ip(NodeNumber, String),
    /// `run lb01 COMMAND`: a line for the shell
    Run(NodeNumber, String),
    /// `carrier lb01 on|off`
    Carrier(NodeNumber, bool),
    /// `split on|off`
    Split(bool),
    /// `until lb01 VI_1 MASTER`: until the script has been told so since the last time
    Until(NodeNumber, String, String),
    /// `stay 0.5`: seconds
    Stay(Duration),
    /// `look`: the kernel's objects and the packets since the last look
    Look,
}

impl Scenario {
    /// Reads a scenario; the error names the line that is not understood.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut scenario = Scenario {
            interfaces: vec!["eth0".to_owned()],
            configurations: BTreeMap::new(),
            steps: Vec::new(),
            differences: Vec::new(),
        };
        let mut section = None;
        for line in text.lines() {
            if let Some((header, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                section = Some(header);
                if header == "interfaces" {
                    scenario.interfaces = rest.split_whitespace().map(str::to_owned).collect();
                }
                continue;
            }
            match section {
                None | Some("interfaces") => {}
                Some("steps") if line.trim().is_empty() => {}
                Some("steps") => scenario.steps.push(step(line).ok_or_else(|| format!("what is {line:?}?"))?),
                Some("differs") if line.starts_with("only ") => scenario.differences.push(line.to_owned()),
                Some("differs") if line.starts_with(' ') || line.is_empty() => {}
                Some("differs") => return Err(format!("neither a difference nor a reason: {line:?}")),
                Some(header) => {
                    let text = scenario.configurations.entry(header.to_owned()).or_default();
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        let looks = scenario.steps.iter().filter(|step| **step == Step::Look).count();
        if looks == 0 {
            return Err("it never looks".to_owned());
        }
        Ok(scenario)
    }
}

fn step(line: &str) -> Option<Step> {
    let (verb, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let on = |word: &str| match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    Some(match verb {
        "start" => Step::Start(node(rest)?),
        "stop" => Step::Stop(node(rest)?),
        "kill" => Step::Kill(node(rest)?),
        "crash" => Step::Crash(node(rest)?),
        "pause" => Step::Pause(node(rest)?, true),
        "resume" => Step::Pause(node(rest)?, false),
        "reload" => Step::Reload(node(first)?, rest.to_owned()),
        "run" => Step::Run(node(first)?, second.to_owned()),
        "carrier" => Step::Carrier(node(first)?, on(second)?),
        "split" => Step::Split(on(rest)?),
        "until" => {
            let (name, state) = second.split_once(' ')?;
            Step::Until(node(first)?, name.to_owned(), state.to_owned())
        }
        "stay" => Step::Stay(Duration::from_secs_f64(rest.parse().ok()?)),
        "look" => Step::Look,
        _ => Step::Ip(node(verb)?, rest.to_owned()),
    })
}

fn node(name: &str) -> Option<NodeNumber> {
    name.strip_prefix("lb0")?.parse::<usize>().ok()?.checked_sub(1).filter(|number| *number < 2)
}
