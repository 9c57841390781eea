//! Where objects and notifications stand in the tree.

/// The enterprise's tree, KEEPALIVED-MIB
macro_rules! keepalived {
    ($($part:expr),*) => { &[1, 3, 6, 1, 4, 1, 9586, 100, 5, $($part),*] };
}

/// mib-2
macro_rules! mib2 {
    ($($part:expr),*) => { &[1, 3, 6, 1, 2, 1, $($part),*] };
}

pub(super) use {keepalived, mib2};

/// The part of KEEPALIVED-MIB about the daemon as a whole
pub const GLOBAL: &[u32] = keepalived![1];
/// That about virtual routers
pub const VRRP: &[u32] = keepalived![2];
/// That about virtual servers
pub const CHECK: &[u32] = keepalived![3];
/// VRRP-MIB (RFC 2787)
pub const RFC2787: &[u32] = mib2![68];
/// VRRPV3-MIB (RFC 6527)
pub const RFC6527: &[u32] = mib2![207];
/// snmpTrapOID.0 (RFC 3418)
pub const TRAP: &[u32] = &[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// routerId, which every notification of KEEPALIVED-MIB ends with
pub const ROUTER_ID: &[u32] = keepalived![1, 2, 0];

/// The parts that a table's entry or a group has in common, and the first and last of some numbers below.
type Group = (&'static [u32], &'static [(u32, u32)]);

/// All objects that may have a value: the parts that tables' entries and groups have in common, and their numbers below.
const OBJECTS: [Group; 39] = [
    (keepalived![1], &[(1, 2), (4, 12)]),
    (keepalived![1, 3], &[(1, 4), (6, 10)]),
    (keepalived![1, 3, 5, 1], &[(2, 2)]),
    (keepalived![2, 1, 1], &[(2, 11)]),
    (keepalived![2, 2, 1], &[(2, 2)]),
    (keepalived![2, 3, 1], &[(2, 36)]),
    (keepalived![2, 4, 1], &[(1, 3)]),
    (keepalived![2, 5, 1], &[(2, 4)]),
    (keepalived![2, 6, 1], &[(2, 12)]),
    (keepalived![2, 7, 1], &[(2, 55)]),
    (keepalived![2, 8, 1], &[(2, 32)]),
    (keepalived![2, 9, 1], &[(2, 12)]),
    (keepalived![2, 11, 1], &[(2, 18)]),
    (keepalived![2, 12, 1], &[(2, 4)]),
    (keepalived![2, 13, 1], &[(2, 6)]),
    (keepalived![2, 14, 1], &[(1, 3)]),
    (keepalived![2, 15, 1], &[(2, 4)]),
    (keepalived![2, 16, 1], &[(2, 4)]),
    (keepalived![2, 17, 1], &[(2, 4)]),
    (keepalived![2, 18, 1], &[(2, 5)]),
    (keepalived![2, 19, 1], &[(2, 4)]),
    (keepalived![2, 20, 1], &[(2, 4)]),
    (keepalived![2, 21, 1], &[(2, 14)]),
    (keepalived![2, 22, 1], &[(2, 4)]),
    (keepalived![3, 1, 1], &[(2, 2)]),
    (keepalived![3, 2, 1], &[(2, 8)]),
    (keepalived![3, 3, 1], &[(2, 78)]),
    (keepalived![3, 4, 1], &[(2, 63)]),
    (keepalived![3, 6], &[(1, 9)]),
    (keepalived![3, 7], &[(1, 3)]),
    (mib2![68, 1], &[(1, 2)]),
    (mib2![68, 1, 3, 1], &[(2, 15)]),
    (mib2![68, 1, 4, 1], &[(2, 2)]),
    (mib2![68, 2], &[(1, 3)]),
    (mib2![68, 2, 4, 1], &[(1, 12)]),
    (mib2![207, 1, 1, 1, 1], &[(3, 13)]),
    (mib2![207, 1, 1, 2, 1], &[(2, 2)]),
    (mib2![207, 1, 2], &[(1, 4)]),
    (mib2![207, 1, 2, 5, 1], &[(1, 13)]),
];

/// Whether a name is that of an object of ours, or of an instance of one.
pub fn is_known(name: &[u32]) -> bool {
    OBJECTS.iter().any(|(group, numbers)| {
        let Some([number, ..]) = name.strip_prefix(*group) else { return false };
        numbers.iter().any(|(first, last)| (first..=last).contains(&number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keepalived_serves_463_objects() {
        let of = |numbers: &&[(u32, u32)]| numbers.iter().map(|(first, last)| last - first + 1).sum::<u32>();
        assert_eq!(OBJECTS.iter().map(|(_, numbers)| of(numbers)).sum::<u32>(), 463);
    }

    #[test]
    fn groups_do_not_hide_the_tables_below_them() {
        assert!(
            is_known(keepalived![1, 3, 5, 1, 2, 1])
                && is_known(keepalived![1, 1, 0])
                && is_known(mib2![68, 2, 4, 1, 12])
        );
        assert!(
            !is_known(keepalived![1, 3]) && !is_known(keepalived![2, 8, 1, 33, 1, 1]) && !is_known(mib2![68, 1, 7, 0])
        );
    }
}
