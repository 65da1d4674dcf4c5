//! Decompression: whatever the body is, no more than the limit comes out, no more than the budget is taken, all of it is given back, and what a
//! plain decoder makes of the body is what we make of it.
//!
//! The first byte is the codec, and whether the rest is compressed already.
#![no_main]

use std::io::{Read, Write};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use admission::Budget;
use bytes::Bytes;
use inflate::Compression;
use libfuzzer_sys::fuzz_target;
use metrics::Gauge;
use refusal::Refusal;

#[allow(dead_code)]
#[path = "../../ingest/src/admission.rs"]
mod admission;
#[allow(dead_code)]
#[path = "../../ingest/src/protocol/inflate.rs"]
mod inflate;

/// Of ingest's refusals, those that decompression knows; all others would bring the whole of ingest with them.
mod refusal {
    #[derive(Debug)]
    pub enum Refusal {
        Framing(String),
        TooLarge { limit: usize, form: &'static str },
        Overload,
    }
}

const LIMIT: usize = 1 << 16;
/// A zstd window and a body twice: what one request may take.
const BUDGET: usize = 4 * LIMIT;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let compression = match how % 4 {
        0 => Compression::Identity,
        1 => Compression::Gzip,
        2 => Compression::Deflate,
        _ => Compression::Zstd,
    };
    if how & 0x80 == 0 {
        let found = inflated(compression, rest);
        check(compression, rest, found);
    } else {
        let body = deflated(compression, how & 0x40 != 0, rest);
        let found = inflated(compression, &body).expect("a sound body within the limit");
        assert!(found == rest, "it came back otherwise");
    }
});

fn inflated(compression: Compression, body: &[u8]) -> Result<Bytes, Refusal> {
    let budget = Budget::new(BUDGET, Gauge::noop());
    let mut permit = budget.permit();
    if permit.grow(body.len()).is_err() {
        return Err(Refusal::Overload);
    }
    let body = Bytes::copy_from_slice(body);
    let found = run(inflate::inflate(compression, body, LIMIT, &mut permit));
    assert!(permit.bytes() <= BUDGET);
    if let (Ok(found), true) = (&found, compression != Compression::Identity) {
        assert!(found.len() <= LIMIT && permit.bytes() >= found.len());
    }
    drop(permit);
    let mut all = budget.permit();
    assert!(all.grow(BUDGET).is_ok(), "something was not given back");
    found
}

/// It yields now and then, and waits for nothing.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn check(compression: Compression, body: &[u8], found: Result<Bytes, Refusal>) {
    let plain = plainly(compression, body);
    match found {
        Ok(found) => assert!(plain.is_some_and(|plain| plain == found), "{compression:?}"),
        Err(Refusal::TooLarge { limit, form }) => {
            assert_eq!((limit, form), (LIMIT, "decompressed"));
            assert!(plain.is_none_or(|plain| plain.len() > LIMIT));
        }
        Err(Refusal::Overload) => {}
        // We refuse what is cut off, what has something behind it, and large windows.
        Err(Refusal::Framing(reason)) => assert!(!reason.is_empty()),
    }
}

/// What the libraries' readers make of it, a little above the limit at most.
fn plainly(compression: Compression, body: &[u8]) -> Option<Vec<u8>> {
    fn read(reader: impl Read) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let read = reader.take(LIMIT as u64 + 1).read_to_end(&mut out);
        read.ok().map(|_| out)
    }
    match compression {
        Compression::Identity => Some(body.to_vec()),
        Compression::Gzip => read(flate2::read::MultiGzDecoder::new(body)),
        Compression::Deflate => read(flate2::read::ZlibDecoder::new(body))
            .filter(|_| body.len() > 1)
            .or_else(|| read(flate2::read::DeflateDecoder::new(body))),
        Compression::Zstd => read(zstd::Decoder::new(body).ok()?),
    }
}

fn deflated(compression: Compression, other: bool, plain: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::new(if other { 9 } else { 0 });
    let written = "to memory";
    match compression {
        Compression::Identity => plain.to_vec(),
        Compression::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), level);
            out.write_all(plain).expect(written);
            out.finish().expect(written)
        }
        Compression::Deflate if other => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), level);
            out.write_all(plain).expect(written);
            out.finish().expect(written)
        }
        Compression::Deflate => {
            let mut out = flate2::write::DeflateEncoder::new(Vec::new(), level);
            out.write_all(plain).expect(written);
            out.finish().expect(written)
        }
        Compression::Zstd => zstd::encode_all(plain, if other { 3 } else { 1 }).expect(written),
    }
}
