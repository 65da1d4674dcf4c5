//! What is shown of a trace, redacted as it would be for export: names of services and operations, and promoted attributes, may hold what must not leave.

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use redact::{Outcome, Rewriter, Rules};
use schemas::Signal;
use serde_json::Value as Json;

use super::History;
use super::history::Entry;

const SERVICE: &str = "service.name";

/// The rules of enrich: everybody's, and those of tenants.
#[derive(Clone)]
pub struct NameRules {
    everybodys: Arc<Rules>,
    tenants: enrich::TenantRules,
}

impl NameRules {
    pub fn of(config: &enrich::Config) -> Self {
        Self {
            everybodys: config.rules.clone(),
            tenants: config.tenants.clone(),
        }
    }
}

/// Applies the rules of enrich to all names in a history.
pub fn redact(mut history: History, rules: &NameRules) -> History {
    let mut rewriter = Rewriter::new(rules.everybodys.clone());
    for entry in &mut history.entries {
        redact_names(entry, &mut rewriter);
        let tenant = entry.tenant.as_deref().map(str::as_bytes);
        if let Some(own) = rules.tenants.rules_of(tenant) {
            redact_names(entry, &mut Rewriter::small(own.clone()));
        }
    }
    history
}

/// By the stage's own code, on a root span with these names and attributes: so nothing can be shown here that export would not get.
fn redact_names(entry: &mut Entry, rewriter: &mut Rewriter) {
    let (service, operation) = (entry.root_service.take(), entry.root_operation.take());
    let promoted = std::mem::take(&mut entry.promoted);
    if service.is_none() && operation.is_none() && promoted.is_empty() {
        return;
    }
    let (has_service, has_operation) = (service.is_some(), operation.is_some());
    let request = root(service, operation, promoted).encode_to_vec();
    let mut out = Vec::new();
    let clean = match rewriter.transform(Signal::Traces, &request, &mut out) {
        Ok(done) if done.outcome == Outcome::Unchanged => request,
        Ok(_) => out,
        Err(_) => return,
    };
    let Ok(mut clean) = ExportTraceServiceRequest::decode(&*clean) else {
        return;
    };
    let Some(resource) = clean.resource_spans.pop() else {
        return;
    };
    let mut spans = resource
        .scope_spans
        .into_iter()
        .flat_map(|scope| scope.spans);
    let (name, attributes) = (spans.next())
        .map(|span| (span.name, span.attributes))
        .unzip();
    entry.root_operation = name.filter(|_| has_operation);
    entry.promoted = (attributes.into_iter().flatten())
        .map(|attribute| (attribute.key, json_of(attribute.value)))
        .collect();
    let mut attributes = (resource.resource.into_iter()).flat_map(|resource| resource.attributes);
    entry.root_service = attributes
        .find(|attribute| attribute.key == SERVICE)
        .and_then(|attribute| match attribute.value?.value? {
            Value::StringValue(text) => Some(text),
            _ => None,
        })
        .filter(|_| has_service);
}

