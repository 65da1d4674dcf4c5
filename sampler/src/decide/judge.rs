//! The policies of one partition at work: what spans satisfy, what a whole trace comes to, and how it is written down.
//!
//! Owns what verdicts depend on beyond their own trace (`State`), and what is logged of them. It knows no offsets but those of the trace before it.

use std::sync::{Arc, Mutex, RwLock};

use bytes::Bytes;
use schemas::decisions::{DecisionBatch, Verdict};

use crate::budget::Budgets;
use crate::decide::counts::{Cause, DecideCounts};
use crate::decide::facts::{self, Facts, Irregularity};
use crate::decide::log::{DecisionLog, NewVerdict};
use crate::decide::names::Names;
use crate::decide::traces::TakenFacts;
use crate::decide::traces::index::{NONE, Tenant};
use crate::decide::traces::verdicts::{GivenVerdict, NO_POLICY, StoredVerdict};
use crate::decide::traces::window::Trace;
use crate::options::Options;
use crate::policy::{Policies, RuleSet, Ruling, SetId, State, TraceFacts};
use crate::stats::{Group, Seen, Statistics, Tallied};
use schemas::otlp::sampling::Choice;

/// A trace that is to be decided.
#[derive(Debug)]
pub(crate) struct Case<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) facts: &'a TakenFacts,
    /// By column of [`crate::policy::Marks`].
    pub(crate) marks: &'a [u64],
    /// Which policies hold for it.
    pub(crate) set: SetId,
    /// What it links to.
    pub(crate) links: &'a [[u8; 16]],
    /// What its entry span has to promote.
    pub(crate) promoted: Option<&'a Bytes>,
    /// A late error may bring it back, if it isn't dropped on purpose.
    pub(crate) is_revivable: bool,
    pub(crate) time_ms: u64,
    pub(crate) cause: Cause,
}

#[derive(Debug)]
pub(crate) struct Judge {
    policies: Arc<Policies>,
    state: State,
    names: Names,
    log: DecisionLog,
}

impl Judge {
    pub(crate) fn new(policies: Arc<Policies>, options: &Options) -> Self {
        let partitions = options.bus.partitions;
        Self {
            state: State::new(policies.remembered(), partitions, options.statistics_bytes),
            names: Names::new(partitions),
            log: DecisionLog::new(identities(&policies)),
            policies,
        }
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What holds for a tenant.
    #[inline]
    pub(crate) fn rules(&self, set: SetId) -> &RuleSet {
        self.policies.set(set)
    }

    /// Reads a record's spans, for these policies: see [`facts::read`].
    pub(crate) fn read(
        &mut self,
        value: &[u8],
        set: SetId,
        with_links: bool,
        out: &mut Facts,
    ) -> Option<Irregularity> {
        facts::read(
            value,
            self.policies.set(set),
            &mut self.names,
            &mut self.state.failures,
            with_links,
            out,
        )
    }

    /// So many names are held that [`Judge::clean_names`] is worth its cost.
    pub(crate) fn names_crowded(&self) -> bool {
        self.names.crowded()
    }

    /// Keeps the names that `used` yields, and gives them new numbers in place.
    pub(crate) fn clean_names<'a>(&mut self, used: impl Iterator<Item = &'a mut u32>) {
        self.log.forget_names();
        self.names.clean(used);
    }

    /// Gives a trace its verdict, counts it, and writes it down.
    #[inline(always)]
    pub(crate) fn decide(
        &mut self,
        case: &Case<'_>,
        tenant_name: impl Fn(Tenant) -> Bytes,
        counts: &mut DecideCounts,
    ) -> GivenVerdict {
        let (trace, time_ms) = (case.trace, case.time_ms);
        let rules = self.policies.set(case.set);
        let facts = facts_of(case, rules);
        self.state.clear();
        let ruling = match case.cause {
            Cause::Due => {
                let ruling = rules.rule(&facts, &mut self.state, time_ms);
                let budget = self.policies.budget_of(|| tenant_name(trace.tenant));
                budget.map_or(ruling, |budget| {
                    let (upstream, state) = (rules.upstream(), &mut self.state);
                    budget.limit(ruling, upstream, &facts, state, time_ms)
                })
            }
            Cause::Oversized => Ruling::oversized(),
            Cause::Linked(_) => Ruling::linked(),
        };
        let kept = ruling.verdict == Verdict::Keep;
        self.state.remember(&facts, kept, time_ms);
        let policies = self.policies.names().len();
        counts.decided(policies, self.state.matched(), ruling, case.cause);
        if kept {
            counts
                .promoted
                .kept(case.promoted, case.facts.entry.refused);
        }
        let promotes = kept || case.is_revivable && !ruling.is_final;
        let new = NewVerdict {
            trace,
            shape: rules.marks().shape_in(case.marks),
            ruling,
            time_ms,
            matched: self.state.matched(),
            asked: self.state.asked(),
            links: case.links,
            source: match case.cause {
                Cause::Linked(source) => Some(source),
                _ => None,
            },
            dropped: case.facts.dropped.as_ref(),
            promoted: case.promoted.filter(|_| promotes),
        };
        self.log
            .decided(&new, &self.names, || tenant_name(trace.tenant));
        given(case, ruling, promotes)
    }

