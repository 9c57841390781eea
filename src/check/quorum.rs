//! The quorum of a virtual server: when it is lost and gained, and what follows.

use super::event::{Action, Change};
use super::outbox::Outbox;
use super::virtual_server::Virtual;
use crate::model::ServiceNotice;

impl Virtual {
    /// Looks whether the weights of the servers that are alive still, or again, suffice. `starting`: at start and
    /// reload, where a sorry server steps in also if the quorum is down as it was before.
    pub fn judge(&mut self, starting: bool, out: &mut Outbox) {
        let (quorum, hysteresis) = (self.config.quorum, self.config.hysteresis);
        let sum = self.weight_sum;
        let threshold = match self.quorum_up {
            true => i64::from(quorum) - i64::from(hysteresis),
            false => i64::from(quorum) + i64::from(hysteresis),
        };
        let news = |what: &str| format!("=> {what} {quorum}+{hysteresis}={threshold} <= {sum} <=");
        if !self.quorum_up && sum >= threshold {
            self.quorum_up = true;
            let text = format!("Gained quorum {quorum}+{hysteresis}={threshold} <= {sum} for VS {}", self.name);
            out.changed(self.quorum_change(text));
            self.dismiss_sorry(out);
            self.tell(&news(if starting { "Starting with quorum up" } else { "Gained quorum" }), out);
        } else if (self.quorum_up && (sum == 0 || sum < threshold)) || (starting && self.sorry_is_missing()) {
            self.quorum_up = false;
            let what = if starting { "Starting with quorum down" } else { "Lost quorum" };
            let text = format!("{what} {quorum}-{hysteresis}={threshold} > {sum} for VS {}", self.name);
            out.changed(self.quorum_change(text));
            self.call_sorry(out);
            self.tell(&news(what), out);
        }
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
