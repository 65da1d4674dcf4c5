//! Signatures of AWS, verified by botocore, and keys that expire. What the environment says is a process's own, so each test runs in a child.

use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::Signal;
use serde_json::{Value, json};

use super::issuer::{Issuer, Known, SECRET};
use super::tokens::check;
use crate::support::backend::{Answer, Backend, Received};
use crate::support::telemetry::{count, gauge, ids, one_log, spans};
use crate::support::{
    PREFIX_VARIABLE, QUICK, Running, all_committed, dead_letters, eventually, open_bus, prefix,
    publish, tls,
};

const CHILD: &str = "EXPORT_TEST_CREDENTIALS";

/// Runs a test of this module as a process of its own, with these variables. False: this is that process.
#[track_caller]
fn in_child(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var(CHILD).is_ok_and(|value| value == test) {
        return false;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("credentials::aws::{test}"),
            "--nocapture",
        ])
        .env(CHILD, test)
        .env(PREFIX_VARIABLE, format!("{}-{test}", prefix()))
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
    true
}

const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_SESSION_TOKEN", "session/token+=="),
];

/// A request as botocore is shown it.
fn shown(received: &Received, scheme: &str, service: &str) -> Value {
    let mut headers: serde_json::Map<String, Value> = (received.headers.iter())
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    headers.insert("host".to_owned(), received.host.clone().into());
    json!({
        "method": "POST",
        "url": format!("{scheme}://{}{}", received.host, received.target),
        "headers": headers,
        "body": STANDARD.encode(&received.wire),
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": SECRET,
        "region": "eu-west-1",
        "service": service,
    })
}

/// Each request's signature, of what is on the wire, is what AWS would compute.
#[track_caller]
fn check_signed(name: &str, backend: &Backend, scheme: &str, section: &str) {
    let Ok(python) = tests::botocore::python() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..50).map(|id| spans([id], 100)));
    publish(&*bus, Signal::Logs, 0, [one_log("a")]);
    let auth = "auth: {aws: {region: eu-west-1, service: xray}}";
    let address = backend.address.port();
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, signals: [traces, logs], otlp_http: {{endpoint: '{scheme}://localhost:{address}/a%20b/%C3%A9?x=1&a=%2F', {auth}, {section}}}, \
             batch: {{items: 7, timeout: 1ms}}}}"
        )],
    );
    for signal in [Signal::Traces, Signal::Logs] {
        all_committed(&*bus, name, signal);
    }
    running.stop();
    let received = backend.received();
    let requests: Vec<_> = received
        .iter()
        .map(|one| shown(one, scheme, "xray"))
        .collect();
    assert!(requests.len() >= 8, "{}", requests.len());
    for (said, request) in tests::botocore::verified(&python, &requests)
        .iter()
        .zip(&requests)
    {
        assert_eq!(said, "ok", "{request}");
    }
    // And it would have noticed.
    let mut other = requests[0].clone();
    other["body"] = STANDARD.encode("other").into();
    assert_ne!(tests::botocore::verified(&python, &[other])[0], "ok");
    let traces = received
        .iter()
        .filter(|one| one.path.ends_with("/v1/traces"));
    let arrived = count(traces.flat_map(|one| ids(&one.body)));
    assert_eq!(arrived, count(0..50));
}

#[test]
fn each_request_is_signed() {
    if in_child("each_request_is_signed", &KEYS) {
        return;
    }
    for compression in ["none", "gzip"] {
        let backend = Backend::start(|_| Answer::Accept);
        let section =
            format!("compression: {compression}, headers: {{x-aws-log-group: ' shop   one '}}");
        check_signed(&format!("signed-{compression}"), &backend, "http", &section);
    }
}

