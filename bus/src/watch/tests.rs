//! The watch over an embedded bus that is made to fail.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::Bus;
use crate::mutex::lock;
use crate::{
    Ack, Assigned, CommitError, Committer, Delivery, Epoch, Error, GroupOptions, Member, Position,
    Publisher, Reader, Rebalance, Record, Result, Timestamps, TopicPartition, TopicSpec, embedded,
};

/// For everything that is waited for.
const LONG: Duration = Duration::from_secs(20);

struct Quiet;

impl Rebalance for Quiet {
    fn assigned(&self, _: Vec<Assigned>) {}
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

/// What is wrong with the bus just now.
#[derive(Default)]
struct Faults {
    is_away: AtomicBool,
    denies: AtomicBool,
    keeps_acks: AtomicBool,
    holds_commits: AtomicBool,
    hides_retention: AtomicBool,
}

/// The retention of all topics.
const KEPT: Duration = Duration::from_secs(1000);

fn is(fault: &AtomicBool) -> bool {
    fault.load(Ordering::SeqCst)
}

fn set(fault: &AtomicBool, to: bool) {
    fault.store(to, Ordering::SeqCst);
}

struct Faulty {
    bus: Arc<dyn Bus>,
    faults: Arc<Faults>,
}

impl Bus for Faulty {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.bus.ensure_topics(topics)
    }
    fn partition_count(&self, topic: &str) -> Result<u32> {
        self.bus.partition_count(topic)
    }
    fn timestamps(&self, topic: &str) -> Result<crate::Timestamps> {
        self.bus.timestamps(topic)
    }
    fn retention(&self, _: &str) -> Result<Option<Duration>> {
        match is(&self.faults.hides_retention) {
            true => Err(Error::Unavailable("not now".to_owned())),
            false => Ok(Some(KEPT)),
        }
    }
    fn record_bytes_max(&self) -> usize {
        self.bus.record_bytes_max()
    }
    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        Ok(Arc::new(FaultyPublisher {
            inner: self.bus.publisher()?,
            faults: self.faults.clone(),
            kept: Mutex::default(),
        }))
    }
    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.bus.reader()
    }
    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let (member, inner) = self.bus.join(options, rebalance)?;
        let faults = self.faults.clone();
        Ok((member, Box::new(FaultyCommitter { inner, faults })))
    }
    fn ranges(&self, topic: &str, timeout: Duration) -> Result<Vec<std::ops::Range<u64>>> {
        match is(&self.faults.is_away) {
            true => Err(Error::Unavailable(format!("no broker knows {topic}"))),
            false => self.bus.ranges(topic, timeout),
        }
    }
    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.bus.lag(group, topic)
    }
}

struct FaultyPublisher {
    inner: Arc<dyn Publisher>,
    faults: Arc<Faults>,
    kept: Mutex<Vec<Ack>>,
}

impl Publisher for FaultyPublisher {
    fn publish(&self, to: TopicPartition, record: Record, ack: Ack) -> Result<()> {
        if is(&self.faults.keeps_acks) {
            lock(&self.kept).push(ack);
            return Ok(());
        }
        if is(&self.faults.denies) {
            ack(Err(Error::Fatal(format!(
                "publishing to {to}: not authorized"
            ))));
            return Ok(());
        }
        lock(&self.kept).drain(..).for_each(|ack| ack(Ok(0)));
        self.inner.publish(to, record, ack)
    }
    fn flush(&self, timeout: Duration) -> Result<()> {
        self.inner.flush(timeout)
    }
}

struct FaultyCommitter {
    inner: Box<dyn Committer>,
    faults: Arc<Faults>,
}

impl Committer for FaultyCommitter {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        while is(&self.faults.holds_commits) {
            std::thread::yield_now();
        }
        self.inner.commit(epoch)
    }
}

struct Fixture {
    faults: Arc<Faults>,
    watch: Arc<Watch>,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let bus = embedded::open(dir.path(), embedded::Options::default()).unwrap();
    let spec = TopicSpec {
        name: "t".into(),
        partitions: 2,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[spec]).unwrap();
    let faults = Arc::<Faults>::default();
    let faulty = Faulty {
        bus,
        faults: faults.clone(),
    };
    Fixture {
        faults,
        watch: Watch::new(Arc::new(faulty)),
        _dir: dir,
    }
}

