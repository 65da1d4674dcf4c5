//! `span_name`: names by the conventions, without ids, and so many.

use schemas::Signal;
use serde_json::{Value, json};

use crate::steps::{attribute, check, out, span, steps, traces};

fn server(name: &str, attributes: &[Value]) -> Value {
    let mut span = span(1, 0, name, attributes);
    span["kind"] = json!(2);
    span
}

fn request(service: &str, spans: &[Value]) -> Value {
    traces(&[(&[attribute("service.name", service)], spans)])
}

fn get(path: &str) -> Vec<Value> {
    vec![
        attribute("http.request.method", "GET"),
        attribute("url.path", path),
    ]
}

fn with(mut attributes: Vec<Value>, key: &str, value: &str) -> Vec<Value> {
    attributes.push(attribute(key, value));
    attributes
}

#[test]
fn a_request_is_named_by_its_path_without_ids() {
    let before = request("shop", &[server("GET /carts/5", &get("/carts/5"))]);
    let kept = with(get("/carts/5"), "original_span_name", "GET /carts/5");
    let after = request("shop", &[server("GET /carts/{id}", &kept)]);
    check(
        "steps: [{span_name: {}}]\n",
        Signal::Traces,
        &before,
        &after,
    );
}

#[test]
fn the_original_name_is_kept_where_it_is_wanted() {
    let before = request("shop", &[server("x", &get("/a"))]);
    let after = request("shop", &[server("GET /a", &get("/a"))]);
    check(
        "steps: [{span_name: {original: ''}}]\n",
        Signal::Traces,
        &before,
        &after,
    );
    let own = with(get("/a"), "was", "x");
    check(
        "steps: [{span_name: {mode: semconv, original: was}}]\n",
        Signal::Traces,
        &before,
        &request("shop", &[server("GET /a", &own)]),
    );
    // Somebody before us kept it already.
    let known = with(get("/a"), "original_span_name", "first");
    check(
        "steps: [{span_name: {}}]\n",
        Signal::Traces,
        &request("shop", &[server("x", &known)]),
        &request("shop", &[server("GET /a", &known)]),
    );
}

#[test]
fn without_templates_paths_name_nothing() {
    let before = request("shop", &[server("x", &get("/carts/5"))]);
    check(
        "steps: [{span_name: {templates: false, original: ''}}]\n",
        Signal::Traces,
        &before,
        &request("shop", &[server("GET", &get("/carts/5"))]),
    );
}

/// A span whose name is right is not touched: it goes on byte for byte.
#[test]
fn right_names_stay() {
    let right = request(
        "shop",
        &[
            server("GET /a", &get("/a")),
            span(2, 1, "checkout", &[]),
            span(3, 1, "SELECT", &[attribute("db.system.name", "mysql")]),
        ],
    );
    check("steps: [{span_name: {}}]\n", Signal::Traces, &right, &right);
}

#[test]
fn a_service_has_so_many_names() {
    let yaml = "steps: [{span_name: {original: '', limit_per_service: 2}}]\n";
    let named = |service: &str, paths: &[&str]| {
        let spans: Vec<_> = paths.iter().map(|path| server("x", &get(path))).collect();
        (attribute("service.name", service), spans)
    };
    let (a, of_a) = named("a", &["/one", "/two", "/three", "/one", "/carts/1", "/two"]);
    let (b, of_b) = named("b", &["/three"]);
    let found = out(
        yaml,
        Signal::Traces,
        &traces(&[(&[a], &of_a), (&[b], &of_b)]),
    );
    let names = |resource: usize| -> Vec<String> {
        let spans = &found["resourceSpans"][resource]["scopeSpans"][0]["spans"];
        let spans = spans.as_array().expect("spans").iter();
        spans
            .map(|span| span["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(
        names(0),
        ["GET /one", "GET /two", "GET", "GET /one", "GET", "GET /two"]
    );
    assert_eq!(names(1), ["GET /three"]);
}

#[test]
fn a_limit_out_of_range_is_refused() {
    for limit in ["0", "100001"] {
        let yaml = format!("steps: [{{span_name: {{limit_per_service: {limit}}}}}]\n");
        let report = steps(&yaml).unwrap_err();
        assert!(
            report.contains("steps[0].span_name.limit_per_service"),
            "{report}"
        );
    }
    let report = steps("steps: [{span_name: {mode: guess}}]\n").unwrap_err();
    assert!(report.contains("semconv"), "{report}");
}

#[test]
fn the_editor_does_the_same_for_conventions() {
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set_semconv_span_name("1.37.0", "original_span_name")']}
"#;
    let route = |name: &str, more: &[Value]| {
        let mut attributes = with(get("/carts/5"), "http.route", "/carts/:id");
        attributes.extend_from_slice(more);
        request("shop", &[server(name, &attributes)])
    };
    let original = attribute("original_span_name", "GET /carts/5");
    check(
        yaml,
        Signal::Traces,
        &route("GET /carts/5", &[]),
        &route("GET /carts/:id", &[original]),
    );
    let report =
        steps("steps: [{transform: {log_statements: ['set_semconv_span_name(\"1.37.0\")']}}]\n")
            .unwrap_err();
    assert!(report.contains("needs a span"), "{report}");
}
