use super::*;

#[test]
fn equal_seeds_give_equal_numbers() {
    let (mut one, mut two, mut other) = (Random::new(7), Random::new(7), Random::new(8));
    let numbers: Vec<u64> = (0..100).map(|_| one.number()).collect();
    assert!(numbers.iter().all(|number| *number == two.number()));
    assert!(numbers.iter().any(|number| *number != other.number()));
}

/// The first numbers of the published generator for seed 1234567.
#[test]
fn the_numbers_are_those_of_the_paper() {
    let mut random = Random::new(1_234_567);
    assert_eq!(random.number(), 6_457_827_717_110_365_317);
    assert_eq!(random.number(), 3_203_168_211_198_807_973);
    assert_eq!(random.number(), 9_817_491_932_198_370_423);
}

#[test]
fn spans_fill_their_range_and_stay_in_it() {
    let mut random = Random::new(1);
    let bound = Micros(9);
    let mut seen = [0_u32; 10];
    for _ in 0..10_000 {
        let span = random.span(bound);
        assert!(span <= bound);
        seen[usize::try_from(span.0).unwrap()] += 1;
    }
    assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    assert_eq!(random.span(Micros::ZERO), Micros::ZERO);
    assert!(random.span(Micros(u64::MAX)) <= Micros(u64::MAX));
}
