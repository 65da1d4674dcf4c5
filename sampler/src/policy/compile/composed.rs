//! Policies made of policies: `and`, `not`, `drop` and `composite`.

use hashbrown::HashSet;
use runtime::config::nearest;

use super::Compiler;
use crate::budget::{Limit, Refill};
use crate::policy::RawPolicy;
use crate::policy::on_traces::rule::{Composite, Rule};
use crate::policy::written::raw::RawComposite;

/// `and` and `not` within each other at most so deep.
const DEPTH_MAX: usize = 8;

impl Compiler<'_> {
    /// `and` and `drop`.
    pub(super) fn all(&mut self, subs: &[RawPolicy], path: &str, depth: usize) -> Option<Rule> {
        self.sub_policies(subs, path, depth).map(Rule::All)
    }

    pub(super) fn not(&mut self, sub: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        let rule = self.sub_policy(sub, &format!("{path}.not_sub_policy"), depth)?;
        Some(Rule::Not(Box::new(rule)))
    }

    pub(super) fn composite(
        &mut self,
        composite: &RawComposite,
        path: &str,
        depth: usize,
    ) -> Option<Rule> {
        let names: Vec<_> = composite
            .composite_sub_policy
            .iter()
            .map(|sub| sub.name.as_str())
            .collect();
        if composite.max_total_spans_per_second == 0 {
            self.problem(
                path,
                "max_total_spans_per_second",
                "missing or 0: with no budget nothing would be kept",
            );
        }
        self.policy_order(&composite.policy_order, &names, path);
        self.rate_allocation(composite, &names, path);
        let subs = self.sub_policies(
            &composite.composite_sub_policy,
            &format!("{path}.composite_sub_policy"),
            depth,
        )?;
        let subs = subs.into_iter().zip(names).map(|(rule, name)| {
            let per_second = allocation(composite, name);
            let limit = Limit {
                per_second,
                burst: per_second,
                refill: Refill::EachSecond,
                owner: self.owner(),
            };
            (rule, self.limit(limit))
        });
        Some(Rule::Composite(Composite {
            subs: subs.collect(),
        }))
    }

    /// The Collector asks sub-policies in the order of `composite_sub_policy` and looks at `policy_order` nowhere; a list that says otherwise
    /// would be a lie in either reading.
    fn policy_order(&mut self, order: &[String], names: &[&str], path: &str) {
        let before = self.problems.len();
        for (index, name) in order.iter().enumerate() {
            self.sub_policy_name(name, names, &format!("{path}.policy_order[{index}]"));
        }
        let agrees = order.is_empty() || order.iter().eq(names.iter());
        if self.problems.len() == before && !agrees {
            let message = format!(
                "differs from the order of composite_sub_policy, which is the one that counts (in the Collector too, whatever stands here); \
                 write the sub-policies in the order you want, here: {}",
                names.join(", ")
            );
            self.problem(path, "policy_order", message);
        }
    }

    fn rate_allocation(&mut self, composite: &RawComposite, names: &[&str], path: &str) {
        let mut seen = HashSet::new();
        let mut total = 0_u64;
        for (index, part) in composite.rate_allocation.iter().enumerate() {
            let path = format!("{path}.rate_allocation[{index}]");
            self.sub_policy_name(&part.policy, names, &format!("{path}.policy"));
            if !seen.insert(&part.policy) {
                let message = format!("a second part for {:?}: remove one of them", part.policy);
                self.problem(&path, "policy", message);
            }
            if part.percent > 100 {
                let message = format!("{} is not a percentage: from 0 to 100", part.percent);
                self.problem(&path, "percent", message);
            }
            total = total.saturating_add(part.percent.min(100));
        }
        if total > 100 {
            let message = format!("{total} % together, more than there is: at most 100");
            self.problem(path, "rate_allocation", message);
        }
    }

    fn sub_policy_name(&mut self, name: &str, names: &[&str], path: &str) {
        if names.contains(&name) {
            return;
        }
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("one of {}", names.join(", ")),
        };
        let message = format!("no sub-policy of the name {name:?}: {help}");
        self.problems.push(path, message);
    }

    fn sub_policies(&mut self, subs: &[RawPolicy], path: &str, depth: usize) -> Option<Vec<Rule>> {
        if subs.is_empty() {
            self.problems
                .push(path, "empty: name at least one sub-policy");
        }
        self.names(subs, path);
        let rules: Vec<_> = subs
            .iter()
            .enumerate()
            .map(|(index, sub)| self.sub_policy(sub, &format!("{path}[{index}]"), depth))
            .collect();
        rules.into_iter().collect()
    }

    fn sub_policy(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        if depth >= DEPTH_MAX {
            let message = format!("policies within policies, more than {DEPTH_MAX} deep");
            self.problems.push(path, message);
            return None;
        }
        if matches!(policy.kind.as_str(), "drop" | "composite") {
            let message = format!(
                "{} policies stand at the top level only, not within other policies",
                policy.kind
            );
            self.problem(path, "type", message);
            return None;
        }
        if policy.mode.is_some() {
            self.problem(
                path,
                "mode",
                "only a policy at the top level has a mode: a part of one acts with the whole",
            );
        }
        self.rule(policy, path, depth + 1)
    }
}

/// Spans per second of a sub-policy. As in the Collector: 0 % is an equal part, no allocation at all is nothing, and fractions are cut.
fn allocation(composite: &RawComposite, name: &str) -> f64 {
    let total = composite.max_total_spans_per_second as f64;
    let part = composite
        .rate_allocation
        .iter()
        .find(|part| part.policy == name);
    let per_second = match part.map(|part| part.percent) {
        None => 0.0,
        Some(0) => total / composite.composite_sub_policy.len() as f64,
        Some(percent) => percent as f64 / 100.0 * total,
    };
    per_second.trunc()
}
