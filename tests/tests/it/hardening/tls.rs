//! TLS that is begun and never agreed on.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;

use super::{CONNECTIONS_MAX, SERVED_WITHIN, check_with, connect, exchange};

/// The time that a connection has until its first request, and a little.
const FREE_WITHIN: Duration = Duration::from_secs(20);

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16).to_be_bytes();
    [&[kind, 3, 1], &length[..], content].concat()
}

/// Of a client that trusts this certificate alone.
fn client(made: &CertifiedKey<KeyPair>) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

/// What an attacker says, and then nothing more: noise, other protocols, and ClientHellos that break off, in one record or in many.
fn beginning(hello: &[u8], number: usize) -> Vec<u8> {
    let content = &hello[5..];
    // Neither part is empty.
    let cut = 1 + number * 7 % (content.len() - 1);
    match number % 8 {
        0 => {
            let mut noise = fastrand::Rng::with_seed(number as u64);
            (0..300).map(|_| noise.u8(..)).collect()
        }
        1 => b"POST /v1/traces HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
        2 => hello[..5 + cut].to_vec(),
        3 => Vec::new(),
        // In pieces of a byte.
        4 => content[..cut]
            .iter()
            .flat_map(|byte| record(HANDSHAKE, &[*byte]))
            .collect(),
        // The whole of it in two records, and no answer to the answer.
        5 => {
            let (first, second) = content.split_at(cut);
            [record(HANDSHAKE, first), record(HANDSHAKE, second)].concat()
        }
        // Half of it, and "close": a warning, 0.
        6 => [record(HANDSHAKE, &content[..cut]), record(ALERT, &[1, 0])].concat(),
        // A handshake of 16 MiB, of which 16 KiB come.
        _ => record(
            HANDSHAKE,
            &[&[1, 0xff, 0xff, 0xff], &vec![0; 16_000][..]].concat(),
        ),
    }
}

fn closed(process: &Tailwater, reason: &str) -> f64 {
    let labels = [("protocol", "http"), ("reason", reason)];
    process
        .metrics()
        .sum(ingest::names::CONNECTIONS_CLOSED, &labels)
}

/// Four times as many as there are slots; they stay open on the attackers' side.
#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn tls_that_is_never_agreed_on() {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut hello = Vec::new();
    client(&made).write_tls(&mut hello).unwrap();
    check_with(
        |world, config| {
            let (cert, key) = (world.path("cert.pem"), world.path("key.pem"));
            std::fs::write(&cert, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            config["ingest"]["http"]["tls"] = json!({"cert_file": cert, "key_file": key});
        },
        |process| Load::start(process.grpc_endpoint(), 1, 1000.0),
        |process| {
            let mut attackers = Vec::new();
            for number in 0..4 * CONNECTIONS_MAX {
                let mut stream = connect(process.http);
                let _ = stream.write_all(&beginning(&hello, number));
                attackers.push(stream);
            }
            let begun = Instant::now();
            let stream = StreamOwned::new(client(&made), connect(process.http));
            let answer = exchange(stream, "", &[]);
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(begun.elapsed() < SERVED_WITHIN, "{:?}", begun.elapsed());
            wait_until("all slots to be free again", FREE_WITHIN, || {
                let open = [("protocol", "http")];
                process.metrics().sum(ingest::names::CONNECTIONS, &open) == 0.0
            });
            let (refused, silent) = (closed(process, "handshake"), closed(process, "first_byte"));
            // Every eighth is of a kind: noise, HTTP, "close" and the sixteen megabytes are refused, the others wait.
            let kind = (CONNECTIONS_MAX / 2) as f64;
            assert!(refused >= 2.0 * kind, "{refused} refused");
            assert!(silent >= 4.0 * kind, "{silent} silent");
            assert!(refused + silent >= 8.0 * kind, "{refused} and {silent}");
            attackers
        },
    );
}
