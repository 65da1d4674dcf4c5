//! Conditions that hold, that don't, and that fail.

use ottl::{Condition, Conditions, Context, ErrorMode, Part, RootAnswers, Subject, TraceFacts};
use prost::Message;

use super::telemetry::{holds, on_first, request};

#[track_caller]
fn check(conditions: &[(&str, bool)]) {
    check_in(Context::Span, conditions);
}

#[track_caller]
fn check_in(context: Context, conditions: &[(&str, bool)]) {
    for (condition, expected) in conditions {
        assert_eq!(holds(context, condition), Ok(*expected), "{condition}");
    }
}

#[track_caller]
fn check_fails(conditions: &[&str]) {
    for condition in conditions {
        let result = holds(Context::Span, condition);
        assert!(result.is_err(), "{condition}: {result:?}");
    }
}

#[test]
fn every_path_of_a_span_reads() {
    check(&[
        (r#"name == "GET /pay""#, true),
        (r#"span.name == "GET /pay""#, true),
        (
            r#"trace_id == TraceID(0x0102030405060708090a0b0c0d0e0f10)"#,
            true,
        ),
        (
            r#"trace_id.string == "0102030405060708090a0b0c0d0e0f10""#,
            true,
        ),
        (r#"span_id == SpanID("0102030405060708")"#, true),
        (r#"span.span_id.string == "0102030405060708""#, true),
        (r#"parent_span_id.string == "0807060504030201""#, true),
        (r#"trace_id == 0x0102030405060708090a0b0c0d0e0f10"#, false),
        (r#"trace_state == "a=1,b=two""#, true),
        (r#"trace_state["b"] == "two""#, true),
        (r#"trace_state["c"] == """#, true),
        (r#"kind == SPAN_KIND_SERVER and kind == 2"#, true),
        (r#"kind.string == "Server""#, true),
        (r#"kind.deprecated_string == "SPAN_KIND_SERVER""#, true),
        ("start_time_unix_nano == 1700000000000000000", true),
        (
            "end_time_unix_nano - start_time_unix_nano == 2500000000",
            true,
        ),
        (r#"end_time - start_time == Duration("2.5s")"#, true),
        (r#"end_time - start_time > Duration("2s")"#, true),
        ("start_time < end_time", true),
        (
            "dropped_attributes_count == 3 and dropped_events_count == 5 and dropped_links_count == 6",
            true,
        ),
        ("Len(events) == 1 and Len(links) == 2", true),
        ("events == events and events != links", true),
        ("status.code == STATUS_CODE_ERROR", true),
        (r#"status.message == "failed""#, true),
        ("flags == 257", true),
        (r#"resource.attributes["service.name"] == "shop""#, true),
        ("resource.dropped_attributes_count == 7", true),
        (r#"resource.schema_url == "https://resource""#, true),
        (
            r#"scope.name == "http" and instrumentation_scope.version == "1.2""#,
            true,
        ),
        (r#"scope.attributes["short"] == false"#, true),
        ("scope.dropped_attributes_count == 8", true),
        (r#"scope.schema_url == "https://scope""#, true),
        (r#"cache["x"] == nil and Len(cache) == 0"#, true),
        ("IsRootSpan()", false),
    ]);
    check_in(
        Context::SpanEvent,
        &[
            (
                r#"name == "exception" and spanevent.name == "exception""#,
                true,
            ),
            (r#"span.name == "GET /pay""#, true),
            (r#"attributes["exception.type"] == "IOError""#, true),
            (
                "time_unix_nano == 1700000001000000000 and time > span.start_time",
                true,
            ),
            ("dropped_attributes_count == 4 and event_index == 0", true),
            (r#"resource.attributes["service.name"] == "shop""#, true),
        ],
    );
}

#[test]
fn attributes_of_every_type_compare() {
    check(&[
        (r#"attributes["text"] == "value""#, true),
        (r#"attributes["text"] != "value""#, false),
        (r#"attributes["text"] > "valu""#, true),
        (r#"attributes["text"] == 1"#, false),
        (r#"attributes["text"] != 1"#, true),
        (r#"attributes["text"] < 1"#, false),
        (
            r#"attributes["int"] >= 42 and 42 <= attributes["int"]"#,
            true,
        ),
        (r#"attributes["int"] == 42.0"#, true),
        (r#"attributes["int"] > 41.5"#, true),
        (r#"attributes["double"] > 1"#, true),
        (r#"attributes["double"] == 1.5"#, true),
        (r#"attributes["bool"] == true"#, true),
        (r#"attributes["bool"] > false"#, true),
        (r#"attributes["bytes"] == 0x0102ff"#, true),
        (r#"attributes["bytes"] > 0x0102fe"#, true),
        (r#"attributes["no bytes"] == nil"#, true),
        (r#"attributes["missing"] == nil"#, true),
        (r#"attributes["missing"] != "x""#, true),
        (r#"attributes["missing"] < 1"#, false),
        (r#"attributes["missing"] <= nil"#, true),
        (r#"attributes["empty"] == nil"#, true),
        (r#"attributes["twice"] == 1"#, true),
        (r#"attributes["list"][0] == "a""#, true),
        (r#"attributes["list"][2][0] == 3"#, true),
        (r#"attributes["list"] == ["a", 2, [3]]"#, true),
        (r#"attributes["list"] == ["a", 2.0, [3]]"#, false),
        (r#"attributes["map"]["a"]["x"] == "<y>""#, true),
        (r#"attributes["map"]["z"] == nil"#, true),
        (r#"attributes["map"] == {"a": {"x": "<y>"}, "b": 1}"#, true),
        (r#"attributes["map"] > {}"#, false),
        (r#"attributes[attributes["which"]] == "value""#, true),
        (r#"attributes["list"][attributes["at"]] == 2"#, true),
        (r#"attributes != {}"#, true),
    ]);
    check_fails(&[
        r#"attributes["list"][3] == 1"#,
        r#"attributes["list"][-1] == 1"#,
        r#"attributes["list"]["a"] == 1"#,
        r#"attributes["map"][0] == 1"#,
        r#"attributes["text"][0] == 1"#,
        r#"attributes["empty"]["a"] == 1"#,
        r#"attributes[attributes["int"]] == 1"#,
    ]);
}

#[test]
fn logic_binds_and_short_circuits_as_in_the_reference() {
    check(&[
        ("true", true),
        ("not false", true),
        ("true or false and false", true),
        ("(true or false) and false", false),
        ("not true or true", true),
        ("not (true and false)", true),
        ("((kind == 2))", true),
        ("(kind + 1) * 2 == 6", true),
        ("((kind + 1) > 2 and (kind) == 2)", true),
        (r#"kind == 3 and attributes["list"][9] == 1"#, false),
        (r#"kind == 2 or attributes["list"][9] == 1"#, true),
        // A constant decides before anything is evaluated.
        (r#"attributes["list"][9] == 1 and false"#, false),
        (r#"attributes["list"][9] == 1 or 1 < 2"#, true),
    ]);
    check_fails(&[r#"attributes["list"][9] == 1 or kind == 2"#]);
}

#[test]
fn arithmetic_follows_the_reference() {
    check(&[
        ("1 + 2 * 3 == 7", true),
        ("(1 + 2) * 3 == 9", true),
        ("7 / 2 == 3", true),
        ("-7 / 2 == -3", true),
        ("7 / 2.0 == 3.5", true),
        ("10 - 2 - 3 == 5", true),
        ("-kind == -2", true),
        ("-(1 + 1) == -2", true),
        ("+1 == 1", true),
        ("010 == 8", true),
        (".5 + 1. == 1.5", true),
        (r#"start_time + Duration("1s") < end_time"#, true),
        (
            r#"Duration("1s") + Duration("1m") == Duration("61s")"#,
            true,
        ),
    ]);
    check_fails(&[
        "1 / (kind - 2) == 1",
        "1.0 / (kind - 2) == 1",
        "name + 1 == 1",
        r#"start_time * Duration("1s") == nil"#,
        "-name == 1",
    ]);
}

#[test]
fn one_condition_of_several_is_enough_and_errors_follow_their_mode() {
    let texts = [r#"attributes["list"][9] == 1"#, "kind == 2"];
    let outcome = |mode| {
        let conditions = Conditions::compile(Context::Span, &texts, mode).expect("sound");
        on_first(&request().encode_to_vec(), |subject| {
            conditions.eval(subject)
        })
    };
    for mode in [ErrorMode::Ignore, ErrorMode::Silent] {
        let outcome = outcome(mode);
        assert_eq!((outcome.holds, outcome.failed), (Ok(true), 1));
    }
    let outcome = outcome(ErrorMode::Propagate);
    assert!(outcome.holds.is_err());
    assert_eq!(outcome.failed, 1);
}

#[test]
fn a_condition_says_what_it_needs() {
    let text = r#"attributes["a"] == 1 and resource.attributes["b"] == 2 or IsMatch(attributes["a"], "x")"#;
    let condition = Condition::compile(Context::Span, text).expect("sound");
    let needs = condition.needs();
    assert_eq!(needs.parts, [Part::Span, Part::Resource]);
    let attributes = [
        (Part::Span, "a".to_owned()),
        (Part::Resource, "b".to_owned()),
    ];
    assert_eq!(needs.attributes, attributes);
}

#[test]
fn a_whole_trace_is_decided_on_facts_and_on_what_its_root_answered() {
    let text = r#"trace.duration > Duration("2s") and (root.name == "GET /pay" or trace.error_count > 0) and root.service == "shop" and root.attributes["missing"] == nil"#;
    let condition = Condition::compile(Context::Trace, text).expect("sound");
    assert!(condition.root_tests() > 0);
    let root = on_first(&request().encode_to_vec(), |root| {
        condition.root_answers(root)
    });
    let facts = TraceFacts {
        duration_ns: 2_500_000_000,
        span_count: 10,
        has_root: true,
        ..TraceFacts::default()
    };
    assert_eq!(condition.eval_trace(facts, root), Ok(true));
    let quick = TraceFacts {
        duration_ns: 1,
        ..facts
    };
    assert_eq!(condition.eval_trace(quick, root), Ok(false));
    let without_root = condition.root_answers(&Subject::default());
    assert_eq!(
        without_root,
        RootAnswers {
            held: 1 << 2,
            failed: 0
        }
    );
    assert_eq!(condition.eval_trace(facts, without_root), Ok(false));
    let nested = Condition::compile(Context::Trace, r#"root.resource.attributes["service.name"] == "shop" and not root.status.code == STATUS_CODE_OK"#).expect("sound");
    let root = on_first(&request().encode_to_vec(), |root| nested.root_answers(root));
    assert_eq!(nested.eval_trace(facts, root), Ok(true));
}
