//! Random texts in OTTL, and telemetry on which they mean something.

mod conditions;
mod logs;
mod metrics;
mod spans;
mod statements;
mod values;
mod words;

use fastrand::Rng;
use ottl::Context;
use prost::Message;

pub use conditions::{condition, damage};
pub use statements::statement;

fn one<'t>(rng: &mut Rng, of: &[&'t str]) -> &'t str {
    of[rng.usize(..of.len())]
}

/// Some context of items.
pub fn context(rng: &mut Rng) -> Context {
    match rng.u8(..10) {
        0..=3 => Context::Span,
        4 => Context::SpanEvent,
        5 | 6 => Context::Log,
        7 => Context::Metric,
        _ => Context::DataPoint,
    }
}

/// An export request with one item.
pub fn request(rng: &mut Rng, context: Context) -> Vec<u8> {
    match context {
        Context::Log => logs::request(rng).encode_to_vec(),
        Context::Metric | Context::DataPoint => metrics::request(rng).encode_to_vec(),
        _ => spans::request(rng).encode_to_vec(),
    }
}
