//! Whether the bus works for the stages of this process, and how far behind they are: said by readiness and metrics within ten seconds.
//!
//! Each stage is given a bus that notes what passes ([`Watch::bus`]): reads, commits, acknowledgements, partitions that come and go. Beside it
//! [`Watch::look`] asks the bus every few seconds, so that an outage is seen where nothing happens. Nobody else has to say anything.
//!
//! Deliberately absent: a thread (the caller has one), thresholds to configure, and anything that a stage could wait for.

mod ends;
mod errors;
mod group;
mod limits;
mod look;
mod noted;
mod progress;
mod publishing;
mod render;
mod watched;

pub use limits::LOOK_EVERY;
pub use look::Watch;
pub use progress::{Cursors, SecondCursor};

#[cfg(test)]
mod tests;
