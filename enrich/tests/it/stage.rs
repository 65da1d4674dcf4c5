//! The stage on an embedded bus: each item in comes out once, whatever happens in between.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bus::{
    Bus, CommitError, Committer, Epoch, Fetched, GroupOptions, Header, Member, Publisher, Reader,
    Rebalance, Record, Result, TopicPartition, TopicSpec, embedded,
};
use bytes::Bytes;
use enrich::{RawConfig, RawMask};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::{Signal, Topics, headers};

const PARTITIONS: u32 = 3;
const DEADLINE: Duration = Duration::from_secs(60);

pub fn open(dir: &Path) -> Arc<dyn Bus> {
    let bus = embedded::open(dir, embedded::Options::default()).unwrap();
    bus.ensure_topics(&bus::topic_specs(&topics(), PARTITIONS))
        .unwrap();
    bus
}

pub fn topics() -> Topics {
    Topics::new("tw")
}

fn config() -> enrich::Config {
    let mut raw = RawConfig::default();
    raw.redact.mask.push(RawMask {
        name: "email".into(),
        pattern: r"[\w.]+@[\w.]+".into(),
        with: "****".into(),
    });
    // Each record loses an item and gets others changed, so that crashes meet steps at work.
    raw.steps = serde_json::from_value(serde_json::json!([
        {"filter": {"trace_conditions": [r#"span.name == "noise""#]}},
        {"transform": {"trace_statements": [r#"set(span.attributes["step"], true)"#]}},
    ]))
    .unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("enrich", &mut problems);
    assert!(problems.is_empty());
    config
}

/// Enrich on a thread of its own.
pub struct Running {
    drain: Drain,
    pub health: Health,
    thread: JoinHandle<anyhow::Result<()>>,
}

fn start(bus: &Arc<dyn Bus>, instance: &str) -> Running {
    start_with(bus, instance, config(), enrich::Reload::default())
}

pub fn start_with(
    bus: &Arc<dyn Bus>,
    instance: &str,
    config: enrich::Config,
    reload: enrich::Reload,
) -> Running {
    let (drain, health) = (Drain::new(), Health::new());
    let ready = health.part("enrich");
    let (bus, instance, stop) = (bus.clone(), instance.to_owned(), drain.clone());
    let thread = std::thread::spawn(move || {
        let setting = enrich::Setting::new(topics(), topics(), instance);
        enrich::run(config, bus, setting, reload, ready, stop)
    });
    Running {
        drain,
        health,
        thread,
    }
}

impl Running {
    pub fn stop(self) {
        self.drain.request();
        self.thread.join().unwrap().unwrap();
    }
}

#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn request(spans: impl IntoIterator<Item = Span>) -> Bytes {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.into_iter().collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec().into()
}

fn span(number: usize) -> Span {
    Span {
        trace_id: vec![1; 16],
        name: format!("{number} of alice@leak.example"),
        ..Span::default()
    }
}

fn publish(bus: &Arc<dyn Bus>, topic: &str, records: impl IntoIterator<Item = (u32, Record)>) {
    let publisher = bus.publisher().unwrap();
    for (partition, record) in records {
        let to = TopicPartition::new(topic, partition);
        publisher
            .publish(to, record, Box::new(|acked| assert!(acked.is_ok())))
            .unwrap();
    }
    publisher.flush(DEADLINE).unwrap();
}

pub fn publish_spans(bus: &Arc<dyn Bus>, numbers: std::ops::Range<usize>) {
    let records = numbers.map(|number| {
        let noise = Span {
            name: "noise".into(),
            ..span(number)
        };
        let value = request([noise, span(number)]);
        let headers = Vec::new();
        (number as u32 % PARTITIONS, Record { headers, value })
    });
    publish(bus, &topics().sampled(), records);
}

pub fn read(bus: &Arc<dyn Bus>, topic: &str) -> Vec<Fetched> {
    let mut records = Vec::new();
    bus::read_topic(&**bus, topic, DEADLINE, |record| {
        records.push(record);
        ControlFlow::Continue(())
    })
    .unwrap();
    records
}

/// The names of the spans in a topic, with how often each is there.
fn names(bus: &Arc<dyn Bus>, topic: &str) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for record in read(bus, topic) {
        let request = ExportTraceServiceRequest::decode(record.value).unwrap();
        let scopes = request
            .resource_spans
            .into_iter()
            .flat_map(|r| r.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            assert_eq!(span.attributes.len(), 1, "a step was left out");
            *names.entry(span.name).or_default() += 1;
        }
    }
    names
}

#[track_caller]
fn assert_each_once(bus: &Arc<dyn Bus>, count: usize) {
    let expected: BTreeMap<_, _> = (0..count).map(|n| (format!("{n} of ****"), 1)).collect();
    assert_eq!(names(bus, &topics().clean(Signal::Traces)), expected);
}

fn lag(bus: &Arc<dyn Bus>) -> u64 {
    bus.lag(&topics().group("enrich"), &topics().sampled())
        .unwrap()
}

/// A bus on which some commits go wrong, by their number.
struct Faulty {
    bus: Arc<dyn Bus>,
    fault: fn(usize) -> Option<CommitError>,
    commits: Arc<AtomicUsize>,
}

struct FaultyCommitter {
    committer: Box<dyn Committer>,
    fault: fn(usize) -> Option<CommitError>,
    commits: Arc<AtomicUsize>,
}

impl Committer for FaultyCommitter {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        match (self.fault)(self.commits.fetch_add(1, Ordering::SeqCst)) {
            Some(error) => Err(error),
            None => self.committer.commit(epoch),
        }
    }
}

impl Bus for Faulty {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.bus.ensure_topics(topics)
    }
    fn partition_count(&self, topic: &str) -> Result<u32> {
        self.bus.partition_count(topic)
    }
    fn timestamps(&self, topic: &str) -> Result<bus::Timestamps> {
        self.bus.timestamps(topic)
    }
    fn record_bytes_max(&self) -> usize {
        self.bus.record_bytes_max()
    }
    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        self.bus.publisher()
    }
    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.bus.reader()
    }
    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let (member, committer) = self.bus.join(options, rebalance)?;
        let committer = FaultyCommitter {
            committer,
            fault: self.fault,
            commits: self.commits.clone(),
        };
        Ok((member, Box::new(committer)))
    }
    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.bus.lag(group, topic)
    }
}

