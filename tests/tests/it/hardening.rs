//! Attacks that brought other servers down, played against the binary: memory stays within its limit, honest clients are served meanwhile, and the
//! process is idle again within ten seconds.
//!
//! Run by `.ci/full`, one at a time: `cargo test -p tailwater-tests --test it hardening -- --ignored --test-threads 1`.
//!
//! CVE-2024-36129 (bombs of each codec), CVE-2023-44487 (rapid reset), RUSTSEC-2024-0332 (CONTINUATION), RUSTSEC-2024-0003 (resets that pile up),
//! CVE-2025-8671 (MadeYouReset: faulty frames make the server reset), empty DATA, silent sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;
use tests::world::World;

const MIB: u64 = 1 << 20;
const MEMORY_LIMIT: u64 = 64 * MIB;
/// What the process may have beside requests: the embedded bus and the honest load's records in it, the allocator, buffers of the attackers'
/// connections.
const BESIDE: u64 = 96 * MIB;
const IDLE_WITHIN: Duration = Duration::from_secs(10);
const SERVED_WITHIN: Duration = Duration::from_secs(10);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Plays an attack against `tailwater ingest`, with honest load beside it all the time.
fn check(attack: impl FnOnce(&Tailwater)) {
    let mut world = World::embedded();
    world.config["ingest"] = json!({
        "memory_limit": "64MiB",
        "request_bytes_max": "16MiB",
        "connections_max": 256,
        "connections_per_peer_max": 4096,
    });
    let mut process = world.process("ingest", "victim");
    process.start_and_wait();
    let load = Load::start(process.grpc_endpoint(), 1, 1000.0);
    wait_until("honest load", SERVED_WITHIN, || load.sent() > 500);
    let before = process.peak_memory_bytes();
    attack(&process);
    let sent = load.sent();
    wait_until("honest load to go on", SERVED_WITHIN, || {
        load.sent() > sent + 1000
    });
    assert!(process.is_running(), "it ended");
    assert!(process.is_ready(), "it isn't ready");
    load.stop();
    wait_until("an idle process", IDLE_WITHIN, || is_idle(&process));
    let peak = process.peak_memory_bytes();
    assert!(
        peak < before + MEMORY_LIMIT + BESIDE,
        "{} MiB of memory, {} before",
        peak / MIB,
        before / MIB
    );
    assert_eq!(process.stop(), 0);
}

/// Less than a tenth of a core, over half a second.
fn is_idle(process: &Tailwater) -> bool {
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id().unwrap()));
        let stat = stat.unwrap();
        let fields: Vec<_> = stat[stat.rfind(')').unwrap()..].split(' ').collect();
        // utime and stime, in hundredths of a second (proc(5)).
        fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
    };
    let (begun, before) = (Instant::now(), ticks());
    std::thread::sleep(Duration::from_millis(500));
    let busy = Duration::from_millis(10) * (ticks() - before) as u32;
    busy * 10 < begun.elapsed()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The headers of a gRPC request, as literals that are not indexed.
fn grpc_headers(more: &[(&str, &str)]) -> Vec<u8> {
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let mut block = Vec::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    for (name, value) in fields.iter().chain(more) {
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// An HTTP/2 connection that reads what comes on a thread of its own, and forgets it.
struct Attacker {
    stream: TcpStream,
}

impl Attacker {
    fn connect(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut reader = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut block = [0; 1 << 16];
            while reader.read(&mut block).is_ok_and(|count| count > 0) {}
        });
        stream.write_all(PREFACE).unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        Self { stream }
    }

    /// False: the server has had enough.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }
}

/// The reader ends with it, and the connection.
impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// On four connections at once, what each begins with and what it repeats for the n-th time, until it is cut off.
fn flood(port: u16, rounds: u32, begin: &[u8], round: impl Fn(u32) -> Vec<u8> + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut attacker = Attacker::connect(port);
                let mut goes_on = attacker.send(begin);
                for number in 0..rounds {
                    goes_on = goes_on && attacker.send(&round(number));
                }
            });
        }
    });
}

