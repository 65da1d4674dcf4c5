//! The Decider: reads one partition at the head of the log, gathers facts about each trace, and gives verdicts when they are due.
//!
//! Pure: it is told when records were read and when there are no more, and asks no clock. What it found goes to the Copier through
//! `handover`: each record's look ([`handover::Observed`]), the verdicts up to the low watermark ([`handover::VerdictsView`]), and the
//! traces that a late error brings back ([`handover::WantedTrace`]). It knows nothing of payload, caches or output.
//!
//! ```text
//! record ─▶ facts ─▶ traces (window) ─ due ─▶ judge ─▶ traces (verdicts), log
//!                        ▲                      │
//!                        └────── links ◀────────┘
//! ```

mod clock;
pub(crate) mod counts;
pub(crate) mod decider;
pub(crate) mod facts;
pub(crate) mod handover;
mod judge;
pub mod links;
mod log;
mod names;
mod partition_clock;
pub(crate) mod traces;

pub(crate) use clock::LogClock;
pub(crate) use decider::Decider;
