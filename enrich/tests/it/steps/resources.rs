//! Changes of resources and scopes: made once for all of their items, or for one item alone.

use schemas::Signal;
use serde_json::json;

use super::{attribute, check, out, span, traces};

#[test]
fn a_resource_is_changed_for_all_of_its_spans() {
    let request = traces(&[
        (
            &[attribute("service.name", "a")],
            &[span(1, 0, "x", &[]), span(2, 0, "y", &[])],
        ),
        (&[attribute("service.name", "b")], &[span(3, 0, "z", &[])]),
    ]);
    let yaml = r#"
steps:
  - transform:
      trace_statements:
        - context: resource
          statements: ['set(attributes["team"], "red") where attributes["service.name"] == "a"']
        - context: scope
          statements: ['set(name, Concat([name, resource.attributes["team"]], "/")) where resource.attributes["team"] != nil']
  - resource: {attributes: [{key: service.name, action: delete}, {key: cluster, value: c1, action: upsert}]}
"#;
    let mut expected = traces(&[
        (
            &[attribute("team", "red"), attribute("cluster", "c1")],
            &[span(1, 0, "x", &[]), span(2, 0, "y", &[])],
        ),
        (&[attribute("cluster", "c1")], &[span(3, 0, "z", &[])]),
    ]);
    expected["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"] = json!("s/red");
    check(yaml, Signal::Traces, &request, &expected);
}

/// In the Collector the last item wins, and all items of the resource get its value (opentelemetry-collector-contrib issue 32080).
#[test]
fn what_an_item_writes_to_its_resource_is_for_it_alone() {
    let request = traces(&[(
        &[attribute("service.name", "a")],
        &[
            span(1, 0, "x", &[attribute("tenant", "red")]),
            span(2, 0, "y", &[]),
            span(3, 0, "z", &[attribute("tenant", "blue")]),
            span(4, 0, "w", &[attribute("tenant", "red")]),
        ],
    )]);
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set(resource.attributes["tenant"], span.attributes["tenant"])']}
"#;
    let with = |tenant: &str| [attribute("service.name", "a"), attribute("tenant", tenant)];
    let expected = traces(&[
        (
            &with("red"),
            &[
                span(1, 0, "x", &[attribute("tenant", "red")]),
                span(4, 0, "w", &[attribute("tenant", "red")]),
            ],
        ),
        (&[attribute("service.name", "a")], &[span(2, 0, "y", &[])]),
        (
            &with("blue"),
            &[span(3, 0, "z", &[attribute("tenant", "blue")])],
        ),
    ]);
    check(yaml, Signal::Traces, &request, &expected);
}

/// A resource of a span's own is still a resource: what comes later is done to it as well.
#[test]
fn steps_on_resources_see_what_an_item_wrote() {
    let request = traces(&[(
        &[],
        &[
            span(1, 0, "x", &[attribute("tenant", "red")]),
            span(2, 0, "y", &[]),
        ],
    )]);
    let yaml = r#"
steps:
  - transform/item: {trace_statements: ['set(resource.attributes["tenant"], span.attributes["tenant"])']}
  - transform/resource:
      trace_statements:
        - {context: resource, statements: ['set(attributes["tier"], "gold") where attributes["tenant"] == "red"']}
"#;
    let found = out(yaml, Signal::Traces, &request);
    assert_eq!(
        found["resourceSpans"][0]["resource"]["attributes"],
        json!([attribute("tenant", "red"), attribute("tier", "gold")])
    );
    assert_eq!(found["resourceSpans"][1]["resource"], json!({}));
}

#[test]
fn the_schema_url_is_a_field_round_the_resource() {
    let mut request = traces(&[(&[], &[span(1, 0, "x", &[])])]);
    request["resourceSpans"][0]["schemaUrl"] = json!("old");
    let yaml = "steps: [{transform: {trace_statements: [{context: resource, statements: ['set(schema_url, Concat([schema_url, \"new\"], \"-\"))']}]}}]\n";
    let mut expected = request.clone();
    expected["resourceSpans"][0]["schemaUrl"] = json!("old-new");
    check(yaml, Signal::Traces, &request, &expected);
}

/// A resource of 100 kB, and a thousand spans that each change it: put together they would take 100 MB.
#[test]
fn what_items_make_of_their_resource_is_written_in_parts() {
    let big = "x".repeat(100_000);
    let spans: Vec<_> = (0..250)
        .map(|n| span(n, 0, "a", &[attribute("n", &n.to_string())]))
        .collect();
    let request = traces(&[(&[attribute("big", &big)], &spans)]);
    let config = super::steps(
        "steps: [{transform: {trace_statements: ['set(resource.attributes[\"n\"], span.attributes[\"n\"])']}}]\n",
    );
    let config = config.unwrap_or_else(|report| panic!("{report}"));
    let request = super::encoded(Signal::Traces, &request);
    let found = enrich::rehearse(&config, Signal::Traces, None, request, 1 << 20);
    assert!(found.dead.is_empty(), "{:?}", found.dead.len());
    assert!(found.clean.iter().all(|record| record.len() <= 1 << 20));
    let spans: usize = (found.clean.iter())
        .map(|record| {
            let items = schemas::otlp::Items::new(record);
            items.filter(Result::is_ok).count()
        })
        .sum();
    assert_eq!(spans, 250);
}
