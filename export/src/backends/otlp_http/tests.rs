//! Its section, and what is said of it.
#![allow(clippy::unwrap_used)]

use schemas::Signal;

use crate::backends::table::Kind;
use crate::config::tests::{check_problem, check_warning, valid};

#[test]
fn an_endpoint_of_a_signal_is_taken_as_it_is() {
    let config = valid(
        "backends: [{name: a, signals: [traces], otlp_http: {traces_endpoint: 'http://h/insert/x?y=1'}}]",
    );
    let Kind::OtlpHttp(http) = &config.backends[0].kind else {
        panic!("not HTTP")
    };
    assert_eq!(http.endpoint(Signal::Traces), "http://h/insert/x?y=1");
}

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_problem(
        "otlp_http: {endpoint: 'http://u:p@x'}",
        &format!("{b}.otlp_http.endpoint: credentials"),
    );
    check_problem(
        "otlp_http: {endpoint: 'http://x y'}",
        &format!("{b}.otlp_http.endpoint: `http://x y` is not an address"),
    );
    check_problem(
        "otlp_http: {endpoint: 'http://x', headers: {'a b': c}}",
        &format!("{b}.otlp_http.headers.a b: `a b` is not a header name"),
    );
    check_problem(
        "otlp_http: {endpoint: 'http://x', headers: {a: \"c\\nd\"}}",
        &format!("{b}.otlp_http.headers.a: the value holds"),
    );
    check_problem(
        "otlp_http: {endpoint: 'http://x', headers: {Content-Type: text}}",
        &format!("{b}.otlp_http.headers.Content-Type: `content-type` is set"),
    );
}

#[test]
fn an_endpoint_that_is_one_of_a_signal_already_is_doubted() {
    let doubled = |path: &'static str| Some(("otlp_http.endpoint", path));
    for (endpoint, expected) in [
        (
            "https://h/v1/traces",
            doubled("as in https://h/v1/traces/v1/traces"),
        ),
        (
            "https://h:4318/otlp/v1/traces/",
            doubled("ends in /v1/traces"),
        ),
        ("http://h/v1/logs", doubled("ends in /v1/logs")),
        ("h/v1/metrics?token=x", doubled("ends in /v1/metrics")),
        ("https://h/V1/Traces", doubled("ends in /v1/traces")),
        ("https://h/v1/traces/v2", None),
        ("https://h/api/otlp", None),
        ("https://h", None),
    ] {
        check_warning(&format!("otlp_http: {{endpoint: '{endpoint}'}}"), expected);
    }
    // Whole addresses are what they are, and then nothing is appended.
    check_warning(
        "signals: [traces], otlp_http: {traces_endpoint: 'https://h/v1/traces', endpoint: 'https://h/v1/traces'}",
        None,
    );
}

#[test]
fn certificates_that_nobody_looks_at_are_doubted() {
    check_warning(
        "otlp_http: {endpoint: 'https://h', tls: {insecure_skip_verify: true}}",
        Some((
            "otlp_http.tls.insecure_skip_verify",
            "takes any certificate",
        )),
    );
    check_warning(
        "otlp_http: {endpoint: 'https://h', tls: {insecure_skip_verify: false}}",
        None,
    );
}
