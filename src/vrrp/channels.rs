//! Which sockets the routers need, and which router a datagram is for.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::event::{Action, Channel, ChannelId};
use super::router::RouterId;
use crate::model::Family;

/// The channels in use. Routers with equal needs share one; a router is found by channel and VRID.
#[derive(Clone, Debug, Default)]
pub(super) struct Channels {
    next: u32,
    ids: BTreeMap<Channel, ChannelId>,
    open: HashMap<ChannelId, Open>,
    /// Channels whose set of VRIDs has changed since [`Channels::settle`]
    changed: BTreeSet<ChannelId>,
}

#[derive(Clone, Debug)]
struct Open {
    channel: Channel,
    by_vrid: BTreeMap<u8, Vec<RouterId>>,
}

impl Channels {
    /// Adds a router to the channel it needs, opening it if it is the first.
    pub(super) fn join(&mut self, want: Channel, vrid: u8, router: RouterId, out: &mut VecDeque<Action>) -> ChannelId {
        let id = match self.ids.get(&want) {
            Some(id) => *id,
            None => {
                let id = ChannelId(self.next);
                self.next += 1;
                self.ids.insert(want.clone(), id);
                out.push_back(Action::Open(id, want.clone()));
                id
            }
        };
        let open = self.open.entry(id).or_insert_with(|| Open { channel: want, by_vrid: BTreeMap::new() });
        open.by_vrid.entry(vrid).or_default().push(router);
        self.changed.insert(id);
        id
    }

    /// Removes a router; the last one closes the channel.
    pub(super) fn leave(&mut self, id: ChannelId, router: RouterId, out: &mut VecDeque<Action>) {
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        for routers in open.by_vrid.values_mut() {
            routers.retain(|member| *member != router);
        }
        open.by_vrid.retain(|_, routers| !routers.is_empty());
        if open.by_vrid.is_empty() {
            self.ids.remove(&open.channel);
            self.open.remove(&id);
            self.changed.remove(&id);
            out.push_back(Action::Close(id));
        } else {
            self.changed.insert(id);
        }
    }

    /// Whether a channel is what is wanted.
    pub(super) fn is(&self, id: ChannelId, want: &Channel) -> bool {
        self.ids.get(want) == Some(&id)
    }

    /// Family of a channel.
    pub(super) fn family(&self, id: ChannelId) -> Option<Family> {
        self.open.get(&id).map(|open| open.channel.family)
    }

    /// What a channel is.
    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.open.get(&id).map(|open| &open.channel)
    }

    /// The routers that a packet with this VRID may be for.
    pub(super) fn routers(&self, id: ChannelId, vrid: u8) -> &[RouterId] {
        self.open.get(&id).and_then(|open| open.by_vrid.get(&vrid)).map_or(&[], Vec::as_slice)
    }

    /// The VRIDs of a channel.
    pub(super) fn vrids(&self, id: ChannelId) -> Vec<u8> {
        self.open.get(&id).map_or(vec![], |open| open.by_vrid.keys().copied().collect())
    }

    /// All routers on a channel.
    pub(super) fn all(&self, id: ChannelId) -> Vec<RouterId> {
        self.open.get(&id).into_iter().flat_map(|open| open.by_vrid.values().flatten().copied()).collect()
    }

    /// The channels whose routers have changed since [`Channels::settle`].
    pub(super) fn changed(&self) -> Vec<ChannelId> {
        self.changed.iter().copied().collect()
    }

    /// All channels.
    pub(super) fn open(&self) -> Vec<ChannelId> {
        self.open.keys().copied().collect()
    }

    /// How many channels are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Tells the hands which VRIDs to let through, where that has changed: ours, or `all` to hear of strangers too.
    pub(super) fn settle(&mut self, all: bool, out: &mut VecDeque<Action>) {
        for id in std::mem::take(&mut self.changed) {
            if let Some(open) = self.open.get(&id) {
                let vrids = if all { (0..=u8::MAX).collect() } else { open.by_vrid.keys().copied().collect() };
                out.push_back(Action::Listen(id, vrids));
            }
        }
    }

    /// The filters of all channels are to be set anew.
    pub(super) fn refilter(&mut self) {
        self.changed.extend(self.open.keys());
    }
}
