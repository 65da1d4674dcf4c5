//! One record of the bus through the steps: what goes on, and what goes to the dead letters.
//!
//! A record holds items of many senders. What one of them got wrong must not take the others along: a record that can't
//! go on as a whole is taken apart, and only the items that were refused are given up.

use bytes::Bytes;
use schemas::Signal;
use schemas::otlp::Items;
use schemas::pack::Packer;
use schemas::wire::WireError;

use super::counts::Counts;
use super::kinds::StepCounts;
use super::outcome::{Applied, Refused};
use super::program::Program;
use super::reason::Reason;

/// What one record became.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    /// Records to go on.
    pub(crate) clean: Vec<Bytes>,
    /// Records as they were, unredacted, that can't go on.
    pub(crate) dead: Vec<(Bytes, Reason)>,
    /// Records as they were, unredacted, that are kept aside because of what was found in them.
    pub(crate) quarantined: Vec<(Bytes, Reason)>,
    pub(crate) counts: Counts,
    /// By the index of [`redact::Rules::counters`].
    pub(crate) redactions: Vec<u64>,
    /// By the index of [`redact::pii::Pii::counters`].
    pub(crate) findings: Vec<u64>,
    /// By the number of the step.
    pub(crate) steps: Vec<StepCounts>,
    /// Spans that went on without their parent, which a step took out.
    pub(crate) orphans: usize,
    /// Which tenant's rules were applied too, and their changes by the index of its counters.
    pub(crate) own_redactions: Option<(usize, Vec<u64>)>,
}

/// Applies the steps to one record of a tenant. No record that comes out is larger than `bytes_max`.
pub(crate) fn process(
    program: &mut Program,
    signal: Signal,
    tenant: Option<&[u8]>,
    record: Bytes,
    bytes_max: usize,
) -> Processed {
    let own = program.enter(tenant);
    let mut processed = Processed {
        own_redactions: own.map(|own| (own, Vec::new())),
        redactions: vec![0; program.rules().counters().len()],
        steps: vec![StepCounts::default(); program.step_counts().len()],
        ..Processed::default()
    };
    processed.counts.consumed = processed.add(program, signal, record, bytes_max);
    processed
}

impl Processed {
    /// A record that is given up unseen.
    pub(crate) fn refused(record: Bytes, reason: Reason) -> Self {
        let mut processed = Self::default();
        processed.counts.consumed = processed.give_up(record, reason);
        processed
    }

    /// Returns the number of items in the record.
    fn add(
        &mut self,
        program: &mut Program,
        signal: Signal,
        record: Bytes,
        bytes_max: usize,
    ) -> usize {
        match program.apply(signal, &record, bytes_max) {
            // An empty request says nothing to anybody.
            Ok(done) if done.items + done.filtered + done.diverted == 0 => 0,
            Ok(done) if done.record.len() <= bytes_max => self.pass(done, program),
            Ok(done) if done.items + done.filtered > 1 => {
                // What steps add can make a record larger than it was; and another producer's limit may be above ours.
                let half = (done.items + done.filtered) / 2;
                self.add_parts(program, signal, record, bytes_max, |number| number < half)
            }
            Ok(done) => {
                let reason = Reason::TooLarge {
                    bytes: done.record.len(),
                    limit: bytes_max,
                };
                self.give_up(record, reason)
            }
            Err(Refused::Record(reason)) => self.give_up(record, reason),
            Err(Refused::TooLarge) => {
                let half = Items::new(&record).count() / 2;
                self.add_parts(program, signal, record, bytes_max, |number| number < half)
            }
            Err(Refused::Items {
                numbers,
                items,
                reason,
            }) => {
                self.count_steps(program);
                if reason.is_quarantine() {
                    self.count_findings(program);
                }
                let bad: usize = numbers.iter().map(ExactSizeIterator::len).sum();
                if bad == items {
                    return self.give_up(record, reason);
                }
                let mut ranges = numbers.into_iter().peekable();
                // Items come in order of their numbers, and so do the ranges.
                let is_bad = |number: usize| {
                    while ranges.next_if(|range| range.end <= number).is_some() {}
                    ranges.peek().is_some_and(|range| range.contains(&number))
                };
                match split(&record, is_bad) {
                    Ok((bad, good)) => {
                        self.give_up(bad, reason) + self.add(program, signal, good, bytes_max)
                    }
                    Err(error) => self.give_up(record, Reason::Wire(error)),
                }
            }
        }
    }

