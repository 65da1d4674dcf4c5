//! Decompression with a limit that is checked while inflating, so that a bomb is found before it has gone off.
//!
//! Memory is taken from the request's permit before it is used; long bodies give other tasks a turn every megabyte.

use std::io::{ErrorKind, Read};

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};

use crate::admission::Permit;
use crate::refusal::Refusal;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    Identity,
    Gzip,
    /// zlib's format by its definition; also without zlib's frame, as some clients send it.
    Deflate,
    Zstd,
}

impl Compression {
    /// From `content-encoding` or `grpc-encoding`.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim() {
            name if name.is_empty() || name.eq_ignore_ascii_case("identity") => {
                Some(Self::Identity)
            }
            name if name.eq_ignore_ascii_case("gzip") => Some(Self::Gzip),
            name if name.eq_ignore_ascii_case("deflate") => Some(Self::Deflate),
            name if name.eq_ignore_ascii_case("zstd") => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// 8 MiB: what every decoder should take (RFC 8878, 3.1.1.1.2). By default the library would allow 128 MiB to anybody.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Guess of the ratio, to begin with; telemetry has 5 to 12.
const RATIO: usize = 6;
const CAPACITY_MIN: usize = 16 << 10;
/// Inflating this much takes about 3 ms.
const TURN_BYTES: usize = 1 << 20;

/// Inflates a body. The permit, which must stand for the body alone, stands for the result alone afterwards.
///
/// # Errors
/// The body is damaged, inflates to more than `limit` bytes, or to more than is left of the budget.
pub async fn inflate(
    compression: Compression,
    body: Bytes,
    limit: usize,
    permit: &mut Permit,
) -> Result<Bytes, Refusal> {
    let body_bytes = body.len();
    let out = match compression {
        Compression::Identity => return Ok(body),
        Compression::Gzip => {
            read(
                flate2::bufread::MultiGzDecoder::new(body.reader()),
                body_bytes,
                limit,
                permit,
            )
            .await?
        }
        Compression::Deflate => read(Inflated::new(body), body_bytes, limit, permit).await?,
        Compression::Zstd => {
            let window = (1 << ZSTD_WINDOW_LOG_MAX).min(limit);
            permit.grow(window)?;
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body.reader())
                .map_err(|error| damaged(&error))?;
            decoder
                .window_log_max(ZSTD_WINDOW_LOG_MAX)
                .map_err(|error| damaged(&error))?;
            read(decoder, body_bytes, limit, permit).await?
        }
    };
    permit.shrink_to(out.capacity());
    Ok(Bytes::from(out))
}

