//! Its section, and what is said of it.
#![allow(clippy::unwrap_used)]

use crate::backends::table::Kind;
use crate::config::tests::{check_problem, check_warning, valid};

#[test]
fn an_endpoint_without_a_scheme_is_encrypted_unless_insecure() {
    for (tls, scheme) in [("{}", "https"), ("{insecure: true}", "http")] {
        let yaml =
            format!("backends: [{{name: a, otlp_grpc: {{endpoint: 'tempo:4317', tls: {tls}}}}}]");
        let Kind::OtlpGrpc(grpc) = &valid(&yaml).backends[0].kind else {
            panic!("not gRPC")
        };
        assert_eq!(grpc.endpoint.scheme_str(), Some(scheme));
        assert_eq!(grpc.endpoint.authority().unwrap(), "tempo:4317");
    }
}

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_problem(
        "otlp_grpc: {}",
        &format!("{b}.otlp_grpc.endpoint: an address is needed"),
    );
    check_problem(
        "otlp_grpc: {endpoint: 'ftp://x'}",
        &format!("{b}.otlp_grpc.endpoint: `ftp://x` is neither"),
    );
    check_problem(
        "otlp_grpc: {endpoint: 'https://x', tls: {insecure: true}}",
        &format!("{b}.otlp_grpc.tls.insecure: contradicts"),
    );
    check_problem(
        "otlp_grpc: {endpoint: 'https://x', tls: {ca_file: /nowhere/ca.pem}}",
        &format!("{b}.otlp_grpc.tls.ca_file: can't read /nowhere/ca.pem"),
    );
    check_problem(
        "otlp_grpc: {endpoint: 'https://x', timeout: 0s}",
        &format!("{b}.otlp_grpc.timeout: 0 leaves"),
    );
}

#[test]
fn the_path_of_a_signal_belongs_to_http() {
    check_warning(
        "otlp_grpc: {endpoint: 'https://h:4317/v1/traces'}",
        Some(("otlp_grpc.endpoint", "path of OTLP over HTTP")),
    );
    check_warning("otlp_grpc: {endpoint: 'https://h:4317'}", None);
}

#[test]
fn certificates_that_nobody_looks_at_are_doubted() {
    check_warning(
        "otlp_grpc: {endpoint: 'https://h', tls: {insecure_skip_verify: true}}",
        Some((
            "otlp_grpc.tls.insecure_skip_verify",
            "takes any certificate",
        )),
    );
    check_warning(
        "otlp_grpc: {endpoint: 'https://h', tls: {insecure_skip_verify: false}}",
        None,
    );
}
