//! What texts are evaluated on, and what they change.

mod context;
pub(crate) mod draft;
pub(crate) mod index;
mod subject;
mod trace;

pub use context::{Context, Part};
pub use draft::Draft;
pub use subject::Subject;
pub use trace::{ROOT_TESTS_MAX, RootAnswers, TraceFacts};
