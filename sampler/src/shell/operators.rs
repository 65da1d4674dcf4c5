//! What the operators of the dataflow do, without timely's plumbing: take in what comes for each epoch, and give out what is complete.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};

use timely::dataflow::operators::Capability;

use crate::epoch::command::Command;
use crate::shell::commit::FromWorkers;
use crate::shell::gather::Gatherer;
use crate::shell::report::{LinkToKeep, Report};
use crate::shell::worker::Partitions;

/// What one worker gets for one epoch.
pub(super) type Input = Vec<Command>;

/// The reports of all workers of one epoch.
pub(super) type Reports = Vec<Report>;

/// The head of one worker's dataflow: epochs in the order in which the consumer cut them.
pub(super) struct Source {
    pub(super) receiver: Receiver<(u64, Input)>,
    /// `None`: the consumer is gone.
    pub(super) capability: Option<Capability<u64>>,
}

impl Source {
    /// Passes on what has come.
    pub(super) fn pull(&mut self, mut give: impl FnMut(&Capability<u64>, Input)) {
        loop {
            match self.receiver.try_recv() {
                Ok((epoch, input)) => {
                    if let Some(capability) = self.capability.as_mut() {
                        give(capability, input);
                        capability.downgrade(&(epoch + 1));
                    }
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.capability = None;
                    return;
                }
            }
        }
    }
}

/// Things by epoch, each with the capability to answer for it.
pub(super) struct Waiting<T>(BTreeMap<u64, (Capability<u64>, T)>);

impl<T: Default> Waiting<T> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// What waits for the capability's epoch.
    pub(super) fn entry(&mut self, capability: Capability<u64>) -> &mut T {
        let epoch = *capability.time();
        let (_, waiting) = (self.0)
            .entry(epoch)
            .or_insert_with(|| (capability, T::default()));
        waiting
    }

    /// The first epoch's, if nothing more can come for it.
    pub(super) fn complete(
        &mut self,
        may_come: impl Fn(&u64) -> bool,
    ) -> Option<(Capability<u64>, T)> {
        let next = self.0.first_entry()?;
        (!may_come(next.key())).then(|| next.remove())
    }
}

/// A worker's partitions, and what they are told before an epoch.
pub(super) struct Sample {
    pub(super) owned: Partitions,
    pub(super) to_keep: BTreeMap<u64, Vec<LinkToKeep>>,
    /// Both operators of a worker run on its thread.
    pub(super) gatherer: Rc<RefCell<Gatherer>>,
    pub(super) parts: Sender<FromWorkers>,
}

impl Sample {
    /// Does an epoch's work. Its part is sent before the caller gives the report, hence before `gather` can see the epoch complete.
    pub(super) fn work(&mut self, epoch: u64, input: Input) -> Report {
        let later = self.to_keep.split_off(&(epoch + 1));
        let now = std::mem::replace(&mut self.to_keep, later);
        for (partition, linked) in now.into_values().flatten() {
            self.owned.keep(partition, linked);
        }
        let part = self.owned.work(input);
        self.gatherer
            .borrow_mut()
            .configure(self.owned.rules(), self.owned.follows_links());
        let report = Report {
            owned: self.owned.owned(),
            tallied: self.owned.take_news(),
            restored: self.owned.take_restored(),
            links: self.owned.take_links(),
        };
        let _ = self.parts.send(FromWorkers::Part { epoch, part });
        report
    }
}
