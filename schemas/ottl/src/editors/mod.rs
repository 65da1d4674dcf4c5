//! Editors: statements that change telemetry, `set(attributes["a"], 1) where name == "b"`.
//!
//! An editor computes a new value for its target, on the same subjects as conditions do; writing it is the draft's business. They are
//! for stages that change content; conditions never meet them.

mod edit;
mod glob;
mod keys;
mod metric;
mod name;
mod replace;
mod shape;

pub(crate) use edit::{Edit, Editor};

use crate::telemetry::Context;

const TOPICS: &[&[Editor]] = &[
    keys::EDITORS,
    name::EDITORS,
    replace::EDITORS,
    shape::EDITORS,
];

/// Those that texts of a context may use.
pub(crate) fn editors(context: Context) -> impl Iterator<Item = &'static Editor> + Clone {
    let of_metrics = match context {
        Context::Metric => metric::EDITORS,
        _ => &[],
    };
    let topics = TOPICS.iter().copied().flatten();
    topics.chain(of_metrics)
}
