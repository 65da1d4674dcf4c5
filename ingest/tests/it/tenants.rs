//! Rates by tenant: who sends too much is told when to come back, and nobody else notices.

use std::time::{Duration, Instant};

use ingest::names::{REFUSED_REQUESTS, TENANT_BYTES, THROTTLED};
use ingest::{Quota, Quotas};
use tonic::Code;

use crate::bus::{FakeBus, Mode};
use crate::client::{self, PROTOBUF, TRACES, connect_h1, connect_h2, details, framed};
use crate::samples::{gzip, spans};
use crate::server::{Server, quick};

const ORG: &str = "x-scope-orgid";

async fn start(quotas: &[(&str, u64)]) -> Server {
    let mut all = Quotas::default();
    for (name, rate) in quotas {
        let quota = Some(Quota {
            rate_bytes: *rate,
            burst_bytes: *rate,
        });
        match *name {
            "default" => all.set_default(quota),
            name => all.set(name, quota),
        }
    }
    let bus = FakeBus::new();
    let topics = schemas::Topics::new("tailwater");
    let config = quick(|raw| raw.tenant_header = Some(ORG.into())).with_quotas(all);
    Server::start_on(bus.clone(), std::sync::Arc::new(bus), topics, config).await
}

async fn post(
    server: &Server,
    tenant: &str,
    body: Vec<u8>,
    more: &[(&str, &str)],
) -> client::Answer {
    let mut headers = vec![PROTOBUF, (ORG, tenant)];
    headers.extend(more);
    client::http(server.http, "POST", "/v1/traces", &headers, body).await
}

/// Both protocols say when to come back; other tenants are taken.
#[tokio::test]
async fn who_sends_too_much_is_told_when_to_come_back() {
    let body = spans(100);
    let server = start(&[("shop", body.len() as u64 / 4)]).await;
    // One request above the burst is taken, and owed for.
    assert_eq!(post(&server, "shop", body.clone(), &[]).await.status, 200);
    let refused = post(&server, "shop", body.clone(), &[]).await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((2..=3).contains(&seconds), "{seconds}");
    let status = refused.rpc_status();
    assert_eq!(status.code, Code::ResourceExhausted as i32);
    assert!(status.message.contains("rate"), "{}", status.message);
    let mut client = connect_h2(server.grpc).await;
    let call = client::call(
        &mut client,
        server.grpc,
        TRACES,
        &[(ORG, "shop")],
        framed(false, &body),
    );
    let error = call.await.grpc().unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    // Without RetryInfo clients would drop it.
    assert!((1..=3).contains(&details(&error).retry_seconds().unwrap()));

    assert_eq!(post(&server, "bank", body.clone(), &[]).await.status, 200);
    assert_eq!(server.counter(THROTTLED, "tenant=\"shop\""), 2);
    assert_eq!(server.counter(THROTTLED, "tenant=\"bank\""), 0);
    assert_eq!(server.counter(REFUSED_REQUESTS, "reason=\"quota\""), 2);
    let bytes = |tenant| server.counter(TENANT_BYTES, &format!("tenant=\"{tenant}\""));
    assert_eq!(
        (bytes("shop"), bytes("bank")),
        (body.len() as u64, body.len() as u64)
    );
    server.assert_counters_close();

    // Once the time has passed, there is some again.
    let began = Instant::now();
    while post(&server, "shop", spans(1), &[]).await.status == 429 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        began.elapsed() > Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    server.stop().await;
}

/// Bytes count before compression: what compresses well isn't cheaper to carry.
#[tokio::test]
async fn compression_buys_nothing() {
    let body = spans(1000);
    let small = gzip(&body);
    assert!(small.len() < body.len() / 4);
    let server = start(&[("default", body.len() as u64 / 2)]).await;
    let encoding = [("content-encoding", "gzip")];
    assert_eq!(
        post(&server, "shop", small.clone(), &encoding).await.status,
        200
    );
    assert_eq!(
        post(&server, "shop", small.clone(), &encoding).await.status,
        429
    );
    // Each tenant without an entry has a bucket of its own, and data without a tenant has one.
    assert_eq!(
        post(&server, "bank", small.clone(), &encoding).await.status,
        200
    );
    assert_eq!(
        post(&server, "", small.clone(), &encoding).await.status,
        200
    );
    assert_eq!(post(&server, "", small, &encoding).await.status, 429);
    assert_eq!(
        server.counter(TENANT_BYTES, "tenant=\"default\""),
        body.len() as u64
    );
    server.stop().await;
}

