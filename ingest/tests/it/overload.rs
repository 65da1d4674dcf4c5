//! Ten times the load that fits: what is taken stays within the limit, what isn't is refused, and everybody is served in the end.

use std::time::Duration;

use tonic::Code;

use crate::bus::Mode;
use crate::client::{TRACES, call, connect_h2, framed};
use crate::samples::{gzip, spans};
use crate::server::Server;

const MEMORY: usize = 4 << 20;
const REQUESTS: usize = 120;

/// Sends requests that inflate to ten times the limit, on many connections, to a bus that takes nothing for now.
async fn check(encoding: &'static str, body: bytes::Bytes, request_bytes: usize) {
    let server = Server::start_with(|raw| {
        raw.memory_limit.0 = MEMORY as u64;
        raw.request_bytes_max.0 = (MEMORY / 4) as u64;
    })
    .await;
    assert!(REQUESTS * request_bytes > 10 * MEMORY);
    server.bus.set(Mode::Hold);
    let (done, mut results) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..REQUESTS {
        let (address, body, done) = (server.grpc, body.clone(), done.clone());
        tokio::spawn(async move {
            let mut client = connect_h2(address).await;
            let answer = call(
                &mut client,
                address,
                TRACES,
                &[("grpc-encoding", encoding)],
                body,
            )
            .await;
            done.send(answer.grpc()).unwrap();
        });
    }
    // As long as the bus holds everything back, only refusals come.
    let fits = MEMORY * 3 / 4 / request_bytes;
    let mut refused = 0;
    while refused < REQUESTS - fits - 1 {
        let status = results.recv().await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        refused += 1;
        assert!(server.counter(ingest::names::IN_FLIGHT_BYTES, "") <= MEMORY as u64 * 3 / 4);
    }
    let held: usize = server
        .bus
        .records()
        .iter()
        .map(|(_, record)| record.value.len())
        .sum();
    assert!(held <= MEMORY, "{held}");
    server.bus.set(Mode::Acknowledge);
    server.bus.release();
    let mut served = 0;
    while refused + served < REQUESTS {
        // What was packed when the bus changed its mind is released with the rest.
        server.bus.release();
        match results.recv().await.unwrap() {
            Ok(_) => served += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::Unavailable);
                refused += 1;
            }
        }
    }
    assert!(served > 0);
    server.assert_counters_close();
}

#[tokio::test]
async fn ten_times_the_memory_in_plain_requests() {
    let message = spans(8000);
    check("identity", framed(false, &message), message.len()).await;
}

#[tokio::test]
async fn ten_times_the_memory_in_requests_that_inflate() {
    let message = spans(8000);
    check("gzip", framed(true, &gzip(&message)), message.len()).await;
}

/// A sender that stops in the middle is let go, with its memory.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server =
        Server::start_with(|raw| raw.read_timeout = runtime::config::Duration::from_millis(50))
            .await;
    let stream = tokio::net::TcpStream::connect(server.http).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 50000000\r\n\r\nxx";
    let (mut read, mut write) = stream.into_split();
    tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes())
        .await
        .unwrap();
    let mut answer = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer);
    tokio::time::timeout(Duration::from_secs(10), reading)
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    server.assert_counters_close();
}
