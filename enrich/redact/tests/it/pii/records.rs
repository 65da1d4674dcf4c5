//! What becomes of personal data in records: every place of a span, a log record, a metric; every action.

use std::sync::Arc;

use redact::pii::{Action, AskedDetector, AskedPii, Pack};
use redact::{Outcome, Reason, Redaction, Refused, Rewriter, Rules};
use schemas::Signal;
use schemas::json::{from_protobuf, to_protobuf};

use super::{all, with};

fn rewriter(asked: AskedPii) -> Rewriter {
    let redaction = Redaction {
        pii: Some(asked),
        ..Redaction::default()
    };
    Rewriter::new(Arc::new(Rules::compile(&redaction).expect("sound rules")))
}

/// One request in JSON after the rules, twice, so that what the memos know is asked too.
fn rewritten(asked: AskedPii, signal: Signal, json: &str) -> (String, usize) {
    let request = to_protobuf(signal, json.as_bytes()).unwrap();
    let mut rewriter = rewriter(asked);
    let mut last = None;
    for _ in 0..4 {
        let mut out = Vec::new();
        let done = rewriter.transform(signal, &request, &mut out).unwrap();
        let out = if done.outcome == Outcome::Unchanged {
            &request
        } else {
            &out
        };
        let mut json = Vec::new();
        from_protobuf(signal, out, &mut json).unwrap();
        let this = (
            String::from_utf8(json).unwrap(),
            done.dropped.iter().map(ExactSizeIterator::len).sum(),
        );
        assert!(
            last.is_none_or(|last| last == this),
            "the memos change something"
        );
        last = Some(this);
    }
    last.unwrap()
}

fn span(attributes: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"name":"a","attributes":[{attributes}]}}]}}]}}]}}"#
    )
}

