//! FILE_CHECK and BFD_CHECK, which never run: they are told.

use super::{Checker, Effect, Finding, words};
use crate::check::event::Level;
use crate::model::Weight;
use crate::model::checker::CheckKind;

/// The lowest number means FAULT.
const FAULT: i64 = i32::MIN as i64;

impl Checker {
    /// FILE_CHECK: the file says this now. It is new with a file that says 0. Before the services are made, when what a file
    /// says is no change for its servers, the effects can be left: [`Checker::is_up`] and [`Checker::adjustment`] tell all.
    pub fn tracked_file(&mut self, number: i32) -> Finding {
        let mut finding = Finding::default();
        let kind = self.kind.clone();
        let CheckKind::File { track_file, weight } = &*kind else {
            return finding;
        };
        let detail = |fault| Effect::Log(Level::Detail, words::file(&self.names, track_file, fault));
        match adjustment(*weight, number) {
            None if self.up => {
                finding.effects.push(detail(true));
                self.stand(Err("failed"), &mut finding);
                self.adjust_quietly(0, &mut finding);
            }
            None => {}
            Some(sum) if self.up => self.adjust(sum, &mut finding),
            Some(sum) => {
                finding.effects.push(detail(false));
                self.adjust_quietly(sum, &mut finding);
                self.stand(Ok(()), &mut finding);
            }
        }
        finding
    }

    /// BFD_CHECK: the session is up, or not.
    pub fn bfd(&mut self, up: bool) -> Finding {
        let mut finding = Finding::default();
        let kind = self.kind.clone();
        if let CheckKind::Bfd { instance } = &*kind
            && (self.up != up || !self.has_run)
        {
            finding.log(words::bfd(&self.names, instance, up));
            self.stand(if up { Ok(()) } else { Err("failed") }, &mut finding);
        }
        finding
    }

    /// Changes what is added to the weight.
    pub(super) fn adjust(&mut self, sum: i64, finding: &mut Finding) {
        if self.adjustment != sum {
            self.adjustment = sum;
            finding.effects.push(Effect::Adjust(sum));
        }
    }

    /// The same, where a stand says enough.
    pub(super) fn adjust_quietly(&mut self, sum: i64, finding: &mut Finding) {
        if self.adjustment != sum {
            self.adjustment = sum;
            finding.effects.push(Effect::AdjustQuietly(sum));
        }
    }
}

/// What a number in a file adds to the weight; `None` is FAULT. Weight 0: any number but 0 is FAULT, or 0 is if reversed.
fn adjustment(weight: Weight, number: i32) -> Option<i64> {
    if weight.value == 0 {
        return ((number == 0) != weight.reverse).then_some(0);
    }
    let product = i64::from(number) * i64::from(weight.value);
    let sum = if weight.reverse { -product } else { product };
    (sum > FAULT).then(|| sum.min(i32::MAX.into()))
}
