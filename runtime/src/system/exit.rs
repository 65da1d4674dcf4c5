//! Exit codes. Clap ends with 2 by itself when the command line is wrong.

/// Ended as asked, everything drained.
pub const CLEAN: i32 = 0;
/// A stage failed, or did not drain in time.
pub const FAILED: i32 = 1;
/// The command line is wrong.
pub const USAGE: i32 = 2;
/// The configuration is wrong; nothing was started.
pub const INVALID_CONFIGURATION: i32 = 3;
/// A second signal came while draining.
pub const SECOND_SIGNAL: i32 = 130;
