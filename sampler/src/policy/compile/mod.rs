//! From policies as written to policies as used; everything that is wrong is reported at once, by its path.

mod composed;
mod conditions;
mod presets;
mod rates;
mod spans;
mod traces;

use hashbrown::HashSet;
use runtime::config::{Problems, nearest};
use schemas::headers::DEFAULT_TENANT;
use serde::Serialize;

use super::identity;
use super::marks::Marks;
use super::policies::Policies;
use super::rule_set::{PolicyRule, RuleSet, SetId};
use super::{Bits, DailyBudget, RawOperationNames, RawPolicy};
use crate::policy::on_spans::conditions::Conditions;
use crate::policy::on_spans::leaves::Leaves;
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::RawMode;
use crate::stats::{Keyed, Kind, Measure, Throughput};

/// More rules of statistics than this are refused where tenants have policies of their own: each verdict writes a key for each of them.
const TENANTS_KEYED_MAX: usize = 256;

impl Policies {
    /// Compiles a list of policies, everybody's. What comes out is of use only when no problem was added.
    pub fn compile(
        raw: &[RawPolicy],
        sample_on_first_match: bool,
        path: &str,
        problems: &mut Problems,
    ) -> Self {
        let names = RawOperationNames::default();
        Self::compile_with(raw, sample_on_first_match, names, path, problems)
    }

    /// The same, with what an operation is called; that holds for tenants that are added, too.
    pub fn compile_with(
        raw: &[RawPolicy],
        sample_on_first_match: bool,
        names: RawOperationNames,
        path: &str,
        problems: &mut Problems,
    ) -> Self {
        let mut policies = Self {
            normalized: names == RawOperationNames::Normalized,
            ..Self::nobodys()
        };
        policies.add(raw, sample_on_first_match, None, path, problems);
        policies
    }

    /// Adds the policies of a tenant, which replace everybody's for it. Their budgets and statistics are its own. Those of the default
    /// tenant hold for all that have no entry.
    pub fn add_tenant(
        &mut self,
        tenant: &str,
        raw: &[RawPolicy],
        sample_on_first_match: bool,
        path: &str,
        problems: &mut Problems,
    ) {
        let id = SetId(self.sets.len() as u16);
        if self.sets.len() >= usize::from(u16::MAX) {
            problems.push(path, "too many tenants with policies of their own");
            return;
        }
        self.add(raw, sample_on_first_match, Some(tenant), path, problems);
        match tenant {
            DEFAULT_TENANT => self.by_default = id,
            tenant => drop(self.by_tenant.insert(tenant.as_bytes().into(), id)),
        }
        self.check_keyed(path, problems);
    }

    /// A tenant that has an entry in the configuration and no policies of its own: everybody's hold for it, also where the default
    /// tenant has others.
    pub fn add_tenant_without(&mut self, tenant: &str) {
        if tenant != DEFAULT_TENANT {
            let everybodys = SetId::default();
            self.by_tenant.insert(tenant.as_bytes().into(), everybodys);
        }
    }

    /// Adds the budget of a tenant; `None`: it has an entry and no budget. Those that hold for it have to be there.
    pub fn add_budget(
        &mut self,
        tenant: &str,
        kept_bytes_per_day: Option<u64>,
        path: &str,
        problems: &mut Problems,
    ) {
        let budget = kept_bytes_per_day.map(|bytes| {
            if bytes == 0 {
                problems.push(path, "0: nothing but errors would be kept");
            }
            let identity = identity::identity(&(tenant, "kept_bytes_per_day"));
            self.keyed.push(Keyed {
                identity,
                kind: Kind::Throughput(Measure::Bytes, Throughput::daily(bytes)),
            });
            let set = self.set_of(tenant.as_bytes());
            let set = &mut self.sets[usize::from(set.0)];
            set.upstream = Some(set.marks.upstream());
            self.mark_words = self.mark_words.max(set.marks.words());
            DailyBudget {
                rule: self.keyed.len() - 1,
            }
        });
        match tenant {
            DEFAULT_TENANT => self.default_budget = budget,
            tenant => drop(self.budgets.insert(tenant.as_bytes().into(), budget)),
        }
        self.check_keyed(path, problems);
    }

    fn check_keyed(&self, path: &str, problems: &mut Problems) {
        if self.keyed.len() > TENANTS_KEYED_MAX {
            let message = format!(
                "more than {TENANTS_KEYED_MAX} policies that look at other traces (throughput, latency_outlier, novelty, floor) and budgets over all \
                 tenants; each verdict writes a key for each of them"
            );
            problems.push(path, message);
        }
    }

