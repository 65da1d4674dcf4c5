//! The groups of conditions of `filter`, in both forms.

use ottl::{Conditions, Context};
use schemas::Signal;

use super::Compiler;
use super::written::{Written, condition_groups};
use crate::config::steps::{RawConditionGroup, RawErrorMode, RawFilter};
use crate::steps::{Filter, FilterGroup};

impl Compiler<'_> {
    pub(super) fn filter(&mut self, raw: &RawFilter, at: &str) -> Filter {
        let mut filter = Filter::default();
        let mut first = 0;
        let newer = [
            (Signal::Traces, "trace_conditions", &raw.trace_conditions),
            (Signal::Metrics, "metric_conditions", &raw.metric_conditions),
            (Signal::Logs, "log_conditions", &raw.log_conditions),
        ];
        for (signal, key, list) in newer {
            let at = format!("{at}.{key}");
            for (written, group) in condition_groups(list, &at) {
                let count = group.conditions.len();
                if group.conditions.is_empty() {
                    self.problems
                        .push(written.group.clone(), "has no `conditions`");
                }
                if let Some(group) =
                    self.conditions(signal, &group, raw.error_mode, &written, first)
                {
                    filter.add(signal, group);
                }
                first += count;
            }
        }
        let older = older(raw);
        let none = older.iter().all(|(.., list)| list.is_empty());
        if none && newer.iter().all(|(.., list)| list.is_empty()) {
            self.problems.push(at, "has no conditions; name some in `trace_conditions`, `log_conditions` or `metric_conditions`");
        }
        for (signal, key, context, list) in older {
            if list.is_empty() {
                continue;
            }
            let written = |number| format!("{at}.{key}[{number}]");
            let mode = RawErrorMode::of(None, raw.error_mode);
            let conditions = Conditions::compile(context, list, mode);
            if let Some(conditions) = self.sound(conditions, written) {
                let slot = self.slot(context);
                filter.add(signal, FilterGroup::new(context, conditions, slot, first));
            }
            first += list.len();
        }
        filter
    }

    fn conditions(
        &mut self,
        signal: Signal,
        raw: &RawConditionGroup,
        default: Option<RawErrorMode>,
        written: &Written,
        first: usize,
    ) -> Option<FilterGroup> {
        let context = self.context(signal, raw.context, &[], &raw.conditions, written)?;
        let mode = RawErrorMode::of(raw.error_mode, default);
        let conditions = Conditions::compile(context, &raw.conditions, mode);
        let conditions = self.sound(conditions, |number| written.texts[number].clone())?;
        let slot = self.slot(context);
        Some(FilterGroup::new(context, conditions, slot, first))
    }
}

type Older<'r> = (Signal, &'static str, Context, &'r Vec<String>);

/// The older form's lists, in the order in which the Collector evaluates them.
fn older(raw: &RawFilter) -> [Older<'_>; 8] {
    let (traces, metrics, logs) = (&raw.traces, &raw.metrics, &raw.logs);
    let resource = Context::Resource;
    [
        (
            Signal::Traces,
            "traces.resource",
            resource,
            &traces.resource,
        ),
        (Signal::Traces, "traces.span", Context::Span, &traces.span),
        (
            Signal::Traces,
            "traces.spanevent",
            Context::SpanEvent,
            &traces.spanevent,
        ),
        (
            Signal::Metrics,
            "metrics.resource",
            resource,
            &metrics.resource,
        ),
        (
            Signal::Metrics,
            "metrics.metric",
            Context::Metric,
            &metrics.metric,
        ),
        (
            Signal::Metrics,
            "metrics.datapoint",
            Context::DataPoint,
            &metrics.datapoint,
        ),
        (Signal::Logs, "logs.resource", resource, &logs.resource),
        (
            Signal::Logs,
            "logs.log_record",
            Context::Log,
            &logs.log_record,
        ),
    ]
}