fn root(
    service: Option<String>,
    operation: Option<String>,
    promoted: BTreeMap<String, Json>,
) -> ExportTraceServiceRequest {
    let attribute = |key: String, value: Value| KeyValue {
        key,
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let service = service.map(|text| attribute(SERVICE.to_owned(), Value::StringValue(text)));
    let promoted = promoted
        .into_iter()
        .map(|(key, json)| attribute(key, value_of(json)));
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        name: operation.unwrap_or_default(),
        attributes: promoted.collect(),
        ..Span::default()
    };
    let resource = Resource {
        attributes: service.into_iter().collect(),
        ..Resource::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A promoted value.
fn value_of(json: Json) -> Value {
    match json {
        Json::Bool(value) => Value::BoolValue(value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Value::IntValue(value),
            None => Value::DoubleValue(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::StringValue(text),
        other => Value::StringValue(other.to_string()),
    }
}

fn json_of(value: Option<AnyValue>) -> Json {
    match value.and_then(|any| any.value) {
        Some(Value::StringValue(text)) => text.into(),
        Some(Value::BoolValue(value)) => value.into(),
        Some(Value::IntValue(value)) => value.into(),
        Some(Value::DoubleValue(value)) => value.into(),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::why::history::Kind;

    fn shown(redact: &str, service: &str, operation: &str) -> (Option<String>, Option<String>) {
        let text = format!("enrich: {{redact: {redact}}}");
        shown_of(&text, None, service, operation)
    }

    fn shown_of(
        text: &str,
        tenant: Option<&str>,
        service: &str,
        operation: &str,
    ) -> (Option<String>, Option<String>) {
        let entry = redacted(text, tenant, service, operation, BTreeMap::new());
        (entry.root_service, entry.root_operation)
    }

    fn redacted(
        text: &str,
        tenant: Option<&str>,
        service: &str,
        operation: &str,
        promoted: BTreeMap<String, Json>,
    ) -> Entry {
        let config = Config::parse("test", text).expect("a valid configuration");
        let entry = Entry {
            tenant: tenant.map(str::to_owned),
            kind: Kind::Decided,
            keep: true,
            policy: None,
            matched: Vec::new(),
            probability: None,
            threshold: None,
            randomness: None,
            generation: None,
            time_ms: 0,
            first_offset: 0,
            last_offset: 0,
            spans: 1,
            errors: 0,
            bytes: 1,
            duration_us: 1,
            root_service: Some(service.to_owned()),
            root_operation: Some(operation.to_owned()),
            promoted,
            is_final: false,
            links: Vec::new(),
            linked_from: None,
            rescued_offsets: None,
            log_offset: 0,
        };
        let history = History {
            trace_id: String::new(),
            partition: 0,
            raw_from_offset: 0,
            raw_to_offset: 0,
            entries: vec![entry],
        };
        let redacted = super::redact(history, &NameRules::of(&config.enrich));
        redacted.entries.into_iter().next().expect("the entry")
    }

    const MASK: &str = r"{mask: [{name: email, pattern: '[\w.+-]+@[\w-]+\.[\w.]+', with: '****'}]}";

    #[test]
    fn what_a_tenant_wants_redacted_is_not_shown_either() {
        let text = format!(
            "enrich: {{redact: {MASK}}}\ntenants: {{shop: {{redact: {{delete: [service.name]}}}}}}"
        );
        let shown = |tenant| shown_of(&text, tenant, "carts", "of bob@example.org");
        let masked = Some("of ****".to_owned());
        assert_eq!(shown(Some("shop")), (None, masked.clone()));
        assert_eq!(shown(None), (Some("carts".to_owned()), masked));
    }

    #[test]
    fn promoted_attributes_are_redacted_as_any() {
        let promoted: BTreeMap<String, Json> = [
            ("user".to_owned(), "bob@example.org".into()),
            ("card".to_owned(), 4111.into()),
            ("beta".to_owned(), true.into()),
            ("share".to_owned(), 0.5.into()),
            ("count".to_owned(), (-3).into()),
        ]
        .into();
        let text = r"enrich: {redact: {delete: [card], mask: [{name: email, pattern: '[\w.+-]+@[\w-]+\.[\w.]+', with: '****'}]}}";
        let shown = redacted(text, None, "shop", "GET /", promoted.clone()).promoted;
        let mut expected = promoted.clone();
        expected.remove("card");
        expected.insert("user".to_owned(), "****".into());
        assert_eq!(shown, expected);
        let shown = redacted("{}", None, "shop", "GET /", promoted.clone()).promoted;
        assert_eq!(shown, promoted);
    }

    #[test]
    fn what_export_would_not_get_is_not_shown() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            shown("{}", "shop", "GET /a"),
            (some("shop"), some("GET /a"))
        );
        assert_eq!(
            shown(
                MASK,
                "of bob@example.org",
                "GET /users/ann@example.com/cart"
            ),
            (some("of ****"), some("GET /users/****/cart"))
        );
        assert_eq!(
            shown("{delete: [service.name]}", "shop", "GET /a"),
            (None, some("GET /a"))
        );
        let (hashed, _) = shown(
            "{hash: {keys: [service.name], key: 0123456789abcdef0123456789abcdef}}",
            "shop",
            "GET /a",
        );
        assert!(hashed.is_some_and(|hash| !hash.contains("shop")));
    }
}
