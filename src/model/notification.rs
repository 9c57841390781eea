//! State changes that the outside world is told of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Script;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// A virtual router
    Instance,
    /// A sync group
    Group,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Instance => "INSTANCE",
            Subject::Group => "GROUP",
        })
    }
}

/// What it changed to, in the words that scripts and FIFOs are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NotifyState {
    /// Holds the addresses
    Master,
    /// Waits
    Backup,
    /// Cannot take part
    Fault,
    /// The daemon stops
    Stop,
    /// A reload removed the instance
    Deleted,
    /// A master heard a weaker router
    MasterRxLowerPri,
    /// A master has another priority
    MasterPriority,
    /// One that is no master has another priority
    BackupPriority,
    /// Somebody else holds the addresses too
    Contested,
    /// Nobody else does any more
    Uncontested,
}

impl NotifyState {
    /// Whether it is a state that somebody is in, and no event within one.
    pub fn is_state(self) -> bool {
        match self {
            NotifyState::Master
            | NotifyState::Backup
            | NotifyState::Fault
            | NotifyState::Stop
            | NotifyState::Deleted => true,
            NotifyState::MasterRxLowerPri
            | NotifyState::MasterPriority
            | NotifyState::BackupPriority
            | NotifyState::Contested
            | NotifyState::Uncontested => false,
        }
    }
}

impl fmt::Display for NotifyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotifyState::Master => "MASTER",
            NotifyState::Backup => "BACKUP",
            NotifyState::Fault => "FAULT",
            NotifyState::Stop => "STOP",
            NotifyState::Deleted => "DELETED",
            NotifyState::MasterRxLowerPri => "MASTER_RX_LOWER_PRI",
            NotifyState::MasterPriority => "MASTER_PRIORITY",
            NotifyState::BackupPriority => "BACKUP_PRIORITY",
            NotifyState::Contested => "CONTESTED",
            NotifyState::Uncontested => "UNCONTESTED",
        })
    }
}

/// One state change. Changes of one subject are delivered in the order they happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Instance or group
    pub subject: Subject,
    /// Its name
    pub name: String,
    /// The new state
    pub state: NotifyState,
    /// Effective priority; 0 for a group
    pub priority: u8,
    /// Why, in the words of the log; what comes from the network is in it as numbers and addresses only
    pub cause: String,
    /// `notify_master` and the like: run first, with its own arguments only
    pub specific: Option<Script>,
    /// `notify`, or for a contest `notify_split_brain`: run second, with subject, name, state and priority appended
    pub generic: Option<Script>,
}

/// That scripts were told of the state of an instance, for those who listen on a bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// The name of the instance
    pub instance: String,
    /// The new state
    pub state: NotifyState,
}

/// A mail to the operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Without the name of the router in front
    pub subject: String,
    /// One line
    pub body: String,
}

/// A virtual or real server that is up or down, as scripts are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceNotice {
    /// The virtual server as messages print it
    pub virtual_server: String,
    /// The real server as messages print it; `None`: the virtual server itself, by its quorum
    pub real_server: Option<String>,
    /// Whether it is up
    pub up: bool,
    /// `notify_up`, `notify_down`, `quorum_up` or `quorum_down`, run with its own arguments only
    pub script: Option<Script>,
    /// The daemon stops: its script is waited for, for a second at most
    pub stopping: bool,
}
