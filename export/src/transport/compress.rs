//! Compression of a batch, once, from its chunks into one buffer.
//!
//! Levels are low on purpose: telemetry repeats itself, so that the first level finds most of what there is to
//! find at a fraction of the default's CPU.

use std::io::Write;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Payload;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    /// What every backend understands.
    #[default]
    Gzip,
    /// Half of gzip's CPU; the Collector and some backends take it.
    Zstd,
}

const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// The value of `content-encoding` and `grpc-encoding`.
pub fn name(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::Gzip => Some("gzip"),
        Compression::Zstd => Some("zstd"),
    }
}

pub fn compress(compression: Compression, payload: Payload) -> std::io::Result<Payload> {
    // Telemetry shrinks to about a sixth; a buffer of a quarter seldom grows.
    let out = Vec::with_capacity(payload.bytes() as usize / 4 + 64);
    let out = match compression {
        Compression::None => return Ok(payload),
        Compression::Gzip => {
            let level = flate2::Compression::new(GZIP_LEVEL);
            let mut encoder = flate2::write::GzEncoder::new(out, level);
            payload
                .chunks()
                .try_for_each(|chunk| encoder.write_all(chunk))?;
            encoder.finish()?
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
            encoder.set_pledged_src_size(Some(payload.bytes()))?;
            payload
                .chunks()
                .try_for_each(|chunk| encoder.write_all(chunk))?;
            encoder.finish()?
        }
    };
    Ok(Payload::new([Bytes::from(out)]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    #[test]
    fn what_goes_in_comes_out() {
        let chunks: Vec<_> = (0..50u8).map(|i| Bytes::from(vec![i; 1000])).collect();
        let payload = || Payload::new(chunks.clone());
        let plain = chunks.concat();
        let zipped = compress(Compression::Gzip, payload()).unwrap();
        let mut read = Vec::new();
        let zipped: Vec<u8> = zipped.chunks().flatten().copied().collect();
        flate2::read::GzDecoder::new(&zipped[..])
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, plain);
        assert!(zipped.len() < plain.len() / 10);
        let zipped = compress(Compression::Zstd, payload()).unwrap();
        let zipped: Vec<u8> = zipped.chunks().flatten().copied().collect();
        assert_eq!(zstd::decode_all(&zipped[..]).unwrap(), plain);
        let untouched = compress(Compression::None, payload()).unwrap();
        assert_eq!(untouched.bytes(), plain.len() as u64);
    }
}
