//! What follows from the reports of all workers of one epoch: traces to keep, and what all partitions know together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use schemas::partition::partition_of;

use crate::budget::{self, Budgets};
use crate::decide::links::Linked;
use crate::fleet::Fleet;
use crate::shell::report::{LinkToKeep, Report, worker_of};
use crate::shell::worker::Common;
use crate::stats::{self, Gathering, Group, Keyed};

/// One in a process, on the first worker.
pub(crate) struct Gatherer {
    gathering: Gathering,
    /// No worker looks at it between an epoch and the next.
    group: Arc<RwLock<Group>>,
    budgets: Arc<Mutex<Budgets>>,
    fleet: Option<Arc<Fleet>>,
    partitions_total: u32,
    workers: usize,
    follows_links: bool,
}

impl Gatherer {
    pub(crate) fn new(
        rules: &[Keyed],
        common: Common,
        fleet: Option<Arc<Fleet>>,
        partitions_total: u32,
        workers: usize,
    ) -> Self {
        Self {
            gathering: Gathering::new(rules.into()),
            group: common.group,
            budgets: common.budgets,
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
            fleet.set_identities(stats::exchanged_identities(rules));
        }
    }

    /// Tells workers, by number, what they need for the next epoch, and the group what all of them counted.
    pub(crate) fn gather(&mut self, reports: Vec<Report>, mut tell: impl FnMut(u64, LinkToKeep)) {
        let (mut owned, mut tallied, mut links) = (BTreeMap::new(), Vec::new(), Vec::new());
        let worker = |partition| worker_of(partition, self.workers) as u64;
        for report in reports {
            owned.extend(report.owned);
            tallied.extend(report.tallied);
            self.gathering.raise(report.restored);
            links.extend(report.links);
        }
        let partition = |linked: &Linked| partition_of(&linked.target, self.partitions_total);
        let (mut ours, others): (Vec<_>, Vec<_>) =
            (links.into_iter()).partition(|linked| owned.contains_key(&partition(linked)));
        if let Some(fleet) = &self.fleet {
            let asked = fleet.exchange_links(&others).into_iter();
            ours.extend(asked.filter(|linked| owned.contains_key(&partition(linked))));
        }
        for linked in ours {
            let partition = partition(&linked);
            tell(worker(partition), (partition, linked));
        }
        self.exchange_tokens(owned.values().copied().collect());
        let owned = owned.len() as u32;
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

    /// Tokens that nobody here wanted for those that others had too few of. `clocks`: of the partitions.
    fn exchange_tokens(&self, mut clocks: Vec<u64>) {
        let Some(fleet) = &self.fleet else { return };
        clocks.sort_unstable();
        // Not the latest, which may be wrong.
        let Some(now_ms) = clocks.get(clocks.len() / 2) else {
            return;
        };
        let mut budgets = budget::lock(&self.budgets);
        fleet.set_budgets(budgets.identities());
        budgets.exchange(
            *now_ms,
            |identity| fleet.wanted_tokens(identity),
            |identity, spare, wanted| fleet.exchange_tokens(identity, spare, wanted),
        );
    }
}