/// Remote write, as Amazon Managed Service for Prometheus takes it. A signature that is refused with 400 doesn't say that the receiver speaks version 1
/// alone.
#[test]
fn remote_write_is_signed() {
    let Ok(python) = tests::botocore::python() else {
        return;
    };
    if in_child("remote_write_is_signed", &KEYS) {
        return;
    }
    let refusals = std::sync::atomic::AtomicUsize::new(0);
    let backend =
        Backend::start(
            move |_| match refusals.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => Answer::Http(
                    400,
                    vec![],
                    r#"{"__type":"InvalidSignatureException"}"#.into(),
                ),
                _ => {
                    let written = "x-prometheus-remote-write-samples-written";
                    Answer::Http(204, vec![(written, "3".to_owned())], "".into())
                }
            },
        );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let times = (0..3).map(|sample| (1_700_000_000 + sample) * 1_000_000_000);
    let record = gauge("signed", times.collect::<Vec<_>>());
    publish(&*bus, Signal::Metrics, 0, [record]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: amp, prometheus_remote_write: {{endpoint: 'http://{address}/workspaces/ws-1/api/v1/remote_write', \
             auth: {{aws: {{region: eu-west-1, service: aps}}}}}}, {QUICK}, credentials: {{probe: 50ms}}}}"
        )],
    );
    all_committed(&*bus, "amp", Signal::Metrics);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let received = backend.received();
    assert_eq!(received.len(), 2);
    for one in &received {
        assert_eq!(one.header("x-prometheus-remote-write-version"), "2.0.0");
    }
    let requests: Vec<_> = received
        .iter()
        .map(|one| shown(one, "http", "aps"))
        .collect();
    assert_eq!(tests::botocore::verified(&python, &requests), ["ok", "ok"]);
}

#[test]
fn and_so_it_is_over_http_2() {
    if in_child("and_so_it_is_over_http_2", &KEYS) {
        return;
    }
    let backend = Backend::start_tls(|_| Answer::Accept);
    let section = format!("compression: gzip, tls: {{ca_file: '{}'}}", tls::CA_FILE);
    check_signed("signed-h2", &backend, "https", &section);
    assert!(backend.received().iter().all(|one| one.is_http2));
}

/// Keys of a machine's role, as the metadata service hands them out.
#[test]
fn keys_of_a_machine_are_kept_fresh() {
    let address = format!("127.0.0.1:{}", tests::free_port().unwrap());
    let endpoint = format!("http://{address}");
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*endpoint)];
    if in_child("keys_of_a_machine_are_kept_fresh", &variables) {
        return;
    }
    let own = std::env::var("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap();
    let issuer = Issuer::start(own.trim_start_matches("http://"), Duration::from_secs(3));
    let knows = issuer.clone();
    // As CloudWatch Logs answers: 400.
    let expired = r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#;
    let backend = Backend::start(move |received| {
        let known = knows.knows(received.header("authorization"));
        match known {
            Known::Valid => Answer::Accept,
            Known::Revoked => Answer::Http(400, vec![], expired.into()),
            Known::Expired | Known::Never => panic!("{known:?}"),
        }
    });
    let section = format!(
        "otlp_http: {{endpoint: 'http://{}', auth: {{aws: {{region: eu-west-1, service: logs}}}}}}",
        backend.address
    );
    check("machine", &issuer, &backend, &section);
}

/// The clock is wrong: some services answer 400 to that, and nothing may go to the dead letters.
#[test]
fn a_wrong_clock_is_named_and_holds() {
    if in_child("a_wrong_clock_is_named_and_holds", &KEYS) {
        return;
    }
    let wrong = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let own = wrong.clone();
    let backend = Backend::start(
        move |_| match own.load(std::sync::atomic::Ordering::SeqCst) {
            true => {
                let body = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 20150830T123600Z is now earlier than 20150830T133600Z"}"#;
                let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned());
                Answer::Http(400, vec![date], body.into())
            }
            false => Answer::Accept,
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: clock, signals: [traces], otlp_http: {{endpoint: 'http://{}', auth: {{aws: {{region: eu-west-1, service: xray}}}}}}, {QUICK}, credentials: {{probe: 50ms}}}}",
            backend.address
        )],
    );
    eventually("the clock is named", || {
        let parts = running.health.parts();
        let part = parts.into_iter().find(|part| part.name == "export/clock");
        let why = part.and_then(|part| part.state.err()).unwrap_or_default();
        why.contains("the answer is of Sun, 06 Nov 1994 08:49:37 GMT")
            && why.contains("set the clock")
    });
    wrong.store(false, std::sync::atomic::Ordering::SeqCst);
    all_committed(&*bus, "clock", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..20));
}
