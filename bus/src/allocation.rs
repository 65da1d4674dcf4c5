//! What memory a payload takes, for bounds that are to hold for the process and not only for what it counts.

/// Larger allocations get pieces of their own.
const SMALL_BYTES_MAX: usize = 128 << 10;
const PIECE_BYTES: usize = 64 << 10;

/// About what mimalloc, the allocator of the `tailwater` binary, takes for an allocation of so many bytes: size classes are an eighth apart, and
/// above 128 KiB an allocation has whole pieces of 64 KiB for itself (`MI_SEGMENT_SLICE_SIZE` and `MI_MEDIUM_OBJ_SIZE_MAX` in its `types.h`).
pub fn allocation_bytes(bytes: usize) -> usize {
    match bytes > SMALL_BYTES_MAX {
        true => bytes.next_multiple_of(PIECE_BYTES),
        false => bytes + bytes / 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_takes_its_class_or_whole_pieces() {
        let taken = [0, 800, 128 << 10, (128 << 10) + 1, 160_640].map(allocation_bytes);
        assert_eq!(taken, [0, 900, 144 << 10, 192 << 10, 192 << 10]);
    }
}
