//! One statement: an editor, and the condition under which it is applied.

use crate::compile::Compiler;
use crate::editors::Edit;
use crate::expr::Test;
use crate::problem::Problems;
use crate::syntax;
use crate::telemetry::{Context, Draft};
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
        let tree = syntax::statement(text)?;
        let mut compiler = Compiler::of_items(context, text);
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
    pub fn execute(&self, draft: &mut Draft) -> Result<bool, EvalError> {
        let value = {
            let subject = draft.subject()?;
            if let Some(condition) = &self.condition
                && !condition.holds(&subject)?
            {
                return Ok(false);
            }
            self.edit.compute(&subject)?
        };
        if let Some(value) = value {
            self.edit.write(draft, value)?;
        }
        Ok(true)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}
