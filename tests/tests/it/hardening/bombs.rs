//! Little that becomes much.

use std::io::Read;

use tests::wait_until;

use super::frames::{Attacker, DATA, END_HEADERS, END_STREAM, HEADERS, frame, grpc_headers};
use super::{SERVED_WITHIN, check, post};

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
