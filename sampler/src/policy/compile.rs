//! From policies as written to policies as used; everything that is wrong is reported at once, by its path.

use hashbrown::HashSet;
use regex::bytes::RegexSetBuilder;
use runtime::config::Problems;

use super::attributes::Condition;
use super::leaves::{LatencyLeaf, Leaves, StatusLeaf, TraceStateLeaf};
use super::ruling::Rule;
use super::{Bits, Policies, PolicyRule, RawPolicy};
use crate::budget::Limit;

/// `and` and `not` within each other at most so deep.
const DEPTH_MAX: usize = 8;
/// What the compiled regular expressions of one policy may take, and their lazy automata.
const REGEX_BYTES_MAX: usize = 4 << 20;
/// 2^56: the rejection threshold at which nothing is kept.
const THRESHOLD_NONE: f64 = (1_u64 << 56) as f64;
/// Types of the Collector that are not here yet.
const KINDS_TO_COME: [&str; 2] = ["composite", "ottl_condition"];

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
            next_bit: 0,
            problems,
        };
        if raw.is_empty() {
            compiler
                .problems
                .push(path, "no policies: nothing would be kept; to keep everything, use one of type always_sample");
        }
        if raw.len() >= usize::from(u16::MAX) {
            compiler.problems.push(path, "too many policies");
        } else {
            compiler.policies(raw, path);
        }
        if compiler.next_bit > Bits::COUNT {
            let message = format!(
                "{} conditions on spans, where {} is the limit; put values of one key into one string_attribute, or patterns into one regular expression",
                compiler.next_bit,
                Bits::COUNT
            );
            compiler.problems.push(path, message);
        }
        compiler.policies
    }
}

struct Compiler<'a> {
    policies: Policies,
    next_bit: usize,
    problems: &'a mut Problems,
}

