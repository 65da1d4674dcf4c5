//! Access tokens of Google Cloud, Microsoft Entra and an OpenID provider, over HTTP and gRPC.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Bus;
use schemas::Signal;
use tonic::Status;

use super::issuer::{Issuer, Known};
use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{ids, one_log, spans};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, metric, open_bus, publish,
};

/// A backend that takes requests with credentials that are valid.
pub fn strict(issuer: &Issuer, refusal: Answer) -> Backend {
    let issuer = issuer.clone();
    Backend::start(
        move |received| match issuer.knows(received.header("authorization")) {
            Known::Valid => Answer::Accept,
            _ => refusal.clone(),
        },
    )
}

/// Publishes spans, a few at a time.
pub struct Spans<'a> {
    pub bus: &'a dyn Bus,
    pub backend: &'a str,
    next: u64,
}

impl<'a> Spans<'a> {
    pub fn new(bus: &'a Arc<dyn Bus>, backend: &'a str) -> Self {
        Self {
            bus: &**bus,
            backend,
            next: 0,
        }
    }

    pub fn publish(&mut self) {
        let records = (self.next..self.next + 5).map(|id| spans([id], 0));
        publish(self.bus, Signal::Traces, 0, records);
        self.next += 5;
    }

    pub fn all_arrived(&self, backend: &Backend) {
        all_committed(self.bus, self.backend, Signal::Traces);
        let accepted = backend.accepted();
        let accepted: BTreeSet<_> = accepted.iter().flat_map(|body| ids(body)).collect();
        assert_eq!(accepted, (0..self.next).collect());
        assert_eq!(dead_letters(self.bus).len(), 0);
        assert_eq!(metric(export::names::DEAD_LETTERED, self.backend), 0.0);
    }
}

/// Short lives, a source that is down for longer than one, and a refusal in between: everything arrives, soon, and no request carries what has expired.
/// `section` gets the address of a backend.
#[track_caller]
pub fn check(name: &str, issuer: &Issuer, backend: &Backend, section: &str) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, signals: [traces], {section}, {QUICK}}}"
        )],
    );
    let mut spans = Spans::new(&bus, name);
    spans.publish();
    all_committed(&*bus, name, Signal::Traces);
    eventually("it is refreshed", || {
        spans.publish();
        issuer.issued() > 2
    });
    let left = metric(export::names::CREDENTIALS_EXPIRE, name);
    assert!(left > 0.0 && left <= 3.0, "{left} s are left");

    issuer.fail(true);
    eventually("the last one ends", || {
        spans.publish();
        issuer.is_over()
    });
    spans.publish();
    eventually("it says why nothing is sent", || {
        let parts = running.health.parts();
        let part = parts
            .into_iter()
            .find(|part| part.name == format!("export/{name}"));
        let why = part.and_then(|part| part.state.err());
        why.is_some_and(|why| why.contains("there are no valid credentials") && why.contains("500"))
    });
    issuer.fail(false);
    all_committed(&*bus, name, Signal::Traces);

    // Well before the next probe, which is due after a minute.
    let revoked = Instant::now();
    issuer.revoke();
    spans.publish();
    all_committed(&*bus, name, Signal::Traces);
    assert!(revoked.elapsed() < Duration::from_secs(30));
    running.stop();
    spans.all_arrived(backend);
    for received in backend.received() {
        // When that was decided it may have been revoked; it never is now.
        let known = issuer.knows(received.header("authorization"));
        assert_ne!(known, Known::Never, "{:?}", received.headers);
    }
}

/// As [`check`], and no request carried credentials that had expired then.
#[track_caller]
fn check_at(name: &str, kind: &str, refusal: Answer, auth: impl FnOnce(&Issuer, &Path) -> String) {
    let dir = tempfile::tempdir().unwrap();
    let issuer = Issuer::start("127.0.0.1:0", Duration::from_secs(3));
    let auth = auth(&issuer, dir.path());
    let expired = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (own, counted) = (issuer.clone(), expired.clone());
    let backend =
        Backend::start(
            move |received| match own.knows(received.header("authorization")) {
                Known::Valid => Answer::Accept,
                Known::Revoked => refusal.clone(),
                Known::Expired | Known::Never => {
                    counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    refusal.clone()
                }
            },
        );
    let address = backend.address;
    let section = format!("{kind}: {{endpoint: 'http://{address}', {auth}}}");
    check(name, &issuer, &backend, &section);
    assert_eq!(expired.load(std::sync::atomic::Ordering::SeqCst), 0);
}

