use super::*;
use crate::conf::environment::Absence;

const ROOT: Identity = Identity { uid: 0, gid: 0, further_groups: false };

#[test]
fn the_machine_knows_its_loopback_and_its_root() {
    let machine = Machine::new(false, true);
    let lo = machine.interface(None, "lo").expect("there is always lo");
    assert!(lo.loopback && !lo.multicast);
    assert_eq!(machine.interface(None, "no-such-link"), None);
    assert!(machine.interface(Some("no-such-namespace"), "any").is_some_and(|it| it.addresses.is_empty()));
    assert_eq!(Machine::new(true, true).interface(Some("no-such-namespace"), "lo").map(|it| it.loopback), Some(true));
    assert_eq!(machine.user("root"), Some(ROOT));
    assert_eq!(machine.group("no-such-group"), None);
    assert!(matches!(machine.command(OsStr::new("sh"), ROOT), Command::Found { executable: true, .. }));
    let missing = Command::Missing(Absence::NotInPath);
    assert_eq!(machine.command(OsStr::new("no-such-command"), ROOT), missing);
    assert_eq!(machine.command(OsStr::new(""), ROOT), missing);
    assert_eq!(machine.variable(OsStr::new("a=b")), None);
    assert!(machine.processors() >= 1 && !machine.host_name().is_empty());
}
