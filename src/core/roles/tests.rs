use super::*;

#[test]
fn idents_tell_daemons_apart() {
    assert_eq!(ident("Keepalived_vrrp", None, None), "Keepalived_vrrp");
    assert_eq!(ident("Keepalived", Some("ns"), None), "Keepalived_ns");
    assert_eq!(ident("Keepalived_vrrp", Some("ns"), Some("inst")), "Keepalived_vrrp_ns_inst");
}

#[test]
fn all_are_named_keepalived_unless_the_configuration_names_them() {
    let names = ProcessNames { vrrp: Some("vip".into()), ..ProcessNames::default() };
    assert_eq!(process_name(Role::Vrrp, &names), "vip");
    assert_eq!(process_name(Role::Check, &names), "keepalived");
}

#[test]
fn log_files_tell_processes_and_daemons_apart() {
    let file = |named: &str, process, namespace, instance| {
        log_file(Path::new(named), process, namespace, instance).display().to_string()
    };
    assert_eq!(file("/var/log/ka.log", None, None, None), "/var/log/ka.log");
    assert_eq!(file("/var/log/ka.log", Some("vrrp"), Some("ns"), Some("one")), "/var/log/ka_vrrp_ns_one.log");
    assert_eq!(file("/var/l.d/ka", Some("check"), None, Some("one")), "/var/l.d/ka_check_one");
    let relative = std::env::temp_dir().join("keepalived_vrrp.log");
    assert_eq!(file("keepalived.log", Some("vrrp"), None, None), relative.display().to_string());
}
