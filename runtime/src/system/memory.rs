//! What the process holds of the system's memory beyond what it uses.
//!
//! Our own allocator asks for huge pages, and a huge page is resident as a whole: a record cache of 392 MiB took 90 MiB more. The allocator of C,
//! which librdkafka uses, has no measure: it gives back and takes again at every record, or keeps tens of MiB after a backlog that nothing uses.
#![allow(unsafe_code)]

/// Memory is resident page by page, not 2 MiB at a time. To be called first of all.
pub fn no_huge_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes no pointers and changes only how pages of this process are backed.
    unsafe {
        let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        libc::prctl(libc::PR_SET_THP_DISABLE, on, unused, unused, unused);
    }
}

/// The allocator of C keeps what is freed until [`trim`]. By default it gives pages back whenever some hundred KiB are free, and takes them anew for
/// the next record: a tenth of the CPU time of a stage that only passes on. Not for the sampler: what a giant trace leaves behind would add to the
/// next one's peak. To be called before there are threads.
pub fn keep_until_trimmed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: sets parameters of the allocator, without pointers.
    unsafe {
        // The largest threshold that it takes: what is larger is mapped by itself, and given back at once.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
        libc::mallopt(libc::M_TOP_PAD, 1 << 20);
    }
}

/// Gives back what the allocator of C has free. Takes milliseconds.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
