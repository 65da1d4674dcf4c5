//! `ingest.filter`: what doesn't get onto the bus.

use ottl::Context;
use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use crate::records::Filter;

/// Conditions in OTTL: what one of them holds for is taken out before it reaches the bus. A condition that fails doesn't hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFilter {
    /// On log records, and their resources and scopes.
    pub log_conditions: Vec<String>,
    /// On metrics, their data points, and their resources and scopes. A metric of which no data point is left goes.
    pub metric_conditions: Vec<String>,
    /// On spans, their events, and their resources and scopes. Needs `spans: true`.
    pub trace_conditions: Vec<String>,
    /// Take out spans, too, though their traces aren't decided yet. Policies don't see them, counts leave them out, and
    /// their children lose their parent. A policy of the type `drop` takes whole traces; `enrich.steps` takes spans of
    /// traces that are kept.
    pub spans: bool,
}

impl RawFilter {
    /// `path` is where this section stands, usually `ingest.filter`.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Filter {
        match (self.trace_conditions.is_empty(), self.spans) {
            (false, false) => problems.push(
                format!("{path}.trace_conditions"),
                "would take spans before their traces are decided: policies wouldn't see them, and their children would lose their parent. Use a policy of the type `drop`, or the step `filter` of enrich; or set `spans: true` if that is meant",
            ),
            (false, true) => problems.warn(
                format!("{path}.spans"),
                "policies don't see the spans that are taken out here, and their children lose their parent",
            ),
            (true, true) => problems.push(
                format!("{path}.spans"),
                "needs conditions in `trace_conditions`",
            ),
            (true, false) => {}
        }
        let mut filter = Filter::default();
        for (signal, key, texts) in [
            (Signal::Traces, "trace_conditions", &self.trace_conditions),
            (Signal::Logs, "log_conditions", &self.log_conditions),
            (
                Signal::Metrics,
                "metric_conditions",
                &self.metric_conditions,
            ),
        ] {
            for (index, text) in texts.iter().enumerate() {
                let nothing: &[&String] = &[];
                let context = Context::infer(signal, nothing, &[text]);
                let added = context.and_then(|context| filter.add(signal, context, text));
                for problem in added
                    .err()
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, all)| all.problems)
                {
                    problems.push(format!("{path}.{key}[{index}]"), problem.to_string());
                }
            }
        }
        filter
    }
}
