//! A backend's transform: statements that change items on their way to it alone.

use ottl::{Context, Draft, ErrorMode, Problems, Statements};
use schemas::Signal;

/// Statements by signal, in the order in which they are written.
#[derive(Debug, Default)]
pub struct Edits {
    by_signal: [Vec<(Context, Statements)>; Signal::ALL.len()],
}

impl Edits {
    /// Adds a statement.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn add(
        &mut self,
        signal: Signal,
        context: Context,
        text: &str,
    ) -> Result<(), Vec<(usize, Problems)>> {
        let statements = Statements::compile(context, &[text], ErrorMode::Propagate)?;
        self.by_signal[signal as usize].push((context, statements));
        Ok(())
    }

    pub(super) fn concerns(&self, signal: Signal) -> bool {
        !self.by_signal[signal as usize].is_empty()
    }

    /// Changes the item that the draft was given.
    ///
    /// # Errors
    /// Why a statement failed; those behind it were not executed.
    pub(super) fn apply(&self, signal: Signal, draft: &mut Draft<'_>) -> Result<(), String> {
        for (context, statements) in &self.by_signal[signal as usize] {
            match context {
                Context::SpanEvent | Context::DataPoint => {
                    for index in 0..draft.inner_count() {
                        if draft
                            .begin_inner(index)
                            .map_err(|error| error.to_string())?
                        {
                            let outcome = execute(statements, draft);
                            draft.end_inner(true);
                            outcome?;
                        }
                    }
                }
                _ => execute(statements, draft)?,
            }
        }
        Ok(())
    }
}

fn execute(statements: &Statements, draft: &mut Draft<'_>) -> Result<(), String> {
    let executed = statements.execute(draft);
    draft.clear_cache();
    match executed.error {
        None => Ok(()),
        Some((_, error)) => Err(error.to_string()),
    }
}
