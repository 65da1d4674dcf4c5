//! Hashes of text, as hexadecimal digits (FNV: as a number).

use sha2::Digest;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::signature::{Args, Converter, Kind, Parameter, required};
use crate::expr::Call;
use crate::value::{Result, Value};

const TARGET: &[Parameter] = &[required("target", Kind::Text)];

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "SHA256",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(sha2::Sha256::digest(bytes)))
            })
        },
    },
    Converter {
        name: "SHA512",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(sha2::Sha512::digest(bytes)))
            })
        },
    },
    Converter {
        name: "SHA1",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(sha1::Sha1::digest(bytes)))
            })
        },
    },
    Converter {
        name: "MD5",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(md5::Md5::digest(bytes)))
            })
        },
    },
    Converter {
        name: "FNV",
        parameters: TARGET,
        make: |args| hash(args, |bytes| Value::Int(fnv(bytes) as i64)),
    },
    Converter {
        name: "XXH3",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(xxh3_64(bytes).to_be_bytes()))
            })
        },
    },
    Converter {
        name: "XXH128",
        parameters: TARGET,
        make: |args| {
            hash(args, |bytes| {
                Value::owned(const_hex::encode(xxh3_128(bytes).to_be_bytes()))
            })
        },
    },
    Converter {
        name: "Murmur3Hash",
        parameters: TARGET,
        make: |args| hash(args, murmur3_32),
    },
    Converter {
        name: "Murmur3Hash128",
        parameters: TARGET,
        make: |args| hash(args, murmur3_128),
    },
];

fn hash(mut args: Args, hash: fn(&[u8]) -> Value<'static>) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| Ok(hash(target.text(at)?.as_bytes()))))
}

/// With seed 0. The crate reads from whatever can be read; reading from memory doesn't fail.
fn murmur3_32(mut bytes: &[u8]) -> Value<'static> {
    let hash = murmur3::murmur3_32(&mut bytes, 0).unwrap_or_default();
    Value::owned(const_hex::encode(hash.to_le_bytes()))
}

/// The variant for 64-bit machines, with seed 0: both halves, the first one first.
fn murmur3_128(mut bytes: &[u8]) -> Value<'static> {
    let hash = murmur3::murmur3_x64_128(&mut bytes, 0).unwrap_or_default();
    Value::owned(const_hex::encode(hash.to_le_bytes()))
}

/// FNV-1a of 64 bits.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
