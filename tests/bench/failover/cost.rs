//! What a daemon with two instances costs: start and memory.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::stay;
use crate::rig::node::Daemon;
use crate::rig::{Lab, Layout};
use crate::sample::Sample;
use crate::takeover::ARGS;
use crate::usage::{memory, processor_time};

/// What was measured of one program.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// From exec to the multicast group joined, milliseconds.
    pub joined: Sample,
    /// Processor time of all processes up to half a second after the start, milliseconds.
    pub start: Sample,
    /// Resident memory of all processes, MiB.
    pub resident: Sample,
    /// The part of it that no file backs, MiB.
    pub anonymous: Sample,
}

/// One host on which the programs are started in turn.
pub struct Scale(Lab);

impl Scale {
    /// The host.
    pub fn new(ours: &Path) -> Self {
        let layout = Layout { nodes: &["lb01"], ..Layout::default() };
        let lab = Lab::new("bench-cost", ours, &layout);
        let speech = Speech { version: 2, interval: Duration::from_secs(1), ..Speech::QUICK };
        let instances = [1, 2].map(|number| {
            let mut instance = Instance::new(0, speech, 100);
            instance.name = format!("VI_{number}");
            instance.vrid = 50 + number;
            instance.addresses = vec![format!("10.0.0.{}/24", 10 + number)];
            instance.scripts = false;
            instance
        });
        lab.nodes[0].configure(&file("", &[&instances[0], &instances[1]]));
        Self(lab)
    }

    /// Starts the program, measures, and stops it.
    pub fn round(&mut self, program: Daemon, costs: &mut Costs) {
        let init = self.0.nodes[0].host.init_pid();
        let node = &mut self.0.nodes[0];
        let begun = Instant::now();
        node.start_with(program, ARGS);
        while !has_joined(init) {
            assert!(begun.elapsed() < Duration::from_secs(5), "the multicast group is joined");
            std::thread::sleep(Duration::from_micros(100));
        }
        costs.joined.add_time(begun.elapsed());
        stay(Duration::from_millis(500).saturating_sub(begun.elapsed()));
        costs.start.add_time(processor_time(node));
        stay(Duration::from_secs(4)); // both instances are master by then
        costs.resident.add(memory(node, "Rss:"));
        costs.anonymous.add(memory(node, "Anonymous:"));
        node.stop();
    }
}

/// Whether some socket of the namespace is in 224.0.0.18, as `/proc/net/igmp` shows it (in memory order).
fn has_joined(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/net/igmp")).is_ok_and(|text| text.contains("120000E0"))
}
