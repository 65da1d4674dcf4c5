//! All policies of a configuration, compiled: everybody's, and those of tenants that have their own.

use bytes::Bytes;
use hashbrown::HashMap;

use super::DailyBudget;
use super::rule_set::{RuleSet, SetId};
use crate::budget::Limit;
use crate::policy::on_traces::state::Remembered;
use crate::stats::Keyed;

/// All policies of a configuration, compiled.
///
/// A record has one tenant, so which set holds is looked up once a tenant and partition, and costs its spans nothing.
#[derive(Debug)]
pub struct Policies {
    pub(super) names: Vec<String>,
    /// By name, its place in `names`.
    pub(super) places: HashMap<String, u16>,
    /// Everybody's first.
    pub(super) sets: Vec<RuleSet>,
    /// Which set holds for a tenant that has an entry in the configuration.
    pub(super) by_tenant: HashMap<Box<[u8]>, SetId>,
    /// Which one holds for the others, and for records that name none.
    pub(super) by_default: SetId,
    /// Of tenants that have an entry in the configuration, the budget if they have one.
    pub(super) budgets: HashMap<Box<[u8]>, Option<DailyBudget>>,
    /// Of the others together.
    pub(super) default_budget: Option<DailyBudget>,
    pub(super) limits: Vec<Limit>,
    /// Operations are told apart without ids.
    pub(super) normalized: bool,
    /// What is asked of the statistics.
    pub(super) keyed: Vec<Keyed>,
    /// Words that the marks of a trace take, whichever set holds for it.
    pub(super) mark_words: usize,
}

/// None: nothing is kept.
impl Default for Policies {
    fn default() -> Self {
        Self {
            sets: vec![RuleSet::default()],
            ..Self::nobodys()
        }
    }
}

impl Policies {
    /// To be filled: there has to be a set at least.
    pub(super) fn nobodys() -> Self {
        Self {
            names: Vec::new(),
            places: HashMap::new(),
            sets: Vec::new(),
            by_tenant: HashMap::new(),
            by_default: SetId::default(),
            budgets: HashMap::new(),
            default_budget: None,
            limits: Vec::new(),
            normalized: false,
            keyed: Vec::new(),
            mark_words: 0,
        }
    }

    /// Names, in the order of the configuration, those of tenants as `tenant/name`; `Counts::verdicts` and the decision log index them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where a policy stands in `names`.
    pub(crate) fn place_of(&self, name: &str) -> Option<u16> {
        self.places.get(name).copied()
    }

    /// What holds for a tenant; an empty name is the default tenant's.
    pub(crate) fn set_of(&self, tenant: &[u8]) -> SetId {
        match self.by_tenant.is_empty() {
            true => self.by_default,
            false => *self.by_tenant.get(tenant).unwrap_or(&self.by_default),
        }
    }

    #[inline]
    pub(crate) fn set(&self, id: SetId) -> &RuleSet {
        &self.sets[usize::from(id.0)]
    }

    /// The budget that holds for a tenant, asked for its name only if there are budgets; an empty name is the default tenant's.
    #[inline]
    pub(crate) fn budget_of(&self, tenant: impl FnOnce() -> Bytes) -> Option<DailyBudget> {
        match self.budgets.is_empty() {
            true => self.default_budget,
            false => *(self.budgets.get(&*tenant())).unwrap_or(&self.default_budget),
        }
    }

    /// Words that the marks of a trace take at most.
    pub(crate) fn mark_words(&self) -> usize {
        self.mark_words
    }

    /// Whether the policy at this place of `names` is a dry run.
    pub(crate) fn is_shadow(&self, policy: usize) -> bool {
        let mut rules = self.sets.iter().flat_map(|set| &set.rules);
        let rule = rules.find(|rule| usize::from(rule.index) == policy);
        rule.is_some_and(|rule| rule.shadow)
    }

    /// The policies that hold for a tenant, by the names that are written; an empty name is the default tenant's.
    pub fn names_for(&self, tenant: &str) -> impl Iterator<Item = &str> {
        let set = self.set(self.set_of(tenant.as_bytes()));
        let names = self.names[set.names.clone()].iter();
        names.map(|name| &name[set.prefix.len()..])
    }

    /// The name that is written of a policy that holds for a tenant.
    pub(crate) fn written_name<'a>(&self, tenant: &str, name: &'a str) -> &'a str {
        let set = self.set(self.set_of(tenant.as_bytes()));
        name.strip_prefix(set.prefix.as_str()).unwrap_or(name)
    }

    /// Tenants that have an entry in the configuration, but for the default one.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &[u8]> {
        self.by_tenant.keys().map(|name| &**name)
    }

    /// What is asked of the statistics, in the order in which keys are logged.
    pub(crate) fn keyed(&self) -> &[Keyed] {
        &self.keyed
    }

    /// How far back verdicts depend on others, milliseconds of the partition's clock.
    pub fn reach_ms(&self) -> u64 {
        let reaches = self.keyed.iter().map(|keyed| keyed.kind.reach_ms());
        reaches.max().unwrap_or(0)
    }

    /// What a partition has to remember for these policies.
    pub(crate) fn remembered(&self) -> Remembered<'_> {
        Remembered {
            limits: &self.limits,
            keyed: &self.keyed,
        }
    }

    /// Of the rate budgets, by their index.
    pub(crate) fn limits(&self) -> &[Limit] {
        &self.limits
    }
}
