//! What all partitions counted, and what that means for the next record. Pure.
//!
//! A partition's counts hold up to an offset. Records below it are read again after a crash: they are counted already, and whether they were over the
//! quota is known from the first one that was.

use std::collections::{BTreeMap, HashMap, HashSet};

use bus::TopicPartition;

use super::rules::{By, Over, Rules};
use super::table::{Amount, Table};

/// What a partition counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Of the records below this offset.
    pub through: u64,
    pub counts: Table,
}

/// What the quota says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It goes, and counts for this window.
    Within(u64),
    /// It is over the quota of this window.
    Over(u64),
    /// It may go, or not, once this moment has come, in milliseconds since 1970.
    NotBefore(u64),
}

/// Counts of all partitions.
#[derive(Debug, Default)]
pub struct Usage {
    partitions: BTreeMap<TopicPartition, State>,
    owned: HashSet<TopicPartition>,
    /// Owned partitions that were counted from nothing, since nobody could say yet what they had counted before.
    unsure: HashSet<TopicPartition>,
    /// Of those that this process counts: they have changed since they were last told.
    changed: HashSet<TopicPartition>,
    /// By tenant, what was counted here since news were last asked for.
    untold: HashMap<Box<[u8]>, Amount>,
    totals: Table,
}

/// A record that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub at: &'a TopicPartition,
    pub offset: u64,
    /// The bus's, in milliseconds since 1970.
    pub time_ms: u64,
    pub tenant: &'a [u8],
}

impl Usage {
    /// This process counts a partition from now on.
    pub fn own(&mut self, at: &TopicPartition) {
        self.owned.insert(at.clone());
        if !self.partitions.contains_key(at) {
            self.unsure.insert(at.clone());
        }
    }

    /// Another process counts it from now on. What was counted here is told once more.
    pub fn give_up(&mut self, at: &TopicPartition) {
        self.owned.remove(at);
        self.unsure.remove(at);
    }

    /// Somebody told what a partition counted. Who owns it knows better.
    pub fn hear(&mut self, at: TopicPartition, state: State) {
        let known = self.partitions.get(&at);
        let through = known.map_or(0, |known| known.through);
        let is_counted_here = self.owned.contains(&at) && through > 0;
        if is_counted_here && self.unsure.remove(&at) {
            return self.add_before(&at, state);
        }
        if is_counted_here || state.through <= through {
            return;
        }
        self.unsure.remove(&at);
        if let Some(known) = known {
            self.totals.remove_all(&known.counts);
        }
        self.totals.add_all(&state.counts);
        self.partitions.insert(at, state);
    }

    /// What was counted before of a partition that is counted here already. What was read twice meanwhile counts twice.
    fn add_before(&mut self, at: &TopicPartition, before: State) {
        let Some(state) = self.partitions.get_mut(at) else {
            return;
        };
        self.totals.add_all(&before.counts);
        state.counts.add_all(&before.counts);
        state.through = state.through.max(before.through);
        self.changed.insert(at.clone());
    }

    /// What is new of the partitions that were counted here. Whoever asks has read what others told before.
    pub fn news(&mut self) -> Vec<(TopicPartition, State)> {
        // From now on, what is heard of them may be what was told here.
        self.unsure.clear();
        let changed = std::mem::take(&mut self.changed);
        self.untold.clear();
        let state = |at: TopicPartition| {
            let state = self.partitions.get(&at)?.clone();
            Some((at, state))
        };
        changed.into_iter().filter_map(state).collect()
    }

    /// The largest part of a quota that was counted here since news were last asked for, from 0 to 1 and beyond.
    pub fn untold_share(&self, rules: &Rules) -> f64 {
        let share = |used: u64, limit: u64| match limit {
            0 => 0.0,
            limit => used as f64 / limit as f64,
        };
        let shares = self.untold.values();
        let shares =
            shares.map(|used| share(used.bytes, rules.bytes).max(share(used.items, rules.items)));
        shares.fold(0.0, f64::max)
    }

    /// It could not be told.
    pub fn untold(&mut self, at: TopicPartition) {
        self.changed.insert(at);
    }

    /// All that goes to this tenant in this window, from all partitions.
    pub fn used(&self, tenant: &[u8], window: u64) -> Amount {
        self.totals.get(tenant, window).amount
    }

    /// Everybody's, by tenant and window.
    pub fn totals(&self) -> &Table {
        &self.totals
    }

    /// What the rules say of a record, `now_ms` being the time of this process.
    pub fn standing(&self, rules: &Rules, asked: Asked<'_>, now_ms: u64) -> Standing {
        let tenant = key(rules, asked.tenant);
        let own = rules.window.at(asked.time_ms);
        let known = self.partitions.get(asked.at);
        if let Some(known) = known.filter(|known| asked.offset < known.through) {
            let over_from = known.counts.get(tenant, own).over_from;
            return match over_from.is_some_and(|from| from <= asked.offset) {
                true => Standing::Over(own),
                false => Standing::Within(own),
            };
        }
        if rules.over != Over::Hold {
            return match rules.allow(self.used(tenant, own)) {
                true => Standing::Within(own),
                false => Standing::Over(own),
            };
        }
        // It counts for the first window that has room, which may be a later one than its own.
        let now = rules.window.at(now_ms);
        let mut windows = own..=now.max(own);
        match windows.find(|window| rules.allow(self.used(tenant, *window))) {
            Some(window) => Standing::Within(window),
            None => Standing::NotBefore(rules.window.start_ms(now.max(own) + 1)),
        }
    }

    /// What a record that goes came to.
    pub fn count(&mut self, rules: &Rules, asked: Asked<'_>, window: u64, amount: Amount) {
        let tenant = key(rules, asked.tenant);
        if let Some(state) = self.next(asked) {
            state.counts.add(tenant, window, amount);
            self.totals.add(tenant, window, amount);
            self.owe(tenant, amount);
        }
    }

    /// A record is over the quota; so much of it goes on all the same.
    pub fn count_over(&mut self, rules: &Rules, asked: Asked<'_>, window: u64, goes: Amount) {
        let tenant = key(rules, asked.tenant);
        if let Some(state) = self.next(asked) {
            state.counts.add(tenant, window, goes);
            state.counts.set_over(tenant, window, asked.offset);
            self.totals.add(tenant, window, goes);
            self.owe(tenant, goes);
        }
    }

    fn owe(&mut self, tenant: &[u8], amount: Amount) {
        match self.untold.get_mut(tenant) {
            Some(untold) => untold.add(amount),
            None => drop(self.untold.insert(tenant.into(), amount)),
        }
    }

    /// `None`: this record was counted before.
    fn next(&mut self, asked: Asked<'_>) -> Option<&mut State> {
        if !self.partitions.contains_key(asked.at) {
            self.partitions.insert(asked.at.clone(), State::default());
        }
        let state = self.partitions.get_mut(asked.at)?;
        if asked.offset < state.through {
            return None;
        }
        state.through = asked.offset + 1;
        if !self.changed.contains(asked.at) {
            self.changed.insert(asked.at.clone());
        }
        Some(state)
    }
}

/// Under which name a tenant is counted.
fn key<'a>(rules: &Rules, tenant: &'a [u8]) -> &'a [u8] {
    match rules.by {
        By::Tenant => tenant,
        By::All => b"",
    }
}

impl Rules {
    /// Something may go when so much went already.
    pub fn allow(&self, used: Amount) -> bool {
        let within = |limit, used| limit == 0 || used < limit;
        within(self.bytes, used.bytes) && within(self.items, used.items)
    }
}

#[cfg(test)]
mod tests;
