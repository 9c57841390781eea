//! A model of the kernel's IPVS table: it takes requests, and refuses with the kernel's error numbers.
//!
//! Shared by the simulator and by the unit tests of the table; both bring the `model` in scope.

use std::net::SocketAddr;

use super::model::ipvs::{DestSettings, IpvsChange, IpvsRefusal, Observed, ServiceKey, Timeouts};

/// ENOENT
pub const NO_ENTRY: i32 = 2;
/// ESRCH
pub const NO_SERVICE: i32 = 3;
/// EEXIST
pub const EXISTS: i32 = 17;
/// EINVAL
pub const INVALID: i32 = 22;
/// ERANGE
pub const RANGE: i32 = 34;

/// The table, in the order of creation.
#[derive(Clone, Debug, Default)]
pub struct Kernel {
    pub services: Vec<Observed>,
    pub timeouts: Timeouts,
}

/// The refusal of a change with this error number.
pub fn refusal(errno: i32) -> IpvsRefusal {
    IpvsRefusal { errno, text: format!("error {errno}") }
}

impl Kernel {
    /// A service.
    pub fn find(&self, key: &ServiceKey) -> Option<&Observed> {
        self.services.iter().find(|service| service.key == *key)
    }

    fn service(&mut self, key: &ServiceKey) -> Result<&mut Observed, i32> {
        self.services.iter_mut().find(|service| service.key == *key).ok_or(NO_SERVICE)
    }

    /// Carries out a request, or gives the error number.
    pub fn apply(&mut self, change: &IpvsChange) -> Result<(), i32> {
        match change {
            IpvsChange::AddService(key, settings) => {
                if self.find(key).is_some() {
                    return Err(EXISTS);
                }
                known(&settings.scheduler)?;
                self.services.push(Observed { key: *key, settings: settings.clone(), dests: Vec::new() });
            }
            IpvsChange::SetService(key, settings) => {
                let service = self.service(key)?;
                known(&settings.scheduler)?;
                service.settings = settings.clone();
            }
            IpvsChange::DeleteService(key) => {
                self.service(key)?;
                self.services.retain(|service| service.key != *key);
            }
            IpvsChange::AddDest(key, to, settings) => {
                let service = self.service(key)?;
                limits(settings)?;
                if service.dests.iter().any(|(other, _)| other == to) {
                    return Err(EXISTS);
                }
                service.dests.push((*to, *settings));
            }
            IpvsChange::SetDest(key, to, settings) => {
                let service = self.service(key)?;
                limits(settings)?;
                dest(service, to)?.1 = *settings;
            }
            IpvsChange::DeleteDest(key, to) => {
                let service = self.service(key)?;
                dest(service, to)?;
                service.dests.retain(|(other, _)| other != to);
            }
            IpvsChange::Flush => self.services.clear(),
            IpvsChange::SetTimeouts(timeouts) => self.timeouts = *timeouts,
            IpvsChange::StartDaemon(..) | IpvsChange::StopDaemon(..) => {}
        }
        Ok(())
    }
}

/// Schedulers are modules, which may be missing.
fn known(scheduler: &str) -> Result<(), i32> {
    if scheduler == "missing" { Err(NO_ENTRY) } else { Ok(()) }
}

fn limits(settings: &DestSettings) -> Result<(), i32> {
    if settings.upper_threshold > i32::MAX as u32 {
        return Err(INVALID);
    }
    if settings.lower_threshold > settings.upper_threshold { Err(RANGE) } else { Ok(()) }
}

fn dest<'a>(service: &'a mut Observed, to: &SocketAddr) -> Result<&'a mut (SocketAddr, DestSettings), i32> {
    service.dests.iter_mut().find(|(other, _)| other == to).ok_or(NO_ENTRY)
}
