//! Socket options that neither `socket2` nor `nix` can set.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// Lets the kernel fill in and verify the checksum at this offset of the payload (RFC 3542 section 3.1).
pub(super) fn set_ipv6_checksum(socket: impl AsFd, offset: libc::c_int) -> io::Result<()> {
    set(socket, libc::IPPROTO_IPV6, libc::IPV6_CHECKSUM, &offset)
}

/// Sends IPv4 multicast over the interface with this index (`struct ip_mreqn`, linux/in.h).
pub(super) fn set_multicast_interface_v4(socket: impl AsFd, index: u32) -> io::Result<()> {
    let any = libc::in_addr { s_addr: 0 };
    let request = libc::ip_mreqn { imr_multiaddr: any, imr_address: any, imr_ifindex: index as libc::c_int };
    set(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
}

#[allow(unsafe_code)]
fn set<T: Copy>(socket: impl AsFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed and so open; the pointer and the length are those of a live `T`, which for
    // both callers is made of integers without padding; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    Errno::result(result)?;
    Ok(())
}
