//! The plain thing: the same rules applied to the generated types, written without regard to speed.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, metric::Data};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use sha2::Sha256;

pub const KEY: &str = "a secret of sixteen bytes";
pub const PATTERNS: [&str; 2] = [r"[\w.+-]+@[\w-]+\.[\w.]+", r"SECRET-\d+"];

static TEXT: LazyLock<[regex::Regex; 2]> =
    LazyLock::new(|| PATTERNS.map(|pattern| regex::Regex::new(pattern).unwrap()));
static BYTES: LazyLock<[regex::bytes::Regex; 2]> =
    LazyLock::new(|| PATTERNS.map(|pattern| regex::bytes::Regex::new(pattern).unwrap()));

#[derive(Clone, Copy, Debug, Default)]
pub struct Reference {
    pub set: bool,
    /// Leaves what already is a hash alone: applying the rules to clean data then changes nothing.
    pub hashed_before: bool,
}

/// What the rules can be applied to.
pub trait Redact: Message + Default + Clone + PartialEq + std::fmt::Debug {
    fn redact(&mut self, rules: Reference);
}

impl Redact for ExportTraceServiceRequest {
    fn redact(&mut self, rules: Reference) {
        for resource in &mut self.resource_spans {
            rules.resource(&mut resource.resource);
            rules.text(&mut resource.schema_url);
            for scope in &mut resource.scope_spans {
                rules.scope(&mut scope.scope);
                rules.text(&mut scope.schema_url);
                for span in &mut scope.spans {
                    rules.id(&mut span.trace_id);
                    rules.id(&mut span.span_id);
                    rules.id(&mut span.parent_span_id);
                    rules.trace_state(&mut span.trace_state);
                    rules.text(&mut span.name);
                    rules.attributes(&mut span.attributes);
                    rules.set(&mut span.attributes);
                    for event in &mut span.events {
                        rules.text(&mut event.name);
                        rules.attributes(&mut event.attributes);
                    }
                    for link in &mut span.links {
                        rules.id(&mut link.trace_id);
                        rules.id(&mut link.span_id);
                        rules.trace_state(&mut link.trace_state);
                        rules.attributes(&mut link.attributes);
                    }
                    if let Some(status) = &mut span.status {
                        rules.text(&mut status.message);
                    }
                }
            }
        }
    }
}

impl Redact for ExportLogsServiceRequest {
    fn redact(&mut self, rules: Reference) {
        for resource in &mut self.resource_logs {
            rules.resource(&mut resource.resource);
            rules.text(&mut resource.schema_url);
            for scope in &mut resource.scope_logs {
                rules.scope(&mut scope.scope);
                rules.text(&mut scope.schema_url);
                for log in &mut scope.log_records {
                    rules.text(&mut log.severity_text);
                    rules.text(&mut log.event_name);
                    rules.id(&mut log.trace_id);
                    rules.id(&mut log.span_id);
                    rules.attributes(&mut log.attributes);
                    rules.set(&mut log.attributes);
                    if let Some(body) = &mut log.body {
                        rules.value(body);
                    }
                }
            }
        }
    }
}

impl Redact for ExportMetricsServiceRequest {
    fn redact(&mut self, rules: Reference) {
        for resource in &mut self.resource_metrics {
            rules.resource(&mut resource.resource);
            rules.text(&mut resource.schema_url);
            for scope in &mut resource.scope_metrics {
                rules.scope(&mut scope.scope);
                rules.text(&mut scope.schema_url);
                for metric in &mut scope.metrics {
                    rules.text(&mut metric.name);
                    rules.text(&mut metric.description);
                    rules.text(&mut metric.unit);
                    rules.attributes(&mut metric.metadata);
                    if let Some(data) = &mut metric.data {
                        rules.data(data);
                    }
                }
            }
        }
    }
}

