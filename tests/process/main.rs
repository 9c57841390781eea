//! The real binary as processes: start, pid files, names, supervision, reload, signals, log devices, systemd, stop.
//!
//! Needs root, namespaces and mounts. All files are in folders of the test's own, nothing outside is touched.

mod besieged;
mod bfd;
mod checks;
mod cleanup;
mod command_line;
mod config_test;
mod control;
mod daemon;
mod dbus;
#[path = "../view/exposition.rs"]
mod exposition;
mod fifos;
mod log_devices;
mod metrics;
mod reload;
mod reload_rules;
mod rights;
mod scheduling;
mod scripts;
mod settings;
mod start;
mod stop;
mod supervision;
mod systemd;
mod track_scripts;
mod tracking;
