//! Connections on which nothing more comes give their slots back, whatever they have said before.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ingest::names::{CONNECTIONS, CONNECTIONS_CLOSED};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bus::Mode;
use crate::client::{JSON, PROTOBUF, TRACES, connect_h1, connect_h2, grpc, post, request};
use crate::samples::spans;
use crate::server::Server;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

fn millis(millis: u64) -> runtime::config::Duration {
    runtime::config::Duration::from_millis(millis)
}

/// Sends `begin` and then reads to the end, answering PINGs and nothing else.
async fn answer_pings_until_closed(address: SocketAddr, begin: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begin).await.unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut frame = vec![0; length as usize];
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        if head[3] == 6 && head[4] & 1 == 0 {
            let ping = [&[0, 0, 8, 6, 1, 0, 0, 0, 0], &frame[..]].concat();
            if stream.write_all(&ping).await.is_err() {
                return;
            }
        }
    }
}

async fn read_until_closed(address: SocketAddr, begin: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begin).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn closed(server: &Server, reason: &str, count: u64) {
    let label = format!("reason=\"{reason}\"");
    while server.counter(CONNECTIONS_CLOSED, &label) < count {
        tokio::task::yield_now().await;
    }
}

/// On both ports: silence, half a request line, HTTP/2 that says hello and then answers PINGs.
#[tokio::test]
async fn connections_without_a_request_are_closed() {
    let server = Server::start_with(|raw| raw.first_byte_timeout = millis(100)).await;
    let hello = [PREFACE, SETTINGS].concat();
    tokio::join!(
        read_until_closed(server.grpc, b""),
        read_until_closed(server.http, b""),
        read_until_closed(server.grpc, &PREFACE[..10]),
        read_until_closed(server.http, &PREFACE[..10]),
        read_until_closed(server.http, b"POST /v1/tr"),
        read_until_closed(server.http, b"POST /v1/traces HTTP/1.1\r\nhost: a\r\n"),
        answer_pings_until_closed(server.grpc, &hello),
        answer_pings_until_closed(server.http, &hello),
    );
    closed(&server, "first_byte", 8).await;
    assert_eq!(server.counter(CONNECTIONS, ""), 0);
    server.stop().await;
}

/// A connection that was used, then only answers PINGs, or begins a request and doesn't go on.
#[tokio::test]
async fn idle_connections_are_closed() {
    let server = Server::start_with(|raw| {
        raw.connection_idle_timeout = millis(300);
        raw.first_byte_timeout = millis(100);
    })
    .await;
    let mut clients = (connect_h2(server.grpc).await, connect_h1(server.http).await);
    let body = spans(1);
    let send = request(
        http::Version::HTTP_11,
        server.http,
        "POST",
        "/v1/traces",
        &[PROTOBUF],
        body,
    );
    assert_eq!(clients.1.send_request(send).await.unwrap().status(), 200);
    let answer = crate::client::call(
        &mut clients.0,
        server.grpc,
        TRACES,
        &[],
        crate::client::framed(false, &spans(1)),
    );
    assert_eq!(answer.await.grpc().unwrap(), "");
    while clients.0.ready().await.is_ok() || clients.1.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    closed(&server, "idle", 2).await;

    // A whole request, and half of the next.
    let whole = b"POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    stream.write_all(whole).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200");
    while server.counter(CONNECTIONS_CLOSED, "reason=\"headers\"") == 0 {
        // Headers that dribble don't last any longer.
        let _ = stream.write_all(b"P").await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}

/// The body of an opened stream that never comes: the request is refused, then the connection is idle.
#[tokio::test]
async fn streams_without_data_end() {
    let server = Server::start_with(|raw| {
        raw.read_timeout = millis(100);
        raw.connection_idle_timeout = millis(100);
    })
    .await;
    // HEADERS with END_HEADERS and without END_STREAM, as literals that are not indexed.
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", TRACES),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    let head = [0, 0, block.len() as u8, 1, 4, 0, 0, 0, 1];
    let begin = [PREFACE, SETTINGS, &head, &block].concat();
    answer_pings_until_closed(server.grpc, &begin).await;
    closed(&server, "idle", 1).await;
    let refused = server.counter(ingest::names::REFUSED_REQUESTS, "reason=\"slow\"");
    assert_eq!(refused, 1);
    server.stop().await;
}

/// At its age a connection is told to end; what is in flight is answered.
#[tokio::test]
async fn old_connections_end_and_lose_no_answer() {
    let server = Server::start_with(|raw| raw.connection_age_max = millis(200)).await;
    server.bus.set(Mode::Hold);
    let mut client = connect_h2(server.grpc).await;
    let (mut other, address) = (client.clone(), server.grpc);
    let in_flight = tokio::spawn(async move {
        let body = crate::client::framed(false, &spans(3));
        crate::client::call(&mut other, address, TRACES, &[], body).await
    });
    // Requests without an item don't wait for the bus; they are taken until the GOAWAY.
    let empty = || {
        let headers = [("content-type", "application/grpc"), ("te", "trailers")];
        let body = crate::client::framed(false, &[]);
        request(
            http::Version::HTTP_2,
            address,
            "POST",
            TRACES,
            &headers,
            body,
        )
    };
    while client.send_request(empty()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!in_flight.is_finished());
    server.bus.release();
    assert_eq!(in_flight.await.unwrap().grpc().unwrap(), "");
    closed(&server, "age", 1).await;
    assert_eq!(grpc(server.grpc, TRACES, &[]).await.unwrap(), "");
    server.stop().await;
}

/// The slots of both ports are taken by silence, with the timeouts that are set by default: who comes next is served within ten seconds, and
/// the ports don't take each other's slots.
#[tokio::test]
async fn silence_does_not_stop_ingest() {
    let server = Server::start_with(|raw| raw.connections_max = 40).await;
    let mut silent = Vec::new();
    for address in [server.grpc, server.http] {
        for _ in 0..60 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
    }
    let begun = Instant::now();
    let answer = post(server.http, "/v1/traces", JSON, "{}");
    let (answer, call) = tokio::join!(answer, grpc(server.grpc, TRACES, &[]));
    assert_eq!((answer.status.as_u16(), call.unwrap().len()), (200, 0));
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(silent);
    server.stop().await;
}

#[tokio::test]
async fn slots_are_per_port() {
    let server = Server::start_with(|raw| raw.connections_max = 1).await;
    let used = connect_h2(server.grpc).await;
    assert_eq!(
        post(server.http, "/v1/traces", JSON, "{}").await.status,
        200
    );
    drop(used);
    server.stop().await;
}

/// Without a PING in answer to its GOAWAY, HTTP/2 waits for ever.
#[tokio::test]
async fn a_client_that_answers_nothing_holds_up_no_drain() {
    let server = Server::start().await;
    let hello = [PREFACE, SETTINGS].concat();
    let mut silent = Vec::new();
    for address in [server.grpc, server.http] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        // The server's SETTINGS: it has taken the connection for one of HTTP/2.
        stream.read_exact(&mut [0; 9]).await.unwrap();
        silent.push(stream);
    }
    let begun = Instant::now();
    server.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    drop(silent);
}
