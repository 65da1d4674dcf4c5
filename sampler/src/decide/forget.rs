//! Letting go of verdicts that neither cursor needs any more.

use crate::decide::index::Place;
use crate::decide::window::NONE;
use crate::partition::Partition;

impl Partition {
    /// Lets go of verdicts that neither cursor needs any more.
    pub(crate) fn forget(&mut self) {
        while let Some(slot) = self.verdicts.forgettable(self.clock.now_ms(), self.emit) {
            let held = *self.verdicts.get(slot);
            let key = held.key();
            let newer = match self.find(&key) {
                Some(Place::Decided(newest)) if newest == slot => {
                    if held.older == NONE {
                        self.index.remove(key.hash(), Place::Decided(slot));
                    } else {
                        let (from, to) = (Place::Decided(slot), Place::Decided(held.older));
                        self.index.replace(key.hash(), from, to);
                    }
                    NONE
                }
                Some(Place::Open(open)) if self.window.get(open).older == slot => {
                    self.window.set_older(open, held.older);
                    NONE
                }
                Some(Place::Open(open)) => self.window.get(open).older,
                Some(Place::Decided(newest)) => newest,
                None => NONE,
            };
            self.unlink(newer, slot, held.older);
            self.verdicts.remove(slot);
            self.tenants.release(key.tenant);
        }
    }

    /// Takes `slot` out of the chain that begins at `newer`.
    fn unlink(&mut self, newer: u32, slot: u32, older: u32) {
        let mut at = newer;
        while at != NONE {
            let next = self.verdicts.get(at).older;
            if next == slot {
                self.verdicts.set_older(at, older);
                return;
            }
            at = next;
        }
    }
}
