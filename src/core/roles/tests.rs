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