    fn add(
        &mut self,
        raw: &[RawPolicy],
        sample_on_first_match: bool,
        tenant: Option<&str>,
        path: &str,
        problems: &mut Problems,
    ) {
        let set = RuleSet {
            first_match: sample_on_first_match,
            marks: Marks::new(self.normalized),
            prefix: tenant.map_or(String::new(), |tenant| full_name(tenant, "")),
            ..RuleSet::default()
        };
        let first = self.names.len();
        let mut compiler = Compiler {
            first: first as u16,
            policies: self,
            set,
            tenant,
            policy: 0,
            problems,
        };
        if raw.is_empty() {
            compiler
                .problems
                .push(path, "no policies: nothing would be kept; to keep everything, use one of type always_sample; for the policies that hold without this key, write `policies: default`");
        }
        if compiler.policies.names.len() + raw.len() >= usize::from(u16::MAX) {
            compiler.problems.push(path, "too many policies");
        } else {
            compiler.policies(raw, path);
            compiler.keeps_something(raw, path);
        }
        let conditions = compiler.set.meanings.len();
        if conditions > Bits::COUNT {
            let message = format!(
                "{conditions} different conditions on spans, where {} is the limit; put values of one key into one string_attribute, or patterns into one regular expression",
                Bits::COUNT
            );
            compiler.problems.push(path, message);
        }
        let mut set = compiler.set;
        set.names = first..self.names.len();
        // There may be thousands of sets, of a policy or two each: vectors keep room for four.
        set.rules.shrink_to_fit();
        set.meanings.shrink_to_fit();
        set.leaves.shrink_to_fit();
        self.mark_words = self.mark_words.max(set.marks.words());
        self.sets.push(set);
    }
}

struct Compiler<'a> {
    policies: &'a mut Policies,
    set: RuleSet,
    /// Whose policies they are; `None`: everybody's.
    tenant: Option<&'a str>,
    /// The place of the first policy of this list among those of all sets.
    first: u16,
    /// The policy at the top level that is being compiled, among those of all sets.
    policy: u16,
    problems: &'a mut Problems,
}

