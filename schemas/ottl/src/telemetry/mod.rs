//! What texts are evaluated on, and what they change.

pub(crate) mod changed;
pub(crate) mod changes;
mod context;
pub(crate) mod encode;
pub(crate) mod index;
mod subject;
mod trace;

pub use context::{Context, Part};
pub use subject::Subject;
pub use trace::{ROOT_TESTS_MAX, RootAnswers, TraceFacts};
