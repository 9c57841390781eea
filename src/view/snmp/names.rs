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