impl Compiler<'_> {
    fn policies(&mut self, raw: &[RawPolicy], path: &str) {
        self.names(raw, path);
        for (index, policy) in raw.iter().enumerate() {
            self.policies.names.push(policy.name.clone());
            let path = format!("{path}[{index}]");
            let drops = policy.kind == "drop";
            let Some(rule) = self.rule(policy, &path, 0) else {
                continue;
            };
            self.policies.rules.push(PolicyRule {
                index: index as u16,
                drops,
                spends: rule.spends(),
                threshold: if drops { 0 } else { threshold(policy) },
                rule,
            });
        }
        // Stable: order within each kind stays.
        self.policies.rules.sort_by_key(|policy| !policy.drops);
    }

    /// Names are there and unique within one list.
    fn names(&mut self, raw: &[RawPolicy], path: &str) {
        let mut seen = HashSet::new();
        for (index, policy) in raw.iter().enumerate() {
            let path = format!("{path}[{index}].name");
            if policy.name.trim().is_empty() {
                self.problems.push(
                    path,
                    "missing: every policy needs a name, which metrics and decisions show",
                );
            } else if !seen.insert(policy.name.as_str()) {
                let message = format!(
                    "a second policy of the name {:?}: names must differ",
                    policy.name
                );
                self.problems.push(path, message);
            }
        }
    }

    /// A new condition. Beyond the limit numbers are reused: the configuration is refused then.
    fn bit(&mut self) -> u8 {
        self.next_bit += 1;
        ((self.next_bit - 1) % Bits::COUNT) as u8
    }

    fn leaves(&mut self) -> &mut Leaves {
        &mut self.policies.leaves
    }

    fn rule(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        let kind = policy.kind.as_str();
        if !self.kind_is_known(kind, path) {
            return None;
        }
        for section in policy.sections().filter(|&section| section != kind) {
            let message =
                format!("contradicts the policy's type, which is {kind:?}; remove one of them");
            self.problems.push(format!("{path}.{section}"), message);
        }
        let path = &format!("{path}.{kind}");
        match kind {
            "always_sample" => return Some(Rule::Always),
            "trace_flags" => {
                let bit = match self.policies.leaves.sampled_flag {
                    Some(bit) => bit,
                    None => self.bit(),
                };
                self.leaves().sampled_flag = Some(bit);
                return Some(Rule::Bit(bit));
            }
            _ => {}
        }
        if !policy.sections().any(|section| section == kind) {
            let message = format!("missing: a policy of type {kind} needs this section");
            self.problems.push(path, message);
            return None;
        }
        if matches!(kind, "and" | "not" | "drop") {
            return self.composed(policy, path, depth);
        }
        self.leaf(policy, path)
    }

    fn kind_is_known(&mut self, kind: &str, path: &str) -> bool {
        if RawPolicy::KINDS.contains(&kind) {
            return true;
        }
        let known = RawPolicy::KINDS.join(", ");
        let message = if kind.is_empty() {
            format!("missing: one of {known}")
        } else if KINDS_TO_COME.contains(&kind) {
            format!("policies of type {kind:?} are not supported yet; one of {known}")
        } else {
            format!("unknown type {kind:?}: one of {known}")
        };
        self.problems.push(format!("{path}.type"), message);
        false
    }

    fn composed(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        if depth >= DEPTH_MAX {
            let message = format!("policies within policies, more than {DEPTH_MAX} deep");
            self.problems.push(path, message);
            return None;
        }
        if let Some(not) = &policy.not {
            let sub = self.sub_policy(
                &not.not_sub_policy,
                &format!("{path}.not_sub_policy"),
                depth,
            )?;
            return Some(Rule::Not(Box::new(sub)));
        }
        let (subs, list) = match (&policy.and, &policy.drop) {
            (Some(and), _) => (&and.and_sub_policy, "and_sub_policy"),
            (None, Some(drop)) => (&drop.drop_sub_policy, "drop_sub_policy"),
            (None, None) => return None,
        };
        let path = format!("{path}.{list}");
        if subs.is_empty() {
            self.problems
                .push(&path, "empty: name at least one sub-policy");
        }
        self.names(subs, &path);
        let rules: Vec<_> = subs
            .iter()
            .enumerate()
            .map(|(index, sub)| self.sub_policy(sub, &format!("{path}[{index}]"), depth))
            .collect();
        rules.into_iter().collect::<Option<_>>().map(Rule::All)
    }

    fn sub_policy(&mut self, policy: &RawPolicy, path: &str, depth: usize) -> Option<Rule> {
        if policy.kind == "drop" {
            self.problems.push(
                format!("{path}.type"),
                "drop policies stand at the top level only; use not within other policies",
            );
            return None;
        }
        self.rule(policy, path, depth + 1)
    }

    fn leaf(&mut self, policy: &RawPolicy, path: &str) -> Option<Rule> {
        if let Some(latency) = &policy.latency {
            let (threshold, upper) = (latency.threshold_ms, latency.upper_threshold_ms);
            if threshold == 0 && upper == 0 {
                self.problems.push(
                    format!("{path}.threshold_ms"),
                    "missing: without a threshold every trace matches; to keep everything, use always_sample",
                );
            } else if upper != 0 && upper <= threshold {
                let message =
                    format!("{upper} is not above threshold_ms ({threshold}): nothing would match");
                self.problems
                    .push(format!("{path}.upper_threshold_ms"), message);
            }
            let bit = self.bit();
            let leaf = LatencyLeaf::new(threshold, upper, bit);
            self.leaves().latency.push(leaf);
            return Some(Rule::Bit(bit));
        }
        if let Some(probabilistic) = &policy.probabilistic {
            let percentage = probabilistic.sampling_percentage;
            if !(0.0..=100.0).contains(&percentage) {
                let message = format!("{percentage} is not a percentage: from 0 to 100");
                self.problems
                    .push(format!("{path}.sampling_percentage"), message);
            }
            return Some(Rule::probability(&probabilistic.hash_salt, percentage));
        }
        if let Some(rate) = &policy.rate_limiting {
            let (per_second, burst) = (rate.spans_per_second, rate.burst_capacity);
            let budget = self.budget(per_second, burst, "spans_per_second", path);
            return Some(Rule::SpansBudget(budget));
        }
        if let Some(rate) = &policy.bytes_limiting {
            let (per_second, burst) = (rate.bytes_per_second, rate.burst_capacity);
            let budget = self.budget(per_second, burst, "bytes_per_second", path);
            return Some(Rule::BytesBudget(budget));
        }
        if let Some(count) = &policy.span_count {
            if count.max_spans != 0 && count.max_spans < count.min_spans {
                let message = format!(
                    "{} is below min_spans ({}): nothing would match",
                    count.max_spans, count.min_spans
                );
                self.problems.push(format!("{path}.max_spans"), message);
            }
            return Some(Rule::SpanCount {
                min: count.min_spans.into(),
                max: match count.max_spans {
                    0 => u64::MAX,
                    max => max.into(),
                },
            });
        }
        self.condition(policy, path)
    }

    fn budget(&mut self, per_second: u64, burst: u64, field: &str, path: &str) -> usize {
        if per_second == 0 {
            self.problems.push(
                format!("{path}.{field}"),
                "missing or 0: with no budget nothing would be kept",
            );
        }
        let burst = match burst {
            0 => per_second.saturating_mul(2),
            burst => burst,
        };
        self.policies.limits.push(Limit {
            per_second: per_second as f64,
            burst: burst as f64,
        });
        self.policies.limits.len() - 1
    }

    fn condition(&mut self, policy: &RawPolicy, path: &str) -> Option<Rule> {
        let bit = self.bit();
        let mut invert = false;
        if let Some(status) = &policy.status_code {
            let leaf = self.status(&status.status_codes, bit, path);
            self.leaves().status.push(leaf);
        } else if let Some(state) = &policy.trace_state {
            self.key(&state.key, path);
            self.values(&state.values, path);
            // As in the Collector: what can't stand in a tracestate is not looked for.
            let fits = |value: &&String| !value.is_empty() && state.key.len() + value.len() < 256;
            let leaf = TraceStateLeaf {
                key: state.key.as_bytes().into(),
                values: byte_set(state.values.iter().filter(fits)),
                bit,
            };
            self.leaves().trace_state.push(leaf);
        } else if let Some(string) = &policy.string_attribute {
            invert = string.invert_match;
            self.key(&string.key, path);
            self.values(&string.values, path);
            let condition = if string.enabled_regex_matching {
                self.pattern(&string.values, path)?
            } else {
                Condition::OneOf(byte_set(
                    string.values.iter().filter(|value| !value.is_empty()),
                ))
            };
            self.leaves().attributes.add(&string.key, condition, bit);
        } else if let Some(numeric) = &policy.numeric_attribute {
            invert = numeric.invert_match;
            self.key(&numeric.key, path);
            let condition = self.range(numeric.min_value, numeric.max_value, path);
            self.leaves().attributes.add(&numeric.key, condition, bit);
        } else if let Some(boolean) = &policy.boolean_attribute {
            invert = boolean.invert_match;
            self.key(&boolean.key, path);
            let condition = Condition::Is(boolean.value);
            self.leaves().attributes.add(&boolean.key, condition, bit);
        } else {
            return None;
        }
        Some(match invert {
            true => Rule::Not(Box::new(Rule::Bit(bit))),
            false => Rule::Bit(bit),
        })
    }

    fn key(&mut self, key: &str, path: &str) {
        if key.is_empty() {
            self.problems
                .push(format!("{path}.key"), "missing: which attribute to look at");
        }
    }

    fn values(&mut self, values: &[String], path: &str) {
        if values.is_empty() {
            self.problems
                .push(format!("{path}.values"), "empty: name at least one value");
        }
    }

    fn status(&mut self, codes: &[String], bit: u8, path: &str) -> StatusLeaf {
        let mut leaf = StatusLeaf {
            bit,
            ..StatusLeaf::default()
        };
        if codes.is_empty() {
            self.problems.push(
                format!("{path}.status_codes"),
                "empty: name at least one of OK, ERROR, UNSET",
            );
        }
        for (index, code) in codes.iter().enumerate() {
            match code.as_str() {
                "OK" => leaf.ok = true,
                "ERROR" => leaf.error = true,
                "UNSET" => leaf.unset = true,
                _ => {
                    let message = format!("unknown status code {code:?}: one of OK, ERROR, UNSET");
                    self.problems
                        .push(format!("{path}.status_codes[{index}]"), message);
                }
            }
        }
        leaf
    }

    /// As in the Collector, 0 is "not given".
    fn range(&mut self, min: i64, max: i64, path: &str) -> Condition {
        let (low, high) = (
            if min == 0 { i64::MIN } else { min },
            if max == 0 { i64::MAX } else { max },
        );
        if min == 0 && max == 0 {
            self.problems.push(
                path,
                "min_value or max_value is needed; 0 counts as not given, as in the Collector",
            );
        } else if low > high {
            let message = format!("{max} is below min_value ({min}): nothing would match");
            self.problems.push(format!("{path}.max_value"), message);
        }
        Condition::Between(low, high)
    }

    fn pattern(&mut self, values: &[String], path: &str) -> Option<Condition> {
        let before = self.problems.iter().count();
        for (index, value) in values.iter().enumerate() {
            if let Err(error) = regex::bytes::Regex::new(value) {
                let message = format!(
                    "not a regular expression: {}",
                    last_line(&error.to_string())
                );
                self.problems
                    .push(format!("{path}.values[{index}]"), message);
            }
        }
        if self.problems.iter().count() > before {
            return None;
        }
        let set = RegexSetBuilder::new(values)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build();
        match set {
            Ok(set) => Some(Condition::Pattern(set)),
            Err(error) => {
                let message = format!(
                    "these regular expressions are too large together: {}; simplify them, or give exact values",
                    last_line(&error.to_string())
                );
                self.problems.push(format!("{path}.values"), message);
                None
            }
        }
    }
}

/// A syntax error comes with the pattern and a marker under it; its last line says what it is.
fn last_line(message: &str) -> &str {
    message
        .lines()
        .last()
        .unwrap_or(message)
        .trim_start_matches("error: ")
}

fn byte_set<'a>(values: impl Iterator<Item = &'a String>) -> HashSet<Box<[u8]>> {
    values.map(|value| value.as_bytes().into()).collect()
}

/// The rejection threshold of what a policy keeps: that of the least probable choice in it.
fn threshold(policy: &RawPolicy) -> u64 {
    let own = policy.probabilistic.as_ref().map_or(0, |probabilistic| {
        let kept = (probabilistic.sampling_percentage / 100.0).clamp(0.0, 1.0);
        ((1.0 - kept) * THRESHOLD_NONE) as u64
    });
    let subs = policy.and.iter().flat_map(|and| &and.and_sub_policy);
    subs.map(threshold).fold(own, u64::max)
}
