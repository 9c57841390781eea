//! VRRP: the engine (room 3) and the driver that joins it to the kernel (room 5).

pub mod event;
