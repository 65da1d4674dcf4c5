//! Statements: what they make of a span, and what they leave alone.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use ottl::{Condition, Context, Draft, Statement};
use prost::Message;
use schemas::Signal;
use schemas::otlp::{Item, Items, ResourceHead, ScopeHead};

use super::telemetry::{map, pair, request, text};

/// Resource, scope and item as they are now.
fn written(draft: &Draft<'_>) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let (mut resource, mut scope, mut item) = (Vec::new(), Vec::new(), Vec::new());
    draft.write_resource(&mut resource).expect("sound");
    draft.write_scope(&mut scope).expect("sound");
    draft.write_item(&mut item).expect("sound");
    (resource, scope, item)
}

/// Executes statements on the test's span; each condition must hold of what came out, read as another stage would read it.
#[track_caller]
fn check(statements: &[&str], conditions: &[&str]) {
    check_in(Context::Span, statements, conditions);
}

#[track_caller]
fn check_in(context: Context, statements: &[&str], conditions: &[&str]) {
    let bytes = request().encode_to_vec();
    let item = Items::new(&bytes).next().expect("a span").expect("sound");
    let mut draft = Draft::of(Signal::Traces, &item).expect("a span");
    if context == Context::SpanEvent {
        assert_eq!(draft.begin_inner(0), Ok(true));
    }
    for statement in statements {
        let compiled = Statement::compile(context, statement);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{statement}\n{problems}"));
        compiled
            .execute(&mut draft)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    if context == Context::SpanEvent {
        draft.end_inner(true);
    }
    let (resource, scope, body) = written(&draft);
    // Still what every other reader of protobuf takes.
    ResourceSpans::decode(&resource[..]).expect("a resource");
    ScopeSpans::decode(&scope[..]).expect("a scope");
    Span::decode(&body[..]).expect("a span");
    let item = Item {
        resource: ResourceHead::new(&resource, 0),
        scope: ScopeHead::new(&scope, 0),
        body: &body,
    };
    for condition in conditions {
        let compiled = Condition::compile(context, condition);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{condition}\n{problems}"));
        let span = schemas::otlp::SpanView::parse(item.body).expect("sound");
        let mut subject = ottl::Subject::default();
        subject.set_span(item.resource, item.scope, span);
        if let Some(event) = span.events().next() {
            subject.set_event(event.expect("sound"), 0);
        }
        assert_eq!(
            compiled.eval(&subject),
            Ok(true),
            "{statements:?}: {condition}"
        );
    }
}

#[test]
fn every_field_is_set() {
    check(
        &[
            r#"set(name, "new")"#,
            "set(kind, SPAN_KIND_CLIENT)",
            "set(trace_id, TraceID(0x000102030405060708090a0b0c0d0e0f))",
            r#"set(span_id.string, "1111111111111111")"#,
            "set(start_time, end_time)",
            "set(end_time_unix_nano, 5)",
            r#"set(trace_state, "x=y")"#,
            "set(status.code, STATUS_CODE_OK)",
            r#"set(status.message, "fine")"#,
            "set(dropped_events_count, 9)",
            "set(flags, 1)",
            r#"set(resource.attributes["service.name"], "other")"#,
            r#"set(resource.schema_url, "r")"#,
            r#"set(scope.name, "s")"#,
            r#"set(instrumentation_scope.attributes["n"], 1)"#,
        ],
        &[
            r#"name == "new" and kind == 3 and span_id.string == "1111111111111111""#,
            r#"trace_id.string == "000102030405060708090a0b0c0d0e0f""#,
            "start_time_unix_nano == 1700000002500000000 and end_time_unix_nano == 5",
            r#"trace_state == "x=y" and status.code == 1 and status.message == "fine" and dropped_events_count == 9 and flags == 1"#,
            r#"resource.attributes["service.name"] == "other" and resource.dropped_attributes_count == 7 and resource.schema_url == "r""#,
            r#"scope.name == "s" and scope.version == "1.2" and scope.attributes["n"] == 1 and scope.attributes["short"] == false"#,
            r#"attributes["text"] == "value" and Len(events) == 1 and dropped_attributes_count == 3"#,
        ],
    );
    check_in(
        Context::SpanEvent,
        &[
            r#"set(name, "e")"#,
            r#"set(attributes["a"], span.name)"#,
            r#"set(span.attributes["b"], name)"#,
        ],
        &[
            r#"name == "e" and attributes["a"] == "GET /pay" and attributes["exception.type"] == "IOError""#,
            r#"span.attributes["b"] == "e" and span.name == "GET /pay""#,
        ],
    );
}

#[test]
fn attributes_are_set_at_any_depth_and_conditions_decide() {
    check(
        &[
            r#"set(attributes["new"]["deep"][1], "x")"#,
            r#"set(attributes["map"]["a"]["x"], 1)"#,
            r#"set(attributes["list"][2], {"k": [1.5, true, nil]})"#,
            r#"set(attributes["text"], nil)"#,
            r#"set(attributes["no"], 1) where kind == 99"#,
            r#"set(attributes["yes"], Concat([name, "!"], "")) where attributes["int"] == 42"#,
            r#"set(cache["tmp"], "kept")"#,
            r#"set(attributes["cached"], cache["tmp"])"#,
            r#"set(attributes[attributes["which"]], "by key")"#,
        ],
        &[
            r#"attributes["new"]["deep"][0] == nil and attributes["new"]["deep"][1] == "x""#,
            r#"attributes["map"] == {"b": 1, "a": {"x": 1}}"#,
            r#"attributes["list"][2]["k"] == [1.5, true, nil]"#,
            r#"attributes["no"] == nil and attributes["yes"] == "GET /pay!" and attributes["cached"] == "kept" and attributes["text"] == "by key""#,
        ],
    );
}

#[test]
fn keys_come_and_go() {
    check(
        &[r#"delete_key(attributes, "text")"#],
        &[r#"attributes["text"] == nil and attributes["int"] == 42"#],
    );
    check(
        &[r#"delete_matching_keys(attributes, "^(text|int)$")"#],
        &[
            r#"attributes["text"] == nil and attributes["int"] == nil and attributes["double"] == 1.5"#,
        ],
    );
    check(
        &[r#"keep_matching_keys(attributes, "^t")"#],
        &[r#"Len(attributes) == 3 and attributes["twice"] == 1"#],
    );
    check(
        &[r#"keep_keys(attributes, ["int", "absent"])"#],
        &[r#"attributes == {"int": 42}"#],
    );
    check(
        &[r#"limit(attributes, 3, ["number"])"#],
        &[r#"Len(attributes) == 3 and attributes["number"] == "17" and attributes["int"] == 42"#],
    );
    check(
        &[
            r#"append(attributes["list"], 9)"#,
            r#"append(attributes["text"], values=[1, "x"])"#,
            r#"append(attributes["none"], "a")"#,
        ],
        &[
            r#"attributes["list"] == ["a", 2, [3], 9] and attributes["text"] == ["value", 1, "x"] and attributes["none"] == ["a"]"#,
        ],
    );
    check(
        &[r#"delete_index(attributes["list"], 0, 2)"#],
        &[r#"attributes["list"] == [[3]]"#],
    );
}

#[test]
fn maps_change_their_shape() {
    check(
        &["truncate_all(attributes, 2)"],
        &[r#"attributes["text"] == "va" and attributes["int"] == 42"#],
    );
    check(
        &["stringify_all(attributes)"],
        &[
            r#"attributes["int"] == "42" and attributes["bool"] == "true" and attributes["list"] == "[\"a\",2,[3]]""#,
        ],
    );
    check(
        &[r#"merge_maps(attributes, {"int": 1, "n": 2}, "insert")"#],
        &[r#"attributes["int"] == 42 and attributes["n"] == 2"#],
    );
    check(
        &[r#"merge_maps(attributes, {"int": 1, "n": 2}, "update")"#],
        &[r#"attributes["int"] == 1 and attributes["n"] == nil"#],
    );
    check(
        &[r#"merge_maps(attributes, ParseJSON(attributes["json"]), "upsert")"#],
        &[r#"attributes["a"][1] == 2.5 and attributes["b"]["c"] == -1"#],
    );
    check(
        &["flatten(attributes)"],
        &[
            r#"attributes["map.a.x"] == "<y>" and attributes["map.b"] == 1 and attributes["list.2.0"] == 3 and attributes["map"] == nil"#,
        ],
    );
    check(
        &[r#"flatten(attributes, "p", 1)"#],
        &[r#"attributes["p.map.a"]["x"] == "<y>" and attributes["p.list.0"] == "a""#],
    );
}

#[test]
fn text_is_replaced() {
    check(
        &[r#"replace_pattern(name, "^(\\w+) /(.*)$", "$2 by ${1}")"#],
        &[r#"name == "pay by GET""#],
    );
    check(
        &[r#"replace_pattern(attributes["text"], "v(al)", "$1", SHA1)"#],
        &[r#"HasSuffix(attributes["text"], "ue") and Len(attributes["text"]) == 42"#],
    );
    check(
        &[
            r#"replace_pattern(attributes["text"], "al", "$0", function=ToUpperCase, replacementFormat="<%s>")"#,
        ],
        &[r#"attributes["text"] == "v<AL>ue""#],
    );
    check(
        &[
            r#"replace_match(name, "GET /*", "GET *")"#,
            r#"replace_match(attributes["text"], "{x,val?}", "no")"#,
        ],
        &[r#"name == "GET *" and attributes["text"] == "value""#],
    );
    check(
        &[r#"replace_all_patterns(attributes, "value", "^v", "w")"#],
        &[r#"attributes["text"] == "walue""#],
    );
    check(
        &[r#"replace_all_patterns(attributes, "key", "^te", "fe")"#],
        &[r#"attributes["fext"] == "value" and attributes["text"] == nil"#],
    );
    check(
        &[r#"replace_all_matches(attributes, "val*", "x")"#],
        &[r#"attributes["text"] == "x" and attributes["int"] == 42"#],
    );
}

#[test]
fn log_records_are_edited_too() {
    let record = LogRecord {
        body: Some(map(vec![pair("a", text("b"))])),
        severity_number: 9,
        ..LogRecord::default()
    }
    .encode_to_vec();
    let item = Item {
        resource: ResourceHead::new(&[], 0),
        scope: ScopeHead::new(&[], 0),
        body: &record,
    };
    let mut draft = Draft::of(Signal::Logs, &item).expect("a record");
    for statement in [
        r#"set(body["c"], severity_number)"#,
        "set(severity_number, SEVERITY_NUMBER_ERROR)",
        r#"set(attributes["text"], body.string)"#,
    ] {
        let statement = Statement::compile(Context::Log, statement).expect("sound");
        assert_eq!(statement.execute(&mut draft), Ok(true));
    }
    let record = LogRecord::decode(&written(&draft).2[..]).expect("a record");
    assert_eq!(record.severity_number, 17);
    assert_eq!(
        record.attributes,
        [pair("text", text(r#"{"a":"b","c":9}"#))]
    );
}

#[test]
fn wrong_statements_are_refused() {
    for statement in [
        r#"Set(name, "x")"#,
        r#"sett(name, "x")"#,
        r#"set("name", "x")"#,
        r#"set(name, "x")["a"]"#,
        r#"set(name, "x") where"#,
        "limit(attributes, -1, [])",
        r#"limit(attributes, 1, ["a", "b"])"#,
        r#"merge_maps(attributes, {}, "x")"#,
        r#"replace_pattern(name, "(", "x")"#,
        r#"replace_pattern(name, "a", "x", Concat)"#,
    ] {
        assert!(
            Statement::compile(Context::Span, statement).is_err(),
            "{statement}"
        );
    }
    let bytes = request().encode_to_vec();
    let item = Items::new(&bytes).next().expect("a span").expect("sound");
    let mut draft = Draft::of(Signal::Traces, &item).expect("a span");
    for statement in [
        "set(name, 1)",
        "set(start_time, name)",
        "set(attributes, 1)",
        r#"set(attributes["list"][9], 1)"#,
        "set(events, 1)",
        r#"set(span_id.string, "0102")"#,
        r#"set(span_id.string, "0x0102030405060708")"#,
    ] {
        let statement = Statement::compile(Context::Span, statement).expect("sound");
        assert!(
            statement.execute(&mut draft).is_err(),
            "{}",
            statement.text()
        );
    }
    assert_eq!(
        written(&draft).2,
        item.body,
        "an editor that fails changes nothing"
    );
}