/// What we refuse for reasons of ours comes again, and is charged once.
#[tokio::test]
async fn refusals_of_the_bus_are_not_charged() {
    let body = spans(10);
    let server = start(&[("shop", body.len() as u64)]).await;
    server.bus.set(Mode::Fail);
    for _ in 0..20 {
        assert_eq!(post(&server, "shop", body.clone(), &[]).await.status, 503);
    }
    assert_eq!(server.counter(TENANT_BYTES, "shop"), 0);
    server.bus.set(Mode::Acknowledge);
    assert_eq!(post(&server, "shop", body.clone(), &[]).await.status, 200);
    // What is malformed is charged: it has cost as much to find out.
    let mut garbage = body.clone();
    garbage.extend([0xff; 3]);
    assert_eq!(post(&server, "bank", garbage, &[]).await.status, 400);
    assert!(server.counter(TENANT_BYTES, "bank") > body.len() as u64);
    server.stop().await;
}

/// The figure: A at ten times its rate leaves B's latency as it is. Tests share their machine with others, so both are measured in turn,
/// in rounds of a few seconds, and the quietest round counts: what A costs B is in every round, what others cost is not. On an idle machine the
/// two agree within 10 %; asserted is half as much again, and 2 ms for the clock's and the scheduler's grain.
#[tokio::test(flavor = "current_thread")]
async fn a_greedy_tenant_leaves_another_alone() {
    let body = spans(20);
    // B sends 100 requests a second; A may send 30, and tries ten times that.
    let rate = 30 * body.len() as u64;
    let server = start(&[("a", rate)]).await;
    async fn p99(server: &Server, body: &[u8]) -> Duration {
        let mut client = connect_h1(server.http).await;
        let mut took = Vec::new();
        for _ in 0..200 {
            let headers = [PROTOBUF, (ORG, "b")];
            let request = client::request(
                http::Version::HTTP_11,
                server.http,
                "POST",
                "/v1/traces",
                &headers,
                body.to_vec(),
            );
            let began = Instant::now();
            let answer = client::answer(client.send_request(request).await.unwrap()).await;
            assert_eq!(answer.status, 200);
            took.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(10).saturating_sub(began.elapsed())).await;
        }
        took.sort();
        took[took.len() * 99 / 100]
    }
    let greedy = |until: tokio::sync::watch::Receiver<bool>| {
        let (address, body) = (server.http, body.clone());
        async move {
            let mut client = connect_h1(address).await;
            let (mut taken, mut refused) = (0, 0);
            while !*until.borrow() {
                let headers = [PROTOBUF, (ORG, "a")];
                let request = client::request(
                    http::Version::HTTP_11,
                    address,
                    "POST",
                    "/v1/traces",
                    &headers,
                    body.clone(),
                );
                let began = Instant::now();
                match client::answer(client.send_request(request).await.unwrap())
                    .await
                    .status
                    .as_u16()
                {
                    200 => taken += 1,
                    429 => refused += 1,
                    other => panic!("{other}"),
                }
                tokio::time::sleep(Duration::from_millis(3).saturating_sub(began.elapsed())).await;
            }
            (taken, refused)
        }
    };
    let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
    for round in 0..5 {
        alone = alone.min(p99(&server, &body).await);
        let (stop, until) = tokio::sync::watch::channel(false);
        let a = tokio::spawn(greedy(until));
        beside = beside.min(p99(&server, &body).await);
        stop.send_replace(true);
        let (taken, refused) = a.await.unwrap();
        assert!(
            refused > taken,
            "A was not held back: {taken} taken, {refused} refused"
        );
        println!(
            "round {round}: p99 of B {alone:?} alone, {beside:?} beside A ({taken} taken, {refused} refused)"
        );
        if round > 0 && beside < alone.mul_f64(1.1) {
            break;
        }
    }
    assert!(
        beside < alone.mul_f64(1.5) + Duration::from_millis(2),
        "{beside:?} beside A, {alone:?} alone"
    );
    server.stop().await;
}
