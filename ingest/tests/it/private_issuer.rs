//! An issuer of tokens behind a certificate that no system knows: `ingest.auth.oidc.ca_file`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{RawAuth, RawOidc};
use schemas::Topics;

use crate::bus::FakeBus;
use crate::certificates::{Authority, Mounted};
use crate::client::{self, PROTOBUF};
use crate::issuer::{AUDIENCE, Issuer};
use crate::samples::spans;
use crate::server::{Server, quick};

const SOON: Duration = Duration::from_secs(30);

async fn start(issuer: &Issuer, ca_file: Option<PathBuf>) -> Server {
    let oidc = RawOidc {
        issuer: issuer.url.clone(),
        audience: AUDIENCE.into(),
        tenant_claim: Some("tenant".into()),
        ca_file,
    };
    let config = quick(|raw| {
        raw.auth = Some(RawAuth {
            oidc: Some(oidc),
            ..RawAuth::default()
        });
    });
    let bus = FakeBus::new();
    Server::start_on(bus.clone(), Arc::new(bus), Topics::new("tailwater"), config).await
}

async fn post(server: &Server, token: &str) -> u16 {
    let headers = [PROTOBUF, ("authorization", token)];
    let answer = client::http(server.http, "POST", "/v1/traces", &headers, spans(1)).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn an_issuer_of_an_own_authority_is_trusted_by_its_file_alone() {
    let (own, stranger) = (Authority::new(), Authority::new());
    let issuer = Issuer::start_tls(&own.sign(|_| ())).await;
    let token = issuer.token(&issuer.claims());
    let files = Mounted::new(&[("own.pem", &own.pem), ("stranger.pem", &stranger.pem)]);

    let server = start(&issuer, Some(files.path("own.pem"))).await;
    let began = Instant::now();
    while !server.health.is_ready() {
        assert!(began.elapsed() < SOON, "{:?}", server.health.parts());
        tokio::task::yield_now().await;
    }
    assert_eq!(post(&server, &token).await, 200);
    server.stop().await;

    for ca_file in [Some(files.path("stranger.pem")), None] {
        let server = start(&issuer, ca_file).await;
        let failed = |server: &Server| server.counter(ingest::names::ISSUER_FETCHES, "failed");
        let began = Instant::now();
        while failed(&server) == 0 {
            assert!(began.elapsed() < SOON, "{:?}", server.health.parts());
            tokio::task::yield_now().await;
        }
        // Nobody's word counts as long as the issuer's doesn't.
        assert_eq!(post(&server, &token).await, 503);
        let said = format!("{:?}", server.health.parts());
        assert!(
            !server.health.is_ready() && said.contains("waiting for the keys"),
            "{said}"
        );
        server.stop().await;
    }
    assert_eq!(issuer.fetches(), 1);
}
