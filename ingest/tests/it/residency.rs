//! Retention classes: whose telemetry goes to which topics, and what they are told whose class isn't taken.

use std::sync::Arc;

use ingest::names::{REFUSED_REQUESTS, TENANT_BYTES, THROTTLED};
use ingest::{Class, Quota, Quotas, Residency};
use schemas::{Signal, Topics};
use tonic::Code;

use crate::bus::FakeBus;
use crate::client::{self, PROTOBUF, TRACES, connect_h2, details, framed};
use crate::samples::spans;
use crate::server::{Server, quick};

const ORG: &str = "x-scope-orgid";

/// `bank` is of the class `eu`, which is taken; `mill` of `us`, which isn't; everybody else of `default`.
async fn start() -> Server {
    let topics = ["tailwater", "tailwater-eu"].map(Topics::new);
    let mut residency = Residency::new(topics[0].clone(), topics.into(), Class::Taken(0));
    residency.set("bank", Class::Taken(1));
    residency.set("mill", Class::Elsewhere("us".into()));
    let mut quotas = Quotas::default();
    // The smallest bucket: whoever is charged once is throttled.
    let smallest = Some(Quota {
        rate_bytes: 1,
        burst_bytes: 1,
    });
    quotas.set("mill", smallest);
    let bus = FakeBus::new();
    let config = quick(|raw| raw.tenant_header = Some(ORG.into())).with_quotas(quotas);
    Server::start_on(bus.clone(), Arc::new(bus), residency, config).await
}

/// Both protocols refuse it for good and say why; its quota isn't touched, and it isn't let off by it.
#[tokio::test]
async fn a_class_that_is_not_taken_is_forbidden() {
    let server = start().await;
    for attempt in 1..=3 {
        let headers = [PROTOBUF, (ORG, "mill")];
        let answer = client::http(server.http, "POST", "/v1/traces", &headers, spans(10)).await;
        assert_eq!(answer.status, 403);
        let status = answer.rpc_status();
        assert_eq!(status.code, Code::PermissionDenied as i32);
        assert!(status.message.contains("`us`"), "{}", status.message);
        let mut connection = connect_h2(server.grpc).await;
        let body = framed(false, &spans(10));
        let call = client::call(&mut connection, server.grpc, TRACES, &[(ORG, "mill")], body);
        let error = call.await.grpc().unwrap_err();
        assert_eq!(error.code(), Code::PermissionDenied);
        assert_eq!(error.message(), status.message);
        // It is for good: nobody is told to come again.
        assert_eq!(details(&error).retry_seconds(), None);
        let refused = server.counter(REFUSED_REQUESTS, "reason=\"retention_class\"");
        assert_eq!(refused, 2 * attempt);
    }
    assert_eq!(server.counter(THROTTLED, "mill"), 0);
    assert_eq!(server.counter(TENANT_BYTES, "mill"), 0);
    assert!(server.bus.records().is_empty());
    server.assert_counters_close();
    server.stop().await;
}

/// What comes in for several classes at once doesn't share records, and is counted together.
#[tokio::test]
async fn each_class_has_its_topics() {
    let server = start().await;
    for (tenant, path) in [
        ("bank", "/v1/traces"),
        ("shop", "/v1/traces"),
        ("", "/v1/traces"),
        ("bank", "/v1/traces"),
    ] {
        let headers = [PROTOBUF, (ORG, tenant)];
        let answer = client::http(server.http, "POST", path, &headers, spans(50)).await;
        assert_eq!(answer.status, 200);
    }
    let eu = Topics::new("tailwater-eu").raw(Signal::Traces);
    for (at, record) in server.bus.records() {
        let named = |header: &&bus::Header| &*header.name == schemas::headers::TENANT;
        let tenant = record.headers.iter().find(named);
        let of_bank = tenant.is_some_and(|header| header.value == "bank");
        assert_eq!(at.topic == eu, of_bank, "{}", at.topic);
    }
    let topics = server.bus.records();
    let of_eu = topics.iter().filter(|(at, _)| at.topic == eu).count();
    assert!(of_eu > 0 && of_eu < topics.len());
    assert_eq!(server.counter(ingest::names::PUBLISHED, "traces"), 200);
    server.assert_counters_close();
    server.stop().await;
}
