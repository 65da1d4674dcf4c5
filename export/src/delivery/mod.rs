//! From batches to answers: lanes bound what is in flight, the gate decides when a batch is offered, and what is refused for good
//! goes to the dead letters.

pub mod backoff;
pub mod dead_letters;
pub mod deliver;
pub mod health;
pub mod partials;
pub mod pieces;
pub mod queue;
pub mod speed;
pub mod standby;
