//! How often the bus is looked at, and after what time a commit hangs or an answer is stale. A look that fails counts at once (`look.rs`).

use std::time::Duration;

/// Between two looks. With what a look may take, and with what may hang before it is called so, an outage is seen within ten seconds.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What one question may take.
pub(super) const ANSWER: Duration = Duration::from_secs(3);
/// A commit, or an acknowledgement, that takes longer hangs.
pub(super) const HANGS_AFTER: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 6000 });
/// What was seen longer ago isn't told any more.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(15);
/// Retention is seldom changed.
pub(super) const RETENTION_EVERY: Duration = Duration::from_secs(600);
