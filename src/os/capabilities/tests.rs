use super::*;

const VRRP: Process = Process::Child { role: Role::Vrrp, visits_namespace: false };
const CHECK: Process = Process::Child { role: Role::Check, visits_namespace: false };
const BFD: Process = Process::Child { role: Role::Bfd, visits_namespace: false };

#[test]
fn parent_has_nothing_to_do_with_the_network() {
    let parent = Process::Parent.needs();
    assert!(!parent.contains(&Capability::CAP_NET_ADMIN));
    assert!(!parent.contains(&Capability::CAP_NET_RAW));
}

#[test]
fn children_can_start_scripts_as_others_and_end_them() {
    for process in [Process::Parent, VRRP, CHECK] {
        let needs = process.needs();
        assert!(
            [Capability::CAP_SETUID, Capability::CAP_SETGID, Capability::CAP_KILL].iter().all(|it| needs.contains(it))
        );
    }
}

#[test]
fn bfd_speaks_udp_and_runs_nothing() {
    let needs = BFD.needs();
    let others = [Capability::CAP_NET_RAW, Capability::CAP_SETUID, Capability::CAP_SETGID, Capability::CAP_KILL];
    assert!(others.iter().all(|it| !needs.contains(it)));
}

#[test]
fn only_who_visits_a_namespace_may_enter_one() {
    assert!(!VRRP.needs().contains(&Capability::CAP_SYS_ADMIN));
    let visitor = Process::Child { role: Role::Check, visits_namespace: true };
    assert!(visitor.needs().contains(&Capability::CAP_SYS_ADMIN));
}

#[test]
fn nobody_keeps_what_reaches_beyond_the_work() {
    let too_much = [
        Capability::CAP_SYS_MODULE,
        Capability::CAP_SYS_RAWIO,
        Capability::CAP_SYS_BOOT,
        Capability::CAP_SYS_TIME,
        Capability::CAP_BPF,
        Capability::CAP_MKNOD,
        Capability::CAP_SETPCAP,
    ];
    for process in [Process::Parent, VRRP, CHECK, BFD] {
        assert!(too_much.iter().all(|it| !process.needs().contains(it)));
    }
}
