//! The account of a run: what lay on the raw topic against what was kept, span by span, and what the decision log says.

use std::fmt;

use bus::Bus;
use schemas::decisions::Verdict;
use schemas::{Signal, Topics};

use crate::bus_reader::{Given, Verdicts, read_all, tally};
use crate::raw_log::RawLog;
use crate::tally::Tally;

/// How many examples of each kind of fault are named.
const EXAMPLES: usize = 5;

/// What became of the spans of one run.
#[derive(Debug, Default)]
pub struct Account {
    pub spans: u64,
    pub kept: u64,
    pub dropped: u64,
    pub traces: u64,
    pub kept_traces: u64,
    pub must_keep: u64,
    /// Spans of kept traces that came out fewer times than they went in.
    pub lost: Fault,
    /// Spans that came out more often than they went in.
    pub doubled: Fault,
    /// Kept traces that came out in part.
    pub torn: Fault,
    /// Traces without a verdict in the decision log.
    pub undecided: Fault,
    /// Traces with several verdicts in the decision log.
    pub redecided: Fault,
    /// Traces with verdicts that contradict each other.
    pub contradicted: Fault,
    /// Traces that had to be kept and were dropped.
    pub missed: Fault,
    /// Spans of dropped traces that came out.
    pub leaked: Fault,
    /// Spans that came out with another content.
    pub changed: Fault,
    /// Traces on several partitions.
    pub split: Fault,
    /// Traces that came out or were decided, but never went in.
    pub strange: Fault,
}

/// Faults of one kind: how many, and the first few.
#[derive(Debug, Default)]
pub struct Fault {
    pub count: u64,
    examples: Vec<String>,
}

impl Fault {
    fn add(&mut self, count: u64, example: impl FnOnce() -> String) {
        self.count += count;
        if count > 0 && self.examples.len() < EXAMPLES {
            self.examples.push(example());
        }
    }
}

impl Account {
    /// Reads the bus of a pipeline that has come to rest.
    ///
    /// # Errors
    /// A topic can't be read to its end.
    pub fn of_bus(bus: &dyn Bus, topics: &Topics, decision_wait_ms: u64) -> anyhow::Result<Self> {
        let raw = RawLog::of(
            &read_all(bus, &topics.raw(Signal::Traces))?,
            decision_wait_ms,
        );
        let sampled = tally(bus, Signal::Traces, &topics.sampled())?;
        Ok(Self::settle(&raw, &sampled, &Verdicts::read(bus, topics)?))
    }

    pub fn settle(raw: &RawLog, sampled: &Tally, verdicts: &Verdicts) -> Self {
        let mut account = Self::default();
        for id in &raw.split {
            account.split.add(1, || hex(id));
        }
        for (id, trace) in &raw.tally.traces {
            let times = trace.times();
            account.spans += times;
            account.traces += 1;
            let given = verdicts.decided.get(id).map_or(&[][..], Vec::as_slice);
            let once = before_late_errors(given);
            if once.len() > 1 {
                account
                    .redecided
                    .add(1, || format!("{} {given:?}", hex(id)));
            }
            if once.iter().any(|other| *other != once[0]) {
                account
                    .contradicted
                    .add(1, || format!("{} {given:?}", hex(id)));
            }
            let why = raw.must_keep.get(id);
            account.must_keep += u64::from(why.is_some());
            let Some(last) = given.last() else {
                account
                    .undecided
                    .add(1, || format!("{} of {times} spans", hex(id)));
                continue;
            };
            if let (Some(why), Verdict::Drop) = (why, last.verdict) {
                account.missed.add(1, || format!("{}: {why}", hex(id)));
            }
            let out = sampled.traces.get(id);
            if last.verdict == Verdict::Drop {
                account.dropped += times;
                let leaked = out.map_or(0, |out| out.times());
                account.leaked.add(leaked, || hex(id));
                continue;
            }
            account.kept_traces += 1;
            let mut lost = 0;
            for (span, seen) in &trace.spans {
                let out = out.and_then(|out| out.spans.get(span)).copied();
                let out = out.unwrap_or_default();
                account.kept += u64::from(out.times.min(seen.times));
                let name = || {
                    format!(
                        "{} {}: {} in, {} out",
                        hex(id),
                        hex(span),
                        seen.times,
                        out.times
                    )
                };
                lost += u64::from(seen.times.saturating_sub(out.times));
                account
                    .lost
                    .add(u64::from(seen.times.saturating_sub(out.times)), name);
                account
                    .doubled
                    .add(u64::from(out.times.saturating_sub(seen.times)), name);
                let changed = out.times > 0 && out.content != seen.content;
                account.changed.add(u64::from(changed), name);
            }
            account.torn.add(u64::from(lost > 0), || {
                format!("{} lacks {lost} of {times} spans", hex(id))
            });
        }
        let known = |id: &&[u8; 16]| !raw.tally.traces.contains_key(*id);
        for id in sampled.traces.keys().filter(known) {
            account.strange.add(1, || format!("{} on sampled", hex(id)));
        }
        for id in verdicts.decided.keys().filter(known) {
            account
                .strange
                .add(1, || format!("{} on decisions", hex(id)));
        }
        account
    }

    fn faults(&self) -> [(&'static str, &Fault); 11] {
        [
            ("lost spans", &self.lost),
            ("doubled spans", &self.doubled),
            ("torn traces", &self.torn),
            ("undecided traces", &self.undecided),
            ("traces decided more than once", &self.redecided),
            ("traces with contradicting verdicts", &self.contradicted),
            ("traces dropped that had to be kept", &self.missed),
            ("spans of dropped traces that came out", &self.leaked),
            ("changed spans", &self.changed),
            ("traces on several partitions", &self.split),
            ("traces from nowhere", &self.strange),
        ]
    }

    /// Faultless: nothing lost, nothing doubled, every trace with one verdict.
    pub fn is_clean(&self) -> bool {
        self.faults().iter().all(|(_, fault)| fault.count == 0)
    }

    /// Faultless but for what came twice: spans, and verdicts (which agree).
    pub fn loses_nothing(&self) -> bool {
        let twice = ["doubled spans", "traces decided more than once"];
        let faults = self.faults();
        let mut other = faults.iter().filter(|(name, _)| !twice.contains(name));
        other.all(|(_, fault)| fault.count == 0)
    }

    /// # Panics
    /// If anything is wrong, or the run was too small to say: nothing kept, nothing dropped, or nothing that had to be kept.
    pub fn assert_clean(&self) {
        println!("{self}");
        assert!(self.is_clean(), "{self}");
        assert!(
            self.kept > 0 && self.dropped > 0 && self.must_keep > 0,
            "this run shows nothing: {self}"
        );
        assert_eq!(self.kept + self.dropped, self.spans, "{self}");
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} spans of {} traces in; {} spans of {} traces kept ({} traces had to be), {} spans dropped",
            self.spans, self.traces, self.kept, self.kept_traces, self.must_keep, self.dropped
        )?;
        for (name, fault) in self.faults() {
            if fault.count > 0 {
                write!(f, "\n  {} {name}: {:?}", fault.count, fault.examples)?;
            }
        }
        Ok(())
    }
}

/// A dropped trace may be opened anew by a late error, once: then the verdict after it is one, and what went before another. What it brings back
/// comes out with the rest.
fn before_late_errors(given: &[Given]) -> &[Given] {
    match given {
        [before @ .., last]
            if last.reopened && before.iter().all(|given| given.verdict == Verdict::Drop) =>
        {
            before
        }
        _ => given,
    }
}

/// Lower-case hex, as ids are written everywhere.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