impl Reference {
    fn data(self, data: &mut Data) {
        let points: Vec<(&mut Vec<KeyValue>, Option<&mut Vec<Exemplar>>)> = match data {
            Data::Gauge(data) => (data.data_points.iter_mut())
                .map(|point| (&mut point.attributes, Some(&mut point.exemplars)))
                .collect(),
            Data::Sum(data) => (data.data_points.iter_mut())
                .map(|point| (&mut point.attributes, Some(&mut point.exemplars)))
                .collect(),
            Data::Histogram(data) => (data.data_points.iter_mut())
                .map(|point| (&mut point.attributes, Some(&mut point.exemplars)))
                .collect(),
            Data::ExponentialHistogram(data) => (data.data_points.iter_mut())
                .map(|point| (&mut point.attributes, Some(&mut point.exemplars)))
                .collect(),
            Data::Summary(data) => (data.data_points.iter_mut())
                .map(|point| (&mut point.attributes, None))
                .collect(),
        };
        for (attributes, exemplars) in points {
            self.attributes(attributes);
            self.set(attributes);
            for exemplar in exemplars.into_iter().flatten() {
                self.attributes(&mut exemplar.filtered_attributes);
                self.id(&mut exemplar.trace_id);
                self.id(&mut exemplar.span_id);
            }
        }
    }

    fn resource(self, resource: &mut Option<Resource>) {
        if self.set {
            resource.get_or_insert_default();
        }
        let Some(resource) = resource else { return };
        self.attributes(&mut resource.attributes);
        self.set(&mut resource.attributes);
        for entity in &mut resource.entity_refs {
            self.text(&mut entity.schema_url);
            self.text(&mut entity.r#type);
            entity.id_keys.iter_mut().for_each(|key| self.text(key));
            entity
                .description_keys
                .iter_mut()
                .for_each(|key| self.text(key));
        }
    }

    fn scope(self, scope: &mut Option<InstrumentationScope>) {
        let Some(scope) = scope else { return };
        self.text(&mut scope.name);
        self.text(&mut scope.version);
        self.attributes(&mut scope.attributes);
    }

    fn attributes(self, attributes: &mut Vec<KeyValue>) {
        attributes.retain(|attribute| attribute.key != "delete.me");
        for attribute in attributes {
            if attribute.key == "hash.me" {
                if let Some(AnyValue { value: Some(value) }) = &mut attribute.value {
                    self.hash(value);
                }
                continue;
            }
            self.text(&mut attribute.key);
            if let Some(value) = &mut attribute.value {
                self.value(value);
            }
        }
    }

    fn set(self, attributes: &mut Vec<KeyValue>) {
        if self.set {
            attributes.retain(|attribute| attribute.key != "set.me");
            attributes.push(KeyValue {
                key: "set.me".into(),
                value: Some(AnyValue {
                    value: Some(Value::IntValue(-7)),
                }),
                ..KeyValue::default()
            });
        }
    }

    fn value(self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Value::StringValue(text)) => self.text(text),
            Some(Value::BytesValue(bytes)) => self.bytes(bytes),
            Some(Value::ArrayValue(array)) => {
                array.values.iter_mut().for_each(|value| self.value(value));
            }
            Some(Value::KvlistValue(list)) => self.attributes(&mut list.values),
            _ => {}
        }
    }

    fn hash(self, value: &mut Value) {
        let bytes = match value {
            Value::StringValue(text) if self.hashed_before && is_hash(text) => return,
            Value::StringValue(text) => text.clone().into_bytes(),
            Value::BytesValue(bytes) => bytes.clone(),
            Value::BoolValue(value) => value.to_string().into_bytes(),
            Value::IntValue(value) => value.to_string().into_bytes(),
            Value::DoubleValue(value) => value.to_string().into_bytes(),
            // As sent, which for what prost has encoded is the same.
            Value::ArrayValue(array) => array.encode_to_vec(),
            Value::KvlistValue(list) => list.encode_to_vec(),
            Value::StringValueStrindex(_) => return,
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(&bytes);
        let hex = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        *value = Value::StringValue(hex);
    }

    fn text(self, text: &mut String) {
        for pattern in &*TEXT {
            *text = pattern.replace_all(text, "****").into_owned();
        }
    }

    fn bytes(self, bytes: &mut Vec<u8>) {
        for pattern in &*BYTES {
            *bytes = pattern.replace_all(bytes, &b"****"[..]).into_owned();
        }
    }

    fn id(self, id: &mut Vec<u8>) {
        if !matches!(id.len(), 0 | 8 | 16) {
            self.bytes(id);
        }
    }

    fn trace_state(self, state: &mut String) {
        let secret = |entry: &&str| TEXT.iter().any(|pattern| pattern.is_match(entry));
        let kept: Vec<&str> = state.split(',').filter(|entry| !secret(entry)).collect();
        *state = kept.join(",");
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
