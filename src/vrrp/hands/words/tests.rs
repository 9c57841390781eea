use super::*;

#[test]
fn an_announcement_that_did_not_leave_is_told_of_in_keepalived_s_words() {
    let eth1 = IfName::new("eth1").expect("a name");
    let down = io::Error::from_raw_os_error(Errno::ENETDOWN as i32);
    assert_eq!(
        not_announced(&eth1, [10, 9, 0, 103].into(), &down),
        "Error 100 (Network is down) sending gratuitous ARP on eth1 for 10.9.0.103"
    );
    assert_eq!(
        not_announced(&eth1, [0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), &io::ErrorKind::InvalidInput.into()),
        "Error (invalid input parameter) sending ndisc unsolicited neighbour advert on eth1 for fe80::1"
    );
}