async fn read(
    mut reader: impl Read,
    body_bytes: usize,
    limit: usize,
    permit: &mut Permit,
) -> Result<Vec<u8>, Refusal> {
    // One byte more than the limit shows that there is more.
    let capacity_max = limit + 1;
    let mut capacity = (body_bytes * RATIO).max(CAPACITY_MIN).min(capacity_max);
    permit.grow(capacity)?;
    let mut out = Vec::with_capacity(capacity);
    let mut turn = 0;
    loop {
        let room = (capacity - out.len()).min(TURN_BYTES);
        let read = (&mut reader)
            .take(room as u64)
            .read_to_end(&mut out)
            .map_err(|error| damaged(&error))?;
        if out.len() > limit {
            return Err(Refusal::TooLarge {
                limit,
                form: "decompressed",
            });
        }
        if read < room {
            return Ok(out);
        }
        if out.len() == capacity {
            let more = capacity.min(capacity_max - capacity);
            // While the bytes move, both buffers are there.
            permit.grow(capacity + more)?;
            out.reserve_exact(more);
            permit.shrink_to(permit.bytes() - capacity);
            capacity += more;
        }
        turn += read;
        if turn >= TURN_BYTES {
            turn = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// A deflated body. flate2's own readers take a body that is cut off for one that has ended.
struct Inflated {
    body: Bytes,
    inflater: Decompress,
    ended: bool,
}

impl Inflated {
    fn new(body: Bytes) -> Self {
        Self {
            inflater: Decompress::new(has_zlib_header(&body)),
            body,
            ended: false,
        }
    }
}

/// No deflate stream begins so: it would be a stored block whose padding isn't zero.
fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

impl Read for Inflated {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let (before_in, before_out) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(&self.body, out, FlushDecompress::None)?;
        self.body
            .advance((self.inflater.total_in() - before_in) as usize);
        let written = (self.inflater.total_out() - before_out) as usize;
        self.ended = status == Status::StreamEnd;
        match (self.ended, self.body.is_empty()) {
            (true, false) => Err(ErrorKind::InvalidData.into()),
            (false, _) if written == 0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(written),
        }
    }
}

fn damaged(error: &std::io::Error) -> Refusal {
    Refusal::Framing(format!("its compressed body is damaged: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use metrics::Gauge;

    use super::*;
    use crate::admission::Budget;

    const LIMIT: usize = 3_000_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Whatever inflates, the budget is never exceeded, and the permit stands for the result alone.
    async fn check(
        compression: Compression,
        body: Vec<u8>,
        budget_bytes: usize,
        expected: Result<usize, &str>,
    ) {
        let budget = Budget::new(budget_bytes, Gauge::noop());
        let mut permit = budget.permit();
        permit.grow(body.len()).unwrap();
        let result = inflate(compression, body.into(), LIMIT, &mut permit).await;
        let result = result.as_ref().map(Bytes::len).map_err(Refusal::reason);
        assert_eq!(result, expected);
        if let Ok(length) = result {
            assert!(
                (length..=LIMIT + 1).contains(&permit.bytes()),
                "{}",
                permit.bytes()
            );
        }
        drop(permit);
        assert_eq!(budget.taken(), 0);
    }

    #[tokio::test]
    async fn limits_hold_while_inflating() {
        const PLENTY: usize = 100 << 20;
        for length in [0, 1, 100_000, LIMIT] {
            check(
                Compression::Gzip,
                gzip(&vec![7; length]),
                PLENTY,
                Ok(length),
            )
            .await;
            check(
                Compression::Zstd,
                zstd::encode_all(&vec![7; length][..], 1).unwrap(),
                PLENTY,
                Ok(length),
            )
            .await;
        }
        for bomb in [LIMIT + 1, 40_000_000] {
            check(
                Compression::Gzip,
                gzip(&vec![7; bomb]),
                PLENTY,
                Err("too_large"),
            )
            .await;
            check(
                Compression::Zstd,
                zstd::encode_all(&vec![7; bomb][..], 1).unwrap(),
                PLENTY,
                Err("too_large"),
            )
            .await;
        }
        check(
            Compression::Gzip,
            gzip(&vec![7; LIMIT]),
            1_000_000,
            Err("overload"),
        )
        .await;
        check(
            Compression::Zstd,
            zstd::encode_all(&vec![7; LIMIT][..], 1).unwrap(),
            1_000_000,
            Err("overload"),
        )
        .await;
        check(
            Compression::Gzip,
            b"not gzip".to_vec(),
            PLENTY,
            Err("framing"),
        )
        .await;
        check(
            Compression::Zstd,
            b"not zstd".to_vec(),
            PLENTY,
            Err("framing"),
        )
        .await;
        // Two members behind each other are one body.
        check(
            Compression::Gzip,
            [gzip(b"ab"), gzip(b"c")].concat(),
            PLENTY,
            Ok(3),
        )
        .await;
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8], level: u32) -> Vec<u8> {
        let level = flate2::Compression::new(level);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// With and without zlib's frame; what is cut off or followed by something is no body.
    #[tokio::test]
    async fn deflate_by_its_two_meanings() {
        const PLENTY: usize = 100 << 20;
        let check = async |body: Vec<u8>, budget, expected| {
            check(Compression::Deflate, body, budget, expected).await;
        };
        for length in [0, 1, 100_000, LIMIT] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            check(zlib(&plain), PLENTY, Ok(length)).await;
            for level in [0, 1, 9] {
                check(raw(&plain, level), PLENTY, Ok(length)).await;
            }
        }
        for bomb in [LIMIT + 1, 40_000_000] {
            check(zlib(&vec![7; bomb]), PLENTY, Err("too_large")).await;
            check(raw(&vec![7; bomb], 9), PLENTY, Err("too_large")).await;
        }
        check(zlib(&vec![7; LIMIT]), 1_000_000, Err("overload")).await;
        check(vec![], PLENTY, Err("framing")).await;
        check(b"no deflate".to_vec(), PLENTY, Err("framing")).await;
        for whole in [zlib(&[7; 1000]), raw(&[7; 1000], 9)] {
            for end in 0..whole.len() {
                check(whole[..end].to_vec(), PLENTY, Err("framing")).await;
            }
            check([&whole[..], b"x"].concat(), PLENTY, Err("framing")).await;
        }
    }

    /// A frame that demands a window of 64 MiB.
    #[tokio::test]
    async fn large_zstd_windows_are_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(26).unwrap();
        encoder.write_all(&[1; 1000]).unwrap();
        encoder.flush().unwrap();
        let body = encoder.finish().unwrap();
        check(Compression::Zstd, body, 100 << 20, Err("framing")).await;
    }
}