/// The attributes of the one span of a request after the rules.
#[track_caller]
fn attributes(asked: AskedPii, before: &str, expected: &str) {
    let (json, _) = rewritten(asked, Signal::Traces, &span(before));
    let start = json.find(r#""name":"a""#).unwrap();
    let found = json[start..]
        .split_once(r#""attributes":["#)
        .map_or("", |(_, rest)| rest.split_once("]}]}]}]}").unwrap().0);
    assert_eq!(found, expected);
}

fn text(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
}

fn detector(name: &str, action: Action) -> AskedDetector {
    AskedDetector {
        name: name.into(),
        action: Some(action),
        ..AskedDetector::default()
    }
}

#[test]
fn every_action_on_attributes() {
    let (card, clean) = (text("note", "card 4111111111111111 used"), text("b", "c"));
    let pan = |action| with(vec![detector("pan", action)]);
    for (action, left) in [
        (Action::Mask, "card **** used"),
        (
            Action::Partial {
                keep_first: 6,
                keep_last: 4,
            },
            "card 411111******1111 used",
        ),
        (Action::Report, "card 4111111111111111 used"),
    ] {
        attributes(
            pan(action),
            &format!("{card},{clean}"),
            &format!("{},{clean}", text("note", left)),
        );
    }
    attributes(
        pan(Action::DropAttribute),
        &format!("{card},{clean}"),
        &clean,
    );
    let (json, _) = rewritten(pan(Action::Hash), Signal::Traces, &span(&card));
    let (_, hash) = json
        .split_once("card k1:")
        .expect("a hash with the id of its key");
    assert!(
        hash.starts_with(|digit: char| digit.is_ascii_hexdigit())
            && hash[16..].starts_with(" used"),
        "{json}"
    );
    let (json, _) = rewritten(pan(Action::Tokenise), Signal::Traces, &span(&card));
    let (_, token) = json.split_once("card ").unwrap();
    assert!(
        token[..16].bytes().all(|byte| byte.is_ascii_digit()) && token[16..].starts_with(" used"),
        "{json}"
    );
    assert!(!token.starts_with("4111111111111111"));
}

/// The spelling of a value doesn't change its hash.
#[test]
fn one_person_has_one_hash() {
    let hash = |value: &str| {
        let asked = with(vec![
            detector("email", Action::Hash),
            detector("phone", Action::Hash),
        ]);
        rewritten(asked, Signal::Traces, &span(&text("a", value))).0
    };
    assert_eq!(hash("Ann@Example.org"), hash("ann@example.org"));
    assert_eq!(hash("+1 (212) 555-0199"), hash("+1-212-555-0199"));
    assert_ne!(hash("ann@example.org"), hash("bob@example.org"));
}

#[test]
fn the_key_says_what_a_number_is() {
    let int =
        |key: &str, value: &str| format!(r#"{{"key":"{key}","value":{{"intValue":"{value}"}}}}"#);
    attributes(
        all(),
        &int("card.number", "4111111111111111"),
        &text("card.number", "****"),
    );
    attributes(
        all(),
        &int("user.ssn", "536221234"),
        &text("user.ssn", "****"),
    );
    attributes(
        all(),
        &int("http.response.status_code", "404"),
        &int("http.response.status_code", "404"),
    );
    attributes(
        all(),
        &int("order.id", "4111111111111111"),
        &int("order.id", "4111111111111111"),
    );
    // Under another key in a map, and in a list.
    let map = |inner: &str| {
        format!(r#"{{"key":"card","value":{{"kvlistValue":{{"values":[{inner}]}}}}}}"#)
    };
    attributes(
        all(),
        &map(&int("number", "4000000000000000006")),
        &map(&text("number", "****")),
    );
    let list = |value: &str| {
        format!(r#"{{"key":"user.ssn","value":{{"arrayValue":{{"values":[{value}]}}}}}}"#)
    };
    attributes(
        all(),
        &list(r#"{"intValue":"536221234"}"#),
        &list(r#"{"stringValue":"****"}"#),
    );
    attributes(
        all(),
        r#"{"key":"geo.location.lat","value":{"doubleValue":52.520008}}"#,
        &text("geo.location.lat", "****"),
    );
}

#[test]
fn keys_are_skipped_excluded_and_allowed() {
    let mail = |key: &str| text(key, "ann@example.org");
    attributes(
        all(),
        &mail("k8s.pod.annotation.owner"),
        &mail("k8s.pod.annotation.owner"),
    );
    let excluded = AskedDetector {
        name: "email".into(),
        exclude: vec!["enduser.*".into()],
        ..AskedDetector::default()
    };
    let both = format!("{},{}", mail("enduser.id"), mail("user"));
    attributes(
        with(vec![excluded]),
        &both,
        &format!("{},{}", mail("enduser.id"), text("user", "****")),
    );
    let off = AskedDetector {
        name: "email".into(),
        off: true,
        ..AskedDetector::default()
    };
    attributes(with(vec![off]), &mail("user"), &mail("user"));
    let allowing = AskedPii {
        allow_keys: vec!["http.*".into()],
        ..all()
    };
    let some = [
        text("http.route", "/a"),
        text("other", "secret of mine"),
        r#"{"key":"n","value":{"intValue":"7"}}"#.to_owned(),
    ]
    .join(",");
    let left = [
        text("http.route", "/a"),
        text("other", "****"),
        text("n", "****"),
    ]
    .join(",");
    attributes(allowing.clone(), &some, &left);
    // What is below an allowed key stays, and what is below another one goes with it.
    let map = |key: &str| {
        format!(
            r#"{{"key":"{key}","value":{{"kvlistValue":{{"values":[{}]}}}}}}"#,
            text("inner", "kept")
        )
    };
    attributes(allowing.clone(), &map("http.headers"), &map("http.headers"));
    attributes(allowing.clone(), &map("k8s.labels"), &map("k8s.labels"));
    attributes(allowing, &map("other"), &text("other", "****"));
}

#[test]
fn a_detector_of_ones_own_needs_its_words() {
    let own = AskedDetector {
        name: "employee".into(),
        action: Some(Action::Tokenise),
        pattern: Some(r"E-\d{6}".into()),
        context: vec!["employee".into(), "staff".into()],
        ..AskedDetector::default()
    };
    let (json, _) = rewritten(
        with(vec![own.clone()]),
        Signal::Traces,
        &span(&text(
            "a",
            "staff E-123456 who works here has ordered, by telephone, part E-654321",
        )),
    );
    assert!(
        !json.contains("E-123456") && json.contains("E-654321"),
        "{json}"
    );
    attributes(
        with(vec![own]),
        &text("part", "E-123456"),
        &text("part", "E-123456"),
    );
}

/// Text stands in many places; each is looked at.
#[test]
fn every_place_of_a_span() {
    let json = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"owner","value":{"stringValue":"ann@example.org"}}]},"schemaUrl":"https://x/ann@example.org",
        "scopeSpans":[{"scope":{"name":"ann@example.org","version":"ann@example.org","attributes":[{"key":"a","value":{"stringValue":"ann@example.org"}}]},
        "spans":[{"name":"mail ann@example.org","traceState":"a=ann@example.org,b=1","attributes":[
            {"key":"ann@example.org","value":{"stringValue":"x"}},
            {"key":"map","value":{"kvlistValue":{"values":[{"key":"to","value":{"stringValue":"ann@example.org"}}]}}},
            {"key":"list","value":{"arrayValue":{"values":[{"stringValue":"ann@example.org"}]}}},
            {"key":"bytes","value":{"bytesValue":"YW5uQGV4YW1wbGUub3JnAP8="}}],
        "events":[{"name":"ann@example.org","attributes":[{"key":"e","value":{"stringValue":"{\"to\": \"ann@example.org\"}"}}]}],
        "links":[{"traceState":"c=ann@example.org","attributes":[{"key":"l","value":{"stringValue":"ann@example.org"}}]}],
        "status":{"message":"no ann@example.org"}}]}]}]}"#;
    let (clean, _) = rewritten(all(), Signal::Traces, json);
    assert!(!clean.contains("ann") && !clean.contains("YW5u"), "{clean}");
    assert!(clean.contains(r#""traceState":"b=1""#), "{clean}");
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"ann@example.org","body":{"stringValue":"to ann@example.org"},"eventName":"ann@example.org"}]}]}]}"#;
    let (clean, _) = rewritten(all(), Signal::Logs, body);
    assert!(!clean.contains("ann"), "{clean}");
    let metric = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"ann@example.org","description":"ann@example.org","unit":"ann@example.org",
        "metadata":[{"key":"a","value":{"stringValue":"ann@example.org"}}],
        "sum":{"dataPoints":[{"attributes":[{"key":"a","value":{"stringValue":"ann@example.org"}}],"asInt":"1",
        "exemplars":[{"filteredAttributes":[{"key":"a","value":{"stringValue":"ann@example.org"}}],"asInt":"1"}]}]}}]}]}]}"#;
    let (clean, _) = rewritten(all(), Signal::Metrics, metric);
    assert!(!clean.contains("ann"), "{clean}");
}

