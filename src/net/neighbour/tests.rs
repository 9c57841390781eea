use super::*;

#[test]
fn a_question_names_the_interface_and_the_address() {
    let bytes = question(3, IpAddr::from([10, 0, 0, 2]));
    assert_eq!(bytes.len(), NEIGHBOUR_HEADER + 8);
    assert_eq!((bytes[0], &bytes[4..8]), (2, &3u32.to_ne_bytes()[..]));
    assert_eq!(&bytes[16..], [10, 0, 0, 2]);
    assert_eq!(question(3, IpAddr::from([0; 16])).len(), NEIGHBOUR_HEADER + 20);
}

#[test]
fn an_answer_has_the_address_or_none() {
    let mut answer = vec![0; NEIGHBOUR_HEADER];
    assert_eq!(address(&answer), None);
    answer.extend_from_slice(&10u16.to_ne_bytes());
    answer.extend_from_slice(&NDA_LLADDR.to_ne_bytes());
    answer.extend_from_slice(&[2, 0, 0, 0, 0, 9, 0, 0]);
    assert_eq!(address(&answer), Some(vec![2, 0, 0, 0, 0, 9]));
    assert_eq!(address(&answer[..14]), None);
}
