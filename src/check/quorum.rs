//! The quorum of a virtual server: when it is lost and gained, and what follows.

use super::event::{Action, Change};
use super::outbox::Outbox;
use super::virtual_server::Virtual;
use crate::model::ServiceNotice;
use crate::model::occurrence::{Kind, up_or_down};
use crate::model::running_check::Turn;

impl Virtual {
    /// Looks whether the weights of the servers that are alive still, or again, suffice. `starting`: at start and
    /// reload, where a sorry server steps in also if the quorum is down as it was before.
    pub fn judge(&mut self, starting: bool, out: &mut Outbox) {
        let (quorum, hysteresis) = (self.config.quorum, self.config.hysteresis);
        let (sum, threshold) = (self.weight_sum, self.threshold());
        let news = |what: &str| format!("=> {what} {quorum}+{hysteresis}={threshold} <= {sum} <=");
        if !self.quorum_up && sum >= threshold {
            self.quorum_up = true;
            let text = format!("Gained quorum {quorum}+{hysteresis}={threshold} <= {sum} for VS {}", self.name);
            out.changed(self.quorum_change(text));
            self.turned(threshold, out);
            self.dismiss_sorry(out);
            self.tell(&news(if starting { "Starting with quorum up" } else { "Gained quorum" }), out);
        } else if (self.quorum_up && (sum == 0 || sum < threshold)) || (starting && self.sorry_is_missing()) {
            let is_news = std::mem::take(&mut self.quorum_up) || self.told.is_none();
            let what = if starting { "Starting with quorum down" } else { "Lost quorum" };
            let text = format!("{what} {quorum}-{hysteresis}={threshold} > {sum} for VS {}", self.name);
            out.changed(self.quorum_change(text));
            if is_news {
                self.turned(threshold, out);
            }
            self.call_sorry(out);
            self.tell(&news(what), out);
        }
    }

    /// What the weights have to come to, as long as the quorum stands as it does.
    pub fn threshold(&self) -> i64 {
        let (quorum, hysteresis) = (i64::from(self.config.quorum), i64::from(self.config.hysteresis));
        if self.quorum_up { quorum - hysteresis } else { quorum + hysteresis }
    }

    /// The quorum has been gained or lost, as the weights have come to this much and should to that.
    fn turned(&mut self, wanted: i64, out: &mut Outbox) {
        let before = self.told.map_or("", up_or_down);
        let weights = format!("the weights of servers that are up come to {}, {wanted} is wanted", self.weight_sum);
        let cause = if out.cause.is_empty() { weights } else { format!("{weights}: {}", out.cause) };
        self.change = Turn { at: out.now, cause: cause.clone() };
        let reason = std::mem::replace(&mut out.cause, cause);
        out.happened(Kind::VirtualServer, self.name.to_string(), before, up_or_down(self.quorum_up));
        out.cause = reason;
    }

    fn quorum_change(&self, text: String) -> Change {
        Change { text, virtual_server: self.name.clone(), real_server: None, up: self.quorum_up }
    }

    /// Its servers are gone, and it goes too.
    pub fn leave(&mut self, out: &mut Outbox) {
        if self.quorum_up {
            self.quorum_up = false;
            let (quorum, hysteresis, sum) = (self.config.quorum, self.config.hysteresis, self.weight_sum);
            let threshold = i64::from(quorum) - i64::from(hysteresis);
            self.tell(&format!("=> Lost quorum {quorum}+{hysteresis}={threshold} <= {sum} <="), out);
        }
    }

    /// Tells how the quorum stands; mails say it in these words. Said once: a reload that puts another sorry server to work has
    /// no news of the quorum.
    fn tell(&mut self, news: &str, out: &mut Outbox) {
        if self.told != Some(self.quorum_up) {
            self.tell_again(news, false, out);
        }
    }

    /// Tells how the quorum stands, whatever was told before.
    pub fn tell_again(&mut self, news: &str, stopping: bool, out: &mut Outbox) {
        self.told = Some(self.quorum_up);
        let script = if self.quorum_up { &self.config.quorum_up } else { &self.config.quorum_down };
        out.push(Action::Notify(ServiceNotice {
            virtual_server: self.name.to_string(),
            real_server: None,
            up: self.quorum_up,
            script: script.clone(),
            stopping,
        }));
        self.trap_of_quorum(stopping, out);
        self.mail_of_quorum(news.into(), out);
    }
}
