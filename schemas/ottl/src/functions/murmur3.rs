//! MurmurHash3 with seed 0, in its 32-bit variant and the 128-bit one for 64-bit machines.
//!
//! Source: <https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp>. Our own, since the crates for it read from
//! `io::Read` or lack the 128-bit variant.

pub(super) fn hash32(bytes: &[u8]) -> u32 {
    let mix = |block: u32| {
        block
            .wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = 0_u32;
    for block in blocks {
        hash ^= mix(u32::from_le_bytes(*block));
        hash = hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash ^= mix(u32::from_le_bytes(last));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// The two halves, the first one first.
pub(super) fn hash128(bytes: &[u8]) -> [u64; 2] {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let first = |half: u64| half.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |half: u64| half.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let halves = |block: [u8; 16]| {
        let whole = u128::from_le_bytes(block);
        (whole as u64, (whole >> 64) as u64)
    };
    let (blocks, tail) = bytes.as_chunks::<16>();
    let (mut a, mut b) = (0_u64, 0_u64);
    for block in blocks {
        let (low, high) = halves(*block);
        a ^= first(low);
        a = a
            .rotate_left(27)
            .wrapping_add(b)
            .wrapping_mul(5)
            .wrapping_add(0x52dc_e729);
        b ^= second(high);
        b = b
            .rotate_left(31)
            .wrapping_add(a)
            .wrapping_mul(5)
            .wrapping_add(0x3849_5ab5);
    }
    let mut last = [0; 16];
    last[..tail.len()].copy_from_slice(tail);
    let (low, high) = halves(last);
    a ^= first(low) ^ bytes.len() as u64;
    b ^= second(high) ^ bytes.len() as u64;
    a = a.wrapping_add(b);
    b = b.wrapping_add(a);
    a = finish(a);
    b = finish(b);
    a = a.wrapping_add(b);
    [a, b.wrapping_add(a)]
}

fn finish(mut half: u64) -> u64 {
    half = (half ^ half >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    half = (half ^ half >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    half ^ half >> 33
}