fn oidc(issuer: &Issuer) -> String {
    format!(
        "auth: {{oidc: {{token_url: '{}/token', client_id: c, client_secret: s}}}}",
        issuer.url()
    )
}

/// The key of a service account, made by openssl.
fn service_account(issuer: &Issuer, folder: &Path) -> String {
    let key = std::process::Command::new("openssl")
        .args(["genpkey", "-quiet", "-algorithm", "RSA"])
        .args(["-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .unwrap();
    assert!(key.status.success(), "{key:?}");
    let account = serde_json::json!({
        "type": "service_account",
        "client_email": "tailwater@p.iam.gserviceaccount.com",
        "private_key": String::from_utf8(key.stdout).unwrap(),
        "token_uri": format!("{}/token", issuer.url()),
    });
    let file = folder.join("account.json");
    std::fs::write(&file, account.to_string()).unwrap();
    file.display().to_string()
}

#[test]
fn tokens_of_an_openid_provider_are_kept_fresh() {
    check_at("oidc", "otlp_http", http(401), |issuer, _| oidc(issuer));
}

#[test]
fn and_over_grpc() {
    let refusal = Answer::Grpc(Status::unauthenticated("expired"));
    check_at("oidc-grpc", "otlp_grpc", refusal, |issuer, _| oidc(issuer));
}

#[test]
fn tokens_of_a_google_service_account_are_kept_fresh() {
    check_at("gcp-account", "gcp", http(401), |issuer, folder| {
        let file = service_account(issuer, folder);
        format!("project: p, auth: {{gcp: {{credentials_file: '{file}'}}}}")
    });
}

#[test]
fn tokens_of_entra_are_kept_fresh() {
    check_at("entra", "otlp_http", http(403), |issuer, folder| {
        let file = folder.join("token");
        std::fs::write(&file, "a.b.c").unwrap();
        let (url, file) = (issuer.url(), file.display());
        format!(
            "auth: {{azure: {{tenant_id: t, client_id: c, federated_token: '{file}', authority_host: '{url}'}}}}"
        )
    });
}

/// Both signals of a backend and its standby use one token.
#[test]
fn one_source_serves_all_signals_and_standbys() {
    let issuer = Issuer::start("127.0.0.1:0", Duration::from_secs(3600));
    let own = Backend::start(|_| http(503));
    let standby = strict(&issuer, http(401));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..5, 0)]);
    publish(&*bus, Signal::Logs, 0, [one_log("a")]);
    let section = |backend: &Backend| {
        format!(
            "otlp_http: {{endpoint: 'http://{}', {}}}",
            backend.address,
            oidc(&issuer)
        )
    };
    let running = Running::start(
        &bus,
        &[
            format!(
                "{{name: shared, {}, {QUICK}, failover: {{to: [shared-standby], after: 10ms, back_after: 1h}}}}",
                section(&own)
            ),
            format!(
                "{{name: shared-standby, standby: true, {}}}",
                section(&standby)
            ),
        ],
    );
    for signal in [Signal::Traces, Signal::Logs] {
        all_committed(&*bus, "shared", signal);
    }
    running.stop();
    assert!(standby.accepted().len() >= 2 && !own.received().is_empty());
    assert_eq!(issuer.issued(), 1);
    for received in own.received().iter().chain(&standby.received()) {
        assert_eq!(received.header("authorization"), "Bearer token-0");
    }
}

/// A source that hands out the same useless token again and again: the backend is held as ever, and its source isn't asked all the time.
#[test]
fn what_is_refused_again_and_again_is_held() {
    let issuer = Issuer::start("127.0.0.1:0", Duration::from_secs(3600));
    let backend = Backend::start(|_| http(403));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let address = backend.address;
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: useless, signals: [traces], otlp_http: {{endpoint: 'http://{address}', {}}}, {QUICK}, credentials: {{probe: 20ms}}}}",
            oidc(&issuer)
        )],
    );
    eventually("everything is refused", || {
        metric(export::names::BREAKER_STATE, "useless") == 2.0
    });
    backend.wait("twenty probes", |received| received.len() > 25);
    running.stop();
    assert!(issuer.issued() <= 3, "{} tokens", issuer.issued());
    assert_eq!(dead_letters(&*bus).len(), 0);
}