fn spans(names: &[&str]) -> String {
    let spans: Vec<_> = names
        .iter()
        .map(|name| format!(r#"{{"name":"{name}"}}"#))
        .collect();
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    )
}

#[test]
fn items_are_dropped() {
    let asked = || with(vec![detector("us_ssn", Action::DropItem)]);
    let (json, dropped) = rewritten(
        asked(),
        Signal::Traces,
        &spans(&["a", "SSN 536-22-1234", "b", "to c@example.org"]),
    );
    assert_eq!((json, dropped), (spans(&["a", "b", "to ****"]), 1));
    let (json, dropped) = rewritten(
        asked(),
        Signal::Traces,
        &spans(&["SSN 536-22-1234", "SSN 536-22-1234"]),
    );
    assert_eq!((json.as_str(), dropped), ("{}", 2));
    // A resource that holds it takes its items along.
    let resource = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"SSN 536-22-1234"}}]},"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}]},{"scopeSpans":[{"spans":[{"name":"c"}]}]}]}"#;
    let (json, dropped) = rewritten(asked(), Signal::Traces, resource);
    assert_eq!((json, dropped), (spans(&["c"]), 2));
}

#[test]
fn items_are_kept_aside() {
    let mut rewriter = rewriter(with(vec![
        detector("us_ssn", Action::Quarantine),
        detector("pan", Action::DropItem),
    ]));
    let names = [
        "a",
        "SSN 536-22-1234",
        "card 4111111111111111",
        "d@example.org",
        "SSN 536-22-1234",
    ];
    let request = to_protobuf(Signal::Traces, spans(&names).as_bytes()).unwrap();
    let refused = rewriter
        .transform(Signal::Traces, &request, &mut Vec::new())
        .unwrap_err();
    let Refused::Items {
        numbers,
        items,
        reason,
    } = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((numbers, items), (vec![1..2, 4..5], 5));
    assert_eq!(
        reason,
        Reason::Quarantined {
            detector: "us_ssn".into()
        }
    );
    // Nothing counts but what goes aside: the rest comes again.
    let rules = rewriter.rules().pii().unwrap().clone();
    let counted: Vec<_> = rules
        .counters()
        .iter()
        .zip(rewriter.pii_counts())
        .filter(|(_, count)| **count > 0)
        .collect();
    let [(counter, 2)] = counted[..] else {
        panic!("{counted:?}")
    };
    assert_eq!(
        (counter.detector.as_str(), counter.action, counter.mode),
        ("us_ssn", "quarantine", "act")
    );
}

/// In report mode records pass byte by byte, and all is counted.
#[test]
fn reporting_changes_nothing() {
    let asked = AskedPii {
        report: true,
        default_action: Action::Mask,
        ..all()
    };
    let request = to_protobuf(
        Signal::Traces,
        spans(&["to ann@example.org", "to ann@example.org"]).as_bytes(),
    )
    .unwrap();
    let mut rewriter = rewriter(asked);
    let mut out = Vec::new();
    let done = rewriter
        .transform(Signal::Traces, &request, &mut out)
        .unwrap();
    assert_eq!((done.items, out.len()), (2, 0));
    let pii = rewriter.rules().pii().unwrap();
    let counts = pii.counters().iter().zip(rewriter.pii_counts());
    let mails = counts
        .filter(|(counter, _)| counter.detector == "email")
        .map(|(counter, count)| (counter.mode, *count));
    assert_eq!(mails.collect::<Vec<_>>(), [("report", 2)]);
    // One in shadow doesn't hide another.
    let shadow = AskedDetector {
        name: "url".into(),
        shadow: true,
        ..AskedDetector::default()
    };
    attributes(
        with(vec![shadow]),
        &text("a", "https://example.org/ann@example.org"),
        &text("a", "https://example.org/****"),
    );
}

