//! A host that says anything.

use keepalived_rs::wire::bfd::{Diagnostic, Packet, State};

use super::lan::{Key, Lan};
use crate::rng::Rng;

impl Lan {
    /// A packet that may be anything, and is often nearly right: with the discriminator of the session that it is for.
    pub fn rave(&mut self, number: usize, (neighbor, multihop): Key, yours: u32) {
        let rng = &mut self.rng;
        let number_of = |rng: &mut Rng| {
            let any = rng.next() as u32;
            rng.pick(&[0, 1, 1_000, 10_000, 10_000, 100_000, u32::MAX, any])
        };
        let poll = rng.chance(30);
        let packet = Packet {
            diagnostic: Diagnostic::NONE,
            state: rng.pick(&[State::AdminDown, State::Down, State::Init, State::Up, State::Up]),
            poll,
            last: !poll && rng.chance(30),
            demand: rng.chance(10),
            multiplier: rng.pick(&[1, 3, 255]),
            mine: rng.pick(&[7, 8]),
            yours: rng.pick(&[yours, yours, yours, 0]),
            desired_min_tx: number_of(rng),
            required_min_rx: number_of(rng),
        };
        let mut bytes = packet.encode().to_vec();
        if rng.chance(20) {
            let at = rng.range(0, 23) as usize;
            bytes[at] = rng.next() as u8;
        }
        if rng.chance(5) {
            bytes.truncate(rng.range(0, 23) as usize);
        }
        let ttl = rng.pick(&[255, 255, 255, 1]);
        self.transmit(number, neighbor, multihop, ttl, bytes);
    }
}
