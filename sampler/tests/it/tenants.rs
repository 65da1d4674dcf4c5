//! One trace id in two tenants is two traces: verdicts, late spans, links, what a late error brings back, and a restart.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use prost::Message;
use runtime::config::Problems;
use sampler::links::Linked;
use sampler::output::Output;
use sampler::partition::Partition;
use sampler::position::Position;
use sampler::position::Start;
use sampler::record::RawRecord;
use sampler::{Config, RawConfig};
use schemas::decisions::{DecisionBatch, EntryKind, Verdict};
use schemas::partition::partition_of;
use serde_json::json;

const NOW_MS: u64 = 1_780_000_000_000;
const PARTITIONS: u32 = 2;
const ID: [u8; 16] = [0x5a; 16];

fn partition(start: Start) -> Partition {
    let section = json!({"linked": "keep", "late_errors": "rescue", "decision_wait": "10s", "decision_cache_ttl": "10m",
        "policies": [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]});
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut config: Config = raw.validate("sampler", &mut Problems::new());
    config.options.bus.partitions = PARTITIONS;
    let number = partition_of(&ID, PARTITIONS);
    Partition::new(number, config.policies, config.options, start, 1 << 20)
}

fn fresh() -> Partition {
    partition(Start {
        clock_emit_ms: NOW_MS,
        ..Start::default()
    })
}

/// A record of one span.
struct Sent {
    offset: u64,
    tenant: &'static str,
    id: [u8; 16],
    error: bool,
    links: Vec<[u8; 16]>,
}

fn sent(offset: u64, tenant: &'static str) -> Sent {
    Sent {
        offset,
        tenant,
        id: ID,
        error: false,
        links: Vec::new(),
    }
}

impl Sent {
    fn error(self) -> Self {
        Self {
            error: true,
            ..self
        }
    }

    /// Offsets are seconds.
    fn record(&self) -> RawRecord {
        let links = self.links.iter().map(|target| Link {
            trace_id: target.to_vec(),
            span_id: vec![1; 8],
            ..Link::default()
        });
        let span = Span {
            trace_id: self.id.to_vec(),
            span_id: self.offset.to_be_bytes().map(|byte| byte | 0x40).to_vec(),
            name: format!("{}{}", self.tenant, self.offset),
            links: links.collect(),
            status: self.error.then(|| Status {
                code: 2,
                ..Status::default()
            }),
            ..Span::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: vec![span],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let name = (!self.tenant.is_empty()).then(|| Bytes::from_static(self.tenant.as_bytes()));
        RawRecord {
            offset: self.offset,
            timestamp_ms: NOW_MS + self.offset * 1000,
            tenant: name,
            value: Bytes::from(request.encode_to_vec()),
        }
    }
}

fn take(partition: &mut Partition) -> Output {
    partition.emit(usize::MAX);
    partition.take()
}

/// As it is read from the bus.
fn logged(output: &Output) -> DecisionBatch {
    DecisionBatch::decode(&output.decisions.encode()).unwrap()
}

/// Tenant, kind and verdict of each entry, in order of tenants.
fn given(batch: &DecisionBatch) -> Vec<(String, EntryKind, Verdict)> {
    let mut given: Vec<_> = (batch.entries.iter())
        .map(|entry| {
            let tenant = String::from_utf8(batch.tenant_of(entry).to_vec()).unwrap();
            (tenant, entry.kind, entry.verdict)
        })
        .collect();
    given.sort_by(|a, b| a.0.cmp(&b.0));
    given
}

/// Tenant and name of each span that goes out, sorted.
fn kept(output: &Output) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for (tenant, value) in &output.sampled {
        let tenant = String::from_utf8(tenant.clone().unwrap_or_default().to_vec()).unwrap();
        let request = ExportTraceServiceRequest::decode(value.clone()).unwrap();
        let scopes = (request.resource_spans.iter()).flat_map(|resource| &resource.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans);
        kept.extend(spans.map(|span| (tenant.clone(), span.name.clone())));
    }
    kept.sort();
    kept
}

fn names(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(tenant, name): &(&str, &str)| ((*tenant).to_owned(), (*name).to_owned());
    all.iter().map(owned).collect()
}

