//! Conditions in OTTL. Those on spans and events are asked when a span goes by and leave a bit; those on the whole trace are asked when it is decided, and
//! find in bits what its root span answered.

use std::sync::Arc;

use ottl::{ErrorMode, RootAnswers, Subject};
use schemas::otlp::{Events, SpanView};

use crate::policy::on_spans::bits::Bits;
use crate::policy::on_traces::outcome::Outcome;
use crate::policy::on_traces::trace_facts::TraceFacts;

/// By policy: how many evaluations failed.
pub(crate) type Failures = Vec<u64>;

/// What is asked of each span of some policy.
#[derive(Debug)]
pub(in crate::policy) struct SpanConditions {
    pub(in crate::policy) on_span: Vec<ottl::Condition>,
    pub(in crate::policy) on_events: Vec<ottl::Condition>,
    pub(in crate::policy) joined: Joined,
    pub(in crate::policy) root_only: bool,
    pub(in crate::policy) error_mode: ErrorMode,
    /// Whose failures they are.
    pub(in crate::policy) policy: u16,
    pub(in crate::policy) hit: u8,
    /// Set when an evaluation failed and `error_mode` is `propagate`.
    pub(in crate::policy) failed: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Joined {
    /// By "or".
    Any,
    /// By "and", on the same span.
    All,
}

/// An evaluation failed, and that is the answer.
struct Propagated;

impl SpanConditions {
    /// All that its bits depend on, in words.
    pub(in crate::policy) fn meaning(&self) -> String {
        let texts = |conditions: &[ottl::Condition]| -> Vec<String> {
            conditions.iter().map(|one| one.text().to_owned()).collect()
        };
        let texts = (texts(&self.on_span), texts(&self.on_events));
        format!(
            "{texts:?} {:?} {} {:?}",
            self.joined, self.root_only, self.error_mode
        )
    }

    pub(in crate::policy) fn ask<'a>(
        &self,
        span: &SpanView<'a>,
        subject: &mut Subject<'a>,
        failures: &mut Failures,
        bits: &mut Bits,
    ) {
        if self.root_only && !span.is_root() {
            return;
        }
        let answer = match self.joined {
            Joined::All => self.all(subject, failures),
            Joined::Any => self
                .any(&self.on_span, subject, failures)
                .and_then(|hit| match hit {
                    false if !self.on_events.is_empty() => self.events(span, subject, failures),
                    hit => Ok(hit),
                }),
        };
        match (answer, self.failed) {
            (Ok(true), _) => bits.set(self.hit),
            (Err(Propagated), Some(bit)) => bits.set(bit),
            (Ok(false), _) | (Err(Propagated), None) => {}
        }
    }

