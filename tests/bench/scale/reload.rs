//! The longest gap between adverts while a master is told to reload what it has.

use std::path::Path;
use std::time::Duration;

use crate::rig::conf::{Instance, Speech, file};
use crate::rig::moment::{SOON, now, stay};
use crate::rig::node::Role;
use crate::rig::{Lab, Layout};
use crate::sample::Sample;
use crate::{ARGS, PROGRAMS, heading};

/// Gap of each reload and the takeovers that they caused.
#[derive(Clone, Debug, Default)]
struct Figures {
    gap: Sample,
    worst: f64,
    adverts: Sample,
    takeovers: usize,
}

/// Measures both programs in turn at three intervals and prints the table.
pub fn measure(ours: &Path, rounds: usize) {
    heading(&format!("reload of an unchanged configuration, {rounds} reloads each"));
    for milliseconds in [10, 100, 1000] {
        let speech = Speech { interval: Duration::from_millis(milliseconds), ..Speech::QUICK };
        let figures = PROGRAMS.map(|program| {
            let mut lab = Lab::new("bench-reload", ours, &Layout::default());
            for (i, node) in lab.nodes.iter_mut().enumerate() {
                let mut instance = Instance::new(i, speech, [150, 100][i]);
                instance.scripts = false;
                node.configure(&file("", &[&instance]));
                node.start_with(program, ARGS);
            }
            let begun = now();
            lab.wire.advert("the master's advert", "lb01", begun, speech.master_down(1) + SOON, |a| a.priority == 150);
            stay(speech.interval * 5 + Duration::from_millis(300));
            let mut figures = Figures::default();
            for _ in 0..rounds {
                let at = now();
                stay(speech.interval * 2);
                lab.nodes[0].signal(Role::Parent, nix::sys::signal::Signal::SIGHUP);
                stay(speech.interval * 2 + Duration::from_millis(300));
                let times: Vec<Duration> = lab.wire.adverts("lb01", at).iter().map(|(at, _)| *at).collect();
                let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
                figures.gap.add_time(gap);
                figures.worst = figures.worst.max(gap.as_secs_f64() * 1e3);
                let due = (now() - at).as_secs_f64() / speech.interval.as_secs_f64();
                figures.adverts.add(times.len() as f64 - due);
                figures.takeovers += usize::from(!lab.wire.adverts("lb02", at).is_empty());
            }
            for node in &mut lab.nodes {
                node.terminate();
            }
            figures
        });
        let [a, b] = &figures;
        let what = format!("interval {milliseconds} ms: longest gap between adverts, ms");
        crate::row(&what, [&a.gap, &b.gap]);
        println!(
            "  {:<52} {:<26} {:<26}",
            "  the worst of them; takeovers by the backup",
            format!("{:.1}; {}", a.worst, a.takeovers),
            format!("{:.1}; {}", b.worst, b.takeovers)
        );
    }
    println!();
}