#[test]
fn an_error_of_one_tenant_keeps_no_trace_of_another() {
    let mut partition = fresh();
    for record in [
        sent(0, "a").error(),
        sent(1, "b"),
        sent(2, ""),
        sent(3, "a"),
    ] {
        partition.observe(record.record());
    }
    assert_eq!(partition.open_traces(), 3);
    partition.tick(NOW_MS + 30_000);
    let output = take(&mut partition);
    let log = logged(&output);
    assert_eq!(
        given(&log),
        [
            (String::new(), EntryKind::Decided, Verdict::Drop),
            ("a".to_owned(), EntryKind::Decided, Verdict::Keep),
            ("b".to_owned(), EntryKind::Decided, Verdict::Drop),
        ]
    );
    assert_eq!(kept(&output), names(&[("a", "a0"), ("a", "a3")]));
    assert_eq!(
        (
            output.counts.copier.kept_spans,
            output.counts.copier.dropped_spans
        ),
        (2, 2)
    );

    // Late spans go each their own way, also in the next owner's hands.
    let (emit, metadata) = &output.position;
    let mut heir = partition_from(*emit, metadata);
    heir.restore(&log);
    assert_eq!(heir.verdicts_stored(), 3);
    for owner in [&mut partition, &mut heir] {
        for record in [sent(40, "b"), sent(41, "a"), sent(42, "")] {
            owner.observe(record.record());
        }
        assert_eq!(owner.open_traces(), 0);
        owner.tick(NOW_MS + 60_000);
        let output = take(owner);
        assert_eq!(kept(&output), names(&[("a", "a41")]));
        assert_eq!(output.counts.decider.late_spans, 3);
    }
}

fn partition_from(emit: u64, metadata: &str) -> Partition {
    partition(Position::parse(metadata).unwrap().start(emit))
}

/// A restart within the window: what was decided is restored, what was not is gathered again, tenant by tenant.
#[test]
fn a_window_is_rebuilt_by_tenant() {
    let mut here = fresh();
    for record in [sent(0, "a"), sent(5, "b").error()] {
        here.observe(record.record());
    }
    here.tick(NOW_MS + 12_000);
    let first = take(&mut here);
    let (emit, metadata) = &first.position;
    assert_eq!(*emit, 5);
    let mut heir = partition_from(*emit, metadata);
    heir.restore(&logged(&first));
    for record in [sent(5, "b").error(), sent(13, "a")] {
        heir.observe(record.record());
    }
    heir.tick(NOW_MS + 30_000);
    let second = take(&mut heir);
    let [first, second] = [&first, &second].map(|output| given(&logged(output)));
    assert_eq!(first, [("a".to_owned(), EntryKind::Decided, Verdict::Drop)]);
    assert_eq!(
        second,
        [("b".to_owned(), EntryKind::Decided, Verdict::Keep)]
    );
}

/// A record whose timestamp is a jump waits for the next one, which is another tenant's.
#[test]
fn a_record_that_waits_for_its_time_keeps_its_tenant() {
    let mut partition = fresh();
    for record in [sent(0, "b"), sent(20_000, "a").error(), sent(20_001, "b")] {
        partition.observe(record.record());
    }
    partition.tick(NOW_MS + 20_100_000);
    let output = take(&mut partition);
    assert_eq!(kept(&output), names(&[("a", "a20000")]));
    assert_eq!(
        given(&logged(&output))[0],
        ("a".to_owned(), EntryKind::Decided, Verdict::Keep)
    );
}

#[test]
fn a_late_error_brings_back_its_own_tenant_s_spans_alone() {
    let mut partition = fresh();
    let before = [sent(0, "a"), sent(1, "b"), sent(2, "a")];
    for record in &before {
        partition.observe(record.record());
    }
    partition.tick(NOW_MS + 30_000);
    assert_eq!(kept(&take(&mut partition)), []);
    partition.observe(sent(40, "a").error().record());
    partition.observe(sent(41, "b").record());
    partition.tick(NOW_MS + 60_000);
    partition.emit(usize::MAX);
    assert_eq!(partition.missing_for_rescue(), Some(0..3));
    partition.supply_rescue(before.iter().map(Sent::record), 3);
    let output = take(&mut partition);
    assert_eq!(
        kept(&output),
        names(&[("a", "a0"), ("a", "a2"), ("a", "a40")])
    );
    assert_eq!(output.counts.copier.rescued_spans, 2);
}

