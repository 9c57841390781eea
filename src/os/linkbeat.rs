//! Asks a network driver whether its link is up: MII registers, ethtool, or the interface's flags.
//!
//! For drivers that do not tell the kernel of a lost carrier. Decides nothing; the `vrrp` driver calls it once a second for
//! each link that is to be polled.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::model::IfName;
use crate::model::macvlan::Linkbeat;

// linux/mii.h
const MII_BMCR: u16 = 0;
const MII_BMSR: u16 = 1;
const BMSR_LINK: u16 = 0x0004;
/// What a bus reads where there is no transceiver.
const NOTHING: u16 = 0xffff;
/// `ETHTOOL_GLINK` (linux/ethtool.h)
const GET_LINK: u32 = 0x0a;

/// `struct ifreq` (linux/if.h) with its union as bytes.
#[repr(C, align(8))]
struct Request {
    name: [u8; libc::IFNAMSIZ],
    value: [u8; 24],
}

/// `struct ethtool_value` (linux/ethtool.h).
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// A socket to ask with.
#[derive(Debug)]
pub struct LinkProbe(OwnedFd);

impl LinkProbe {
    /// Opens it in the network namespace of the calling thread.
    ///
    /// # Errors
    /// Those of `socket`.
    pub fn open() -> io::Result<Self> {
        Ok(LinkProbe(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?))
    }

    /// Asks by the first of these means that the driver knows, and says by which. A link that is up has to have its
    /// flags `IFF_UP` and `IFF_RUNNING` too. An interface that is not there is down by its flags.
    pub fn ask(&self, interface: &IfName, means: &[Linkbeat]) -> (Linkbeat, bool) {
        let answered = means.iter().find_map(|by| match by {
            Linkbeat::Mii => Some((*by, self.mii(interface)?)),
            Linkbeat::Ethtool => Some((*by, self.ethtool(interface)?)),
            Linkbeat::Any | Linkbeat::Ioctl => None,
        });
        let (by, up) = answered.unwrap_or((Linkbeat::Ioctl, true));
        (by, up && self.flags(interface))
    }

    /// The link bit of the transceiver; `None` if the driver shows no registers.
    fn mii(&self, interface: &IfName) -> Option<bool> {
        let mut request = Request::of(interface);
        self.call(libc::SIOCGMIIPHY, &mut request).ok()?;
        let transceiver = request.word(0);
        let read = |register: u16| {
            let mut request = Request::of(interface);
            request.set_word(0, transceiver);
            request.set_word(1, register);
            self.call(libc::SIOCGMIIREG, &mut request).ok()?;
            Some(request.word(3))
        };
        // Some drivers have the call without the registers.
        let first = read(MII_BMSR).filter(|status| *status != 0 && *status != NOTHING)?;
        read(MII_BMCR).filter(|control| *control != NOTHING)?;
        // The bit keeps a loss until it has been read.
        let second = read(MII_BMSR)?;
        Some((first | second) & BMSR_LINK != 0)
    }

    /// What the driver says of its link; `None` if it does not say.
    fn ethtool(&self, interface: &IfName) -> Option<bool> {
        let mut value = EthtoolValue { command: GET_LINK, data: 0 };
        let mut request = Request::of(interface);
        let place = std::ptr::from_mut(&mut value).expose_provenance();
        for (byte, part) in request.value.iter_mut().zip(place.to_ne_bytes()) {
            *byte = part;
        }
        self.call(libc::SIOCETHTOOL, &mut request).ok()?;
        // The kernel has written through the address in the request, of which the compiler knows nothing.
        Some(std::hint::black_box(&value).data != 0)
    }

    /// `IFF_UP` and `IFF_RUNNING`. Where the kernel does not tell for another reason than that there is no such
    /// interface, they count as set.
    fn flags(&self, interface: &IfName) -> bool {
        const UP: u16 = (libc::IFF_UP | libc::IFF_RUNNING) as u16;
        let mut request = Request::of(interface);
        match self.call(libc::SIOCGIFFLAGS, &mut request) {
            Ok(()) => request.word(0) & UP == UP,
            Err(error) => error.raw_os_error() != Some(libc::ENODEV),
        }
    }

    #[allow(unsafe_code)]
    fn call(&self, number: libc::c_ulong, request: &mut Request) -> io::Result<()> {
        // SAFETY: the descriptor is open; the request has size and layout of `struct ifreq` and lives through the call;
        // of the calls made here only SIOCETHTOOL follows an address in it, that of an `EthtoolValue` of its caller, as
        // long as the command says.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), number as _, std::ptr::from_mut(request)) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Request {
    fn of(interface: &IfName) -> Self {
        let mut request = Request { name: [0; libc::IFNAMSIZ], value: [0; 24] };
        // Names have at most 15 bytes.
        for (byte, part) in request.name.iter_mut().take(libc::IFNAMSIZ - 1).zip(interface.as_str().bytes()) {
            *byte = part;
        }
        request
    }

    /// The n-th 16-bit word of the value (`struct mii_ioctl_data`: transceiver, register, in, out).
    fn word(&self, place: usize) -> u16 {
        let bytes = self.value.get(place * 2..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u16::from_ne_bytes(*bytes))
    }

    fn set_word(&mut self, place: usize, word: u16) {
        for (byte, part) in self.value.iter_mut().skip(place * 2).zip(word.to_ne_bytes()) {
            *byte = part;
        }
    }
}
