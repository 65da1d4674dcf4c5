//! Whether the backend takes data: when a batch is offered, and what a refusal means.

pub mod breaker;
pub mod gate;
pub mod in_flight;
