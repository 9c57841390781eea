//! A backup: whom it follows, and what would make it MASTER.

use super::flip;
use crate::model::Priority;
use crate::model::explanation::{Change, Condition};
use crate::model::status::{Instance, Master, State, Status};

/// Why it is not MASTER.
pub(super) fn because(it: &Instance) -> String {
    let ours = it.priority.effective;
    let Some(Master { address, priority }) = &it.master else {
        let left = it.master_down_in.unwrap_or_default().in_words();
        return format!("no master has been heard so far, and it waits {left} more for one");
    };
    let adverts = format!("{address} adverts priority {priority}");
    if *priority > ours {
        format!("{adverts}, which is above our {ours}")
    } else if *priority == ours {
        format!("{adverts} as well as we would, and a master stays before an equal")
    } else if !it.preempt {
        format!(
            "{address} is master already, and nopreempt leaves it there though its priority {priority} is below our {ours}"
        )
    } else if !it.preempt_delay.is_zero() {
        format!(
            "{adverts}, which is below our {ours}, but preempt_delay protects it for {}",
            it.preempt_delay.in_words()
        )
    } else {
        let left = it.master_down_in.unwrap_or_default().in_words();
        format!("{adverts}, which is below our {ours}: it takes over in {left}")
    }
}

/// What would make it MASTER.
pub(super) fn changes(status: &Status, it: &Instance) -> Vec<Change> {
    let mut found = Vec::new();
    let mut add = |when| found.push(Change { becomes: State::Master, when });
    let Some(Master { address, priority }) = &it.master else {
        let after = it.master_down_in.unwrap_or(it.master_down_interval);
        add(vec![condition("silence", "", format!("nobody adverts for {}", after.in_words()), |it| {
            it.after = Some(after)
        })]);
        return found;
    };
    let whose = address.to_string();
    let ours = it.priority.effective;
    if *priority < ours {
        if !it.preempt {
            add(vec![condition("configuration", "nopreempt", "nopreempt were not set".into(), |_| {})]);
        } else {
            let after =
                if it.preempt_delay.is_zero() { it.master_down_in.unwrap_or_default() } else { it.preempt_delay };
            let text = format!("{whose} goes on with a lower priority than ours for {}", after.in_words());
            add(vec![condition("delay", &whose, text, |it| it.after = Some(after))]);
        }
    } else if it.preempt && it.priority.base != u8::MAX {
        let needed = i32::from(*priority) + 1 - it.priority.total;
        // More than 254 there is for owners only.
        if *priority < 254 {
            flip::smallest(flip::all(status, it).collect(), needed).into_iter().for_each(&mut add);
        }
        let base = i32::from(it.priority.base) + needed;
        let base = u8::try_from(base).ok().filter(|base| Priority::new(*base).is_some_and(|it| !it.is_owner()));
        if let Some(base) = base.filter(|_| *priority < 254) {
            let text =
                format!("its priority in the configuration were above {} (it is {})", base - 1, it.priority.base);
            add(vec![condition("priority", &it.name, text, |it| it.priority = Some(base))]);
        }
    }
    let after = it.master_down_interval;
    let text = format!("{whose} stays silent for {}", after.in_words());
    add(vec![condition("silence", &whose, text, |it| it.after = Some(after))]);
    found
}

/// A condition of this kind.
pub(super) fn condition(kind: &str, subject: &str, text: String, more: impl FnOnce(&mut Condition)) -> Condition {
    let mut made = Condition { kind: kind.into(), subject: subject.into(), text, ..Condition::default() };
    more(&mut made);
    made
}