fn faulty(bus: &Arc<dyn Bus>, fault: fn(usize) -> Option<CommitError>) -> Arc<dyn Bus> {
    Arc::new(Faulty {
        bus: bus.clone(),
        fault,
        commits: Arc::default(),
    })
}

/// Refused, as if the partitions had gone elsewhere: nothing of that epoch is visible, and all of it comes again.
#[test]
fn refused_commits_are_repeated_from_the_bus() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let fenced = faulty(&bus, |commit| {
        [0, 1, 3, 4]
            .contains(&commit)
            .then(|| CommitError::Fenced("for the test".into()))
    });
    let running = start(&fenced, "one");
    for part in 0..10 {
        publish_spans(&bus, part * 30..(part + 1) * 30);
        if part >= 4 {
            wait_until("everything is committed", || lag(&bus) == 0);
        }
    }
    running.stop();
    assert_each_once(&bus, 300);
}

/// The process dies in the middle, again and again, and is started again.
#[test]
fn restarts_neither_lose_nor_double() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    publish_spans(&bus, 0..60);
    for round in 1..6 {
        let dying = faulty(&bus, |commit| {
            (commit == 1).then(|| CommitError::Fatal("for the test".into()))
        });
        let running = start(&dying, "one");
        let mut published = round * 60;
        wait_until("it has died", || {
            // One commit goes through, the next one doesn't.
            if lag(&bus) == 0 {
                publish_spans(&bus, published..published + 1);
                published += 1;
            }
            running.thread.is_finished()
        });
        let error = running.thread.join().unwrap().unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "committing what enrich wrote: for the test"
        );
        publish_spans(&bus, published..(round + 1) * 60);
    }
    drop(bus);
    let bus = open(dir.path());
    let running = start(&bus, "one");
    wait_until("everything is committed", || lag(&bus) == 0);
    running.stop();
    assert_each_once(&bus, 360);
}

/// Members come and go under load.
#[test]
fn partitions_change_hands_without_loss_or_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let first = start(&bus, "one");
    publish_spans(&bus, 0..100);
    let second = start(&bus, "two");
    wait_until("both are ready", || {
        first.health.is_ready() && second.health.is_ready()
    });
    publish_spans(&bus, 100..200);
    first.stop();
    publish_spans(&bus, 200..300);
    wait_until("everything is committed", || lag(&bus) == 0);
    second.stop();
    assert_each_once(&bus, 300);
}

