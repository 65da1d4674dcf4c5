//! Editors: statements that change telemetry, `set(attributes["a"], 1) where name == "b"`.
//!
//! An editor computes a new value for its target, on the same subjects as conditions do; writing it is the draft's business. They are
//! for stages that change content; conditions never meet them.

mod edit;
mod glob;
mod keys;
mod replace;
mod shape;

pub(crate) use edit::{Edit, Editor};

const TOPICS: &[&[Editor]] = &[keys::EDITORS, replace::EDITORS, shape::EDITORS];

pub(crate) fn editors() -> impl Iterator<Item = &'static Editor> + Clone {
    TOPICS.iter().flat_map(|topic| topic.iter())
}
