//! The programs run by a small machine for the few instructions that they use.

use super::*;

/// Bytes kept of the datagram; as in the kernel, a load beyond the end drops it.
fn run(program: &Program, datagram: &[u8]) -> u32 {
    let byte = |at: usize| datagram.get(at).map(|byte| u32::from(*byte));
    let (mut a, mut x, mut at) = (0, 0, 0);
    loop {
        let step = program.0[at];
        at += 1;
        let load = match step.code {
            LOAD_BYTE => byte(step.operand as usize),
            LOAD_BYTE_AT_X => byte((x + step.operand) as usize),
            LOAD_HEADER_LENGTH_TO_X => byte(step.operand as usize),
            JUMP_IF_EQUAL => {
                at += usize::from(if a == step.operand { step.if_true } else { step.if_false });
                continue;
            }
            RETURN => return step.operand,
            other => panic!("instruction {other:#x}"),
        };
        match (load, step.code) {
            (None, _) => return 0,
            (Some(value), LOAD_HEADER_LENGTH_TO_X) => x = (value & 0xf) * 4,
            (Some(value), _) => a = value,
        }
    }
}

/// An IPv4 datagram with a header of so many words and an advert for the VRID.
fn ipv4(words: u8, vrid: u8) -> Vec<u8> {
    let mut datagram = vec![0; usize::from(words) * 4];
    datagram[0] = 0x40 | words;
    datagram.extend([0x21, vrid, 100, 0]);
    datagram
}

fn vrids_kept(program: &Program, datagram: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    (0..=255).filter(|vrid| run(program, &datagram(*vrid)) != 0).collect()
}

#[test]
fn only_the_wanted_vrids_pass() {
    let all: Vec<u8> = (1..=255).collect();
    for wanted in [&[][..], &[1], &[7, 51, 255], &all] {
        let v4 = Program::vrids(Family::V4, 0, wanted);
        assert_eq!(vrids_kept(&v4, |vrid| ipv4(5, vrid)), wanted);
        assert_eq!(vrids_kept(&v4, |vrid| ipv4(15, vrid)), wanted, "options");
        let v6 = Program::vrids(Family::V6, 0, wanted);
        assert_eq!(vrids_kept(&v6, |vrid| vec![0x31, vrid, 100, 1]), wanted);
    }
}

#[test]
fn what_passes_passes_whole() {
    let program = Program::vrids(Family::V4, 0, &[51]);
    assert_eq!(run(&program, &ipv4(5, 51)), u32::MAX);
}

#[test]
fn a_datagram_without_a_vrid_is_dropped() {
    let v4 = Program::vrids(Family::V4, 0, &[51]);
    assert_eq!(run(&v4, &ipv4(5, 51)[..21]), 0);
    assert_eq!(run(&v4, &[]), 0);
    let v6 = Program::vrids(Family::V6, 0, &[51]);
    assert_eq!(run(&v6, &[0x31]), 0);
}

#[test]
fn nothing_passes_where_nothing_is_wanted() {
    assert_eq!(run(&Program::nothing(), &ipv4(5, 51)), 0);
}

#[test]
fn the_longest_program_fits_the_kernel() {
    const BPF_MAXINSNS: usize = 4096;
    let all: Vec<u8> = (0..=255).collect();
    assert!(Program::vrids(Family::V4, 0, &all).to_filter().len() <= BPF_MAXINSNS);
}
