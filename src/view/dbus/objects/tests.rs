use std::sync::Arc;

use super::*;
use crate::model::sample::instance;
use crate::model::scene::Configuration;
use crate::model::{Global, VrrpConfig};
use crate::view::samples::scene;

fn with(change: impl FnOnce(&mut Configuration)) -> Scene {
    let mut scene = scene(vec![instance("VI_1", "eth0.1", 51), instance("VI_2", "br-lan", 7)]);
    change(Arc::make_mut(&mut scene.configuration));
    scene
}

fn paths(scene: &Scene) -> Vec<String> {
    let objects = Objects::of(scene);
    std::iter::once(objects.daemon().to_owned()).chain(objects.routers().iter().map(|it| it.path.clone())).collect()
}

#[test]
fn a_path_names_interface_vrid_and_family() {
    let scene = with(|it| it.vrrp.instances[1].family = Family::V6);
    let root = "/org/keepalived/Vrrp1";
    let expected = ["Vrrp", "Instance/eth0_1/51/IPv4", "Instance/br_lan/7/IPv6"].map(|rest| format!("{root}/{rest}"));
    assert_eq!(paths(&scene), expected);
}

#[test]
fn namespace_and_instance_of_the_daemon_are_part_of_it_as_far_as_a_path_can_have_them() {
    let scene = with(|it| {
        let Global { net_namespace, instance, .. } = &mut it.shared.global;
        (*net_namespace, *instance) = (Some("blue-1".into()), Some("é".into()));
    });
    assert_eq!(paths(&scene)[0], "/org/keepalived/Vrrp1/blue_1/__/Vrrp");
    assert_eq!(paths(&scene)[1], "/org/keepalived/Vrrp1/blue_1/__/Instance/eth0_1/51/IPv4");
}

#[test]
fn an_instance_without_interface_has_a_word_for_it() {
    let without = |it: &mut Configuration| it.vrrp.instances[0].interface = None;
    assert_eq!(paths(&with(without))[1], "/org/keepalived/Vrrp1/Instance/none/51/IPv4");
    let scene = with(|it| {
        without(it);
        it.shared.global.dbus.no_interface_name = Some("no-one".into());
    });
    assert_eq!(paths(&scene)[1], "/org/keepalived/Vrrp1/Instance/no_one/51/IPv4");
}

#[test]
fn of_two_with_one_path_the_first_has_the_object() {
    let scene = scene(vec![instance("VI_1", "eth0.1", 51), instance("VI_2", "eth0-1", 51)]);
    let mut objects = Objects::of(&scene);
    let path = "/org/keepalived/Vrrp1/Instance/eth0_1/51/IPv4";
    assert_eq!(objects.hidden(), [("VI_2".to_owned(), path.to_owned())]);
    assert_eq!(objects.note("VI_1", State::Master).map(|it| &*it.path), Some(path));
    assert_eq!(objects.note("VI_2", State::Fault), None);
    assert!(matches!(objects.at(path), Some(Object::Router(Router { state: State::Master, .. }))));
}

#[test]
fn every_element_of_a_path_tells_what_is_below_it_once() {
    let scene = scene(vec![instance("VI_1", "eth0", 1), instance("VI_2", "eth0", 2), instance("VI_3", "eth01", 1)]);
    let objects = Objects::of(&scene);
    let cases: [(&str, &[&str]); 7] = [
        ("/", &["org"]),
        ("/org/keepalived/Vrrp1", &["Vrrp", "Instance"]),
        ("/org/keepalived/Vrrp1/Instance", &["eth0", "eth01"]),
        ("/org/keepalived/Vrrp1/Instance/eth0", &["1", "2"]),
        ("/org/keepalived/Vrrp1/Instance/eth0/1/IPv4", &[]),
        ("/org/keep", &[]),
        ("/x", &[]),
    ];
    for (path, below) in cases {
        assert_eq!(objects.below(path), below, "{path}");
    }
}

#[test]
fn an_instance_that_nobody_has_told_of_has_not_begun() {
    let mut scene = scene(vec![instance("VI_1", "eth0", 1)]);
    scene.vrrp = None;
    assert_eq!(Objects::of(&scene).routers()[0].state, State::Init);
    Arc::make_mut(&mut scene.configuration).vrrp = VrrpConfig::default();
    assert_eq!(Objects::of(&scene).routers(), []);
}

#[test]
fn states_have_keepalived_s_numbers_and_words() {
    let told = [NotifyState::Backup, NotifyState::Master, NotifyState::Fault, NotifyState::Deleted, NotifyState::Stop];
    let shown: Vec<_> = told.iter().filter_map(|it| State::of(*it)).map(|it| (it.number(), it.to_string())).collect();
    let words = [(1, "Backup"), (2, "Master"), (3, "Fault"), (97, "Deleted"), (98, "Stop")];
    assert_eq!(shown, words.map(|(number, word)| (number, word.to_owned())));
    assert_eq!(State::of(NotifyState::MasterPriority), None);
}
