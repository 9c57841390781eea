//! What objects offer, as they describe themselves (D-Bus specification, "Introspection Data Format").

use super::objects::Object;

/// Names of interfaces.
pub(super) const DAEMON: &str = "org.keepalived.Vrrp1.Vrrp";
pub(super) const ROUTER: &str = "org.keepalived.Vrrp1.Instance";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub(super) const INTROSPECTABLE: &str = "org.freedesktop.DBus.Introspectable";
pub(super) const PEER: &str = "org.freedesktop.DBus.Peer";

/// Which an object has beside those of every object.
pub(super) fn own(object: Object<'_>) -> &'static str {
    match object {
        Object::Daemon => DAEMON,
        Object::Router(_) => ROUTER,
    }
}

/// The document of a path, with what is there and what is below it.
pub(super) fn describe(object: Option<Object<'_>>, below: &[&str]) -> String {
    let mut text = HEAD.to_owned();
    if let Some(object) = object {
        text.push_str(STANDARD);
        text.push_str(match object {
            Object::Daemon => OF_DAEMON,
            Object::Router(_) => OF_ROUTER,
        });
    }
    for element in below {
        text.push_str(&format!("  <node name=\"{element}\"/>\n"));
    }
    text.push_str("</node>\n");
    text
}

const HEAD: &str = r#"<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">
<node>
"#;

const STANDARD: &str = r#"  <interface name="org.freedesktop.DBus.Properties">
    <method name="Get">
      <arg type="s" name="interface_name" direction="in"/>
      <arg type="s" name="property_name" direction="in"/>
      <arg type="v" name="value" direction="out"/>
    </method>
    <method name="GetAll">
      <arg type="s" name="interface_name" direction="in"/>
      <arg type="a{sv}" name="properties" direction="out"/>
    </method>
    <method name="Set">
      <arg type="s" name="interface_name" direction="in"/>
      <arg type="s" name="property_name" direction="in"/>
      <arg type="v" name="value" direction="in"/>
    </method>
    <signal name="PropertiesChanged">
      <arg type="s" name="interface_name"/>
      <arg type="a{sv}" name="changed_properties"/>
      <arg type="as" name="invalidated_properties"/>
    </signal>
  </interface>
  <interface name="org.freedesktop.DBus.Introspectable">
    <method name="Introspect">
      <arg type="s" name="xml_data" direction="out"/>
    </method>
  </interface>
  <interface name="org.freedesktop.DBus.Peer">
    <method name="Ping"/>
    <method name="GetMachineId">
      <arg type="s" name="machine_uuid" direction="out"/>
    </method>
  </interface>
"#;

const OF_DAEMON: &str = r#"  <interface name="org.keepalived.Vrrp1.Vrrp">
    <method name="PrintData"/>
    <method name="PrintStats"/>
    <method name="PrintStatsClear"/>
    <method name="ReloadConfig"/>
    <signal name="VrrpStarted"/>
    <signal name="VrrpReloaded"/>
    <signal name="VrrpStopped"/>
  </interface>
"#;

const OF_ROUTER: &str = r#"  <interface name="org.keepalived.Vrrp1.Instance">
    <method name="SendGarp"/>
    <signal name="VrrpStatusChange">
      <arg type="u" name="status"/>
    </signal>
    <property type="(s)" name="Name" access="read"/>
    <property type="(us)" name="State" access="read"/>
  </interface>
"#;
