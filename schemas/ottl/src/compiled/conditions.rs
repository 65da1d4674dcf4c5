//! Several conditions of which one must hold, and what becomes of errors: the reference's `ConditionSequence`.

use super::condition::Condition;
use crate::problem::Problems;
use crate::telemetry::{Context, Subject};
use crate::value::{EvalError, Result};

/// What an evaluation that fails means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorMode {
    /// The condition doesn't hold; the error is worth a log line.
    #[default]
    Ignore,
    /// The condition doesn't hold, quietly.
    Silent,
    /// No further condition is evaluated, and the whole has no result.
    Propagate,
}

impl std::str::FromStr for ErrorMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "ignore" => Ok(Self::Ignore),
            "silent" => Ok(Self::Silent),
            "propagate" => Ok(Self::Propagate),
            _ => Err(format!(
                "no error mode {text:?}: known are ignore, silent and propagate"
            )),
        }
    }
}

/// Conditions joined by "or".
#[derive(Debug)]
pub struct Conditions {
    conditions: Vec<Condition>,
    pub error_mode: ErrorMode,
}

/// What came of a sequence of conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether a condition held; an error when one failed and the mode is to propagate it.
    pub holds: Result<bool, EvalError>,
    /// How many failed, in every mode: for the caller's counter.
    pub failed: usize,
}

impl Conditions {
    /// Reads them all.
    ///
    /// # Errors
    /// The problems of each text that has any, with its number.
    pub fn compile<T: AsRef<str>>(
        context: Context,
        texts: &[T],
        error_mode: ErrorMode,
    ) -> Result<Self, Vec<(usize, Problems)>> {
        let mut conditions = Vec::with_capacity(texts.len());
        let mut problems = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match Condition::compile_with_clock(context, text.as_ref()) {
                Ok(condition) => conditions.push(condition),
                Err(found) => problems.push((index, found)),
            }
        }
        if problems.is_empty() {
            Ok(Self {
                conditions,
                error_mode,
            })
        } else {
            Err(problems)
        }
    }

    /// Evaluates them in order until one holds.
    pub fn eval(&self, at: &Subject<'_>) -> Outcome {
        let mut failed = 0;
        for condition in &self.conditions {
            match condition.eval(at) {
                Ok(false) => {}
                Ok(true) => {
                    return Outcome {
                        holds: Ok(true),
                        failed,
                    };
                }
                Err(error) => {
                    failed += 1;
                    if self.error_mode == ErrorMode::Propagate {
                        return Outcome {
                            holds: Err(error),
                            failed,
                        };
                    }
                }
            }
        }
        Outcome {
            holds: Ok(false),
            failed,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter()
    }
}
