//! Policies about spans: "some span of the trace …", each one bit.

use hashbrown::HashSet;
use ottl::go_pattern::translated;
use regex::bytes::RegexSetBuilder;

use super::Compiler;
use crate::policy::on_spans::attributes::Condition;
use crate::policy::on_spans::leaves::{StatusLeaf, TraceStateLeaf};
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::{
    RawBooleanAttribute, RawNumericAttribute, RawStatusCode, RawStringAttribute, RawTraceState,
};

/// What the compiled regular expressions of one policy may take, and their lazy automata.
const REGEX_BYTES_MAX: usize = 4 << 20;

impl Compiler<'_> {
    pub(super) fn trace_flags(&mut self) -> Rule {
        let bit = match self.set.leaves.sampled_flag {
            Some(bit) => bit,
            None => self.bit("trace_flags").0,
        };
        self.leaves().sampled_flag = Some(bit);
        Rule::Bit(bit)
    }

    pub(super) fn trace_state(&mut self, state: &RawTraceState, path: &str) -> Rule {
        self.key(&state.key, path);
        self.values(&state.values, path);
        let (bit, new) = self.bit(("trace_state", state));
        // As in the Collector: what can't stand in a tracestate is not looked for.
        let fits = |value: &&String| !value.is_empty() && state.key.len() + value.len() < 256;
        let leaf = TraceStateLeaf {
            key: state.key.as_bytes().into(),
            values: byte_set(state.values.iter().filter(fits)),
            bit,
        };
        if new {
            self.leaves().trace_state.push(leaf);
        }
        Rule::Bit(bit)
    }

    pub(super) fn string_attribute(
        &mut self,
        string: &RawStringAttribute,
        path: &str,
    ) -> Option<Rule> {
        self.key(&string.key, path);
        self.values(&string.values, path);
        let condition = if string.enabled_regex_matching {
            self.pattern(&string.values, path)?
        } else {
            Condition::OneOf(byte_set(
                string.values.iter().filter(|value| !value.is_empty()),
            ))
        };
        // What `invert_match` does is done when the trace is decided.
        let (values, regex) = (&string.values, string.enabled_regex_matching);
        let bit = self.bit(("string_attribute", &string.key, values, regex));
        Some(self.attribute(&string.key, condition, bit, string.invert_match))
    }

    pub(super) fn numeric_attribute(&mut self, numeric: &RawNumericAttribute, path: &str) -> Rule {
        self.key(&numeric.key, path);
        let condition = self.range(numeric.min_value, numeric.max_value, path);
        let (min, max) = (numeric.min_value, numeric.max_value);
        let bit = self.bit(("numeric_attribute", &numeric.key, min, max));
        self.attribute(&numeric.key, condition, bit, numeric.invert_match)
    }

    pub(super) fn boolean_attribute(&mut self, boolean: &RawBooleanAttribute, path: &str) -> Rule {
        self.key(&boolean.key, path);
        let condition = Condition::Is(boolean.value);
        let bit = self.bit(("boolean_attribute", &boolean.key, boolean.value));
        self.attribute(&boolean.key, condition, bit, boolean.invert_match)
    }

    fn attribute(
        &mut self,
        key: &str,
        condition: Condition,
        (bit, new): (u8, bool),
        invert: bool,
    ) -> Rule {
        if new {
            self.leaves().attributes.add(key, condition, bit);
        }
        match invert {
            true => Rule::Not(Box::new(Rule::Bit(bit))),
            false => Rule::Bit(bit),
        }
    }

    fn key(&mut self, key: &str, path: &str) {
        if key.is_empty() {
            self.problem(path, "key", "missing: which attribute to look at");
        }
    }

    fn values(&mut self, values: &[String], path: &str) {
        if values.is_empty() {
            self.problem(path, "values", "empty: name at least one value");
        }
    }

    pub(super) fn status_code(&mut self, section: &RawStatusCode, path: &str) -> Rule {
        let (bit, new) = self.bit(("status_code", section));
        let mut leaf = StatusLeaf {
            bit,
            ..StatusLeaf::default()
        };
        if section.status_codes.is_empty() {
            self.problem(
                path,
                "status_codes",
                "empty: name at least one of OK, ERROR, UNSET",
            );
        }
        for (index, code) in section.status_codes.iter().enumerate() {
            match code.as_str() {
                "OK" => leaf.ok = true,
                "ERROR" => leaf.error = true,
                "UNSET" => leaf.unset = true,
                _ => {
                    let message = format!("unknown status code {code:?}: one of OK, ERROR, UNSET");
                    self.problem(path, &format!("status_codes[{index}]"), message);
                }
            }
        }
        if new {
            self.leaves().status.push(leaf);
        }
        Rule::Bit(bit)
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
            self.problem(path, "max_value", message);
        }
        Condition::Between(low, high)
    }

    fn pattern(&mut self, values: &[String], path: &str) -> Option<Condition> {
        let before = self.problems.len();
        let values: Vec<_> = values.iter().map(|value| translated(value)).collect();
        for (index, value) in values.iter().enumerate() {
            if let Err(error) = regex::bytes::Regex::new(value) {
                let message = format!(
                    "not a regular expression: {}",
                    last_line(&error.to_string())
                );
                self.problem(path, &format!("values[{index}]"), message);
            }
        }
        if self.problems.len() > before {
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
                self.problem(path, "values", message);
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
