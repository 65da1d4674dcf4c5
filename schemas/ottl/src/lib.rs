//! OTTL, the OpenTelemetry Transformation Language: conditions on telemetry, compiled once, evaluated where the bytes lie.
//!
//! The language is that of the Collector's `pkg/ottl` v0.155: grammar, paths, comparison rules, types of arguments. What
//! differs on purpose, and which functions are missing, stands in `docs/ottl.md`.
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

mod ast;
mod collection;
mod compare;
mod compile;
mod conditions;
mod convert;
mod draft;
mod editors;
mod enums;
mod expr;
mod functions;
pub mod go_pattern;
mod index;
mod lexer;
mod math;
mod parser;
mod path;
mod problem;
mod subject;
mod text;
mod time;
mod trace;
mod value;

pub use collection::{List, Map};
pub use conditions::{Conditions, ErrorMode, Outcome};
pub use draft::Draft;
pub use editors::Statement;
pub use path::{Context, Part};
pub use problem::{Problem, Problems};
pub use subject::Subject;
pub use time::Time;
pub use trace::{ROOT_TESTS_MAX, RootAnswers, TraceFacts};
pub use value::{EvalError, Opaque, Value};

use compile::Compiler;
use expr::{Expr, Test};
use value::Result;

/// A condition, ready to be evaluated by any thread.
#[derive(Debug)]
pub struct Condition {
    text: String,
    context: Context,
    test: Test,
    /// Of the context `trace`: the parts that are evaluated on the root span.
    root_tests: Vec<Test>,
    needs: Needs,
}

/// What a condition looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The messages that it reads anything of.
    pub parts: Vec<Part>,
    /// The attributes that it names. Others may be reached by computed keys or as a whole map.
    pub attributes: Vec<(Part, String)>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// All that is wrong with the text: syntax, or else unknown names and arguments that don't fit.
    pub fn compile(context: Context, text: &str) -> Result<Self, Problems> {
        let tree = parser::condition(text)?;
        let mut compiler = Compiler::new(context, text);
        match compiler.or(&tree) {
            Some(test) if compiler.report.is_empty() => Ok(Self {
                text: text.to_owned(),
                context,
                test,
                root_tests: compiler.root_tests,
                needs: Needs {
                    parts: compiler.parts,
                    attributes: compiler.attributes,
                },
            }),
            _ => Err(compiler.report.into_problems()),
        }
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// When a function can't do its work, a key doesn't fit, or telemetry is malformed.
    #[inline]
    pub fn eval(&self, at: &Subject<'_>) -> Result<bool, EvalError> {
        self.test.holds(at)
    }

    /// What the condition gives whatever telemetry it is evaluated on, if it reads nothing of it or the rest of it has no say: `true`, `1 == 1`,
    /// `Len("ab") > 1`, `true or name == "a"`.
    pub fn constant(&self) -> Option<Result<bool, EvalError>> {
        match &self.test {
            Test::Constant(value) => Some(Ok(*value)),
            // No function asks a clock or draws a number.
            test if self.needs.parts.is_empty() => Some(test.holds(&Subject::default())),
            _ => None,
        }
    }

    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    pub fn context(&self) -> Context {
        self.context
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A value by itself, such as `Concat([name, attributes["a"]], "-")`.
#[derive(Debug)]
pub struct Expression {
    expr: Expr,
}

impl Expression {
    /// Reads a value.
    ///
    /// # Errors
    /// As [`Condition::compile`]. The context `trace` has no values, only conditions.
    pub fn compile(context: Context, text: &str) -> Result<Self, Problems> {
        let tree = parser::expression(text)?;
        let mut compiler = Compiler::new(context, text);
        if context == Context::Trace {
            compiler
                .report
                .add(0, "the context `trace` has conditions only");
        }
        match compiler.expr(&tree) {
            Some(expr) if compiler.report.is_empty() => Ok(Self { expr }),
            _ => Err(compiler.report.into_problems()),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// As [`Condition::eval`].
    pub fn eval<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>, EvalError> {
        self.expr.eval(at)
    }
}

/// Bytes as lower-case hexadecimal digits.
use path::hex as path_hex;