    /// Writes down that a verdict holds longer: see [`DecisionLog::extended`].
    pub(crate) fn extended(
        &mut self,
        stored: &StoredVerdict,
        choice: Choice,
        promoted: Option<&Bytes>,
        dropped: Option<&std::ops::Range<u64>>,
        tenant: Bytes,
    ) {
        self.log.extended(stored, choice, promoted, dropped, tenant);
    }

    /// What was written down since the last take.
    pub(crate) fn take_log(&mut self, generation: u64) -> DecisionBatch {
        self.log.take(self.policies.names(), generation)
    }

    /// Evaluations of conditions that failed since the last take, by policy.
    pub(crate) fn take_failures(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.state.failures)
    }

    /// The place of a policy that a batch of the decision log names by its own place, in this configuration.
    pub(crate) fn policy_of(&self, batch: &DecisionBatch, at: Option<u16>) -> u16 {
        let name = at.and_then(|at| batch.policies.get(usize::from(at)));
        let place = name.and_then(|name| self.policies.place_of(name));
        place.unwrap_or(NO_POLICY)
    }

    /// The statistics as if the verdicts of the batch had been given here.
    pub(crate) fn restore_statistics(&mut self, batch: &DecisionBatch) {
        let rules = self.policies.keyed().iter();
        let places: Vec<_> = rules
            .map(|rule| {
                let mut known = batch.statistics.iter();
                known.position(|identity| *identity == rule.identity)
            })
            .collect();
        if places.iter().all(Option::is_none) {
            return;
        }
        let mut keys = vec![0; places.len()];
        for (at, entry) in batch.entries.iter().enumerate() {
            let asked = batch.keys_of(at);
            for (key, place) in keys.iter_mut().zip(&places) {
                *key = place.map_or(0, |place| asked[place]);
            }
            self.state.statistics.restore(&Seen {
                keys: &keys,
                time_ms: entry.time_ms,
                duration_us: entry.duration_us,
                spans: entry.spans.into(),
                bytes: entry.bytes,
                kept: entry.verdict == Verdict::Keep,
            });
        }
    }

    /// The new places of policies, by their places under the configuration so far.
    pub(crate) fn places_in(&self, after: &Policies) -> Vec<u16> {
        let names = self.policies.names().iter();
        names
            .map(|name| after.place_of(name).unwrap_or(NO_POLICY))
            .collect()
    }

    /// Another configuration. `before`: the options so far; `renumber` gives policies their new places.
    pub(crate) fn reconfigure(
        &mut self,
        policies: &Arc<Policies>,
        before: &Options,
        renumber: impl Fn(u16) -> u16,
    ) {
        self.log.set_statistics(identities(policies));
        self.log.renumber(renumber);
        let (partitions, bytes) = (before.bus.partitions, before.statistics_bytes);
        self.state = self
            .state
            .carried_over(policies.remembered(), partitions, bytes);
        self.policies = policies.clone();
    }

    /// What the statistics counted since the last call, for the other partitions.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        self.state.statistics.take_news()
    }

    /// What the statistics found in the decision log since the last call, for the rates.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        self.state.statistics.take_restored()
    }

    /// What other partitions counted is found there from now on.
    pub(crate) fn join_group(&mut self, group: &Arc<RwLock<Group>>) {
        self.state.statistics.join(group);
    }

    /// The budgets that all partitions of the process spend from.
    pub(crate) fn join_budgets(&mut self, budgets: &Arc<Mutex<Budgets>>) {
        self.state.join_budgets(budgets);
    }

    /// The statistics' bound from now on.
    pub(crate) fn set_statistics_bytes(&mut self, bytes: usize) {
        self.state.statistics.set_bytes_max(bytes);
    }

    pub(crate) fn statistics(&self) -> &Statistics {
        &self.state.statistics
    }

    pub(crate) fn bytes(&self) -> usize {
        self.names.bytes() + self.state.statistics.bytes()
    }
}

/// `promotes`: its kept spans get what the entry span has.
#[inline(always)]
fn given(case: &Case<'_>, ruling: Ruling, promotes: bool) -> GivenVerdict {
    let trace = case.trace;
    GivenVerdict {
        key: trace.key(),
        first_offset: trace.first_offset,
        last_offset: trace.last_offset,
        time_ms: case.time_ms,
        verdict: ruling.verdict,
        policy: ruling.policy.unwrap_or(NO_POLICY),
        choice: Choice {
            threshold: ruling.threshold,
            randomness: ruling.randomness,
        },
        promoted: match promotes {
            true => case.facts.entry.list,
            false => NONE,
        },
        is_final: ruling.is_final,
        restored: false,
        older: trace.older,
    }
}

/// What policies are asked about.
#[inline(always)]
fn facts_of<'a>(case: &Case<'a>, rules: &RuleSet) -> TraceFacts<'a> {
    let trace = case.trace;
    TraceFacts {
        id: &trace.id,
        spans: u64::from(trace.spans),
        bytes: trace.bytes,
        bits: trace.bits,
        duration_ns: trace.duration_ns(),
        errors: u64::from(trace.errors),
        services: case.facts.services,
        has_root: rules.saw_root(trace.bits),
        upstream: case.facts.upstream,
        marks: case.marks,
    }
}

fn identities(policies: &Policies) -> Vec<u64> {
    let rules = policies.keyed().iter();
    rules.map(|rule| rule.identity).collect()
}
