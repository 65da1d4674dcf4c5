//! Who may read what this process writes: its user everything, its group to read, nobody else.
//!
//! Telemetry holds what people would rather keep to themselves, and a service's umask is whatever its starter left it. So files are 0640 and
//! directories 0750, those of libraries included, which open their files themselves; a process-wide mask is the one place that reaches them all.
#![allow(unsafe_code)]

/// What nobody but the owner (and, to read, the group) gets.
const MASK: libc::mode_t = 0o027;

/// From now on. To be called before there are threads.
pub fn keep_from_others() {
    // SAFETY: takes no pointers, and can't fail.
    unsafe {
        libc::umask(MASK);
    }
}
