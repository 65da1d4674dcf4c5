//! Sections, and what is said of them.

use super::*;

fn check(yaml_as_json: serde_json::Value, hosts: &[&str], expected: &[(&str, &str)]) {
    let raw: RawAuth = serde_json::from_value(yaml_as_json).expect("a section");
    let mut problems = Problems::new();
    let valid = raw.validate(hosts, "auth", &mut problems);
    let found: Vec<_> = problems
        .iter()
        .map(|p| (p.path.clone(), p.message.clone()))
        .collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((path, message), (at, words)) in found.iter().zip(expected) {
        assert_eq!(path, at);
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(valid.is_some(), expected.is_empty());
}

#[test]
fn it_is_one_of_four() {
    use serde_json::json;
    let host = ["xray.eu-west-1.amazonaws.com"];
    check(json!({"aws": {}}), &host, &[]);
    check(json!({"gcp": {}}), &host, &[]);
    check(json!({"azure": {}}), &host, &[]);
    check(
        json!({}),
        &host,
        &[("auth", "exactly one of aws, gcp, azure and oidc")],
    );
    check(
        json!({"aws": {}, "gcp": {}}),
        &host,
        &[("auth", "exactly one")],
    );
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    use serde_json::json;
    check(
        json!({"aws": {"role": "telemetry"}}),
        &["localhost"],
        &[
            (
                "auth.aws.region",
                "is needed, such as eu-west-1: localhost doesn't say it",
            ),
            ("auth.aws.service", "is needed"),
            ("auth.aws.role", "is no ARN"),
        ],
    );
    check(
        json!({"aws": {"region": "eu-west-1", "service": "xray"}}),
        &["localhost"],
        &[],
    );
    check(
        json!({"gcp": {"credentials_file": "/nowhere"}}),
        &[],
        &[("auth.gcp.credentials_file", "can't read /nowhere")],
    );
    check(
        json!({"azure": {"client_secret": "s", "federated_token": "/t", "authority_host": "login"}}),
        &[],
        &[
            ("auth.azure.federated_token", "two proofs"),
            ("auth.azure.authority_host", "is no address"),
        ],
    );
    check(
        json!({"oidc": {"token_url": "idp/token"}}),
        &[],
        &[
            ("auth.oidc.token_url", "is no address"),
            ("auth.oidc.client_id", "is missing"),
            ("auth.oidc.client_secret", "is missing"),
        ],
    );
}
