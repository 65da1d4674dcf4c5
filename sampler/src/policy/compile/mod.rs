//! From policies as written to policies as used; everything that is wrong is reported at once, by its path.

mod composed;
mod conditions;
mod rates;
mod spans;
mod traces;

use hashbrown::HashSet;
use runtime::config::{Problems, nearest};
use serde::Serialize;

use super::identity;
use super::policies::{Policies, PolicyRule};
use super::{Bits, RawPolicy};
use crate::policy::on_spans::conditions::Conditions;
use crate::policy::on_spans::leaves::Leaves;
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::RawMode;

impl Policies {
    /// Compiles a list of policies. What comes out is of use only when no problem was added.
    pub fn compile(
        raw: &[RawPolicy],
        sample_on_first_match: bool,
        path: &str,
        problems: &mut Problems,
    ) -> Self {
        let mut compiler = Compiler {
            policies: Self {
                first_match: sample_on_first_match,
                ..Self::default()
            },
            policy: 0,
            problems,
        };
        if raw.is_empty() {
            compiler
                .problems
                .push(path, "no policies: nothing would be kept; to keep everything, use one of type always_sample; for the policies that hold without this key, write `policies: default`");
        }
        if raw.len() >= usize::from(u16::MAX) {
            compiler.problems.push(path, "too many policies");
        } else {
            compiler.policies(raw, path);
            compiler.keeps_something(raw, path);
        }
        let conditions = compiler.policies.meanings.len();
        if conditions > Bits::COUNT {
            let message = format!(
                "{conditions} different conditions on spans, where {} is the limit; put values of one key into one string_attribute, or patterns into one regular expression",
                Bits::COUNT
            );
            compiler.problems.push(path, message);
        }
        compiler.policies
    }
}

struct Compiler<'a> {
    policies: Policies,
    /// The policy at the top level that is being compiled.
    policy: u16,
    problems: &'a mut Problems,
}

impl Compiler<'_> {
    fn policies(&mut self, raw: &[RawPolicy], path: &str) {
        self.names(raw, path);
        for (index, policy) in raw.iter().enumerate() {
            self.policy = index as u16;
            self.policies.names.push(policy.name.clone());
            let path = format!("{path}[{index}]");
            let Some(rule) = self.rule(policy, &path, 0) else {
                continue;
            };
            self.policies.rules.push(PolicyRule {
                index: self.policy,
                drops: policy.kind == "drop",
                shadow: policy.mode == Some(RawMode::Shadow),
                spends: rule.spends(),
                rule,
            });
        }
        // Stable: order within each kind stays.
        self.policies.rules.sort_by_key(|policy| !policy.drops);
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
        let meanings = &mut self.policies.meanings;
        let known = meanings.iter().position(|known| *known == meaning);
        let at = known.unwrap_or(meanings.len());
        if known.is_none() {
            meanings.push(meaning);
        }
        ((at % Bits::COUNT) as u8, known.is_none())
    }

    fn leaves(&mut self) -> &mut Leaves {
        &mut self.policies.leaves
    }

    fn ottl(&mut self) -> &mut Conditions {
        &mut self.policies.ottl
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
                let subs = &policy.drop.as_ref()?.drop_sub_policy;
                self.all(subs, &format!("{path}.drop_sub_policy"), depth)?
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
