//! Dying at a chosen step: how the crash tests kill a process between two particular lines and not just at some instant.
//!
//! `TAILWATER_DIE_AT=<step>:<n>` ends the process, as abruptly as `kill -9` does, when it comes to that step for the n-th time. Only
//! builds with debug assertions have this. In a release build a step is nothing at all, whatever the environment says.

/// Where the step is chosen.
pub const VARIABLE: &str = "TAILWATER_DIE_AT";

/// A place on the way of an epoch where dying is interesting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Partitions came and their decision log was read; nothing of them has been worked on.
    Recovered,
    /// Records were read and nothing was done with them.
    Polled,
    /// An epoch is complete in memory and nothing of it is on the bus.
    Decided,
    /// Its records are on the bus, its positions aren't.
    Produced,
    /// Positions are in the transaction too, which is open.
    Positioned,
    /// It is visible, and the process doesn't know yet.
    Committed,
}

impl Step {
    pub const ALL: [Self; 6] = [
        Self::Recovered,
        Self::Polled,
        Self::Decided,
        Self::Produced,
        Self::Positioned,
        Self::Committed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Polled => "polled",
            Self::Decided => "decided",
            Self::Produced => "produced",
            Self::Positioned => "positioned",
            Self::Committed => "committed",
        }
    }
}

/// The process is at this step now.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn at(_: Step) {}

/// The process is at this step now.
#[cfg(debug_assertions)]
pub fn at(step: Step) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static CHOSEN: LazyLock<Option<(String, AtomicU64)>> = LazyLock::new(|| {
        let chosen = std::env::var(VARIABLE).ok()?;
        let (step, times) = chosen.split_once(':')?;
        Some((step.to_owned(), AtomicU64::new(times.parse().ok()?)))
    });
    let Some((chosen, times)) = &*CHOSEN else {
        return;
    };
    if chosen == step.name() && times.fetch_sub(1, Ordering::Relaxed) == 1 {
        tracing::warn!(step = step.name(), "dying at a step, as {VARIABLE} says");
        std::process::abort();
    }
}
