//! Rows on their way through a compressor: what is written is compressed in pieces, so that a batch is never in memory in full.
//!
//! ClickHouse reads LZ4 frames and zstd as `Content-Encoding` (`CompressionMethod.cpp`).

use std::io::{self, Write};

use bytes::Bytes;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use crate::backends::clickhouse::config::Compression;
use crate::transport::body::Payload;

/// So many bytes of rows are compressed at a time.
const PIECE_BYTES: usize = 256 << 10;
const ZSTD_LEVEL: i32 = 1;

pub struct Compressed {
    /// Rows that aren't compressed yet.
    pub buffer: Vec<u8>,
    to: To,
}

enum To {
    None(Vec<Bytes>),
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    Zstd(Result<zstd::stream::write::Encoder<'static, Vec<u8>>, io::Error>),
}

impl Compressed {
    /// `preamble` stands before the rows.
    pub fn new(compression: Compression, preamble: &[u8]) -> Self {
        Self {
            buffer: preamble.to_vec(),
            to: match compression {
                Compression::None => To::None(Vec::new()),
                Compression::Lz4 => {
                    let info = FrameInfo::new()
                        .block_size(BlockSize::Max256KB)
                        .block_mode(BlockMode::Linked);
                    To::Lz4(Box::new(FrameEncoder::with_frame_info(info, Vec::new())))
                }
                Compression::Zstd => {
                    To::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL))
                }
            },
        }
    }

    /// Compresses what was written, if it is enough to be worth it. Between rows.
    pub fn compress_full(&mut self) -> io::Result<()> {
        match self.buffer.len() >= PIECE_BYTES {
            true => self.compress(),
            false => Ok(()),
        }
    }

    fn compress(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::None(chunks) => {
                let next = Vec::with_capacity(self.buffer.len());
                chunks.push(Bytes::from(std::mem::replace(&mut self.buffer, next)));
                return Ok(());
            }
            To::Lz4(encoder) => encoder.write_all(&self.buffer)?,
            To::Zstd(Ok(encoder)) => encoder.write_all(&self.buffer)?,
            To::Zstd(Err(error)) => return Err(io::Error::other(error.to_string())),
        }
        self.buffer.clear();
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Payload> {
        self.compress()?;
        Ok(match self.to {
            To::None(chunks) => Payload::new(chunks),
            To::Lz4(encoder) => Payload::new([Bytes::from(encoder.finish()?)]),
            To::Zstd(encoder) => Payload::new([Bytes::from(encoder?.finish()?)]),
        })
    }
}

/// The value of `content-encoding`.
pub fn name(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::Lz4 => Some("lz4"),
        Compression::Zstd => Some("zstd"),
    }
}
