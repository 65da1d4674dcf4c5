//! One statement: an editor, and the condition under which it is applied.

use crate::compile::Compiler;
use crate::draft::Draft;
use crate::editors::Edit;
use crate::expr::Test;
use crate::problem::Problems;
use crate::syntax;
use crate::telemetry::{Context, Part};
use crate::value::{EvalError, Result};

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
        Self::compile_with(Compiler::of_items(context, text), text)
    }

    /// One that may ask when the record was published.
    pub(super) fn compile_with_clock(context: Context, text: &str) -> Result<Self, Problems> {
        Self::compile_with(Compiler::of_items(context, text).with_clock(), text)
    }

    fn compile_with(mut compiler: Compiler<'_>, text: &str) -> Result<Self, Problems> {
        let tree = syntax::statement(text)?;
        let edit = compiler.editor(&tree.editor);
        let condition = match &tree.condition {
            Some(condition) => compiler.or(condition).map(Some),
            None => Some(None),
        };
        let compiled = compiler.finish(edit.zip(condition))?;
        let (edit, condition) = compiled.code;
        Ok(Self {
            text: text.to_owned(),
            edit,
            condition,
        })
    }

    /// Edits the draft if the condition holds, and says whether it did.
    ///
    /// # Errors
    /// When condition, value or target fail; the draft is as it was then.
    pub fn execute(&self, draft: &mut Draft<'_>) -> Result<bool, EvalError> {
        let subject = draft.subject();
        if let Some(condition) = &self.condition
            && !condition.holds(subject)?
        {
            return Ok(false);
        }
        if let Some(change) = self.edit.compute(subject)? {
            self.edit.write(draft, change)?;
        }
        Ok(true)
    }

    /// The message that it changes.
    pub(super) fn target(&self) -> Part {
        self.edit.target()
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}
