//! What follows from the reports of all workers of one epoch: shares of budgets, traces to keep, and what all partitions know together.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use schemas::partition::partition_of;

use crate::budget;
use crate::dataflow::{Report, Told, worker_of};
use crate::fleet::Fleet;
use crate::links::Linked;
use crate::stats::{self, Gathering, Group, Keyed};

/// One in a process, on the first worker.
pub(crate) struct Gatherer {
    gathering: Gathering,
    /// No worker looks at it between an epoch and the next.
    group: Arc<RwLock<Group>>,
    fleet: Option<Arc<Fleet>>,
    partitions_total: u32,
    workers: usize,
    follows_links: bool,
}

impl Gatherer {
    pub(crate) fn new(
        rules: &[Keyed],
        group: Arc<RwLock<Group>>,
        fleet: Option<Arc<Fleet>>,
        partitions_total: u32,
        workers: usize,
    ) -> Self {
        Self {
            gathering: Gathering::new(rules.into()),
            group,
            fleet,
            partitions_total,
            workers,
            follows_links: false,
        }
    }

    /// What holds in the epoch that is reported next: a reconfiguration changes it in all workers at once.
    pub(crate) fn configure(&mut self, rules: &[Keyed], follows_links: bool) {
        if self.follows_links != follows_links {
            self.follows_links = follows_links;
            if let Some(fleet) = &self.fleet {
                fleet.set_follows_links(follows_links);
            }
        }
        if self.gathering.rules() == rules {
            return;
        }
        let before = std::mem::replace(&mut self.gathering, Gathering::new(rules.into()));
        self.gathering.adopt(before);
        if let Some(fleet) = &self.fleet {
            fleet.set_identities(stats::told(rules));
        }
    }

    /// Tells workers, by number, what they need for the next epoch, and the group what all of them counted.
    pub(crate) fn gather(&mut self, reports: Vec<Report>, mut tell: impl FnMut(u64, Told)) {
        let (mut demands, mut tallied, mut links) = (BTreeMap::new(), Vec::new(), Vec::new());
        let worker = |partition| worker_of(partition, self.workers) as u64;
        for report in reports {
            demands.extend(report.demands);
            tallied.extend(report.tallied);
            self.gathering.raise(report.restored);
            links.extend(report.links);
        }
        let partition = |linked: &Linked| partition_of(&linked.target, self.partitions_total);
        let (mut ours, others): (Vec<_>, Vec<_>) =
            (links.into_iter()).partition(|linked| demands.contains_key(&partition(linked)));
        if let Some(fleet) = &self.fleet {
            let asked = fleet.exchange_links(&others).into_iter();
            ours.extend(asked.filter(|linked| demands.contains_key(&partition(linked))));
        }
        for linked in ours {
            let partition = partition(&linked);
            tell(worker(partition), Told::Keep(partition, linked));
        }
        for (partition, shares) in budget::shares(&demands, self.partitions_total) {
            if !shares.is_empty() {
                tell(worker(partition), Told::Shares(partition, shares));
            }
        }
        let owned = demands.len() as u32;
        let (heard, others) = match &self.fleet {
            Some(fleet) => fleet.exchange(&tallied, owned),
            None => (Vec::new(), 0),
        };
        let covered = f64::from(owned + others) / f64::from(self.partitions_total.max(1));
        let update = self
            .gathering
            .gather(tallied.into_iter().chain(heard), covered);
        let group = self.group.write();
        group
            .unwrap_or_else(PoisonError::into_inner)
            .update(&update);
    }
}
