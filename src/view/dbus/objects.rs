//! Which objects there are on the bus, by their paths, and how instances stand. Knows no connection.
//!
//! A path names an instance by interface, VRID and family, as clients of keepalived expect. Of two that are called
//! the same, the first has the object.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::model::running::RouterState;
use crate::model::scene::{Configuration, Scene};
use crate::model::{Family, Instance, NotifyState};

#[cfg(test)]
mod tests;

/// Below which all objects are.
const ROOT: &str = "/org/keepalived/Vrrp1";

/// How an instance stands, in keepalived's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Init = 0,
    Backup = 1,
    Master = 2,
    Fault = 3,
    Deleted = 97,
    Stop = 98,
}

impl State {
    /// The state that scripts were told of; `None` if that is none.
    pub(super) fn of(told: NotifyState) -> Option<State> {
        Some(match told {
            NotifyState::Master => State::Master,
            NotifyState::Backup => State::Backup,
            NotifyState::Fault => State::Fault,
            NotifyState::Stop => State::Stop,
            NotifyState::Deleted => State::Deleted,
            _ => return None,
        })
    }

    /// keepalived's number for it.
    pub(super) fn number(self) -> u32 {
        self as u32
    }
}

impl From<RouterState> for State {
    fn from(state: RouterState) -> Self {
        match state {
            RouterState::Init => State::Init,
            RouterState::Backup => State::Backup,
            RouterState::Master => State::Master,
            RouterState::Fault => State::Fault,
        }
    }
}

/// As the property `State` spells it.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The object of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Router {
    /// The name of the instance
    pub(super) name: String,
    /// Where it is
    pub(super) path: String,
    /// How it stands
    pub(super) state: State,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object<'a> {
    /// The daemon as a whole
    Daemon,
    /// An instance
    Router(&'a Router),
}

/// All objects of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    daemon: String,
    /// In the order of the configuration
    routers: Vec<Router>,
    by_path: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    /// Names of instances whose path another one has, with the path
    hidden: Vec<(String, String)>,
}

impl Objects {
    /// Those of the configuration in force, as its instances stand.
    pub(super) fn of(scene: &Scene) -> Self {
        let Configuration { shared, vrrp, .. } = &*scene.configuration;
        let global = &shared.global;
        let mut root = ROOT.to_owned();
        for part in [&global.net_namespace, &global.instance].into_iter().flatten() {
            root.push('/');
            root.push_str(&element(part));
        }
        let no_interface = global.dbus.no_interface_name.as_deref().unwrap_or("none");
        let states = scene.vrrp.iter().flat_map(|running| &running.routers).map(|router| State::from(router.state));
        let states = states.chain(std::iter::repeat(State::Init));
        let mut objects = Objects { daemon: format!("{root}/Vrrp"), ..Objects::default() };
        for (instance, state) in vrrp.instances.iter().zip(states) {
            let (name, path) = (instance.name.clone(), path_of(&root, instance, no_interface));
            if objects.by_path.contains_key(&path) {
                objects.hidden.push((name, path));
            } else {
                objects.by_path.insert(path.clone(), objects.routers.len());
                objects.by_name.insert(name.clone(), objects.routers.len());
                objects.routers.push(Router { name, path, state });
            }
        }
        objects
    }

    /// The path of the object of the daemon.
    pub(super) fn daemon(&self) -> &str {
        &self.daemon
    }

    /// Those of instances, in the order of the configuration.
    pub(super) fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// The instances that have none, and the path that another one has.
    pub(super) fn hidden(&self) -> &[(String, String)] {
        &self.hidden
    }

    /// What is at this path.
    pub(super) fn at(&self, path: &str) -> Option<Object<'_>> {
        if path == self.daemon {
            return Some(Object::Daemon);
        }
        self.by_path.get(path).and_then(|index| self.routers.get(*index)).map(Object::Router)
    }

    /// The object of an instance that has come to a state; `None` if it has none.
    pub(super) fn note(&mut self, name: &str, state: State) -> Option<&Router> {
        let router = self.routers.get_mut(*self.by_name.get(name)?)?;
        router.state = state;
        Some(router)
    }

    /// The object of the instance of this name.
    pub(super) fn of_name(&self, name: &str) -> Option<&Router> {
        self.routers.get(*self.by_name.get(name)?)
    }

    /// The next elements of the paths below this one.
    pub(super) fn below(&self, path: &str) -> Vec<&str> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut seen = BTreeSet::new();
        let paths = std::iter::once(&self.daemon).chain(self.routers.iter().map(|router| &router.path));
        let rests = paths.filter_map(|it| it.strip_prefix(path)?.strip_prefix('/'));
        rests.filter_map(|rest| rest.split('/').next()).filter(|element| seen.insert(*element)).collect()
    }
}

fn path_of(root: &str, instance: &Instance, no_interface: &str) -> String {
    let interface = instance.interface.as_ref().map_or(no_interface, |name| name.as_str());
    let family = match instance.family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    };
    format!("{root}/Instance/{}/{}/{family}", element(interface), instance.vrid)
}

/// A name as an element of a path, which may hold letters of ASCII, digits and underscores.
fn element(name: &str) -> String {
    name.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '_' }).collect()
}
