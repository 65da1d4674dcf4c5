//! The entries for the decision log since the last take.

use std::ops::Range;

use bytes::Bytes;
use hashbrown::HashMap;
use schemas::decisions::{Decision, DecisionBatch, EntryKind, Link, Rescue, Verdict};

use crate::decide::names::Names;
use crate::decide::traces::index::Tenant;
use crate::decide::traces::verdicts::{NO_POLICY, StoredVerdict};
use crate::decide::traces::window::Trace;
use crate::policy::Ruling;
use schemas::otlp::sampling::Choice;

/// Up to so many policies a batch names them all.
const NAMES_MAX: usize = 64;

/// A verdict and what it was given for.
#[derive(Debug)]
pub(crate) struct NewVerdict<'a> {
    pub(crate) trace: &'a Trace,
    /// 0: no policy looks at it.
    pub(crate) shape: u64,
    pub(crate) ruling: Ruling,
    pub(crate) time_ms: u64,
    /// Policies that matched.
    pub(crate) matched: &'a [u16],
    /// By rule of the statistics: the key that the trace asked about.
    pub(crate) asked: &'a [u64],
    /// What the trace links to.
    pub(crate) links: &'a [[u8; 16]],
    /// A kept trace that links to it and asked for this.
    pub(crate) source: Option<[u8; 16]>,
    /// A late error reopened it: where its dropped spans lie.
    pub(crate) dropped: Option<&'a Range<u64>>,
    /// What its kept spans get.
    pub(crate) promoted: Option<&'a Bytes>,
}

#[derive(Debug, Default)]
pub(crate) struct DecisionLog {
    entries: Vec<Decision>,
    strings: Vec<String>,
    /// From the window's names to `strings`.
    numbers: HashMap<u32, u32>,
    tenants: Vec<Bytes>,
    /// From a name to `tenants`. Not from the partition's number: that may be another tenant's before the next take.
    tenant_numbers: HashMap<Bytes, u32>,
    promoted: Vec<Bytes>,
    /// From a list to `promoted`, and not from its number, for the same reason.
    promoted_numbers: HashMap<Bytes, u32>,
    match_sets: Vec<Vec<u16>>,
    /// From a list to where it stands in `match_sets`.
    sets: HashMap<Vec<u16>, u32>,
    /// Where the last list asked for stands; it may be there no longer.
    last_set: u32,
    links: Vec<Link>,
    sources: Vec<Link>,
    rescues: Vec<Rescue>,
    /// Identities of the rules of the statistics, and what entries asked them.
    statistics: Vec<u64>,
    keys: Vec<u64>,
}

impl DecisionLog {
    /// `statistics`: identities of the rules that verdicts ask.
    pub(crate) fn new(statistics: Vec<u64>) -> Self {
        Self {
            statistics,
            ..Self::default()
        }
    }

    /// Another configuration, with other rules.
    pub(crate) fn set_statistics(&mut self, statistics: Vec<u64>) {
        let places: Vec<_> = (statistics.iter())
            .map(|identity| self.statistics.iter().position(|known| known == identity))
            .collect();
        let entries = self.entries.len();
        let before = self.statistics.len();
        let keys = (0..entries).flat_map(|entry| {
            let keys = &self.keys[entry * before..(entry + 1) * before];
            places
                .iter()
                .map(|place| place.map_or(0, |place| keys[place]))
        });
        self.keys = keys.collect();
        self.statistics = statistics;
    }

    /// A new verdict, of this tenant.
    pub(crate) fn decided(
        &mut self,
        new: &NewVerdict<'_>,
        names: &Names,
        tenant_name: impl FnOnce() -> Bytes,
    ) {
        let (trace, ruling) = (new.trace, new.ruling);
        let entry = self.entries.len() as u32;
        let link = |&trace_id| Link { entry, trace_id };
        self.rescue(new.dropped);
        self.sources.extend(new.source.iter().map(link));
        if ruling.verdict == Verdict::Keep {
            self.links.extend(new.links.iter().map(link));
        }
        let root_service = self.string(trace.root_service, names);
        let root_operation = self.string(trace.root_operation, names);
        let match_set = self.match_set(new.matched);
        let tenant = match trace.tenant {
            Tenant::DEFAULT => None,
            _ => self.tenant(tenant_name()),
        };
        let promoted = new.promoted.map(|list| self.promoted(list));
        self.entries.push(Decision {
            tenant,
            trace_id: trace.id,
            verdict: ruling.verdict,
            kind: match (new.source, new.dropped) {
                (Some(_), _) => EntryKind::Linked,
                (None, Some(_)) => EntryKind::Reopened,
                (None, None) => EntryKind::Decided,
            },
            is_final: ruling.is_final,
            policy: ruling.policy,
            match_set,
            threshold: ruling.threshold,
            randomness: ruling.randomness,
            first_offset: trace.first_offset,
            last_offset: trace.last_offset,
            time_ms: new.time_ms,
            spans: trace.spans,
            errors: trace.errors,
            bytes: trace.bytes,
            duration_us: trace.duration_us(),
            shape: new.shape,
            root_service,
            root_operation,
            promoted,
        });
        self.keys.extend(new.asked);
    }

