//! Several statements that are executed in their order, and what becomes of errors: the reference's `StatementSequence`.

use super::conditions::ErrorMode;
use super::statement::Statement;
use crate::draft::Draft;
use crate::problem::Problems;
use crate::telemetry::{Context, Part};
use crate::value::{EvalError, Result};

/// Statements one after the other.
#[derive(Debug)]
pub struct Statements {
    statements: Vec<Statement>,
    pub error_mode: ErrorMode,
}

/// What statements came to on one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Whether any of them was applied.
    pub applied: bool,
    /// How many failed, in every mode: for the caller's counter.
    pub failed: usize,
    /// The first error when the mode is to propagate it, with the number of its statement; none behind it was executed.
    pub error: Option<(usize, EvalError)>,
}

impl Statements {
    /// Reads them all.
    ///
    /// # Errors
    /// The problems of each text that has any, with its number.
    pub fn compile<T: AsRef<str>>(
        context: Context,
        texts: &[T],
        error_mode: ErrorMode,
    ) -> Result<Self, Vec<(usize, Problems)>> {
        let mut statements = Vec::with_capacity(texts.len());
        let mut problems = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match Statement::compile_with_clock(context, text.as_ref()) {
                Ok(statement) => statements.push(statement),
                Err(found) => problems.push((index, found)),
            }
        }
        match problems.is_empty() {
            true => Ok(Self {
                statements,
                error_mode,
            }),
            false => Err(problems),
        }
    }

    /// Executes them in their order.
    pub fn execute(&self, draft: &mut Draft<'_>) -> Executed {
        let mut executed = Executed {
            applied: false,
            failed: 0,
            error: None,
        };
        for (number, statement) in self.statements.iter().enumerate() {
            match statement.execute(draft) {
                Ok(applied) => executed.applied |= applied,
                Err(error) => {
                    executed.failed += 1;
                    if self.error_mode == ErrorMode::Propagate {
                        executed.error = Some((number, error));
                        break;
                    }
                }
            }
        }
        executed
    }

    /// The messages that they may change.
    pub fn targets(&self) -> impl Iterator<Item = Part> {
        self.statements.iter().map(Statement::target)
    }
}
