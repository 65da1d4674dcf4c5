//! The groups of statements of `transform`.

use ottl::{Conditions, Context, Part, Statements};
use schemas::Signal;

use super::Compiler;
use super::written::{Written, groups};
use crate::config::steps::{RawErrorMode, RawStatementGroup, RawTransform};
use crate::steps::{Transform, TransformGroup};

impl Compiler<'_> {
    pub(super) fn transform(&mut self, raw: &RawTransform, at: &str) -> Transform {
        let mut transform = Transform::default();
        let lists = [
            (Signal::Traces, "trace_statements", &raw.trace_statements),
            (Signal::Metrics, "metric_statements", &raw.metric_statements),
            (Signal::Logs, "log_statements", &raw.log_statements),
        ];
        if lists.iter().all(|(.., list)| list.is_empty()) {
            self.problems.push(at, "has no statements; name some in `trace_statements`, `log_statements` or `metric_statements`");
        }
        let mut first = 0;
        for (signal, key, list) in lists {
            let at = format!("{at}.{key}");
            for (written, group) in groups(list, &at) {
                let count = group.conditions.len() + group.statements.len();
                let group = self.statements(signal, &group, raw.error_mode, &written, first);
                if let Some(group) = group {
                    transform.add(signal, group);
                }
                first += count;
            }
        }
        transform
    }

    /// One group; `written` has the places of its statements, and then of its conditions.
    fn statements(
        &mut self,
        signal: Signal,
        raw: &RawStatementGroup,
        default: Option<RawErrorMode>,
        written: &Written,
        first: usize,
    ) -> Option<TransformGroup> {
        if raw.statements.is_empty() {
            self.problems
                .push(written.group.clone(), "has no `statements`");
        }
        let context = self.context(
            signal,
            raw.context,
            &raw.statements,
            &raw.conditions,
            written,
        )?;
        let mode = RawErrorMode::of(raw.error_mode, default);
        let statements = Statements::compile(context, &raw.statements, mode);
        let statements = self.sound(statements, |number| written.texts[number].clone());
        let count = raw.statements.len();
        let conditions = match raw.conditions.is_empty() {
            true => None,
            false => {
                let conditions = Conditions::compile(context, &raw.conditions, mode);
                Some(self.sound(conditions, |number| written.texts[count + number].clone())?)
            }
        };
        let statements = statements?;
        let slot = self.slot(context);
        if slot.is_none() {
            self.spills(&statements, context, written);
        }
        Some(TransformGroup::new(
            context, conditions, statements, slot, first,
        ))
    }

    /// What items write to their resource gives each of them one of its own.
    fn spills(&mut self, statements: &Statements, context: Context, written: &Written) {
        for (number, target) in statements.targets().enumerate() {
            let what = match target {
                Part::Resource => "resource",
                Part::Scope => "scope",
                _ => continue,
            };
            let message = format!(
                "sets something of the {what} in the context `{}`: items for which it differs get a {what} of their own, which makes records larger; where all of them get the same, write it in the context `{what}`",
                context.name()
            );
            self.problems.warn(written.texts[number].clone(), message);
        }
    }
}
