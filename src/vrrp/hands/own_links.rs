//! The hand for links of our own.

use nix::errno::Errno;
use tracing::{debug, warn};

use super::{Feedback, Hands};
use crate::model::own_link::{LinkChange, LinkWish, OwnKind};
use crate::net::Refusal;

impl Hands {
    /// Carries out a change of own links. What the engine has to know goes into `feedback`.
    pub(super) fn change_link(&mut self, change: LinkChange, feedback: &mut Vec<Feedback>) {
        match change {
            LinkChange::Make(wish) => {
                let made = self.netlink.make_link(&wish);
                if made.is_ok() {
                    debug!("({}): Success creating {} interface {}", wish.owner, kind(&wish), wish.name);
                }
                answer(&wish, made, "create", feedback);
            }
            LinkChange::Adopt(index, wish) => {
                let adopted = self.netlink.adopt_link(index, &wish);
                answer(&wish, adopted, "update", feedback);
            }
            LinkChange::SetVrf(wish, index) => match self.netlink.set_vrf(index, wish.vrf) {
                Ok(()) => debug!(
                    "vmac: Success changing VRF of VMAC interface {} for vrrp_instance {}",
                    wish.name, wish.owner
                ),
                Err(refusal) => warn!(
                    "vmac: Error changing VRF of VMAC interface {} for vrrp_instance {}: {refusal}",
                    wish.name, wish.owner
                ),
            },
            LinkChange::Remove(wish, index) => self.remove_link(&wish, index),
            LinkChange::Hush(name, index) => self.sysctls.hush(&mut self.netlink, &name, index),
            LinkChange::Unhush(name, index) => self.sysctls.unhush(&mut self.netlink, &name, index),
            LinkChange::LoosenReversePath => self.sysctls.loosen_reverse_path(&mut self.netlink),
            LinkChange::TightenReversePath => self.sysctls.tighten_reverse_path(&mut self.netlink),
        }
    }

    fn remove_link(&mut self, wish: &LinkWish, index: u32) {
        let (owner, kind, name) = (&wish.owner, kind(wish), &wish.name);
        match self.netlink.remove_link(index) {
            Ok(()) => debug!("({owner}) Success removing {kind} interface {name}"),
            Err(refusal) => warn!("({owner}) Error removing {kind} interface {name}: {refusal}"),
        }
        if let Some(group) = wish.notify_group {
            let set = self.netlink.set_group(wish.base_index, group);
            super::sysctls::told(set, &wish.base);
        }
    }
}

/// Says why a link could not be had, and tells the engine.
fn answer(wish: &LinkWish, outcome: Result<(), Refusal>, verb: &str, feedback: &mut Vec<Feedback>) {
    if let Err(refusal) = outcome {
        // The interface below may have gone a moment ago; then that is what is reported.
        if refusal.errno != Errno::ENODEV {
            warn!("({}): Unable to {verb} {} interface {}: {refusal}", wish.owner, kind(wish), wish.name);
        }
        feedback.push(Feedback::LinkRefused(wish.name.clone(), refusal.to_string()));
    }
}

fn kind(wish: &LinkWish) -> &'static str {
    match wish.kind {
        OwnKind::Macvlan(_) => "VMAC",
        OwnKind::Ipvlan(_) => "ipvlan",
    }
}