#[test]
fn a_link_stays_within_its_tenant() {
    let number = partition_of(&ID, PARTITIONS);
    let other = |of: u32| {
        let ids = (1..=u8::MAX).map(|byte| [byte; 16]);
        ids.into_iter()
            .find(|id| *id != ID && partition_of(id, PARTITIONS) == of)
            .unwrap()
    };
    let (here, there) = (other(number), other(1 - number));
    let mut partition = fresh();
    let target = |offset, tenant| Sent {
        id: here,
        ..sent(offset, tenant)
    };
    let source = Sent {
        links: vec![here, there],
        ..sent(0, "a").error()
    };
    for record in [source, target(1, "a"), target(2, "b"), target(3, "")] {
        partition.observe(record.record());
    }
    partition.tick(NOW_MS + 20_000);
    let output = take(&mut partition);
    assert_eq!(
        kept(&output),
        names(&[("a", "a0"), ("a", "a1")]),
        "{:?}",
        given(&logged(&output))
    );
    // What is for another partition says whose it is, also when the log is all that is left.
    let asked = Linked {
        tenant: Box::from(*b"a"),
        target: there,
        source: ID,
    };
    assert_eq!(partition.take_links(), std::slice::from_ref(&asked));
    let (emit, metadata) = &output.position;
    let mut heir = partition_from(*emit, metadata);
    heir.restore(&logged(&output));
    assert_eq!(heir.take_links(), [asked]);
}

/// What another partition asks for keeps the trace of that tenant alone.
#[test]
fn a_link_of_another_partition_keeps_its_tenant_s_trace() {
    let mut partition = fresh();
    for record in [sent(0, "a"), sent(1, "b")] {
        partition.observe(record.record());
    }
    for tenant in [&b"c"[..], b"b"] {
        partition.keep(Linked {
            tenant: tenant.into(),
            target: ID,
            source: [7; 16],
        });
    }
    partition.tick(NOW_MS + 60_000);
    assert_eq!(kept(&take(&mut partition)), names(&[("b", "b1")]));
}

/// The header as it comes: an empty one is as good as none.
#[test]
fn an_empty_tenant_is_the_default_one() {
    let mut partition = fresh();
    partition.observe(sent(0, "").record());
    let mut empty = sent(1, "").error().record();
    empty.tenant = Some(Bytes::new());
    partition.observe(empty);
    assert_eq!(partition.open_traces(), 1);
    partition.tick(NOW_MS + 60_000);
    let output = take(&mut partition);
    assert_eq!(kept(&output).len(), 2);
    assert_eq!(output.decisions.tenants, Vec::<Bytes>::new());
}

/// Tenants that come and go leave nothing behind once their verdicts are forgotten: a thousand at a time, whoever they are.
#[test]
fn memory_does_not_grow_with_the_tenants_that_ever_were() {
    let bytes = |rounds: u64, name: fn(u64, u64) -> String| {
        let mut partition = fresh();
        let mut most = 0;
        for round in 0..rounds {
            for at in 0..1000_u64 {
                // Rounds are farther apart than verdicts hold.
                let mut record = sent(round * 10_000 + at, "").record();
                record.tenant = Some(name(round, at).into());
                partition.observe(record);
            }
            partition.tick(NOW_MS + (round * 10_000 + 1200) * 1000);
            let output = take(&mut partition);
            assert_eq!(output.counts.copier.dropped_spans, 1000);
            most = most.max(partition.window_bytes());
        }
        most
    };
    let always_the_same = bytes(12, |_, at| format!("{at:0200}"));
    let ever_others = bytes(12, |round, at| format!("{:0200}", round * 1000 + at));
    assert!(
        ever_others <= always_the_same + always_the_same / 10,
        "{ever_others} bytes, {always_the_same} with the same tenants"
    );
}
