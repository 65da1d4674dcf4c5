//! The entries for the decision log since the last take.

use hashbrown::HashMap;
use schemas::decisions::{Decision, DecisionBatch, EntryKind};

use crate::names::Names;
use crate::policy::Ruling;
use crate::verdicts::{Held, NO_POLICY};
use crate::window::Trace;

#[derive(Debug, Default)]
pub(crate) struct DecisionLog {
    entries: Vec<Decision>,
    strings: Vec<String>,
    /// From the window's names to `strings`.
    numbers: HashMap<u32, u32>,
}

impl DecisionLog {
    /// A new verdict.
    pub(crate) fn decided(&mut self, trace: &Trace, ruling: Ruling, time_ms: u64, names: &Names) {
        let root_service = self.string(trace.root_service, names);
        let root_operation = self.string(trace.root_operation, names);
        self.entries.push(Decision {
            trace_id: trace.id,
            verdict: ruling.verdict,
            kind: EntryKind::Decided,
            policy: ruling.policy,
            threshold: ruling.threshold,
            first_offset: trace.first_offset,
            last_offset: trace.last_offset,
            time_ms,
            spans: trace.spans,
            bytes: trace.bytes,
            root_service,
            root_operation,
        });
    }

    /// A verdict that holds longer. Facts about the trace stand in its first entry only.
    pub(crate) fn extended(&mut self, held: &Held) {
        self.entries.push(Decision {
            trace_id: held.id,
            verdict: held.verdict,
            kind: EntryKind::Extended,
            policy: (held.policy != NO_POLICY).then_some(held.policy),
            threshold: 0,
            first_offset: held.first_offset,
            last_offset: held.last_offset,
            time_ms: held.time_ms,
            spans: 0,
            bytes: 0,
            root_service: None,
            root_operation: None,
        });
    }

    fn string(&mut self, name: u32, names: &Names) -> Option<u32> {
        let text = names.get(name)?;
        Some(*self.numbers.entry(name).or_insert_with(|| {
            self.strings.push(text.to_owned());
            (self.strings.len() - 1) as u32
        }))
    }

    /// The window's names get new numbers.
    pub(crate) fn forget_names(&mut self) {
        self.numbers.clear();
    }

    pub(crate) fn take(&mut self, policies: &[String]) -> DecisionBatch {
        self.numbers.clear();
        if self.entries.is_empty() {
            return DecisionBatch::default();
        }
        DecisionBatch {
            policies: policies.to_vec(),
            strings: std::mem::take(&mut self.strings),
            entries: std::mem::take(&mut self.entries),
        }
    }
}
