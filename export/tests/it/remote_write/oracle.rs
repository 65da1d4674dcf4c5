//! One corpus to Prometheus by its own OTLP endpoint, and by our remote write into another: both hold the same.

use schemas::Signal;
use tests::prometheus::{Prometheus, binary};

use super::corpus::{corpus, partition_of};
use super::{assert_same, content, deliver, now_s};
use crate::support::{dead_letters, metric, open_bus, publish};

/// `otlp` is Prometheus' configuration, `keys` ours.
#[track_caller]
fn check(name: &str, otlp: &str, keys: &[(&str, &str)], features: &[&str]) {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at_s = now_s();
    let records = corpus(at_s);
    let otlp = format!(
        "{{label_name_underscore_sanitization: false, label_name_preserve_multiple_underscores: false, promote_scope_metadata: true, \
         promote_resource_attributes: [service.version, k8s.namespace.name], {otlp}}}"
    );
    let features = [&["exemplar-storage"], features].concat();
    let reference = Prometheus::start(&program, &folder.path().join("otlp"), &otlp, &features);
    for record in &records {
        let (status, body) = reference.send_otlp(record);
        assert_eq!(status, 200, "{body}");
    }
    let expected = content(&reference, at_s);
    assert!(expected.len() > 100, "a corpus of {}", expected.len());
    for (version, keys) in keys {
        let name = format!("{name}-{version}");
        let ours = Prometheus::start(&program, &folder.path().join(&name), "{}", &features);
        let dir = tempfile::tempdir().unwrap();
        let bus = open_bus(dir.path());
        for record in &records {
            let partition = partition_of(record);
            publish(&*bus, Signal::Metrics, partition, [record.clone()]);
        }
        let keys =
            format!("version: {version}, promote: [service.version, k8s.namespace.name], {keys}");
        deliver(&bus, &name, ours.address, &keys);
        assert_eq!(dead_letters(&*bus).len(), 0);
        assert_eq!(metric(export::names::REFUSED, &name), 0.0, "{}", ours.log());
        assert_same(&name, &expected, &content(&ours, at_s));
    }
}

#[track_caller]
fn check_names(name: &str, strategy: &str, names: &str) {
    let otlp = format!("translation_strategy: {strategy}");
    let keys = format!("names: {names}");
    check(
        name,
        &otlp,
        &[("2", &keys), ("1", &keys), ("auto", &keys)],
        &[],
    );
}

#[test]
fn underscore_with_suffixes() {
    check_names(
        "ous",
        "UnderscoreEscapingWithSuffixes",
        "underscore_with_suffixes",
    );
}

#[test]
fn underscore() {
    check_names("ou", "UnderscoreEscapingWithoutSuffixes", "underscore");
}

#[test]
fn utf8_with_suffixes() {
    check_names("o8s", "NoUTF8EscapingWithSuffixes", "utf8_with_suffixes");
}

#[test]
fn utf8() {
    check_names("o8", "NoTranslation", "utf8");
}

#[test]
fn native_histograms_with_custom_buckets() {
    check(
        "onhcb",
        "convert_histograms_to_nhcb: true",
        &[("2", "histograms: nhcb")],
        &[],
    );
}
