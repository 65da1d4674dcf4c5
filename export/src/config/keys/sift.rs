//! What a backend does with items before it gets them: `filter`, `sample`, `transform`.

use std::sync::Arc;

use ottl::{Context, ItemFilter};
use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use crate::records::limits::ItemLimits;
use crate::routing::{Edits, Mode, Routes, Sampling, Sift};

/// How much of its telemetry a backend gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSample {
    /// Percent of the traces, 0 to 100. Whole traces; the probability is written to their `tracestate`, so that what they stand for stays right.
    #[schemars(range(min = 0, max = 100))]
    pub traces: Option<f64>,
    /// Percent of the log records, 0 to 100. Those with a trace id stay with their trace.
    #[schemars(range(min = 0, max = 100))]
    pub logs: Option<f64>,
    pub mode: RawMode,
}

/// What the percentage is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawMode {
    /// Of the traces that come.
    #[default]
    Proportional,
    /// Of the traces that there were before any sampling: those that were sampled down to it, or below, stay.
    Equalizing,
}

/// What `filter`, `sample` and `transform` of a backend say.
pub(in crate::config) struct RawSift<'a> {
    pub(in crate::config) filter: &'a [String],
    pub(in crate::config) sample: RawSample,
    pub(in crate::config) transform: &'a [String],
}

impl RawSift<'_> {
    /// Reports everything that is wrong under `at`, the path of the backend.
    pub(in crate::config) fn validate(
        &self,
        signals: &[Signal],
        at: &str,
        problems: &mut Problems,
    ) -> Sift {
        let (mut filter, mut edits) = (ItemFilter::default(), Edits::default());
        let nothing: &[&String] = &[];
        for (index, text) in self.filter.iter().enumerate() {
            let add = |signal: Signal| {
                let context = Context::infer(signal, nothing, &[text])?;
                filter.add(signal, context, text)
            };
            for_some(signals, add, &format!("{at}.filter[{index}]"), problems);
        }
        for (index, text) in self.transform.iter().enumerate() {
            let add = |signal: Signal| {
                let context = Context::infer(signal, &[text], nothing)?;
                edits.add(signal, context, text)
            };
            for_some(signals, add, &format!("{at}.transform[{index}]"), problems);
        }
        Sift {
            routes: Routes::default(),
            filter: Arc::new(filter),
            sampling: self
                .sample
                .validate(signals, &format!("{at}.sample"), problems),
            edits: Arc::new(edits),
            limits: [ItemLimits::NONE; Signal::ALL.len()],
        }
    }
}

impl RawSample {
    fn validate(self, signals: &[Signal], at: &str, problems: &mut Problems) -> Option<Sampling> {
        for (key, percent, signal) in [
            ("traces", self.traces, Signal::Traces),
            ("logs", self.logs, Signal::Logs),
        ] {
            let Some(percent) = percent else { continue };
            if !(0.0..=100.0).contains(&percent) {
                let message = format!("{percent} is not a percentage from 0 to 100");
                problems.push(format!("{at}.{key}"), message);
            }
            if !signals.contains(&signal) {
                let message = format!("the backend gets no {key}: see its `signals`");
                problems.push(format!("{at}.{key}"), message);
            }
        }
        let mode = match self.mode {
            RawMode::Proportional => Mode::Proportional,
            RawMode::Equalizing => Mode::Equalizing,
        };
        let share = |percent: f64| percent.clamp(0.0, 100.0) / 100.0;
        let is_any = self.traces.is_some() || self.logs.is_some();
        is_any.then(|| Sampling::new(mode, self.traces.map(share), self.logs.map(share)))
    }
}

/// Adds a text for each signal that it can be about; when there is none, what is wrong with it is reported.
fn for_some(
    signals: &[Signal],
    mut add: impl FnMut(Signal) -> Result<(), Vec<(usize, ottl::Problems)>>,
    at: &str,
    problems: &mut Problems,
) {
    let outcomes: Vec<_> = signals.iter().map(|signal| add(*signal)).collect();
    if outcomes.iter().any(Result::is_ok) {
        return;
    }
    let first = outcomes.into_iter().find_map(Result::err);
    for problem in first
        .into_iter()
        .flatten()
        .flat_map(|(_, all)| all.problems)
    {
        problems.push(at, problem.to_string());
    }
}
