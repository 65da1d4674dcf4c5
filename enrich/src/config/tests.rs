//! The section as a whole, and what is said of it.

use runtime::config::Secret;

use super::*;

/// What is said of a key by which this attribute is hashed.
#[track_caller]
fn check(attribute: &[&str], key: &str, expected: Option<&str>) {
    let mut raw = RawConfig::default();
    raw.redact.hash = RawHash {
        keys: attribute.iter().map(|key| (*key).to_owned()).collect(),
        key: Secret(key.to_owned()),
    };
    let mut problems = Problems::new();
    raw.validate("enrich", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let warnings: Vec<_> = problems.warnings().collect();
    assert_eq!(warnings.len(), usize::from(expected.is_some()), "{key:?}");
    for warning in warnings {
        assert_eq!(warning.path, "enrich.redact.hash.key");
        assert!(
            warning.message.contains(expected.unwrap_or("?")),
            "{warning:?}"
        );
        let shown = !key.trim().is_empty() && warning.message.contains(key);
        assert!(!shown, "the key shows: {warning:?}");
    }
}

#[test]
fn keys_that_hide_nothing_are_doubted() {
    check(&[], "", None);
    check(&[], "short", None);
    check(&["card"], "", Some("is empty"));
    check(&["card"], "  \n", Some("is empty"));
    check(&["card"], "pa55w0rd", Some("is short: 8 bytes"));
    check(&["card"], "fifteen-letters", Some("is short: 15 bytes"));
    check(&["card"], "sixteen--letters", None);
}

fn secret_mask(pattern: &str) -> RawMask {
    RawMask {
        name: "secret".into(),
        pattern: pattern.into(),
        with: "****".into(),
    }
}

#[test]
fn problems_name_the_place_in_the_configuration() {
    let mut raw = RawConfig::default();
    raw.redact.delete = vec!["set.me".into(), String::new()];
    raw.redact.hash.keys = vec!["set.me".into()];
    raw.redact.mask = vec![secret_mask("("), secret_mask("a")];
    raw.redact.mask[1].name = String::new();
    raw.redact.mask[1].with = "$2".into();
    raw.set.resource = [("set.me".to_owned(), RawValue::Int(-7))].into();
    raw.set.item = raw.set.resource.clone();
    let mut problems = Problems::new();
    raw.validate("enrich", &mut problems);
    let mut paths: Vec<_> = (problems.iter())
        .map(|problem| problem.path.as_str())
        .collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "enrich.redact.delete",
            "enrich.redact.hash.keys",
            "enrich.redact.mask[0].pattern",
            "enrich.redact.mask[1].name",
            "enrich.redact.mask[1].with",
            "enrich.set.item",
            "enrich.set.resource",
        ]
    );
}

/// An empty key is no key that others know: nobody can repeat the hash without the process's own secret.
#[test]
fn a_hash_rule_without_a_secret_uses_a_random_one() {
    let hashed = |key: &str| {
        let mut raw = RawConfig::default();
        raw.redact.hash.keys = vec!["user.id".into()];
        raw.redact.hash.key = Secret(key.into());
        let mut problems = Problems::new();
        let config = raw.validate("enrich", &mut problems);
        assert!(problems.is_empty());
        let json = br#"{"resourceSpans": [{
            "resource": {"attributes": [{"key": "user.id", "value": {"stringValue": "user-17"}}]},
            "scopeSpans": [{"spans": [{}]}]
        }]}"#;
        let request = schemas::json::to_protobuf(schemas::Signal::Traces, json).expect("OTLP");
        let mut out = Vec::new();
        redact::Rewriter::new(config.rules)
            .transform(schemas::Signal::Traces, &request, &mut out)
            .expect("a sound request");
        assert!(!out.windows(7).any(|part| part == b"user-17"));
        out
    };
    assert_eq!(hashed(""), hashed(""));
    assert_ne!(hashed(""), hashed("0123456789abcdef"));
}

#[test]
fn secrets_are_not_shown() {
    let mut raw = RawConfig::default();
    raw.redact.hash.key = Secret("a secret of sixteen bytes".to_owned());
    assert!(!format!("{raw:?}").contains("sixteen"));
    let json = serde_json::to_string(&raw).expect("JSON");
    assert!(!json.contains("sixteen"));
}
