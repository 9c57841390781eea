//! What managers are told of by SNMP, as the processes tell it to core.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::Family;
use super::check::{Protocol, Service};
use super::running::{MasterReason, ProtocolError, RouterState};

/// Which notifications the `vrrp` process is to send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpTraps {
    /// Those of KEEPALIVED-MIB
    pub own: bool,
    /// Those of VRRP-MIB (RFC 2787)
    pub rfc_v2: bool,
    /// Those of VRRPV3-MIB (RFC 6527)
    pub rfc_v3: bool,
}

/// A notification. `interface` is the index of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trap {
    /// vrrpInstanceStateChange
    Instance {
        /// Name of the instance
        name: String,
        /// VrrpState: as [`RouterState`], 5 for a stop, 6 for a router that was deleted
        state: u8,
        /// The state that it is configured to begin with
        initial: RouterState,
    },
    /// vrrpSyncGroupStateChange
    Group {
        /// Name of the group
        name: String,
        /// As above
        state: u8,
    },
    /// vrrpTrapNewMaster
    NewMaster2 {
        /// The interface that is configured
        interface: u32,
        /// Id of the virtual router
        vrid: u8,
        /// Where its adverts come from
        source: Ipv4Addr,
    },
    /// vrrpv3NewMaster
    NewMaster3 {
        /// The interface that is configured
        interface: u32,
        /// Id of the virtual router
        vrid: u8,
        /// Where its adverts come from
        source: IpAddr,
        /// Why it is master
        reason: MasterReason,
    },
    /// vrrpTrapAuthFailure
    AuthFailure {
        /// The interface that adverts come in by
        interface: u32,
        /// Id of the virtual router
        vrid: u8,
        /// Who sent the packet
        source: Ipv4Addr,
        /// What is wrong with it
        error: AuthError,
    },
    /// vrrpv3ProtoError
    ProtocolError {
        /// The interface that adverts come in by
        interface: u32,
        /// Id of the virtual router
        vrid: u8,
        /// Its family
        family: Family,
        /// What is wrong with a packet
        error: ProtocolError,
    },
    /// realServerStateChange
    Server {
        /// Its address
        ip: IpAddr,
        /// Its port
        port: u16,
        /// It is up
        alive: bool,
        /// Whose it is
        of: ServiceNow,
    },
    /// virtualServerQuorumStateChange
    Quorum {
        /// The weight that its servers have to have
        quorum: u32,
        /// How it stands
        status: QuorumStatus,
        /// Which it is
        of: ServiceNow,
    },
}

/// VrrpTrapAuthErrorType (RFC 2787).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthError {
    /// A type that does not exist
    InvalidType = 1,
    /// Another type than ours
    TypeMismatch = 2,
    /// A wrong password or signature
    Failure = 3,
}

/// virtualServerQuorumStatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuorumStatus {
    /// There are enough servers
    Met = 1,
    /// There are not
    Lost = 2,
    /// The daemon stops
    Stopping = 3,
}

/// A virtual server, when something has happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceNow {
    /// Which it is
    pub service: Service,
    /// Transport protocol
    pub protocol: Option<Protocol>,
    /// How many of its servers are up
    pub up: u32,
    /// How many there are
    pub all: u32,
}
