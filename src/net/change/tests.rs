//! Which refusals are none, and with which flags things are asked for.

use super::*;
use crate::model::sample;
use crate::net::route::tests::route;
use crate::net::rule::tests::rule;

fn address() -> Address {
    sample::address("eth0", [10, 1, 0, 1].into(), 32)
}

fn placed(route: &Route) -> PlacedRoute<'_> {
    PlacedRoute::find(route, |_| Some(3)).unwrap()
}

#[test]
fn only_harmless_refusals_count_as_done() {
    let (address, route, rule) = (address(), route(), rule());
    let placed = || placed(&route);
    let cases = [
        (Change::Add { address: &address, index: 3 }, vec![Errno::EEXIST]),
        (Change::Remove { address: &address, index: 3 }, vec![Errno::EADDRNOTAVAIL, Errno::ENODEV]),
        (Change::AddRoute(placed()), vec![Errno::EEXIST]),
        (Change::RemoveRoute(placed()), vec![Errno::ESRCH, Errno::ENODEV, Errno::EINVAL, Errno::EOPNOTSUPP]),
        (Change::AddRule(&rule), vec![Errno::EEXIST]),
        (Change::RemoveRule(&rule), vec![Errno::ENOENT, Errno::EINVAL, Errno::EOPNOTSUPP]),
    ];
    let all = [
        Errno::EEXIST,
        Errno::EADDRNOTAVAIL,
        Errno::ENODEV,
        Errno::ESRCH,
        Errno::ENOENT,
        Errno::EPERM,
        Errno::EINVAL,
        Errno::EOPNOTSUPP,
        Errno::ENETUNREACH,
        Errno::ENOBUFS,
    ];
    for (change, done) in cases {
        for errno in all {
            assert_eq!(is_done(&change, errno), done.contains(&errno), "{change:?}: {errno}");
        }
    }
}

#[test]
fn a_route_gets_in_as_its_line_says() {
    let flags = |placement| {
        let route = Route { placement, ..route() };
        request(&Change::AddRoute(placed(&route))).1
    };
    assert_eq!(flags(Placement::Prepend), NLM_F_CREATE);
    assert_eq!(flags(Placement::Append), NLM_F_CREATE | NLM_F_APPEND);
    assert_eq!(flags(Placement::Add), NLM_F_CREATE | NLM_F_EXCL);
    assert_eq!(request(&Change::AddRule(&rule())).1, NLM_F_CREATE | NLM_F_EXCL);
    let route = route();
    assert_eq!(request(&Change::RemoveRoute(placed(&route))).1, 0);
}

#[test]
fn a_device_that_is_not_there_is_named() {
    let route = Route { dev: IfName::new("eth9"), ..route() };
    assert_eq!(PlacedRoute::find(&route, |_| None).unwrap_err().as_str(), "eth9");
    assert!(PlacedRoute::left(&route, |_| None).is_none(), "it has gone with its device");
}
