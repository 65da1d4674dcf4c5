//! Commits that are refused, and what is counted when.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bus::Fetched;
use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusBuilder;
use schemas::{Signal, Topics};

use super::*;
use crate::names;

/// Refuses the first commit.
struct Refusing {
    commits: Vec<Vec<(u32, u64)>>,
    ledger: Arc<Ledger>,
    /// What happens while it is refused.
    meanwhile: fn(&Ledger),
}

impl Committer for Refusing {
    fn commit(&mut self, epoch: &Epoch) -> Result<(), CommitError> {
        let positions = epoch.positions.iter();
        let positions = positions.map(|position| (position.at.partition, position.offset));
        self.commits.push(positions.collect());
        if self.commits.len() == 1 {
            (self.meanwhile)(&self.ledger);
            return Err(CommitError::Fenced("partitions moved".into()));
        }
        self.ledger.close();
        Ok(())
    }
}

fn at() -> TopicPartition {
    TopicPartition::new(Topics::new("t").clean(Signal::Traces), 0)
}

fn entry(offset: u64) -> Entry {
    Entry::holding(
        Fetched {
            topic: at().topic,
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: Bytes::new(),
        },
        10,
    )
}

/// Records are read and handed over.
fn begin(ledger: &Ledger, offsets: std::ops::Range<u64>) {
    let entries: Vec<_> = offsets.map(entry).collect();
    entries.iter().for_each(|entry| ledger.read(entry.into()));
    ledger.begin(&entries.into_iter().collect());
}

/// Three records are done while the first commit is refused and `meanwhile` happens; the positions of each commit, and what was counted.
#[track_caller]
fn check(meanwhile: fn(&Ledger), commits: &[&[(u32, u64)]], counted: [u64; 3]) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let commits_made = metrics::with_local_recorder(&recorder, || {
        let counts = Counts::new("b", &[Signal::Traces], &Topics::new("t"));
        let ledger = Arc::new(Ledger::new(counts));
        ledger.own(at());
        begin(&ledger, 0..3);
        ledger.finish(&[(entry(0), 0), (entry(1), 4)]);
        let mut committer = Refusing {
            commits: Vec::new(),
            ledger: ledger.clone(),
            meanwhile,
        };
        // Only a change lets it try again, as it would come from the other threads.
        std::thread::scope(|scope| {
            let done = scope.spawn(|| {
                while !ledger.state().closed {
                    ledger.changed.notify_all();
                    std::thread::yield_now();
                }
            });
            ledger.commit_until_closed(&mut committer);
            done.join().unwrap();
        });
        committer.commits
    });
    assert_eq!(commits_made, commits);
    let text = recorder.handle().render();
    let value = |name: &str| {
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(&format!("{name}{{")));
        line.unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let names = [names::DELIVERED, names::DEAD_LETTERED, names::PENDING];
    assert_eq!(names.map(value), counted);
}

#[test]
fn a_refused_commit_is_made_again_and_counts_once() {
    check(|_| (), &[&[(0, 2)], &[(0, 2)]], [16, 4, 10]);
}

#[test]
fn what_was_done_meanwhile_counts_with_it() {
    let more = |ledger: &Ledger| ledger.finish(&[(entry(2), 0)]);
    check(more, &[&[(0, 2)], &[(0, 3)]], [26, 4, 0]);
}

/// Its records come again, and count when they are committed then.
#[test]
fn of_a_partition_that_went_and_came_back_nothing_counts_twice() {
    let again = |ledger: &Ledger| {
        ledger.forget(&[at()]);
        ledger.own(at());
        begin(ledger, 0..3);
        ledger.finish(&[(entry(0), 0)]);
    };
    check(again, &[&[(0, 2)], &[(0, 1)]], [10, 0, 20]);
}

/// Counts warnings.
#[derive(Default)]
struct Warnings(std::sync::atomic::AtomicUsize);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Refuses three commits, takes one, and so on; closes after two rounds. Something changes after each.
struct ByTurns {
    commits: u64,
    ledger: Arc<Ledger>,
}

impl Committer for ByTurns {
    fn commit(&mut self, _: &Epoch) -> Result<(), CommitError> {
        self.commits += 1;
        if self.commits == 8 {
            self.ledger.close();
        } else {
            let next = entry(self.commits);
            self.ledger.read((&next).into());
            self.ledger.begin(&std::iter::once(next).collect());
            self.ledger.finish(&[(entry(self.commits), 0)]);
        }
        match self.commits % 4 {
            0 => Ok(()),
            _ => Err(CommitError::Fenced("partitions moved".into())),
        }
    }
}

#[test]
fn commits_that_are_refused_again_and_again_are_one_warning_until_one_is_not() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let warnings = Arc::new(Warnings::default());
    // While there is one subscriber alone, tracing asks the thread that comes to a warning first whether anybody wants it, and remembers the
    // answer for all: another test's thread says no.
    let _second = tracing::Dispatch::new(Arc::new(Warnings::default()));
    metrics::with_local_recorder(&recorder, || {
        let counts = Counts::new("b", &[Signal::Traces], &Topics::new("t"));
        let ledger = Arc::new(Ledger::new(counts));
        ledger.own(at());
        begin(&ledger, 0..1);
        ledger.finish(&[(entry(0), 0)]);
        let mut committer = ByTurns {
            commits: 0,
            ledger: ledger.clone(),
        };
        std::thread::scope(|scope| {
            let done = scope.spawn(|| {
                while !ledger.state().closed {
                    ledger.changed.notify_all();
                    std::thread::yield_now();
                }
            });
            tracing::subscriber::with_default(warnings.clone(), || {
                ledger.commit_until_closed(&mut committer);
            });
            done.join().unwrap();
        });
    });
    let warned = warnings.0.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(warned, 2);
}