impl Fixture {
    fn join(&self, cursors: Cursors) -> (Box<dyn Member>, Box<dyn Committer>) {
        let options = GroupOptions {
            group: "readers".to_owned(),
            topics: vec!["t".into()],
            delivery: Delivery::ExactlyOnce,
            instance: "one".to_owned(),
            revoke_timeout: Duration::from_secs(1),
        };
        let bus = self.watch.bus("enrich", cursors);
        let (mut member, committer) = bus.join(options, Arc::new(Quiet)).unwrap();
        self.until("partitions", || {
            member.poll(Duration::from_millis(10), 1 << 20).unwrap();
            self.rendered().contains("owned{stage=\"enrich\"} 2\n")
        });
        (member, committer)
    }

    fn rendered(&self) -> String {
        let mut text = String::new();
        self.watch.render(&mut text);
        text
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + LONG;
        while !done() {
            assert!(Instant::now() < deadline, "no {what}: {}", self.rendered());
            std::thread::yield_now();
        }
    }

    #[track_caller]
    fn is_told(&self, part: &str) {
        self.watch.look();
        let trouble = self.watch.verdict().unwrap_err();
        assert!(trouble.contains(part), "no `{part}` in {trouble}");
    }

    /// A record's acknowledgement.
    fn publish(&self, publisher: &dyn Publisher, partition: u32) -> mpsc::Receiver<bool> {
        let (tell, told) = mpsc::channel();
        let ack: Ack = Box::new(move |result| {
            let _ = tell.send(result.is_ok());
        });
        let to = TopicPartition::new("t", partition);
        publisher.publish(to, Record::default(), ack).unwrap();
        told
    }
}

#[test]
fn a_bus_that_is_away_is_told_with_its_reason_and_forgotten_when_it_is_back() {
    let fixture = fixture();
    let bus = fixture.watch.bus("ingest", Cursors::default());
    bus.partition_count("t").unwrap();
    fixture.watch.look();
    assert_eq!(fixture.watch.verdict(), Ok(()));
    set(&fixture.faults.is_away, true);
    fixture.is_told("no broker knows t");
    set(&fixture.faults.is_away, false);
    fixture.watch.look();
    assert_eq!(fixture.watch.verdict(), Ok(()));
}

#[test]
fn lag_is_of_what_is_owned_and_unpassed() {
    let fixture = fixture();
    let publisher = fixture
        .watch
        .bus("ingest", Cursors::default())
        .publisher()
        .unwrap();
    let (mut member, mut committer) = fixture.join(Cursors::default());
    fixture.watch.look();
    for _ in 0..3 {
        let acked = fixture.publish(&*publisher, 1).recv_timeout(LONG);
        assert_eq!(acked, Ok(true));
    }
    fixture.watch.look();
    let lag = |partition, records| {
        format!(
            "tailwater_lag_records{{stage=\"enrich\",topic=\"t\",partition=\"{partition}\",cursor=\"committed\"}} {records}\n"
        )
    };
    let text = fixture.rendered();
    assert!(
        text.contains(&lag(1, 3)) && text.contains(&lag(0, 0)),
        "{text}"
    );
    let position = Position {
        at: TopicPartition::new("t", 1),
        offset: 2,
        metadata: String::new(),
    };
    let epoch = Epoch {
        positions: vec![position],
        ..Epoch::default()
    };
    committer.commit(&epoch).unwrap();
    let text = fixture.rendered();
    assert!(text.contains(&lag(1, 1)), "{text}");
    // What the bus doesn't say any more isn't told.
    set(&fixture.faults.is_away, true);
    fixture.watch.look();
    assert!(!fixture.rendered().contains("tailwater_lag"));
    set(&fixture.faults.is_away, false);
    fixture.watch.look();
    assert!(fixture.rendered().contains(&lag(1, 1)));
    // Nor what isn't owned any more.
    member.poll(Duration::ZERO, 1).unwrap();
    member.close().unwrap();
    assert!(!fixture.rendered().contains("tailwater_lag_records{"));
}