impl Compiler<'_> {
    fn policies(&mut self, raw: &[RawPolicy], path: &str) {
        self.names(raw, path);
        for (index, policy) in raw.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.policy = self.first + index as u16;
            self.name(&policy.name, &path);
            let Some(rule) = self.rule(policy, &path, 0) else {
                continue;
            };
            self.set.rules.push(PolicyRule {
                index: self.policy,
                drops: policy.kind == "drop",
                shadow: policy.mode == Some(RawMode::Shadow),
                spends: rule.spends(),
                rule,
            });
        }
        // Stable: order within each kind stays.
        self.set.rules.sort_by_key(|policy| !policy.drops);
    }

    /// The name by which metrics and the decision log know the policy that is being compiled.
    fn name(&mut self, name: &str, path: &str) {
        let full = format!("{}{name}", self.set.prefix);
        let known = self.policies.places.insert(full.clone(), self.policy);
        // Two of one name in a list are told by `names`.
        if known.is_some_and(|known| known < self.first) {
            let message = format!(
                "{full:?} is the name of another policy already, which metrics and decisions couldn't tell from this one"
            );
            self.problem(path, "name", message);
        }
        self.policies.names.push(full);
    }

    /// Says that no policy can keep a trace.
    fn keeps_something(&mut self, raw: &[RawPolicy], path: &str) {
        let shadow = |policy: &RawPolicy| policy.mode == Some(RawMode::Shadow);
        let drops = |policy: &RawPolicy| policy.kind == "drop";
        let message = if raw.is_empty() || raw.iter().any(|one| !shadow(one) && !drops(one)) {
            return;
        } else if raw.iter().all(drops) {
            "all of type drop: nothing is ever kept; add a policy that keeps the rest, such as one of type always_sample"
        } else if raw.iter().all(shadow) {
            "all in mode shadow: none of them keeps a trace, so nothing is ever kept; let one act, such as one of type always_sample while the others are tried"
        } else {
            "all of type drop or in mode shadow: nothing is ever kept; let one act that keeps something, such as one of type always_sample"
        };
        self.problems.warn(path, message);
    }

    /// Names are there and unique within one list.
    fn names(&mut self, raw: &[RawPolicy], path: &str) {
        let mut seen = HashSet::new();
        for (index, policy) in raw.iter().enumerate() {
            let path = format!("{path}[{index}]");
            if policy.name.trim().is_empty() {
                self.problem(
                    &path,
                    "name",
                    "missing: every policy needs a name, which metrics and decisions show",
                );
            } else if !seen.insert(policy.name.as_str()) {
                let message = format!(
                    "a second policy of the name {:?}: names must differ",
                    policy.name
                );
                self.problem(&path, "name", message);
            }
        }
    }

    fn problem(&mut self, path: &str, field: &str, message: impl Into<String>) {
        self.problems.push(format!("{path}.{field}"), message);
    }

    /// The bit of a condition, and whether it is new: conditions that mean the same are asked once. `meaning` is all that it depends on. Beyond the limit numbers
    /// are reused: the configuration is refused then.
    fn bit(&mut self, meaning: impl Serialize) -> (u8, bool) {
        let meaning = identity::meaning(&meaning);
        let meanings = &mut self.set.meanings;
        let known = meanings.iter().position(|known| *known == meaning);
        let at = known.unwrap_or(meanings.len());
        if known.is_none() {
            meanings.push(meaning);
        }
        ((at % Bits::COUNT) as u8, known.is_none())
    }

    fn leaves(&mut self) -> &mut Leaves {
        &mut self.set.leaves
    }

    fn ottl(&mut self) -> &mut Conditions {
        &mut self.set.ottl
    }

    fn rule(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        let kind = policy.kind.as_str();
        if !self.kind_is_known(kind, path) {
            return None;
        }
        for section in policy.sections().filter(|&section| section != kind) {
            let message =
                format!("contradicts the policy's type, which is {kind:?}; remove one of them");
            self.problem(path, section, message);
        }
        let written = policy.sections().any(|section| section == kind);
        if !written && !RawPolicy::WITHOUT_FIELDS.contains(&kind) {
            let message = format!("missing: a policy of type {kind} needs this section");
            self.problem(path, kind, message);
            return None;
        }
        self.section(policy, &format!("{path}.{kind}"), depth)
    }

    /// Compiles the section that the policy's type names.
    fn section(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        Some(match policy.kind.as_str() {
            "always_sample" => Rule::Always,
            "trace_flags" => self.trace_flags(),
            "latency" => self.latency(policy.latency.as_ref()?, path),
            "probabilistic" => self.probabilistic(policy.probabilistic.as_ref()?, path),
            "span_count" => self.span_count(policy.span_count.as_ref()?, path),
            "rate_limiting" => self.rate_limiting(policy.rate_limiting.as_ref()?, path),
            "bytes_limiting" => self.bytes_limiting(policy.bytes_limiting.as_ref()?, path),
            "status_code" => self.status_code(policy.status_code.as_ref()?, path),
            "trace_state" => self.trace_state(policy.trace_state.as_ref()?, path),
            "string_attribute" => self.string_attribute(policy.string_attribute.as_ref()?, path)?,
            "numeric_attribute" => self.numeric_attribute(policy.numeric_attribute.as_ref()?, path),
            "boolean_attribute" => self.boolean_attribute(policy.boolean_attribute.as_ref()?, path),
            "and" => {
                let subs = &policy.and.as_ref()?.and_sub_policy;
                self.all(subs, &format!("{path}.and_sub_policy"), depth)?
            }
            "drop" => {
                let section = policy.drop.as_ref()?;
                match section.preset {
                    Some(preset) => self.dropped_preset(preset, &section.drop_sub_policy, path)?,
                    None => {
                        let path = format!("{path}.drop_sub_policy");
                        self.all(&section.drop_sub_policy, &path, depth)?
                    }
                }
            }
            "not" => self.not(&policy.not.as_ref()?.not_sub_policy, path, depth)?,
            "ottl_condition" => self.ottl_condition(policy.ottl_condition.as_ref()?, path)?,
            "condition" => self.whole_trace(policy.condition.as_ref()?, path)?,
            "composite" => self.composite(policy.composite.as_ref()?, path, depth)?,
            "per_operation" => self.per_operation(policy.per_operation.as_ref()?, path),
            "throughput" => self.throughput(policy.throughput.as_ref()?, path),
            "latency_outlier" => {
                let section = policy.latency_outlier.clone().unwrap_or_default();
                self.latency_outlier(&section, path)
            }
            "novelty" => self.novelty(&policy.novelty.clone().unwrap_or_default(), path),
            "floor" => self.floor(policy.floor.as_ref()?, path),
            kind => {
                // A kind that was added to `RawPolicy::KINDS` and not here: never skipped in silence.
                let message = format!(
                    "a policy of type {kind} can't be compiled by this build; please report it"
                );
                self.problems.push(path, message);
                return None;
            }
        })
    }

    fn kind_is_known(&mut self, kind: &str, path: &str) -> bool {
        if RawPolicy::KINDS.contains(&kind) {
            return true;
        }
        let known = RawPolicy::KINDS;
        let message = if kind.is_empty() {
            format!("missing: one of {}", known.join(", "))
        } else if let Some(near) = nearest(kind, known.iter().copied()) {
            format!("unknown type {kind:?}: did you mean {near:?}?")
        } else {
            format!("unknown type {kind:?}: one of {}", known.join(", "))
        };
        self.problem(path, "type", message);
        false
    }
}

/// The name of a tenant's policy, as metrics and the decision log have it.
fn full_name(tenant: &str, policy: &str) -> String {
    format!("{tenant}/{policy}")
}
