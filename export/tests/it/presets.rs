//! Presets at work: what they send fits into what their products take, and the real ones among these take it.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use schemas::{Signal, headers};
use tests::victoria::{VictoriaMetrics, binary};

use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::{count, gauge, ids, spans};
use crate::support::{Running, all_committed, dead_letters, header, open_bus, publish};

const RETRY: &str = "retry: {initial_interval: 5ms, max_interval: 20ms}";

fn refused(received: &[Received]) -> usize {
    received.iter().filter(|one| !one.accepted).count()
}

/// X-Ray's 10,000 spans: batches stay below, and a record with more is divided.
#[test]
fn x_ray_gets_no_more_spans_than_it_takes() {
    let backend = Backend::start(|received| match ids(&received.body).len() > 10_000 {
        true => http(400),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let records = (0..10).map(|record| spans(record * 3000..(record + 1) * 3000, 0));
    publish(&*bus, Signal::Traces, 0, records);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: x-ray, aws: {{endpoint: 'http://{address}'}}, signals: [traces], limits: {{max_age: 0s}}, {RETRY}}}"
        )],
    );
    all_committed(&*bus, "x-ray", Signal::Traces);
    let received = backend.received();
    assert_eq!(refused(&received), 0);
    assert!(received.len() < 10, "one record a request");
    publish(&*bus, Signal::Traces, 0, [spans(30_000..55_000, 0)]);
    all_committed(&*bus, "x-ray", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert!(accepted == count(0..55_000), "{} spans", accepted.len());
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// Spans of 2023 are older than X-Ray takes: they are set aside, and nobody is asked.
#[test]
fn what_is_too_old_is_set_aside_without_a_request() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..10, 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: old, aws: {{endpoint: 'http://{address}'}}, signals: [traces], {RETRY}}}"
        )],
    );
    all_committed(&*bus, "old", Signal::Traces);
    running.stop();
    assert_eq!(backend.received().len(), 0);
    let dead = dead_letters(&*bus);
    assert_eq!(dead.len(), 1);
    assert_eq!(ids(&dead[0].value).len(), 10);
    let reason = header(&dead[0], headers::DEAD_REASON);
    assert!(reason.contains("and limits.max_age is 336h"), "{reason}");
}

/// How many points are in a request.
fn points(request: &[u8]) -> usize {
    let request = ExportMetricsServiceRequest::decode(request).unwrap();
    let scopes = (request.resource_metrics.iter()).flat_map(|resource| &resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let points = metrics.map(|metric| match metric.data.as_ref() {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        other => panic!("{other:?}"),
    });
    points.sum()
}

/// Google's 200 points: metrics with a point each are never refused, and those with more are divided.
#[test]
fn google_gets_no_more_points_than_it_takes() {
    let backend = Backend::start(|received| match points(&received.body) > 200 {
        true => http(400),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let records = (0..1000).map(|time| gauge("short", time..time + 1));
    publish(&*bus, Signal::Metrics, 0, records);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: google, gcp: {{endpoint: 'http://{address}', project: p, token: t}}, signals: [metrics], {RETRY}}}"
        )],
    );
    all_committed(&*bus, "google", Signal::Metrics);
    let received = backend.received();
    assert_eq!(refused(&received), 0);
    assert_eq!(received[0].path, "/v1/metrics");
    assert_eq!(received[0].header("authorization"), "Bearer t");
    assert_eq!(received[0].header("x-goog-user-project"), "p");
    publish(&*bus, Signal::Metrics, 0, [gauge("long", 1000..2500)]);
    all_committed(&*bus, "google", Signal::Metrics);
    running.stop();
    let accepted = backend.accepted();
    let accepted: usize = accepted.iter().map(|body| points(body)).sum();
    assert_eq!(accepted, 2500);
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// A preset that names the tenant makes requests of one tenant each.
#[test]
fn a_tenant_is_named_to_tempo() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for (tenant, range) in [(Some("shop"), 0..10), (None, 10..20)] {
        let record = spans(range, 0);
        crate::support::publish_of(&*bus, Signal::Traces, 0, tenant, [record]);
    }
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: tempo, tempo: {{endpoint: 'http://{address}', tenant: '{{tenant}}'}}}}"
        )],
    );
    all_committed(&*bus, "tempo", Signal::Traces);
    running.stop();
    let received = backend.received();
    let mut tenants: Vec<_> = (received.iter())
        .map(|one| (one.header("x-scope-orgid"), ids(&one.body)[0]))
        .collect();
    tenants.sort_unstable();
    assert_eq!(tenants, [("default", 10), ("shop", 0)]);
}

/// VictoriaMetrics itself.
#[test]
fn victoriametrics_takes_what_its_preset_sends() {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let victoria = VictoriaMetrics::start(&program, folder.path());
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let second = 1_000_000_000;
    let times = (0..50).map(|sample| (1_700_000_000 + sample) * second);
    let times: Vec<_> = times.collect();
    publish(&*bus, Signal::Metrics, 0, [gauge("by_preset", times)]);
    let address = victoria.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: victoria, victoria: {{metrics: 'http://{address}'}}, signals: [metrics]}}"
        )],
    );
    all_committed(&*bus, "victoria", Signal::Metrics);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let stored = victoria.export("by_preset");
    let series: serde_json::Value = serde_json::from_str(stored.trim()).unwrap();
    assert_eq!(series["values"].as_array().unwrap().len(), 50, "{stored}");
}