/// A stream's number by the round that opens it.
fn stream(round: u32) -> u32 {
    2 * round + 1
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn streams_that_are_reset_at_once() {
    let headers = grpc_headers(&[]);
    check(|process| {
        flood(process.grpc, 50_000, &[], |round| {
            let open = frame(HEADERS, END_HEADERS, stream(round), &headers);
            let cancel = frame(RST_STREAM, 0, stream(round), &8_u32.to_be_bytes());
            [open, cancel].concat()
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn streams_that_the_server_is_made_to_reset() {
    let headers = grpc_headers(&[]);
    check(|process| {
        flood(process.grpc, 50_000, &[], |round| {
            let open = frame(HEADERS, END_HEADERS, stream(round), &headers);
            // An increment of 0 is a stream error (RFC 9113, 6.9).
            let faulty = frame(WINDOW_UPDATE, 0, stream(round), &[0; 4]);
            [open, faulty].concat()
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn headers_without_end() {
    let begin = frame(HEADERS, 0, 1, &grpc_headers(&[]));
    let name = "x".repeat(100);
    let more = grpc_headers(&[(&name, &name)]).repeat(30);
    check(|process| {
        flood(process.grpc, 20_000, &begin, |_| {
            frame(CONTINUATION, 0, 1, &more)
        });
        flood(process.http, 20_000, &begin, |_| {
            frame(CONTINUATION, 0, 1, &more)
        });
    });
}

#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn data_without_data() {
    let begin = frame(HEADERS, END_HEADERS, 1, &grpc_headers(&[]));
    let empty = frame(DATA, 0, 1, &[]).repeat(1000);
    check(|process| flood(process.grpc, 1000, &begin, |_| empty.clone()));
}

/// As many zeros, in the format of a codec.
fn bomb(codec: &str, bytes: u64) -> Vec<u8> {
    let mut zeros = std::io::repeat(0).take(bytes);
    let best = flate2::Compression::best();
    let copied = "to memory";
    match codec {
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), best);
            std::io::copy(&mut zeros, &mut out).expect(copied);
            out.finish().expect(copied)
        }
        "deflate" => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), best);
            std::io::copy(&mut zeros, &mut out).expect(copied);
            out.finish().expect(copied)
        }
        _ => zstd::stream::encode_all(zeros, 3).expect(copied),
    }
}

fn post(port: u16, codec: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-encoding: {codec}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A gibibyte each, ten at a time.
#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn requests_that_inflate_without_end() {
    let codecs = ["gzip", "deflate", "zstd"];
    let bombs = codecs.map(|codec| (codec, bomb(codec, 1 << 30)));
    check(|process| {
        for (codec, bomb) in &bombs {
            std::thread::scope(|scope| {
                for _ in 0..10 {
                    scope.spawn(|| {
                        let answer = post(process.http, codec, bomb);
                        let refused = ["HTTP/1.1 413", "HTTP/1.1 503"];
                        let is_refused = refused.iter().any(|begin| answer.starts_with(begin));
                        assert!(is_refused, "{codec}: {answer}");
                    });
                }
            });
        }
        let mut attackers = Vec::new();
        // What fits into the window that a connection begins with.
        for (codec, bytes) in [("gzip", 48 << 20), ("zstd", 1 << 30)] {
            let message = bomb(codec, bytes);
            assert!(message.len() < 65_000, "{codec}: {}", message.len());
            let length = (message.len() as u32).to_be_bytes();
            let message = [&[1], &length[..], &message].concat();
            let data = message.chunks(16_384);
            let data: Vec<_> = data.map(|part| frame(DATA, 0, 1, part)).collect();
            let headers = grpc_headers(&[("grpc-encoding", codec)]);
            let open = frame(HEADERS, END_HEADERS, 1, &headers);
            let end = frame(DATA, END_STREAM, 1, &[]);
            let request = [open, data.concat(), end].concat();
            for _ in 0..4 {
                let mut attacker = Attacker::connect(process.grpc);
                assert!(attacker.send(&request));
                attackers.push(attacker);
            }
        }
        wait_until("the bombs to be refused", SERVED_WITHIN, || {
            let reasons = ["too_large", "overload"];
            let refused = reasons.map(|reason| {
                let labels = [("protocol", "grpc"), ("reason", reason)];
                process
                    .metrics()
                    .sum(ingest::names::REFUSED_REQUESTS, &labels)
            });
            refused.iter().sum::<f64>() >= 8.0
        });
    });
}

/// Four times as many as there are slots, on both ports, half of them with half a request.
#[test]
#[ignore = "takes the whole machine, and others' time limits with it: .ci/full runs it"]
fn sockets_that_say_nothing() {
    check(|process| {
        let mut silent = Vec::new();
        for number in 0..1024 {
            let port = [process.grpc, process.http][number % 2];
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            if number % 4 < 2 {
                let _ = stream.write_all(b"POST /v1/traces HTTP/1.1\r\nhost");
            }
            silent.push(stream);
        }
        let begun = Instant::now();
        let answer = post(process.http, "identity", &[]);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(begun.elapsed() < SERVED_WITHIN, "{:?}", begun.elapsed());
    });
}
