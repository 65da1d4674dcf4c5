//! Start, acknowledgement, drain; tenants.

use std::sync::Arc;
use std::time::Duration;

use runtime::{Drain, Health};

use crate::bus::{FakeBus, Mode};
use crate::client::{TRACES, call, connect_h2, framed, grpc};
use crate::samples::spans;
use crate::server::{Server, quick};

/// Success is said after the bus has said it, not before.
#[tokio::test]
async fn an_answer_waits_for_the_bus() {
    let server = Server::start().await;
    server.bus.set(Mode::Hold);
    let mut answer = tokio::spawn({
        let address = server.grpc;
        async move { grpc(address, TRACES, &spans(50)).await }
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(200), &mut answer)
            .await
            .is_err()
    );
    assert!(!server.bus.records().is_empty(), "it has been handed over");
    server.bus.release();
    assert_eq!(answer.await.unwrap().unwrap(), "");
    server.assert_counters_close();
}

#[tokio::test]
async fn a_bus_that_never_answers_is_unavailable_in_the_end() {
    let server =
        Server::start_with(|raw| raw.publish_timeout = runtime::config::Duration::from_millis(50))
            .await;
    server.bus.set(Mode::Hold);
    let status = grpc(server.grpc, TRACES, &spans(5)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    // The items are still on their way: their memory comes back with the bus's word, and they count as published.
    assert!(server.counter(ingest::names::IN_FLIGHT_BYTES, "") > 0);
    server.bus.release();
    server.assert_counters_close();
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight() {
    let server = Server::start().await;
    server.bus.set(Mode::Hold);
    let mut client = connect_h2(server.grpc).await;
    let address = server.grpc;
    let in_flight = tokio::spawn(async move {
        call(&mut client, address, TRACES, &[], framed(false, &spans(5)))
            .await
            .grpc()
    });
    while server.bus.records().is_empty() {
        tokio::task::yield_now().await;
    }
    server.drain.request();
    // Nobody else comes in.
    while tokio::net::TcpStream::connect(server.grpc).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.running.is_finished());
    while server.bus.spans().len() < 5 {
        tokio::task::yield_now().await;
    }
    server.bus.release();
    assert_eq!(in_flight.await.unwrap().unwrap(), "");
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_key() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = quick(|raw| raw.http.listen = address.to_string());
    let ready = Health::new().part("ingest");
    let bound = ingest::bind(
        config,
        Arc::new(FakeBus::new()),
        schemas::Topics::new("t"),
        ready,
        &Drain::new(),
    )
    .await;
    let error = format!("{:#}", bound.err().unwrap());
    for part in ["OTLP over HTTP", &address.to_string(), "ingest.http.listen"] {
        assert!(error.contains(part), "{error}");
    }
}

/// It asks for its topics when the bus was opened; whatever died since is waited for.
#[tokio::test]
async fn a_bus_that_is_away_when_topics_are_asked_for_is_waited_for() {
    for comes_back in [true, false] {
        let (bus, health, drain) = (FakeBus::new(), Health::new(), Drain::new());
        bus.set(Mode::Fail);
        let bound = tokio::spawn({
            let (bus, ready, drain) = (Arc::new(bus.clone()), health.part("ingest"), drain.clone());
            let topics = schemas::Topics::new("t");
            async move { ingest::bind(quick(|_| ()), bus, topics, ready, &drain).await }
        });
        let says = "waiting for the bus: no broker answers".to_owned();
        while health.parts().first().map(|part| part.state.clone()) != Some(Err(says.clone())) {
            assert!(!bound.is_finished(), "it has not waited");
            tokio::task::yield_now().await;
        }
        match comes_back {
            true => bus.set(Mode::Acknowledge),
            false => drain.request(),
        }
        assert_eq!(bound.await.unwrap().unwrap().is_some(), comes_back);
    }
}

#[tokio::test]
async fn tenants_do_not_share_records() {
    let server = Server::start_with(|raw| {
        raw.tenant_header = Some("X-Scope-OrgID".into());
        raw.linger = runtime::config::Duration::from_millis(50);
    })
    .await;
    let client = connect_h2(server.grpc).await;
    let calls: Vec<_> = [Some("red"), Some("blue"), None, Some("red")]
        .into_iter()
        .map(|tenant| {
            let (mut client, address) = (client.clone(), server.grpc);
            tokio::spawn(async move {
                let headers: Vec<_> = tenant
                    .map(|tenant| ("x-scope-orgid", tenant))
                    .into_iter()
                    .collect();
                call(
                    &mut client,
                    address,
                    TRACES,
                    &headers,
                    framed(false, &spans(20)),
                )
                .await
                .grpc()
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), "");
    }
    let mut counts = std::collections::BTreeMap::new();
    for (_, record) in server.bus.records() {
        let tenant = record
            .headers
            .iter()
            .find(|header| &*header.name == "tailwater.tenant");
        let tenant = tenant.map(|header| String::from_utf8(header.value.to_vec()).unwrap());
        *counts.entry(tenant).or_insert(0) += schemas::otlp::Items::new(&record.value).count();
    }
    let expected = [
        (None, 20),
        (Some("blue".into()), 20),
        (Some("red".into()), 40),
    ];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    let long = "x".repeat(300);
    let mut client = connect_h2(server.grpc).await;
    let answer = call(
        &mut client,
        server.grpc,
        TRACES,
        &[("x-scope-orgid", &long)],
        framed(false, &spans(1)),
    )
    .await;
    assert_eq!(
        answer.grpc().unwrap_err().code(),
        tonic::Code::InvalidArgument
    );
}