/// What is held when the drain comes is committed before the stage returns.
#[test]
fn each_topic_goes_to_its_own_with_the_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let tenant = |partition, value: Bytes| {
        let header = |name: &str, value: &'static str| Header {
            name: name.into(),
            value: value.into(),
        };
        let headers = vec![
            header(headers::TENANT, "a"),
            header("other", "alice@leak.example"),
        ];
        (partition, Record { headers, value })
    };
    // The nesting of the three signals is the same, and a span's name is a log record's body or a metric's data.
    let empty_item = request([Span::default()]);
    publish(&bus, &topics().sampled(), [tenant(0, request([span(0)]))]);
    publish(
        &bus,
        &topics().raw(Signal::Logs),
        [tenant(1, empty_item.clone())],
    );
    publish(
        &bus,
        &topics().raw(Signal::Metrics),
        [tenant(2, empty_item.clone()), tenant(2, Bytes::new())],
    );
    let running = start(&bus, "one");
    wait_until("everything is there", || {
        Signal::ALL
            .iter()
            .all(|signal| !read(&bus, &topics().clean(*signal)).is_empty())
    });
    running.stop();
    for (signal, partition) in Signal::ALL.into_iter().zip(0..) {
        let found = read(&bus, &topics().clean(signal));
        let [record] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(record.partition, partition);
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|h| (&*h.name, &h.value[..]))
            .collect();
        assert_eq!(
            headers,
            [(headers::VERSION_NAME, &b"1"[..]), (headers::TENANT, b"a")]
        );
    }
    assert_eq!(read(&bus, &topics().dead_letters()).len(), 0);
}

#[test]
fn what_cant_be_processed_goes_to_the_dead_letters() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let version = Header {
        name: headers::VERSION_NAME.into(),
        value: "2".into(),
    };
    let record = |value: Bytes| Record {
        headers: vec![],
        value,
    };
    // One bad span among good ones: a name that isn't UTF-8.
    let mut mixed = request([span(0), span(777), span(1)]).to_vec();
    let at = mixed.windows(3).position(|part| part == b"777").unwrap();
    mixed[at] = 0xff;
    let newer = Record {
        headers: vec![version],
        value: request([span(5)]),
    };
    let records = [
        record(b"not a request".to_vec().into()),
        record(mixed.into()),
        newer,
        record(request([span(2)])),
    ];
    publish(&bus, &topics().sampled(), records.map(|record| (1, record)));
    let running = start(&bus, "one");
    wait_until("everything is committed", || lag(&bus) == 0);
    running.stop();
    assert_each_once(&bus, 3);
    let found: Vec<_> = read(&bus, &topics().dead_letters())
        .iter()
        .map(|record| {
            let header = |name| {
                let header = record.headers.iter().find(|header| &*header.name == name);
                String::from_utf8(header.unwrap().value.to_vec()).unwrap()
            };
            assert_eq!(header(headers::DEAD_TOPIC), &*topics().sampled());
            assert_eq!(header(headers::DEAD_PARTITION), "1");
            assert_eq!(header(headers::DEAD_STAGE), "enrich");
            let items = schemas::otlp::Items::new(&record.value).map_while(|item| item.ok());
            (
                header(headers::DEAD_OFFSET),
                header(headers::DEAD_REASON),
                items.count(),
            )
        })
        .collect();
    let expected = [
        (
            "0",
            "the record can't be read: wire type 6 at byte 0 is unknown or a group",
            0,
        ),
        ("1", "Span can't be read: field 5 is not UTF-8", 1),
        (
            "2",
            "the record is of version \"2\", and this build reads up to 1",
            1,
        ),
    ];
    assert_eq!(
        found,
        expected.map(|(offset, reason, items)| (offset.into(), reason.into(), items))
    );
}

#[test]
fn topics_of_unequal_partition_counts_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let bus = embedded::open(dir.path(), embedded::Options::default()).unwrap();
    let mut specs = bus::topic_specs(&topics(), PARTITIONS);
    let clean = topics().clean(Signal::Logs);
    for spec in specs.iter_mut().filter(|spec| spec.name == clean) {
        spec.partitions = 5;
    }
    bus.ensure_topics(&specs).unwrap();
    let error = start(&bus, "one").thread.join().unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("tw.logs.raw has 3 partitions and tw.logs.clean has 5"),
        "{error}"
    );
}