    fn any(
        &self,
        conditions: &[ottl::Condition],
        subject: &Subject<'_>,
        failures: &mut Failures,
    ) -> Result<bool, Propagated> {
        for condition in conditions {
            match condition.eval(subject) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(_) => self.fail(failures)?,
            }
        }
        Ok(false)
    }

    /// One that failed doesn't hold.
    fn all(&self, subject: &Subject<'_>, failures: &mut Failures) -> Result<bool, Propagated> {
        for condition in &self.on_span {
            match condition.eval(subject) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(_) => {
                    self.fail(failures)?;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn events<'a>(
        &self,
        span: &SpanView<'a>,
        subject: &mut Subject<'a>,
        failures: &mut Failures,
    ) -> Result<bool, Propagated> {
        for (index, event) in Events::new(span.body).map_while(Result::ok).enumerate() {
            subject.set_event(event, index);
            if self.any(&self.on_events, subject, failures)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[cold]
    fn fail(&self, failures: &mut Failures) -> Result<(), Propagated> {
        count(failures, self.policy);
        match self.failed {
            Some(_) => Err(Propagated),
            None => Ok(()),
        }
    }
}

/// A condition on the whole trace.
#[derive(Debug)]
pub(in crate::policy) struct TraceCondition {
    pub(in crate::policy) condition: ottl::Condition,
    pub(in crate::policy) error_mode: ErrorMode,
    pub(in crate::policy) policy: u16,
    /// For each comparison on the root span two bits: it held, it failed.
    pub(in crate::policy) root: Vec<(u8, u8)>,
    /// What holds of a trace without root.
    pub(in crate::policy) rootless: RootAnswers,
}

impl TraceCondition {
    /// Asks the root span what the condition wants to know of it.
    pub(in crate::policy) fn ask_root(&self, root: &Subject<'_>, bits: &mut Bits) {
        let answers = self.condition.root_answers(root);
        for (test, &(held, failed)) in self.root.iter().enumerate() {
            if answers.held & 1 << test != 0 {
                bits.set(held);
            }
            if answers.failed & 1 << test != 0 {
                bits.set(failed);
            }
        }
    }

    pub(in crate::policy) fn outcome(
        &self,
        trace: &TraceFacts<'_>,
        failures: &mut Failures,
    ) -> Outcome {
        let mut answers = self.rootless;
        if trace.has_root {
            answers = RootAnswers::default();
            for (test, &(held, failed)) in self.root.iter().enumerate() {
                answers.held |= u32::from(trace.bits.has(held)) << test;
                answers.failed |= u32::from(trace.bits.has(failed)) << test;
            }
        }
        let facts = ottl::TraceFacts {
            duration_ns: trace.duration_ns,
            span_count: trace.spans,
            error_count: Some(trace.errors),
            service_count: Some(trace.services),
            bytes: trace.bytes,
            has_root: trace.has_root,
        };
        match self.condition.eval_trace(facts, answers) {
            Ok(holds) => Outcome::sure(holds),
            Err(_) => {
                count(failures, self.policy);
                match self.error_mode {
                    ErrorMode::Propagate => Outcome::FAILED,
                    ErrorMode::Ignore | ErrorMode::Silent => Outcome::sure(false),
                }
            }
        }
    }
}

fn count(failures: &mut Failures, policy: u16) {
    let at = usize::from(policy);
    if failures.len() <= at {
        failures.resize(at + 1, 0);
    }
    failures[at] += 1;
}

/// All conditions in OTTL, and how what a span answered is added to what its trace has.
#[derive(Debug, Default)]
pub(in crate::policy) struct Conditions {
    pub(in crate::policy) spans: Vec<SpanConditions>,
    /// Those that ask the root span something.
    pub(in crate::policy) traces: Vec<Arc<TraceCondition>>,
    /// Set by a root span, where something depends on which one is the first.
    pub(in crate::policy) root_seen: Option<u8>,
    /// Bits that only the first root span may set.
    pub(in crate::policy) root_only: Bits,
    /// Pairs of which the first that is set stands: a condition held or failed.
    pub(in crate::policy) first_of: Vec<(u8, u8)>,
    /// The number of services is asked for.
    pub(in crate::policy) services: bool,
}

impl Conditions {
    pub(in crate::policy) fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.root_seen.is_none()
    }

    /// Asks a span, to which the subject is set.
    pub(in crate::policy) fn ask<'a>(
        &self,
        span: &SpanView<'a>,
        subject: &mut Subject<'a>,
        failures: &mut Failures,
        bits: &mut Bits,
    ) {
        for conditions in &self.spans {
            conditions.ask(span, subject, failures, bits);
        }
        if let Some(bit) = self.root_seen
            && span.is_root()
        {
            bits.set(bit);
            for condition in &self.traces {
                condition.ask_root(subject, bits);
            }
        }
    }

    /// What a trace has after a span.
    #[inline]
    pub(in crate::policy) fn gathered(&self, so_far: Bits, span: Bits) -> Bits {
        match self.root_seen.is_none() && self.first_of.is_empty() {
            true => so_far | span,
            false => self.gathered_in_order(so_far, span),
        }
    }

    fn gathered_in_order(&self, so_far: Bits, mut span: Bits) -> Bits {
        if self.root_seen.is_some_and(|bit| so_far.has(bit)) {
            span = span.without(self.root_only);
        }
        for &(held, failed) in &self.first_of {
            if so_far.has(held) || so_far.has(failed) {
                span.clear(held);
                span.clear(failed);
            }
        }
        so_far | span
    }
}
