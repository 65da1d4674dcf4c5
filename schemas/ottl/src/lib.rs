//! OTTL, the OpenTelemetry Transformation Language: conditions on telemetry, compiled once, evaluated where the bytes lie.
//!
//! The language is that of the Collector's `pkg/ottl` v0.155: grammar, paths, comparison rules, types of arguments. What
//! differs on purpose, and which functions are missing, stands in `docs/reference/ottl.md`.
//!
//! A text goes through [`lexer`], [`parser`] (to [`ast`]) and [`compile`] (to [`expr`]), once, with all of its problems
//! reported by column. What is left is evaluated on a [`Subject`]: borrowed views over OTLP. Comparing an attribute with a
//! literal allocates nothing.
//!
//! ```
//! use ottl::{Condition, Context};
//!
//! let slow_payment = Condition::compile(
//!     Context::Span,
//!     r#"attributes["http.route"] == "/pay" and end_time - start_time > Duration("2s")"#,
//! );
//! # let _ = slow_payment;
//! ```
//!
//! Nothing here counts, logs or keeps state: an evaluation gives a truth value or an [`EvalError`], and what an
//! [`ErrorMode`] makes of that is the caller's business, helped by [`Conditions`].

mod compile;
mod condition;
mod conditions;
mod editors;
mod expr;
mod functions;
pub mod go_pattern;
mod paths;
mod problem;
mod statement;
mod syntax;
mod telemetry;
mod value;

pub use condition::{Condition, Expression, Needs};
pub use conditions::{Conditions, ErrorMode, Outcome};
pub use problem::{Problem, Problems};
pub use statement::Statement;
pub use telemetry::{Context, Draft, Part, ROOT_TESTS_MAX, RootAnswers, Subject, TraceFacts};
pub use value::{EvalError, List, Map, Opaque, Time, Value};
