//! What waits to be sent, and how much of it is on its way.

pub mod lane;
pub mod lanes;
pub mod remaking;
pub mod sizes;
pub mod slots;
pub mod waiting;
