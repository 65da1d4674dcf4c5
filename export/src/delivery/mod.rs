//! From batches to answers: lanes bound what is in flight, the gate decides when a batch is offered, and what is refused for good
//! goes to the dead letters.

pub mod adaptive;
pub mod backoff;
pub mod breaker;
pub mod dead_letters;
pub mod deliver;
pub mod failover;
pub mod gate;
pub mod in_flight;
pub mod lane;
pub mod lanes;
pub mod pace;
pub mod partials;
pub mod pieces;
pub mod rate;
pub mod remaking;
pub mod sinks;
pub mod sizes;
pub mod slots;
pub mod waiting;
