//! The SNMP subagent beside Debian's snmpd, and beside Debian's keepalived with the same configuration: walks, what can be set,
//! notifications, and a master agent that is killed, stopped or restarted.
//!
//! Needs root and namespaces, and snmpd, snmptrapd and the tools of net-snmp. Nothing leaves the namespaces.

mod host;
mod managers;
mod troubles;
