//! Random conditions, and spans on which they mean something.

mod conditions;
mod spans;
mod words;

use fastrand::Rng;

pub use conditions::{condition, damage};
pub use spans::request;

fn one<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.usize(..of.len())]
}
