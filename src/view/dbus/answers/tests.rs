use zbus::DynamicType;

use super::*;
use crate::model::sample::instance;
use crate::view::dbus::objects::State;
use crate::view::samples::scene;

const DAEMON: &str = "/org/keepalived/Vrrp1/Vrrp";
const ROUTER: &str = "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4";
const OF_ROUTER: &str = "org.keepalived.Vrrp1.Instance";
const OF_DAEMON: &str = "org.keepalived.Vrrp1.Vrrp";

fn asked<B: serde::Serialize + DynamicType>(path: &str, interface: &str, member: &str, body: &B) -> Answer {
    let mut objects = Objects::of(&scene(vec![instance("VI_1", "eth0", 51)]));
    objects.note("VI_1", State::Master);
    let call = Message::method_call(path, member).expect_or_bare(interface).build(body).expect("a call");
    answer(&objects, Some("0123"), &call).expect("an answer")
}

trait Interface {
    fn expect_or_bare(self, interface: &str) -> Self;
}

impl Interface for zbus::message::Builder<'_> {
    fn expect_or_bare(self, interface: &str) -> Self {
        if interface.is_empty() { self } else { self.interface(interface.to_owned()) }
    }
}

fn said(answer: Answer) -> Message {
    match answer {
        Answer::Say(message) => message,
        Answer::Do(order, _) => panic!("{order:?}"),
    }
}

/// The name of the error and its text.
fn refused(answer: Answer) -> (String, String) {
    let message = said(answer);
    let name = message.header().error_name().expect("an error").to_string();
    let name = name.strip_prefix("org.freedesktop.DBus.Error.").expect("one of the bus").to_owned();
    (name, message.body().deserialize().expect("a text"))
}

#[test]
fn methods_are_orders() {
    let cases = [
        (DAEMON, OF_DAEMON, "PrintData", Order::Command(Command::PrintData)),
        (DAEMON, OF_DAEMON, "PrintStats", Order::Command(Command::PrintStats { clear: false })),
        (DAEMON, OF_DAEMON, "PrintStatsClear", Order::Command(Command::PrintStats { clear: true })),
        (DAEMON, OF_DAEMON, "ReloadConfig", Order::Reload),
        (ROUTER, OF_ROUTER, "SendGarp", Order::Command(Command::SendGarp { instance: "VI_1".into() })),
    ];
    for (path, interface, member, expected) in cases {
        match asked(path, interface, member, &()) {
            Answer::Do(order, reply) => {
                assert_eq!(order, expected);
                assert_eq!(reply.header().signature().to_string_no_parens(), "");
            }
            Answer::Say(message) => panic!("{message:?}"),
        }
    }
}

#[test]
fn calls_that_name_no_interface_reach_nobody() {
    for (path, member) in [(DAEMON, "PrintData"), (ROUTER, "SendGarp"), (ROUTER, "Ping")] {
        let (name, text) = refused(asked(path, "", member, &()));
        assert_eq!((&*name, text), ("UnknownMethod", format!("Object does not exist at path “{path}”")));
    }
}

#[test]
fn what_cannot_be_is_refused_in_glib_s_words() {
    let unknown = |text: &str| ("UnknownMethod".to_owned(), text.to_owned());
    let invalid = |text: &str| ("InvalidArgs".to_owned(), text.to_owned());
    assert_eq!(refused(asked("/a", OF_ROUTER, "SendGarp", &())), unknown("Object does not exist at path “/a”"));
    assert_eq!(refused(asked(DAEMON, OF_DAEMON, "CreateInstance", &())), unknown("No such method “CreateInstance”"));
    assert_eq!(
        refused(asked(ROUTER, OF_DAEMON, "PrintData", &())),
        unknown(&format!("No such interface “{OF_DAEMON}” on object at path {ROUTER}"))
    );
    assert_eq!(
        refused(asked(DAEMON, OF_DAEMON, "PrintData", &"x")),
        invalid("Type of message, “(s)”, does not match expected type “()”")
    );
    assert_eq!(refused(asked(ROUTER, PROPERTIES, "Get", &(OF_ROUTER, "Foo"))), invalid("No such property “Foo”"));
    assert_eq!(refused(asked(ROUTER, PROPERTIES, "Get", &("a.b", "Name"))), invalid("No such interface “a.b”"));
    assert_eq!(
        refused(asked(ROUTER, PROPERTIES, "Set", &(OF_ROUTER, "Name", Variant::from("x")))),
        invalid("Property “Name” is not writable")
    );
    assert_eq!(
        refused(asked(ROUTER, PROPERTIES, "Get", &OF_ROUTER)),
        unknown(&format!("No such interface “{PROPERTIES}” on object at path {ROUTER}"))
    );
}

#[test]
fn properties_are_structures_of_name_and_state() {
    let name = said(asked(ROUTER, PROPERTIES, "Get", &(OF_ROUTER, "Name")));
    assert_eq!(name.body().deserialize::<Variant<'_>>().expect("a value"), Variant::from(("VI_1",)));
    let state = said(asked(ROUTER, PROPERTIES, "Get", &(OF_ROUTER, "State")));
    assert_eq!(state.body().deserialize::<Variant<'_>>().expect("a value"), Variant::from((2_u32, "Master")));
    let all = said(asked(ROUTER, PROPERTIES, "GetAll", &OF_ROUTER));
    let body = all.body();
    let all: BTreeMap<String, Variant<'_>> = body.deserialize().expect("values");
    assert_eq!(all.into_keys().collect::<Vec<_>>(), ["Name", "State"]);
    let none = said(asked(DAEMON, PROPERTIES, "GetAll", &OF_DAEMON));
    assert_eq!(none.body().signature().to_string(), "a{sv}");
}

#[test]
fn peers_and_descriptions_answer_at_every_path() {
    for path in ["/", "/x", ROUTER] {
        assert_eq!(said(asked(path, PEER, "Ping", &())).body().signature().to_string_no_parens(), "");
        let id = said(asked(path, PEER, "GetMachineId", &()));
        assert_eq!(id.body().deserialize::<&str>().expect("an id"), "0123");
        let text = said(asked(path, INTROSPECTABLE, "Introspect", &()));
        let body = text.body();
        let text: &str = body.deserialize().expect("a text");
        assert_eq!(text.contains(&format!("<interface name=\"{OF_ROUTER}\">")), path == ROUTER);
        assert_eq!(text.contains("<node name=\"org\"/>"), path == "/");
    }
}
