use std::net::SocketAddr;

use crate::check::refusal::line;
use crate::model::Family;
use crate::model::check::{Forwarding, Protocol};
use crate::model::ipvs::{DestSettings, IpvsChange, IpvsRefusal, ServiceKey, ServiceSettings, Timeouts};

fn refused(change: &IpvsChange, errno: i32, text: &str) -> String {
    line(change, &IpvsRefusal { errno, text: text.into() })
}

#[test]
fn lines_are_those_of_keepalived() {
    let key = ServiceKey::Address { protocol: Protocol::Tcp, ip: [10, 0, 0, 1].into(), port: 80 };
    let key6 = ServiceKey::Address { protocol: Protocol::Sctp, ip: [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(), port: 0 };
    let settings = ServiceSettings { scheduler: "twos".into(), flags: 0, timeout: 0, netmask: u32::MAX, engine: None };
    let dest = DestSettings { forwarding: Forwarding::Nat, weight: 1, upper_threshold: 0, lower_threshold: 0 };
    let to: SocketAddr = "10.1.0.1:80".parse().expect("an address");
    let to6: SocketAddr = "[fd00::2]:80".parse().expect("an address");
    let mark = |family| ServiceKey::Mark { family, mark: 9 };
    let cases = [
        (
            refused(&IpvsChange::AddService(key, settings.clone()), 2, ""),
            "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)",
        ),
        (
            refused(&IpvsChange::SetService(mark(Family::V6), settings), 12, ""),
            "IPVS cmd IP_VS_SO_SET_EDIT(1155) error: Memory allocation problem(12) (Fwm 9 inet6)",
        ),
        (
            refused(&IpvsChange::DeleteService(mark(Family::V4)), 2, "No such file or directory"),
            "IPVS cmd IP_VS_SO_SET_DEL(1156) error: No such file or directory(2) (Fwm 9)",
        ),
        (
            refused(&IpvsChange::AddDest(key, to, dest), 34, "Numerical result out of range"),
            "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Numerical result out of range(34) (10.0.0.1:tcp:80 -> 10.1.0.1:80)",
        ),
        (
            refused(&IpvsChange::AddDest(key6, to6, dest), 22, ""),
            "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Invalid operation.  Possibly wrong module version, address not \
             unicast, ...(22) (fd00::1:sctp:0 -> fd00::2:80)",
        ),
        (
            refused(&IpvsChange::DeleteDest(key, to), 2, ""),
            "IPVS cmd IP_VS_SO_SET_DELDEST(1160) error: No such destination(2) (10.0.0.1:tcp:80 -> 10.1.0.1:80)",
        ),
        (
            refused(&IpvsChange::Flush, 1, ""),
            "IPVS cmd IP_VS_SO_SET_FLUSH(1157) error: Permission denied (you must be root)(1)",
        ),
        (
            refused(&IpvsChange::SetTimeouts(Timeouts::default()), 22, ""),
            "IPVS cmd IP_VS_SO_SET_TIMEOUT(1162) error: Invalid operation.  Possibly wrong module version, address not \
             unicast, ...(22)",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(line, expected);
    }
}
