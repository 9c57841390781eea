//! Sync daemons.

use keepalived_rs::model::ipvs::{IpvsChange, SyncRole, SyncSettings};
use keepalived_rs::net::Ipvs;
use nix::errno::Errno;

use crate::ipvs::{director, take};
use crate::namespace::name;

#[test]
fn both_daemons_start_with_what_they_are_given_and_stop() {
    director().run(|| {
        let mut ipvs = Ipvs::open(None).unwrap();
        let whole = SyncSettings {
            interface: name("d0"),
            id: 33,
            max_len: Some(1400),
            port: Some(9999),
            ttl: Some(3),
            group: Some("224.0.0.99".parse().unwrap()),
        };
        let least = SyncSettings { max_len: None, port: None, ttl: None, group: None, ..whole.clone() };
        assert_eq!(ipvs.daemons().unwrap(), []);
        take(
            &mut ipvs,
            &[
                IpvsChange::StartDaemon(SyncRole::Master, whole.clone()),
                IpvsChange::StartDaemon(SyncRole::Backup, least.clone()),
            ],
        );
        let mut running = ipvs.daemons().unwrap();
        running.sort_by_key(|(role, _)| *role);
        assert_eq!(running[0], (SyncRole::Master, whole.clone()));
        let (role, backup) = &running[1];
        assert_eq!((*role, &backup.interface, backup.id), (SyncRole::Backup, &least.interface, 33));
        let again = ipvs.change(&[IpvsChange::StartDaemon(SyncRole::Master, whole)]).unwrap();
        assert_eq!(again[0].1.errno, Errno::EEXIST as i32);
        take(&mut ipvs, &[IpvsChange::StopDaemon(SyncRole::Master, 33), IpvsChange::StopDaemon(SyncRole::Backup, 33)]);
        assert_eq!(ipvs.daemons().unwrap(), []);
        let again = ipvs.change(&[IpvsChange::StopDaemon(SyncRole::Backup, 33)]).unwrap();
        assert_eq!(again[0].1.errno, Errno::ESRCH as i32);
    });
}
