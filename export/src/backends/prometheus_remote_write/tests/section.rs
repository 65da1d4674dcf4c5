//! What is said of the section.

use schemas::Signal;

use crate::backends::table::Kind;
use crate::config::tests::{check_problem, check_warning, valid};

#[test]
fn it_takes_metrics_and_nothing_else() {
    let config = valid(
        "backends: [{name: a, prometheus_remote_write: {endpoint: 'http://h/api/v1/write', version: 2}}, \
         {name: b, prometheus_remote_write: {endpoint: 'http://h/w', version: auto, delta: {cumulate: {max_streams: 5}}, histograms: nhcb}}]",
    );
    let [a, b] = &config.backends[..] else {
        panic!("not two")
    };
    assert_eq!(a.signals, [Signal::Metrics]);
    assert_eq!(a.batch(Signal::Metrics).bytes, 1 << 20);
    assert!(a.kind.once());
    let (Kind::PrometheusRemoteWrite(a), Kind::PrometheusRemoteWrite(b)) = (&a.kind, &b.kind)
    else {
        panic!("not remote write")
    };
    assert!(a.version.is_some() && b.version.is_none());
    assert_eq!(
        (b.streams.max_streams, b.streams.max_stale_ms),
        (5, 300_000)
    );
    assert!(b.rules.cumulates && !a.rules.cumulates);
    check_problem(
        "signals: [traces, metrics, logs], prometheus_remote_write: {endpoint: 'http://h/w'}",
        "export.backends[0].signals: this kind takes metrics only, no traces and logs: leave the key out",
    );
}

/// Requests of several tenants can't be told apart by partition.
#[test]
fn batches_of_one_tenant_are_not_made_again() {
    let config = valid(
        "backends: [{name: a, prometheus_remote_write: {endpoint: 'http://h/w', headers: {x-scope-orgid: '{tenant}'}}}]",
    );
    assert!(config.backends[0].kind.by_tenant() && !config.backends[0].kind.once());
}

#[test]
fn problems_carry_their_path() {
    let at = "export.backends[0].prometheus_remote_write";
    let check = |section: &str, expected: &str| {
        check_problem(
            &format!("prometheus_remote_write: {{endpoint: 'http://h/w', {section}}}"),
            &format!("{at}.{expected}"),
        );
    };
    check(
        "version: 1, histograms: nhcb",
        "histograms: version 1 has no `nhcb`",
    );
    check(
        "delta: {cumulate: {max_streams: 0}}",
        "delta.cumulate.max_streams: 0 is not",
    );
    check(
        "delta: {cumulate: {max_stale: 0s}}",
        "delta.cumulate.max_stale: is not",
    );
    check("promote: [a, a]", "promote[1]: `a` is there already");
    check("promote: ['...']", "promote[0]: `...` can't be");
    check(
        "external_labels: {a.b: c}",
        "external_labels.a.b: `a.b` is not the name of a label",
    );
    check("external_labels: {a: ''}", "external_labels.a: is empty");
    check("timeout: 0s", "timeout: 0 leaves");
    check_problem(
        "prometheus_remote_write: {}",
        &format!("{at}.endpoint: an address is needed"),
    );
}

#[test]
fn an_address_without_a_path_is_doubted() {
    check_warning(
        "prometheus_remote_write: {endpoint: 'http://prometheus:9090'}",
        Some(("prometheus_remote_write.endpoint", "/api/v1/write")),
    );
    check_warning("prometheus_remote_write: {endpoint: 'http://h/w'}", None);
}
