//! What of a record a backend gets, and in which form: routes, its filter, its sample, its transform, its limits. Pure.
//!
//! Every backend reads the whole bus and looks at the same table of routes, so all agree without asking each other: the answer is a function of
//! the record. Records of which everything goes on as it is are neither walked nor copied.

mod edits;
mod kept;
mod limits;
mod sampling;
mod sift;
mod table;

pub use edits::Edits;
pub use sampling::{Mode, Sampling};
pub use sift::Sift;
pub use table::{Match, Route, Routes};