    fn add_parts(
        &mut self,
        program: &mut Program,
        signal: Signal,
        record: Bytes,
        bytes_max: usize,
        first: impl FnMut(usize) -> bool,
    ) -> usize {
        match split(&record, first) {
            Ok((first, rest)) => {
                self.add(program, signal, first, bytes_max)
                    + self.add(program, signal, rest, bytes_max)
            }
            Err(error) => self.give_up(record, Reason::Wire(error)),
        }
    }

    fn pass(&mut self, done: Applied, program: &Program) -> usize {
        self.counts.written += done.items;
        self.counts.filtered += done.filtered;
        self.counts.diverted += done.diverted;
        if done.items > 0 {
            self.clean.push(done.record);
        }
        self.count_steps(program);
        self.count_findings(program);
        self.orphans += program.orphans();
        for (sum, count) in self.redactions.iter_mut().zip(program.redactions()) {
            *sum += count;
        }
        if let Some((_, sums)) = &mut self.own_redactions {
            let counts = program.own_redactions();
            sums.resize(counts.len(), 0);
            sums.iter_mut()
                .zip(counts)
                .for_each(|(sum, count)| *sum += count);
        }
        done.items + done.filtered + done.diverted
    }

    fn count_findings(&mut self, program: &Program) {
        let counts = program.findings();
        self.findings.resize(counts.len(), 0);
        for (sum, count) in self.findings.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    fn count_steps(&mut self, program: &Program) {
        for (sum, counts) in self.steps.iter_mut().zip(program.step_counts()) {
            *sum += *counts;
        }
    }

    /// What can't be counted counts as one.
    fn give_up(&mut self, record: Bytes, reason: Reason) -> usize {
        let items = Items::new(&record).map_while(Result::ok).count().max(1);
        if reason.is_quarantine() {
            self.counts.diverted += items;
            self.quarantined.push((record, reason));
        } else {
            self.counts.dead_lettered += items;
            self.dead.push((record, reason));
        }
        items
    }
}

/// Two requests: the items for which `first` holds, and the others, each with its resource and scope.
fn split(record: &[u8], mut first: impl FnMut(usize) -> bool) -> Result<(Bytes, Bytes), WireError> {
    let (mut firsts, mut rest) = (Packer::new(), Packer::new());
    firsts.begin_source();
    rest.begin_source();
    for (number, item) in Items::new(record).enumerate() {
        let item = item?;
        if first(number) {
            firsts.push(&item);
        } else {
            rest.push(&item);
        }
    }
    Ok((firsts.finish(), rest.finish()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use runtime::config::Problems;
    use schemas::wire::put_len;

    use super::*;
    use crate::{RawConfig, RawMask};

    /// A request with a scope for each list of names, each a span's; a scope's own name first.
    fn request(scopes: &[(&[u8], &[&[u8]])]) -> Bytes {
        let mut resource = Vec::new();
        for (name, spans) in scopes {
            let (mut head, mut scope) = (Vec::new(), Vec::new());
            put_len(&mut head, 1, name);
            put_len(&mut scope, 1, &head);
            for name in *spans {
                let mut span = Vec::new();
                put_len(&mut span, 5, name);
                put_len(&mut scope, 2, &span);
            }
            put_len(&mut resource, 2, &scope);
        }
        let mut request = Vec::new();
        put_len(&mut request, 1, &resource);
        request.into()
    }

    #[track_caller]
    fn check(record: Bytes, bytes_max: usize, clean: &[Bytes], dead: &[Bytes], reason: &str) {
        let mut raw = RawConfig::default();
        raw.redact.mask.push(RawMask {
            name: "secret".into(),
            pattern: "secret".into(),
            with: "****************".into(),
        });
        let rules = raw.validate("", &mut Problems::new()).rules;
        let mut program = Program::new(
            Arc::default(),
            rules,
            crate::TenantRules::default(),
            crate::Pods::default(),
        );
        let items = Items::new(&record).filter(Result::is_ok).count();
        let processed = process(&mut program, Signal::Traces, None, record, bytes_max);
        assert_eq!(processed.clean, clean);
        let values: Vec<_> = processed
            .dead
            .iter()
            .map(|(value, _)| value.clone())
            .collect();
        assert_eq!(values, dead);
        for (_, found) in &processed.dead {
            assert_eq!(found.to_string(), reason);
        }
        assert!(processed.counts.reconcile(), "{:?}", processed.counts);
        assert_eq!(processed.counts.consumed, items);
    }

    #[test]
    fn bad_items_go_alone() {
        let (bad, good): (&[u8], &[u8]) = (b"\xff", b"good");
        let reason = "Span can't be read: field 5 is not UTF-8";
        check(
            request(&[(b"s", &[good, bad, b"secret", bad]), (b"t", &[good])]),
            1000,
            &[request(&[
                (b"s", &[good, b"****************"]),
                (b"t", &[good]),
            ])],
            &[request(&[(b"s", &[bad, bad])])],
            reason,
        );
        check(
            request(&[(b"s", &[bad])]),
            1000,
            &[],
            &[request(&[(b"s", &[bad])])],
            reason,
        );
    }

    #[test]
    fn a_bad_scope_takes_its_own_items_along() {
        check(
            request(&[
                (b"s", &[b"a", b"\xff"]),
                (b"\xff", &[b"b", b"secret"]),
                (b"t", &[b"c"]),
            ]),
            1000,
            &[request(&[(b"s", &[b"a"]), (b"t", &[b"c"])])],
            &[request(&[
                (b"s", &[b"\xff"]),
                (b"\xff", &[b"b", b"secret"]),
            ])],
            "Span can't be read: field 5 is not UTF-8",
        );
    }

    #[test]
    fn records_that_grow_too_large_are_split() {
        let (secret, masked): (&[u8], &[u8]) = (b"secret", b"****************");
        check(
            request(&[(b"s", &[secret, secret, b"a"])]),
            50,
            &[
                request(&[(b"s", &[masked])]),
                request(&[(b"s", &[masked, b"a"])]),
            ],
            &[],
            "",
        );
        check(
            request(&[(b"s", &[secret, b"a"])]),
            20,
            &[request(&[(b"s", &[b"a"])])],
            &[request(&[(b"s", &[secret])])],
            "the record takes 29 bytes after all steps, above the bus's limit of 20 bytes",
        );
    }

    #[test]
    fn records_that_came_too_large_are_split_as_well() {
        check(
            request(&[(b"s", &[&[b'a'; 20], &[b'b'; 20]])]),
            40,
            &[
                request(&[(b"s", &[&[b'a'; 20]])]),
                request(&[(b"s", &[&[b'b'; 20]])]),
            ],
            &[],
            "",
        );
        check(
            request(&[(b"s", &[&[b'a'; 30]])]),
            40,
            &[],
            &[request(&[(b"s", &[&[b'a'; 30]])])],
            "the record takes 43 bytes after all steps, above the bus's limit of 40 bytes",
        );
    }

    /// Of three items one is kept aside as it came, and the other two go on, redacted.
    #[test]
    fn what_is_quarantined_goes_alone() {
        let pii = serde_json::json!({"packs": ["pci", "gdpr"], "detectors": {"pan": {"action": "quarantine"}}});
        let raw = RawConfig {
            pii: serde_json::from_value(pii).unwrap(),
            ..RawConfig::default()
        };
        let mut problems = Problems::new();
        let config = raw.validate("", &mut problems);
        assert!(problems.is_empty() && config.quarantines());
        let rules = config.rules.clone();
        let (tenants, pods) = (crate::TenantRules::default(), crate::Pods::default());
        let mut program = Program::new(Arc::default(), rules.clone(), tenants, pods);
        let (card, mail): (&[u8], &[u8]) = (
            b"card 4111 1111 1111 1111 of ann@example.org",
            b"mail to ann@example.org",
        );
        let record = request(&[(b"s", &[mail, card]), (b"t", &[b"plain"])]);
        let processed = process(&mut program, Signal::Traces, None, record, 1000);

        let clean = request(&[(b"s", &[b"mail to ****"]), (b"t", &[b"plain"])]);
        assert_eq!(processed.clean, [clean]);
        let [(aside, reason)] = &processed.quarantined[..] else {
            panic!("{processed:?}");
        };
        assert_eq!(aside, &request(&[(b"s", &[card])]));
        assert!(reason.to_string().contains("pan"), "{reason}");
        assert!(!reason.to_string().contains("4111"), "{reason}");
        assert!(processed.dead.is_empty());
        let counts = processed.counts;
        assert!(counts.reconcile());
        assert_eq!(
            (counts.consumed, counts.written, counts.diverted),
            (3, 2, 1)
        );
        let counters = rules.pii().unwrap().counters().iter();
        let found: Vec<_> = (counters.zip(&processed.findings))
            .filter(|(_, count)| **count > 0)
            .map(|(counter, count)| (&*counter.detector, *count))
            .collect();
        // What else was in the item that was kept aside isn't counted: nothing became of it.
        assert_eq!(found, [("pan", 1), ("email", 1)]);
    }

    #[test]
    fn an_empty_request_is_passed_over() {
        check(Bytes::new(), 1000, &[], &[], "");
        check(request(&[(b"s", &[])]), 1000, &[], &[], "");
    }
}
