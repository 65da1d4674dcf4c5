//! Policies about operations, and about more than one trace.

use runtime::config::Duration;
use serde::Serialize;

use super::Compiler;
use crate::policy::identity::identity;
use crate::policy::on_spans::glob::Glob;
use crate::policy::on_spans::per_operation::Operation;
use crate::policy::on_traces::consistent::threshold;
use crate::policy::on_traces::keyed::{Key, PerOperation, StatisticRule};
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw_rates::{
    RawFloor, RawLatencyOutlier, RawMethod, RawNovelty, RawPerOperation, RawThroughput,
};
use crate::stats::set_hash::mix;
use crate::stats::{Goal, INTERVALS_MAX, Keyed, Kind, Measure, Method, Throughput};

/// Statistics reach no further back, since so much of the decision log is read when a partition is taken over.
const REACH_MAX_MS: u64 = 3_600_000;
const INTERVAL_MIN_MS: u64 = 1000;
const RULES_MAX: usize = 10_000;
const KEYS_MAX: usize = 100_000;
/// What statistics know of operations as they came says nothing of those without ids.
const NORMALIZED: u64 = 0x6e6f_726d;

impl Compiler<'_> {
    pub(super) fn per_operation(&mut self, section: &RawPerOperation, path: &str) -> Rule {
        if section.rules.len() > RULES_MAX {
            let message = format!(
                "{} rules, where {RULES_MAX} is the limit",
                section.rules.len()
            );
            self.problem(path, "rules", message);
        }
        let mut thresholds = vec![0];
        let mut operations = Vec::new();
        for (index, rule) in section.rules.iter().enumerate() {
            let path = format!("{path}.rules[{index}]");
            if rule.service.is_none() && rule.operation.is_none() && rule.route.is_none() {
                let message = "says of no operation; name a service, operation or route, or use default_percentage";
                self.problems.push(&path, message);
            }
            let share = self.share(
                rule.percentage,
                &path,
                "percentage",
                "missing: how much to keep",
            );
            thresholds.push(threshold(1.0 - share));
            let glob = |text: &Option<String>| text.as_deref().map(Glob::new);
            operations.push(Operation {
                service: glob(&rule.service),
                operation: glob(&rule.operation),
                route: glob(&rule.route),
            });
        }
        let missing = "missing: how much to keep of operations that no rule names; 0 for none";
        let share = self.share(
            section.default_percentage,
            path,
            "default_percentage",
            missing,
        );
        thresholds[0] = threshold(1.0 - share);
        let matched = section.rules.iter();
        let matched: Vec<_> = matched
            .map(|rule| (&rule.service, &rule.operation, &rule.route))
            .collect();
        Rule::PerOperation(PerOperation {
            column: self.set.marks.rule(operations, &matched),
            thresholds,
        })
    }

    /// A percentage as a share of one.
    fn share(&mut self, percentage: Option<f64>, path: &str, field: &str, missing: &str) -> f64 {
        match percentage {
            Some(percentage) if (0.0..=100.0).contains(&percentage) => percentage / 100.0,
            Some(percentage) => {
                let message = format!("{percentage} is not a percentage: from 0 to 100");
                self.problem(path, field, message);
                0.0
            }
            None => {
                self.problem(path, field, missing);
                0.0
            }
        }
    }

    pub(super) fn throughput(&mut self, section: &RawThroughput, path: &str) -> Rule {
        let (measure, goal) = self.goal(section, path);
        let (interval_ms, method) = match section.method {
            RawMethod::Ema => (millis_or(section.interval, 15_000), self.ema(section, path)),
            RawMethod::Windowed => {
                let interval_ms = millis_or(section.interval, 1000);
                let intervals = millis(section.window) / interval_ms.max(1);
                if !(1..=INTERVALS_MAX as u64).contains(&intervals) {
                    let message = format!(
                        "from one to {INTERVALS_MAX} intervals, which are {interval_ms} ms"
                    );
                    self.problem(path, "window", message);
                }
                let intervals = intervals as usize;
                (interval_ms, Method::Windowed { intervals })
            }
        };
        if !(1..=KEYS_MAX).contains(&section.max_keys) {
            self.problem(path, "max_keys", format!("from 1 to {KEYS_MAX}"));
        }
        let initial = Some(section.initial_percentage);
        let policy = Throughput {
            goal,
            method,
            interval_ms,
            initial: self.share(initial, path, "initial_percentage", ""),
            keys_max: section.max_keys,
        };
        let kind = Kind::Throughput(measure, policy);
        if interval_ms < 100 || kind.reach_ms() > REACH_MAX_MS {
            let message = "out of range: at least 100ms, and no further back than an hour in all; 15s is a good choice for ema, 1s for windowed";
            self.problem(path, "interval", message);
        }
        let key = self.key_of(&section.keys, path);
        let what = ("throughput", &section.keys, interval_ms, measure as u8);
        self.keyed(kind, key, &what)
    }

    /// The one goal that is written.
    fn goal(&mut self, section: &RawThroughput, path: &str) -> (Measure, Goal) {
        let goals = [
            (section.spans_per_second, Measure::Spans, "spans_per_second"),
            (section.bytes_per_second, Measure::Bytes, "bytes_per_second"),
            (
                section.traces_per_second,
                Measure::Traces,
                "traces_per_second",
            ),
            (
                section.sampling_percentage,
                Measure::Spans,
                "sampling_percentage",
            ),
        ];
        let mut written = goals.into_iter().filter(|goal| goal.0 != 0.0);
        let Some((goal, measure, name)) = written.next() else {
            let message = "no goal: one of spans_per_second, bytes_per_second, traces_per_second and sampling_percentage is needed";
            self.problems.push(path, message);
            return (Measure::Spans, Goal::Share(0.0));
        };
        if let Some((_, _, second)) = written.next() {
            let message = format!("a second goal beside {name}; remove one of them");
            self.problem(path, second, message);
        }
        if name == "sampling_percentage" {
            let share = self.share(Some(goal), path, name, "");
            return (measure, Goal::Share(share));
        }
        if goal < 0.0 || !goal.is_finite() {
            self.problem(path, name, format!("{goal} is not a rate: above 0"));
        }
        (measure, Goal::PerSecond(goal))
    }

    fn ema(&mut self, section: &RawThroughput, path: &str) -> Method {
        let weight = section.weight;
        if weight <= 0.0 || weight >= 1.0 || weight.is_nan() {
            let message = format!("{weight} is not between 0 and 1; 0.5 is a good choice");
            self.problem(path, "weight", message);
            return Method::Ema { weight: 0.5 };
        }
        Method::Ema { weight }
    }

    pub(super) fn latency_outlier(&mut self, section: &RawLatencyOutlier, path: &str) -> Rule {
        let percentile = section.percentile;
        if percentile <= 0.0 || percentile >= 100.0 || percentile.is_nan() {
            let message = format!("{percentile} is not between 0 and 100; 99 is a good choice");
            self.problem(path, "percentile", message);
        }
        if section.factor <= 0.0 || !section.factor.is_finite() {
            self.problem(
                path,
                "factor",
                "has to be above 0; 1: longer than the percentile itself",
            );
        }
        if section.min_samples == 0 {
            self.problem(
                path,
                "min_samples",
                "has to be at least 1; 100 is a good choice",
            );
        }
        let interval_ms = self.interval(section.interval, 2, path);
        let key = self.key_of(&section.keys, path);
        let kind = Kind::Outlier {
            quantile: percentile / 100.0,
            samples_min: section.min_samples,
            factor: section.factor,
            interval_ms,
        };
        self.keyed(kind, key, &("latency_outlier", &section.keys, interval_ms))
    }

    pub(super) fn novelty(&mut self, section: &RawNovelty, path: &str) -> Rule {
        if section.first == 0 {
            self.problem(path, "first", "0: nothing would be kept; at least 1");
        }
        let interval_ms = self.interval(section.interval, 1, path);
        let kind = Kind::Novelty {
            first: section.first,
            interval_ms,
        };
        let key = Key {
            entry: None,
            all: Some(self.set.marks.shape()),
        };
        self.keyed(kind, key, &("novelty", interval_ms))
    }

    pub(super) fn floor(&mut self, section: &RawFloor, path: &str) -> Rule {
        if section.traces == 0 {
            self.problem(path, "traces", "0: nothing would be kept; at least 1");
        }
        let interval_ms = self.interval(section.interval, 1, path);
        let kind = Kind::Floor {
            least: section.traces,
            interval_ms,
        };
        let key = self.key_of(&section.keys, path);
        self.keyed(kind, key, &("floor", &section.keys, interval_ms))
    }

    /// `reaches`: over how many intervals the statistics reach.
    fn interval(&mut self, interval: Duration, reaches: u64, path: &str) -> u64 {
        let (interval_ms, max_ms) = (millis(interval), REACH_MAX_MS / reaches);
        if !(INTERVAL_MIN_MS..=max_ms).contains(&interval_ms) {
            let message = format!(
                "out of range: from 1s to {}; so much of the decision log is read when a partition is taken over",
                Duration::from_millis(max_ms)
            );
            self.problem(path, "interval", message);
        }
        interval_ms
    }

    /// The columns that make up a key.
    fn key_of(&mut self, keys: &[String], path: &str) -> Key {
        if keys.is_empty() {
            let message = "empty: name at least one field, such as root.service.name or http.route";
            self.problem(path, "keys", message);
        }
        let (mut of_entry, mut of_all) = (Vec::new(), Vec::new());
        for (index, name) in keys.iter().enumerate() {
            let (name, fields) = match name.strip_prefix("root.") {
                Some(name) => (name, &mut of_entry),
                None => (name.as_str(), &mut of_all),
            };
            if name.is_empty() {
                let message =
                    "no field: operation, status, kind, service.name, or an attribute's key";
                self.problem(path, &format!("keys[{index}]"), message);
                continue;
            }
            fields.push(name);
        }
        let marks = &mut self.set.marks;
        let mut column = |fields: Vec<&str>, of_entry| {
            (!fields.is_empty()).then(|| marks.fields(&fields, of_entry))
        };
        Key {
            entry: column(of_entry, true),
            all: column(of_all, false),
        }
    }

    /// `what` the statistics depend on, so that they outlive other changes of the configuration.
    fn keyed(&mut self, kind: Kind, key: Key, what: &impl Serialize) -> Rule {
        let mut identity = match self.tenant {
            Some(tenant) => identity(&(tenant, what)),
            None => identity(what),
        };
        if self.policies.normalized {
            identity = mix(identity, NORMALIZED);
        }
        while self
            .policies
            .keyed
            .iter()
            .any(|keyed| keyed.identity == identity)
        {
            identity = identity.wrapping_add(1);
        }
        let by_chance = matches!(kind, Kind::Throughput(..));
        let chance = by_chance.then(|| self.set.marks.upstream());
        self.policies.keyed.push(Keyed { identity, kind });
        Rule::Statistic(StatisticRule {
            rule: self.policies.keyed.len() - 1,
            key,
            chance,
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.0.as_millis()).unwrap_or(u64::MAX)
}

fn millis_or(duration: Option<Duration>, default_ms: u64) -> u64 {
    duration.map_or(default_ms, millis)
}
