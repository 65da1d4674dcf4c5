//! TLS on both ports: what is served, what is refused, and certificates that change meanwhile.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::Version;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest::names::{CONNECTIONS, CONNECTIONS_CLOSED};
use rcgen::date_time_ymd;
use runtime::names::{CERTIFICATE_EXPIRY, CERTIFICATE_RELOADS};
use runtime::tls::{MinVersion, RawTls};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bus::FakeBus;
use crate::certificates::{Authority, Pair, connect, mounted};
use crate::client::{self, Answer, H2, JSON, TRACES, framed};
use crate::samples::spans;
use crate::server::{Server, quick};

/// Longer than what changes takes to be noticed.
const SOON: Duration = Duration::from_secs(10);

pub async fn h2(address: SocketAddr, config: ClientConfig) -> H2 {
    let stream = connect(address, config).await.unwrap();
    let (_, session) = stream.get_ref();
    assert_eq!(session.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    sender
}

/// One HTTP/1.1 request.
async fn h1(address: SocketAddr, config: ClientConfig) -> Answer {
    let stream = connect(address, config).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = client::request(
        Version::HTTP_11,
        address,
        "POST",
        "/v1/traces",
        &[JSON],
        "{}",
    );
    client::answer(sender.send_request(request).await.unwrap()).await
}

async fn closed(server: &Server, reason: &str, count: u64) {
    let label = format!("reason=\"{reason}\"");
    let began = Instant::now();
    while server.counter(CONNECTIONS_CLOSED, &label) < count {
        assert!(
            began.elapsed() < SOON,
            "{reason}: {}",
            server.counter(CONNECTIONS_CLOSED, &label)
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn both_protocols_are_served_over_tls() {
    let authority = Authority::new();
    let (_files, tls) = mounted(&authority.sign(|_| ()));
    let server = Server::start_with(|raw| raw.tls = Some(tls)).await;
    let mut grpc = h2(server.grpc, authority.client(None, &["h2"])).await;
    let answer = client::call(
        &mut grpc,
        server.grpc,
        TRACES,
        &[],
        framed(false, &spans(3)),
    )
    .await;
    assert_eq!(answer.grpc().unwrap(), "");
    assert_eq!(
        h1(server.http, authority.client(None, &["http/1.1"]))
            .await
            .status,
        200
    );
    // Who says nothing of protocols speaks HTTP/1.1 on this port, and HTTP/2 on the other.
    assert_eq!(
        h1(server.http, authority.client(None, &[])).await.status,
        200
    );
    let mut over_h2 = h2(server.http, authority.client(None, &["h2", "http/1.1"])).await;
    let request = client::request(
        Version::HTTP_2,
        server.http,
        "POST",
        "/v1/traces",
        &[JSON],
        "{}",
    );
    assert_eq!(over_h2.send_request(request).await.unwrap().status(), 200);
    // HTTP/1.1 alone can't be agreed on where gRPC is spoken.
    assert!(
        connect(server.grpc, authority.client(None, &["http/1.1"]))
            .await
            .is_err()
    );
    closed(&server, "handshake", 1).await;
    assert_eq!(server.bus.spans().len(), 3);
    drop((grpc, over_h2));
    server.stop().await;
}

/// A port's own section wins over that of both.
#[tokio::test]
async fn each_port_can_have_its_own_certificate() {
    let (one, other) = (Authority::new(), Authority::new());
    let (_files, both) = mounted(&one.sign(|_| ()));
    let (_more, own) = mounted(&other.sign(|_| ()));
    let server = Server::start_with(|raw| {
        raw.tls = Some(both);
        raw.http.tls = Some(own);
    })
    .await;
    assert!(
        connect(server.grpc, one.client(None, &["h2"]))
            .await
            .is_ok()
    );
    assert!(connect(server.http, one.client(None, &[])).await.is_err());
    assert_eq!(h1(server.http, other.client(None, &[])).await.status, 200);
    server.stop().await;
}

/// Whatever comes in place of a handshake costs its sender the connection, and nobody else anything.
#[tokio::test]
async fn what_is_no_handshake_ends_in_time() {
    let authority = Authority::new();
    let (_files, tls) = mounted(&authority.sign(|_| ()));
    let server = Server::start_with(|raw| {
        raw.tls = Some(tls);
        raw.first_byte_timeout = runtime::config::Duration::from_secs(2);
    })
    .await;
    let send = |address, bytes: &'static [u8]| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    };
    // A record of a handshake that announces 16 MiB; one that stays below the limit and never comes.
    const HUGE: &[u8] = &[22, 3, 1, 0, 4, 1, 255, 255, 255];
    const HALF: &[u8] = &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
    let began = Instant::now();
    tokio::join!(
        send(server.http, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        send(server.grpc, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        send(server.http, HUGE),
        send(server.http, b""),
        send(server.grpc, b""),
        send(server.grpc, HALF),
        async {
            // The others have said nothing yet: they hold up nobody.
            assert_eq!(
                h1(server.http, authority.client(None, &[])).await.status,
                200
            );
            assert!(began.elapsed() < Duration::from_secs(5));
        }
    );
    closed(&server, "handshake", 3).await;
    closed(&server, "first_byte", 3).await;
    while server.counter(CONNECTIONS, "") > 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn client_certificates_are_asked_for_and_verified() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (files, mut tls) = mounted(&authority.sign(|_| ()));
    std::fs::write(files.path("ca.crt"), &authority.pem).unwrap();
    tls.client_ca_file = Some(files.path("ca.crt"));
    let server = Server::start_with(|raw| raw.tls = Some(tls)).await;
    let attempt = async |identity: Option<Pair>| {
        // With TLS 1.3 a client hears only after its own part that it isn't trusted.
        let mut stream = connect(
            server.http,
            authority.client(identity.as_ref(), &["http/1.1"]),
        )
        .await?;
        stream.write_all(b"POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        assert_eq!(&status, b"HTTP/1.1 200");
        std::io::Result::Ok(())
    };
    attempt(Some(authority.sign(|_| ()))).await.unwrap();
    assert!(attempt(None).await.is_err());
    assert!(attempt(Some(stranger.sign(|_| ()))).await.is_err());
    let expired = authority.sign(|params| params.not_after = date_time_ymd(2021, 1, 1));
    assert!(attempt(Some(expired)).await.is_err());
    closed(&server, "handshake", 3).await;
    server.stop().await;
}

#[tokio::test]
async fn the_oldest_version_is_configured() {
    let authority = Authority::new();
    let (_files, mut tls) = mounted(&authority.sign(|_| ()));
    tls.min_version = MinVersion::Tls13;
    let (_more, older) = mounted(&authority.sign(|_| ()));
    let server = Server::start_with(|raw| {
        raw.tls = Some(tls);
        raw.grpc.tls = Some(older);
    })
    .await;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let pem = authority.pem.as_bytes();
    roots
        .add(rustls::pki_types::pem::PemObject::from_pem_slice(pem).unwrap())
        .unwrap();
    let old = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    assert!(connect(server.http, old.clone()).await.is_err());
    assert!(connect(server.grpc, old).await.is_ok());
    server.stop().await;
}

/// The "certificate swapped under load without a failed request"; then what can't be used.
#[tokio::test]
async fn certificates_change_under_load() {
    let (before, after) = (Authority::new(), Authority::new());
    let (files, tls) = mounted(&before.sign(|_| ()));
    let server = Server::start_with(|raw| raw.tls = Some(tls)).await;
    let mut old = h2(server.grpc, before.client(None, &["h2"])).await;
    let next = after.sign(|_| ());
    files.exchange(&[("tls.crt", &next.cert), ("tls.key", &next.key)]);
    let (began, mut requests) = (Instant::now(), 0);
    loop {
        // Connections from before go on, and new ones trust one or the other.
        let answer =
            client::call(&mut old, server.grpc, TRACES, &[], framed(false, &spans(1))).await;
        assert_eq!(answer.grpc().unwrap(), "");
        requests += 1;
        let [new, old] = [&after, &before].map(|authority| authority.client(None, &["h2"]));
        if connect(server.grpc, new).await.is_ok() {
            break;
        }
        assert!(
            connect(server.grpc, old).await.is_ok(),
            "neither certificate"
        );
        assert!(began.elapsed() < SOON, "not exchanged within 10 s");
    }
    assert!(requests > 1);
    assert_eq!(server.counter(CERTIFICATE_RELOADS, "result=\"ok\""), 1);
    let expiry = server.counter(CERTIFICATE_EXPIRY, "tls.crt");
    assert!(expiry > 80 * 365 * 24 * 3600, "{expiry}");

    // A key that doesn't fit: nothing changes, and it is said once, however long it stays.
    files.exchange(&[
        ("tls.crt", &next.cert),
        ("tls.key", &before.sign(|_| ()).key),
    ]);
    let began = Instant::now();
    while server.counter(CERTIFICATE_RELOADS, "result=\"failed\"") == 0 {
        assert!(began.elapsed() < SOON, "not noticed within 10 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        connect(server.grpc, after.client(None, &["h2"]))
            .await
            .is_ok()
    );
    // Mended: what is whole again is taken again.
    let mended = before.sign(|_| ());
    files.exchange(&[("tls.crt", &mended.cert), ("tls.key", &mended.key)]);
    while connect(server.grpc, before.client(None, &["h2"]))
        .await
        .is_err()
    {
        assert!(began.elapsed() < 3 * SOON, "not mended");
    }
    assert_eq!(server.counter(CERTIFICATE_RELOADS, "result=\"failed\""), 1);
    server.stop().await;
}

/// At the start: which file, why, and what to do.
#[tokio::test]
async fn unusable_files_are_told_at_the_start() {
    async fn check(change: impl FnOnce(&mut RawTls, &Authority), file: &str, parts: &[&str]) {
        let authority = Authority::new();
        let (files, mut tls) = mounted(&authority.sign(|_| ()));
        change(&mut tls, &authority);
        let bus = FakeBus::new();
        let (health, drain) = (runtime::Health::new(), runtime::Drain::new());
        let bound = ingest::bind(
            quick(|raw| raw.tls = Some(tls)),
            std::sync::Arc::new(bus),
            schemas::Topics::new("tailwater"),
            health.part("ingest"),
            &drain,
        );
        let error = format!("{:#}", bound.await.map(|_| ()).unwrap_err());
        let named = format!("setting up TLS: {}: ", files.path(file).display());
        assert!(error.starts_with(&named), "{error}, not {named}");
        for part in parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
    fn write(path: &std::path::Path, text: &str) {
        // The link's target.
        let mut file = std::fs::File::create(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    check(
        |tls, _| std::fs::remove_file(&tls.cert_file).unwrap(),
        "tls.crt",
        &["cannot be read (No such file", "check the path"],
    )
    .await;
    check(
        |tls, _| write(&tls.cert_file, "nonsense"),
        "tls.crt",
        &["no certificate in PEM", "-----BEGIN CERTIFICATE-----"],
    )
    .await;
    check(
        |tls, _| write(&tls.key_file, "nonsense"),
        "tls.key",
        &["no private key in PEM", "without a passphrase"],
    )
    .await;
    check(
        |tls, authority| write(&tls.key_file, &authority.sign(|_| ()).key),
        "tls.key",
        &["not the key of the certificate in", "tls.crt"],
    )
    .await;
    check(
        |tls, authority| {
            let pair = authority.sign(|params| params.not_after = date_time_ymd(2021, 1, 1));
            write(&tls.cert_file, &pair.cert);
            write(&tls.key_file, &pair.key);
        },
        "tls.crt",
        &["expired", "years", "renew it"],
    )
    .await;
    check(
        |tls, authority| {
            let pair = authority.sign(|params| params.not_before = date_time_ymd(2100, 1, 1));
            write(&tls.cert_file, &pair.cert);
        },
        "tls.crt",
        &["valid only in", "check this machine's clock"],
    )
    .await;
    check(
        |tls, _| {
            let file = tls.cert_file.with_file_name("ca.crt");
            write(&file, "-----BEGIN CERTIFICATE-----\nnonsense\n");
            tls.client_ca_file = Some(file);
        },
        "ca.crt",
        &["not PEM"],
    )
    .await;
}

/// One address takes its share of the slots, and no more.
#[tokio::test]
async fn a_peer_has_so_many_connections_and_no_more() {
    let server = Server::start_with(|raw| raw.connections_per_peer_max = 2).await;
    let held = (
        client::connect_h1(server.http).await,
        client::connect_h1(server.http).await,
    );
    let mut third = TcpStream::connect(server.http).await.unwrap();
    assert_eq!(third.read(&mut [0]).await.unwrap(), 0, "closed at once");
    closed(&server, "per_peer", 1).await;
    // Each port has its own count.
    assert_eq!(client::grpc(server.grpc, TRACES, &[]).await.unwrap(), "");
    drop(held);
    while server.counter(CONNECTIONS, "http") > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        client::post(server.http, "/v1/traces", JSON, "{}")
            .await
            .status,
        200
    );
    server.stop().await;
}
