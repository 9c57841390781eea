//! A hundred thousand packets that should mean nothing.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::forge::{Forged, Forger};
use crate::rig::moment::{SOON, now, stay};
use crate::rig::{Lab, Layout};
use crate::sample::Sample;
use crate::usage::processor_time;
use crate::{ARGS, PROGRAMS, heading, row};

const PACKETS: usize = 100_000;
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 12);

/// What was measured of one program.
#[derive(Clone, Debug, Default)]
struct Figures {
    cost: Sample,
    gap: Sample,
    answers: Sample,
    takeovers: usize,
}

/// Measures both programs in turn, flood by flood, and prints the table.
pub fn measure(ours: &Path, rounds: usize) {
    let speech = Speech::QUICK;
    let weaker = Forged::advert(CLIENT, 51, 50, 10, &[VIP]);
    let spoiled = Forged::advert(CLIENT, 51, 200, 10, &[VIP]).spoiled(|bytes| bytes[6] ^= 0xff);
    let mut far = Forged::advert(CLIENT, 51, 200, 10, &[VIP]);
    far.ttl = 1;
    let floods = [
        ("of another virtual router", Forged::advert(CLIENT, 99, 200, 10, &[VIP])),
        ("with a wrong checksum", spoiled),
        ("with TTL 1", far),
        ("of a weaker router", weaker),
    ];
    for (name, packet) in floods {
        let mut figures = [Figures::default(), Figures::default()];
        for _ in 0..rounds {
            for (program, figures) in PROGRAMS.into_iter().zip(&mut figures) {
                let mut lab = Lab::new("bench-flood", ours, &Layout::default());
                for (i, node) in lab.nodes.iter_mut().enumerate() {
                    let mut instance = Instance::new(i, speech, [150, 100][i]);
                    instance.scripts = false;
                    node.configure(&file("", &[&instance]));
                    node.start_with(program, ARGS);
                }
                let begun = now();
                let patience = speech.master_down(1) + SOON;
                lab.wire.advert("the master's advert", "lb01", begun, patience, |a| a.priority == 150);
                stay(Duration::from_secs(1));
                let forger = Forger::on(&lab.client.host, CLIENT);
                let before = processor_time(&lab.nodes[0]);
                let start = now();
                for n in 0..PACKETS {
                    forger.send(&packet);
                    // As fast as a gigabit link would bring them, so that the receiver's queue is not all that is measured.
                    if n % 50 == 0 {
                        stay(Duration::from_micros(500));
                    }
                }
                stay(Duration::from_millis(500));
                let used = processor_time(&lab.nodes[0]) - before;
                figures.cost.add(used.as_secs_f64() * 1e6 / PACKETS as f64);
                let times: Vec<Duration> = lab.wire.adverts("lb01", start).iter().map(|(at, _)| *at).collect();
                let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
                figures.gap.add_time(gap);
                figures.answers.add(times.len() as f64);
                figures.takeovers += lab.wire.adverts("lb02", start).iter().filter(|(_, a)| a.priority > 0).count();
                for node in &mut lab.nodes {
                    node.terminate();
                }
            }
        }
        let [a, b] = &figures;
        heading(&format!("{PACKETS} packets {name}, version 3, interval 0.1 s, {rounds} rounds"));
        row("processor time of the master per packet, us", [&a.cost, &b.cost]);
        row("longest gap between its adverts, ms", [&a.gap, &b.gap]);
        row("its adverts meanwhile", [&a.answers, &b.answers]);
        println!("  {:<52} {:<26} {:<26}", "false adverts of the backup", a.takeovers, b.takeovers);
        println!();
    }
}
