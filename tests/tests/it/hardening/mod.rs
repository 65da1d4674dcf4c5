//! Attacks that brought other servers down, played against the binary: memory stays within its limit, honest clients are served meanwhile, and the
//! process is idle again within ten seconds.
//!
//! Run by `.ci/full`, one at a time: `cargo test -p tailwater-tests --test it hardening -- --ignored --test-threads 1`.
//!
//! CVE-2024-36129 (bombs of each codec), CVE-2023-44487 (rapid reset), RUSTSEC-2024-0332 (CONTINUATION), RUSTSEC-2024-0003 (resets that pile up),
//! CVE-2025-8671 (MadeYouReset: faulty frames make the server reset), CVE-2026-33186 (a path without its slash), RUSTSEC-2024-0399 and 2024-0336
//! (ClientHellos that don't end), RUSTSEC-2024-0376 (accept fails), empty DATA, silent sockets.

mod bombs;
mod frames;
mod http2;
mod paths;
mod sockets;
mod tls;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;
use tests::world::World;

const MIB: u64 = 1 << 20;
const MEMORY_LIMIT: u64 = 64 * MIB;
/// What the process may have beside requests: the embedded bus and the honest load's records in it, the allocator, buffers of the attackers'
/// connections.
const BESIDE: u64 = 96 * MIB;
/// Of each port.
const CONNECTIONS_MAX: usize = 256;
const IDLE_WITHIN: Duration = Duration::from_secs(10);
const SERVED_WITHIN: Duration = Duration::from_secs(10);
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

/// Plays an attack against `tailwater ingest`, with honest load beside it all the time.
fn check(attack: impl FnOnce(&Tailwater)) {
    let load = |process: &Tailwater| Load::start(process.grpc_endpoint(), 1, 1000.0);
    check_with(|_, _| (), load, attack);
}

/// The same against another configuration, and with whoever is honest there. What the attack leaves open stays so until the process is idle.
fn check_with<H: Honest, T>(
    configure: impl FnOnce(&World, &mut Value),
    honest: impl FnOnce(&Tailwater) -> H,
    attack: impl FnOnce(&Tailwater) -> T,
) {
    let mut world = World::embedded();
    world.config["ingest"] = json!({
        "memory_limit": "64MiB",
        "request_bytes_max": "16MiB",
        "connections_max": CONNECTIONS_MAX,
        "connections_per_peer_max": 4096,
    });
    let mut process = world.process("ingest", "victim");
    let mut config = process.configuration();
    configure(&world, &mut config);
    process.configure(&config.to_string());
    process.start_and_wait();
    let honest = honest(&process);
    wait_until("honest load", SERVED_WITHIN, || honest.sent() > 500);
    let before = process.peak_memory_bytes();
    let left_open = attack(&process);
    let sent = honest.sent();
    wait_until("honest load to go on", SERVED_WITHIN, || {
        honest.sent() > sent + 1000
    });
    assert!(process.is_running(), "it ended");
    wait_until("a ready process", SERVED_WITHIN, || process.is_ready());
    honest.stop();
    wait_until("an idle process", IDLE_WITHIN, || is_idle(&process));
    drop(left_open);
    let peak = process.peak_memory_bytes();
    assert!(
        peak < before + MEMORY_LIMIT + BESIDE,
        "{} MiB of memory, {} before",
        peak / MIB,
        before / MIB
    );
    assert_eq!(process.stop(), 0);
}

/// Who sends beside an attack, at about a thousand a second.
trait Honest {
    /// Taken so far.
    fn sent(&self) -> u64;
    fn stop(self);
}

impl Honest for Load {
    fn sent(&self) -> u64 {
        Load::sent(self)
    }

    fn stop(self) {
        Load::stop(self);
    }
}

fn is_idle(process: &Tailwater) -> bool {
    busy(process) < 0.1
}

/// How much of a core it takes, over half a second.
fn busy(process: &Tailwater) -> f64 {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id().unwrap()));
        let stat = stat.unwrap();
        let fields: Vec<_> = stat[stat.rfind(')').unwrap()..].split(' ').collect();
        // utime and stime, in hundredths of a second (proc(5)).
        fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
    };
    let (begun, before) = (Instant::now(), ticks());
    std::thread::sleep(Duration::from_millis(500));
    let busy = (ticks() - before) as f64 / 100.0;
    busy / begun.elapsed().as_secs_f64()
}

fn post(port: u16, codec: &str, body: &[u8]) -> String {
    exchange(
        connect(port),
        &format!("content-encoding: {codec}\r\n"),
        body,
    )
}

/// A connection on which nobody waits for ever.
fn connect(port: u16) -> TcpStream {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let stream = TcpStream::connect_timeout(&address, ANSWERED_WITHIN).expect("a connection");
    stream.set_read_timeout(Some(ANSWERED_WITHIN)).unwrap();
    stream
}

/// One request over HTTP/1.1, and its answer; empty: there was none.
fn exchange(mut stream: impl Read + Write, headers: &str, body: &[u8]) -> String {
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body);
    let _ = stream.flush();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
