//! Editors: statements that change telemetry, `set(attributes["a"], 1) where name == "b"`.
//!
//! An editor computes a new value for its target, on the same subjects as conditions do; writing it is the draft's business. They are
//! for stages that change content; conditions never meet them.

mod keys;
mod pattern;
mod replace;
mod shape;

use super::compile::Compiler;
use super::draft::Draft;
use super::expr::Test;
use super::functions::{Args, Kind, Parameter, optional, required};
use super::parser;
use super::path::{Context, Place};
use super::problem::Problems;
use super::subject::Subject;
use super::value::{EvalError, Result, Value};

/// A row of the table of editors.
#[derive(Debug)]
pub(super) struct Editor {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) make: fn(Args) -> Result<Edit, String>,
}

/// What an editor does: gives its target a new value, or leaves it.
pub(super) struct Edit {
    target: Place,
    compute: Box<Compute>,
}

type Compute = dyn Fn(&Place, &Subject<'_>) -> Result<Option<Value<'static>>> + Send + Sync;

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edit")
            .field("target", &self.target)
            .finish()
    }
}

impl Edit {
    fn new(
        target: Place,
        compute: impl Fn(&Place, &Subject<'_>) -> Result<Option<Value<'static>>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            target,
            compute: Box::new(compute),
        }
    }
}

const TOPICS: &[&[Editor]] = &[keys::EDITORS, replace::EDITORS, shape::EDITORS];

pub(super) fn editors() -> impl Iterator<Item = &'static Editor> + Clone {
    TOPICS.iter().flat_map(|topic| topic.iter())
}

/// An editor with its condition, ready to be executed by any thread.
#[derive(Debug)]
pub struct Statement {
    text: String,
    edit: Edit,
    condition: Option<Test>,
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// All that is wrong with the text. Whole traces can't be edited.
    pub fn compile(context: Context, text: &str) -> Result<Self, Problems> {
        let tree = parser::statement(text)?;
        let mut compiler = Compiler::new(context, text);
        if context == Context::Trace {
            compiler
                .report
                .add(0, "the context `trace` has conditions only");
        }
        let edit = compiler.editor(&tree.editor);
        let condition = tree
            .condition
            .as_ref()
            .map(|condition| compiler.or(condition));
        match (edit, condition) {
            (Some(edit), None) if compiler.report.is_empty() => Ok(Self {
                text: text.to_owned(),
                edit,
                condition: None,
            }),
            (Some(edit), Some(Some(condition))) if compiler.report.is_empty() => Ok(Self {
                text: text.to_owned(),
                edit,
                condition: Some(condition),
            }),
            _ => Err(compiler.report.into_problems()),
        }
    }

    /// Edits the draft if the condition holds, and says whether it did.
    ///
    /// # Errors
    /// When condition, value or target fail; the draft is as it was then.
    pub fn execute(&self, draft: &mut Draft) -> Result<bool, EvalError> {
        let value = {
            let subject = draft.subject()?;
            if let Some(condition) = &self.condition
                && !condition.holds(&subject)?
            {
                return Ok(false);
            }
            (self.edit.compute)(&self.edit.target, &subject)?
        };
        if let Some(value) = value {
            self.edit.target.set(draft, value)?;
        }
        Ok(true)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}
