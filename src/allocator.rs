//! The allocator of the process, and what it gives back.
#![allow(unsafe_code)]

/// Batches are built and dropped on many threads: with the system's allocator their memory stays in pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Gives back what this thread has freed. The allocator does so by itself only as long as the thread goes on allocating: a configuration of a
/// thousand tenants, read at the start, would keep 4 MiB for ever.
pub fn give_back() {
    // SAFETY: takes no pointers, and may be called from any thread at any time.
    unsafe { libmimalloc_sys::mi_collect(true) };
}
