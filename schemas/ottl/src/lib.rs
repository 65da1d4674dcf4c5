#![doc = include_str!("../README.md")]
//!
//! # How it works
//! A text goes through `syntax` (lexer and parser, to a tree) and `compile` (to `expr`), once. What is left is evaluated on a
//! [`Subject`]: `paths` has a table of each message's fields, `functions` one of the converters, `editors` one of the editors.
//! Each module imports only those before it: `problem`, `syntax`, `value`, `telemetry`, `paths`, `draft`, `expr`, `functions`, `editors`, `compile`, `compiled`.

mod compile;
mod compiled;
mod draft;
mod editors;
mod expr;
mod functions;
pub mod go_pattern;
mod paths;
mod problem;
mod syntax;
mod telemetry;
mod value;

pub use compiled::{
    Condition, Conditions, ErrorMode, Executed, Expression, Fate, ItemFilter, Needs, Outcome,
    Statement, Statements,
};
pub use draft::{Draft, HeadChanges, Packed};
pub use paths::SpanFacts;
pub use problem::{Problem, Problems};
pub use telemetry::{Context, Part, ROOT_TESTS_MAX, RootAnswers, Subject, TraceFacts};
pub use value::text::any_as_string;
pub use value::{EvalError, List, Map, Opaque, Time, Value};