/// What was masked or hashed is found by no detector again.
#[test]
fn once_is_enough() {
    let texts = [
        "card 4111 1111 1111 1111, cvv 123, valid thru 12/27",
        "phone: +1 (212) 555-0199 fax 030 123456",
        "SSN 536-22-1234, ITIN 912-70-1234",
        "ann@example.org from 10.1.2.3 and 2001:db8::1",
        "iban GB82WEST12345698765432",
        "https://ann:pw12@example.org/users/77?q=1",
        "born 1985-03-12 in zip 90210",
        "MRN: A1234567 NPI 1234567893 DEA AB1234563",
        "password=hunter22&token=aB3dE5gH7jK9mN2pQ4",
        "NHS number 943 476 5919",
    ];
    for action in [Action::Mask, Action::Hash] {
        let asked = || AskedPii {
            default_action: action,
            ..all()
        };
        for text in texts {
            let (once, _) = rewritten(asked(), Signal::Traces, &span(&self::text("a", text)));
            let (twice, _) = rewritten(asked(), Signal::Traces, &once);
            assert_eq!(once, twice, "{text}");
            assert_ne!(once, span(&self::text("a", text)));
        }
    }
}

#[test]
fn problems_are_told_all_at_once() {
    let asked = AskedPii {
        packs: vec![Pack::Pci],
        detectors: vec![
            detector("cvv", Action::Hash),
            detector("emial", Action::Mask),
            detector("us_zip", Action::Tokenise),
            AskedDetector {
                name: "mine".into(),
                pattern: Some("a*".into()),
                ..AskedDetector::default()
            },
            AskedDetector {
                name: "yours".into(),
                pattern: Some("(".into()),
                ..AskedDetector::default()
            },
        ],
        keys: vec![redact::pii::NamedKey {
            id: "k 1".into(),
            key: redact::HashKey(b"short".to_vec()),
        }],
        skip_keys: vec!["a.*.b".into(), "*".into()],
        ..AskedPii::default()
    };
    let problems = redact::pii::Pii::compile(&asked).unwrap_err();
    let messages: Vec<_> = problems
        .iter()
        .map(|problem| format!("{:?} {}", problem.at, problem.message))
        .collect();
    let expected = [
        "Action(0) hash would store",
        "Detector(1) \"emial\" is no detector (did you mean \"email\"?), and",
        "Action(2) tokenise needs",
        "Pattern(3) matches the empty text",
        "Pattern(4) is not a usable pattern",
        "SkipKeys \"a.*.b\" has a *",
        "SkipKeys \"*\" holds every key",
        "KeyId(0) \"k 1\" is no id",
        "Key(0) has 5 bytes",
    ];
    assert_eq!(messages.len(), expected.len(), "{messages:#?}");
    for (message, expected) in messages.iter().zip(expected) {
        assert!(message.starts_with(expected), "{message}\n{expected}");
    }
}

/// What one span got wrong says nothing about the next one.
#[test]
fn a_refused_item_leaves_nothing_behind() {
    let good = to_protobuf(
        Signal::Traces,
        span(r#"{"key":"n","value":{"intValue":"123456789"}}"#).as_bytes(),
    )
    .unwrap();
    // A span whose attribute `ssn` has a text that is no UTF-8.
    let bad_span = b"\x2a\x01a\x4a\x0b\x0a\x03ssn\x12\x04\x0a\x02\xff\xff";
    let mut scope = vec![0x12, bad_span.len() as u8];
    scope.extend_from_slice(bad_span);
    let scope_of_good = &good[4..];
    scope.extend_from_slice(scope_of_good);
    let mut resource = vec![0x12, scope.len() as u8];
    resource.extend_from_slice(&scope);
    let mut request = vec![0x0a, resource.len() as u8];
    request.extend_from_slice(&resource);
    let mut rewriter = rewriter(all());
    for _ in 0..3 {
        let Err(Refused::Items { numbers, items, .. }) =
            rewriter.transform(Signal::Traces, &request, &mut Vec::new())
        else {
            panic!("a text that is none passed");
        };
        assert_eq!(
            (numbers.as_slice(), items),
            (std::slice::from_ref(&(0..1)), 2)
        );
        assert!(
            rewriter.pii_counts().iter().all(|count| *count == 0),
            "the number of the second span was taken for a social security number"
        );
    }
}