/// By partition, in seconds.
fn margins(fixture: &Fixture) -> Vec<f64> {
    let text = fixture.rendered();
    let lines = text.lines();
    let margins = lines.filter(|line| line.starts_with("tailwater_retention_margin_seconds{"));
    margins
        .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn what_is_left_until_retention_shrinks_with_the_age_of_what_is_needed() {
    let fixture = fixture();
    let publisher = (fixture.watch.bus("ingest", Cursors::default()))
        .publisher()
        .unwrap();
    let (_member, _committer) = fixture.join(Cursors::default());
    fixture.watch.look();
    fixture.watch.look();
    let kept = KEPT.as_secs_f64();
    assert_eq!(margins(&fixture), [kept, kept]);
    let acked = fixture.publish(&*publisher, 1).recv_timeout(LONG);
    assert_eq!(acked, Ok(true));
    fixture.watch.look();
    fixture.until("age", || {
        let margins = margins(&fixture);
        margins[0] == kept && margins[1] < kept - 0.01 && margins[1] > kept - LONG.as_secs_f64()
    });
}

#[test]
fn nothing_is_said_of_retention_that_is_not_known() {
    let fixture = fixture();
    set(&fixture.faults.hides_retention, true);
    let _joined = fixture.join(Cursors::default());
    fixture.watch.look();
    fixture.watch.look();
    assert_eq!(fixture.watch.verdict(), Ok(()));
    assert!(fixture.rendered().contains("tailwater_lag_records{"));
    assert_eq!(margins(&fixture), [0.0; 0]);
}

#[test]
fn a_commit_that_hangs_is_told_while_it_does() {
    let fixture = fixture();
    let (member, mut committer) = fixture.join(Cursors::default());
    fixture.watch.look();
    assert_eq!(fixture.watch.verdict(), Ok(()));
    set(&fixture.faults.holds_commits, true);
    let committing = std::thread::spawn(move || {
        let epoch = Epoch {
            records: vec![(TopicPartition::new("t", 0), Record::default())],
            positions: Vec::new(),
        };
        committer.commit(&epoch).unwrap();
    });
    fixture.until("trouble", || fixture.watch.verdict().is_err());
    fixture.is_told("enrich has waited");
    set(&fixture.faults.holds_commits, false);
    committing.join().unwrap();
    assert_eq!(fixture.watch.verdict(), Ok(()));
    member.close().unwrap();
}

#[test]
fn what_is_not_acknowledged_or_is_denied_is_told() {
    let fixture = fixture();
    let publisher = fixture
        .watch
        .bus("ingest", Cursors::default())
        .publisher()
        .unwrap();
    set(&fixture.faults.keeps_acks, true);
    let kept = fixture.publish(&*publisher, 0);
    fixture.until("trouble", || fixture.watch.verdict().is_err());
    fixture.is_told("to acknowledge 1 records");
    set(&fixture.faults.keeps_acks, false);
    let acked = fixture.publish(&*publisher, 0);
    assert_eq!(
        (kept.recv_timeout(LONG), acked.recv_timeout(LONG)),
        (Ok(true), Ok(true))
    );
    fixture.until("end of the trouble", || fixture.watch.verdict().is_ok());

    set(&fixture.faults.denies, true);
    let denied = fixture.publish(&*publisher, 1);
    assert_eq!(denied.recv_timeout(LONG), Ok(false));
    fixture.is_told("ingest can't publish: publishing to t/1: not authorized");
    set(&fixture.faults.denies, false);
    let acked = fixture.publish(&*publisher, 1);
    assert_eq!(acked.recv_timeout(LONG), Ok(true));
    assert_eq!(fixture.watch.verdict(), Ok(()));
}

#[test]
fn each_part_of_a_stage_is_named() {
    let fixture = fixture();
    let bus = fixture
        .watch
        .bus_of_parts("export", "tw.export-".to_owned());
    let options = GroupOptions {
        group: "tw.export-tempo".to_owned(),
        topics: vec!["t".into()],
        delivery: Delivery::AtLeastOnce,
        instance: "one".to_owned(),
        revoke_timeout: Duration::from_secs(1),
    };
    let (_member, _committer) = bus.join(options, Arc::new(Quiet)).unwrap();
    let text = fixture.rendered();
    assert!(
        text.contains("tailwater_partitions_owned{stage=\"export/tempo\"} 0"),
        "{text}"
    );
}