    /// A verdict that holds longer. Facts about the trace stand in its first entry only; what late spans need is here again, since
    /// recovery may not read so far back.
    pub(crate) fn extended(
        &mut self,
        stored: &StoredVerdict,
        choice: Choice,
        promoted: Option<&Bytes>,
        dropped: Option<&Range<u64>>,
        tenant: Bytes,
    ) {
        self.rescue(dropped);
        let policy = (stored.policy != NO_POLICY).then_some(stored.policy);
        let match_set = self.match_set(policy.as_slice());
        let tenant = self.tenant(tenant);
        let promoted = promoted.map(|list| self.promoted(list));
        self.entries.push(Decision {
            tenant,
            trace_id: stored.id,
            verdict: stored.verdict,
            kind: EntryKind::Extended,
            is_final: stored.is_final(),
            policy,
            match_set,
            threshold: choice.threshold,
            randomness: choice.randomness,
            first_offset: stored.first_offset,
            last_offset: stored.last_offset,
            time_ms: stored.time_ms,
            spans: 0,
            errors: 0,
            bytes: 0,
            duration_us: 0,
            shape: 0,
            root_service: None,
            root_operation: None,
            promoted,
        });
        self.keys.resize(self.keys.len() + self.statistics.len(), 0);
    }

    fn string(&mut self, name: u32, names: &Names) -> Option<u32> {
        let text = names.get(name)?;
        Some(*self.numbers.entry(name).or_insert_with(|| {
            self.strings.push(text.to_owned());
            (self.strings.len() - 1) as u32
        }))
    }

    fn tenant(&mut self, name: Bytes) -> Option<u32> {
        if name.is_empty() {
            return None;
        }
        let tenants = &mut self.tenants;
        let number = self.tenant_numbers.entry(name).or_insert_with_key(|name| {
            tenants.push(name.clone());
            tenants.len() as u32 - 1
        });
        Some(*number)
    }

    fn promoted(&mut self, list: &Bytes) -> u32 {
        if let Some(&known) = self.promoted_numbers.get(list) {
            return known;
        }
        let number = self.promoted.len() as u32;
        self.promoted.push(list.clone());
        self.promoted_numbers.insert(list.clone(), number);
        number
    }

    /// The next entry is about a trace whose spans in these records were dropped.
    fn rescue(&mut self, dropped: Option<&Range<u64>>) {
        self.rescues.extend(dropped.map(|dropped| Rescue {
            entry: self.entries.len() as u32,
            from_offset: dropped.start,
            to_offset: dropped.end.saturating_sub(1),
        }));
    }

    fn match_set(&mut self, matched: &[u16]) -> u32 {
        // Traces that are decided one after the other often match the same.
        if let Some(last) = self.match_sets.get(self.last_set as usize)
            && last == matched
        {
            return self.last_set;
        }
        if let Some(&at) = self.sets.get(matched) {
            self.last_set = at;
            return at;
        }
        let at = self.match_sets.len() as u32;
        self.match_sets.push(matched.to_vec());
        self.sets.insert(matched.to_vec(), at);
        self.last_set = at;
        at
    }

    /// Another configuration, with other numbers for its policies.
    pub(crate) fn renumber(&mut self, policy: impl Fn(u16) -> u16) {
        let known = |at: u16| Some(policy(at)).filter(|at| *at != NO_POLICY);
        for entry in &mut self.entries {
            entry.policy = entry.policy.and_then(known);
        }
        for set in &mut self.match_sets {
            *set = set.iter().copied().filter_map(known).collect();
        }
        self.sets.clear();
    }

    /// The names of the policies that entries refer to. With policies by tenant there may be thousands: then only those that are needed
    /// are named, and get new numbers.
    fn name_policies(&mut self, policies: &[String]) -> Vec<String> {
        if policies.len() <= NAMES_MAX {
            return policies.to_vec();
        }
        let mut numbers = vec![NO_POLICY; policies.len()];
        let mut names = Vec::new();
        let mut number = |policy: &mut u16| {
            let known = &mut numbers[usize::from(*policy)];
            if *known == NO_POLICY {
                *known = names.len() as u16;
                names.push(policies[usize::from(*policy)].clone());
            }
            *policy = *known;
        };
        let of_entries = self.entries.iter_mut();
        of_entries.for_each(|entry| entry.policy.iter_mut().for_each(&mut number));
        let of_sets = self.match_sets.iter_mut().flatten();
        of_sets.for_each(&mut number);
        names
    }

    /// The window's names get new numbers.
    pub(crate) fn forget_names(&mut self) {
        self.numbers.clear();
    }

    pub(crate) fn take(&mut self, policies: &[String], generation: u64) -> DecisionBatch {
        self.numbers.clear();
        self.tenant_numbers.clear();
        self.promoted_numbers.clear();
        self.sets.clear();
        if self.entries.is_empty() {
            return DecisionBatch::default();
        }
        let policies = self.name_policies(policies);
        DecisionBatch {
            generation,
            policies,
            strings: std::mem::take(&mut self.strings),
            tenants: std::mem::take(&mut self.tenants),
            promoted: std::mem::take(&mut self.promoted),
            match_sets: std::mem::take(&mut self.match_sets),
            entries: std::mem::take(&mut self.entries),
            links: std::mem::take(&mut self.links),
            sources: std::mem::take(&mut self.sources),
            rescues: std::mem::take(&mut self.rescues),
            statistics: self.statistics.clone(),
            keys: std::mem::take(&mut self.keys),
        }
    }
}
