use super::*;
use crate::model::Time;
use crate::model::moment::Moment;
use crate::model::occurrence::Kind;

fn occurrence(at: u64) -> Occurrence {
    Occurrence {
        at: Time(at),
        kind: Kind::Instance,
        subject: "VI_1".into(),
        from: "BACKUP".into(),
        to: "MASTER".into(),
        priority: Some(100),
        cause: String::new(),
    }
}

fn numbers(records: &[Arc<Record>]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

#[test]
fn numbers_go_on_and_times_are_those_of_people() {
    let first = Record::of(occurrence(0), 41, 0);
    let ring = Ring::new(vec![first]);
    ring.note(occurrence(5), 1_000);
    let (past, _) = ring.listen();
    assert_eq!(numbers(&past), [41, 42]);
    assert_eq!(past.last().map(|record| record.at), Some(Moment(1_005)));
}

#[test]
fn only_the_last_are_remembered() {
    let ring = Ring::new((1..=KEPT as u64 + 5).map(|number| Record::of(occurrence(0), number, 0)).collect());
    assert_eq!(ring.listen().0.len(), KEPT);
    ring.note(occurrence(0), 0);
    let (past, _) = ring.listen();
    assert_eq!((past.len(), past[0].sequence), (KEPT, 7));
}

#[test]
fn who_listens_hears_each_once() {
    let ring = Ring::new(Vec::new());
    ring.note(occurrence(0), 0);
    let (past, mut news) = ring.listen();
    ring.note(occurrence(0), 0);
    assert_eq!(numbers(&past), [1]);
    assert_eq!(news.try_recv().map(|record| record.sequence), Ok(2));
    assert!(news.try_recv().is_err());
}
