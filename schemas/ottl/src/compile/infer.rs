//! Which context texts are written for when nobody says: the one of the most particular path in them, as in the reference
//! (`pkg/ottl/context_inferrer.go`).

use crate::problem::Problems;
use crate::syntax;
use crate::syntax::ast::{Call, Expr, ExprKind, Field, Key, Or, Path, TruthOf};
use crate::telemetry::Context;
use schemas::Signal;

impl Context {
    /// What texts for a signal may be evaluated on, the most particular first.
    pub fn of(signal: Signal) -> &'static [Self] {
        match signal {
            Signal::Traces => &[Self::SpanEvent, Self::Span, Self::Scope, Self::Resource],
            Signal::Logs => &[Self::Log, Self::Scope, Self::Resource],
            Signal::Metrics => &[Self::DataPoint, Self::Metric, Self::Scope, Self::Resource],
        }
    }

    /// The context of statements and conditions that stand in one group: the most particular one that some path begins with. Without any such
    /// path it is that of the signal's items.
    ///
    /// # Errors
    /// All texts that can't be read, each with its number among the statements, or among the conditions behind them.
    pub fn infer<T: AsRef<str>>(
        signal: Signal,
        statements: &[T],
        conditions: &[T],
    ) -> Result<Context, Vec<(usize, Problems)>> {
        let mut seen = Seen(Vec::new());
        let mut problems = Vec::new();
        for (number, text) in statements.iter().enumerate() {
            match syntax::statement(text.as_ref()) {
                Ok(statement) => {
                    seen.call(&statement.editor);
                    statement.condition.iter().for_each(|or| seen.or(or));
                }
                Err(found) => problems.push((number, found)),
            }
        }
        for (number, text) in conditions.iter().enumerate() {
            match syntax::condition(text.as_ref()) {
                Ok(condition) => seen.or(&condition),
                Err(found) => problems.push((statements.len() + number, found)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_meant = |context: &&Context| {
            let mut names = own_names(**context).iter();
            names.any(|name| seen.0.iter().any(|first| first == name))
        };
        let item = match signal {
            Signal::Traces => Self::Span,
            Signal::Logs => Self::Log,
            Signal::Metrics => Self::Metric,
        };
        let meant = Self::of(signal).iter().find(is_meant);
        Ok(meant.copied().unwrap_or(item))
    }
}

/// The names that only a path of this context's own message begins with.
fn own_names(context: Context) -> &'static [&'static str] {
    match context {
        Context::Resource => &["resource"],
        Context::Scope => &["scope", "instrumentation_scope"],
        Context::Span => &["span"],
        Context::SpanEvent => &["spanevent"],
        Context::Log => &["log"],
        Context::Metric => &["metric"],
        Context::DataPoint => &["datapoint"],
        Context::Trace => &["trace", "root"],
    }
}

/// The first names of all paths.
struct Seen(Vec<String>);

impl Seen {
    fn or(&mut self, or: &Or) {
        for truth in or.0.iter().flat_map(|and| &and.0) {
            match &truth.of {
                TruthOf::Comparison { left, right, .. } => {
                    self.expr(left);
                    self.expr(right);
                }
                TruthOf::Constant(_) => {}
                TruthOf::Call(call) => self.call(call),
                TruthOf::Group(or) => self.or(or),
            }
        }
    }

    fn call(&mut self, call: &Call) {
        call.arguments
            .iter()
            .for_each(|argument| self.expr(&argument.value));
        self.keys(&call.keys);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Path(path) => self.path(path),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Negated(inner) | ExprKind::Computed(inner) => self.expr(inner),
            ExprKind::Arithmetic { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::List(values) => values.iter().for_each(|value| self.expr(value)),
            ExprKind::Map(pairs) => pairs.iter().for_each(|(_, value)| self.expr(value)),
            ExprKind::Nil
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Text(_)
            | ExprKind::Bytes(_)
            | ExprKind::Enum(_)
            | ExprKind::FunctionName(_) => {}
        }
    }

    fn path(&mut self, path: &Path) {
        if let [first, _, ..] = &path.fields[..]
            && first.keys.is_empty()
        {
            self.0.push(first.name.clone());
        }
        path.fields
            .iter()
            .for_each(|Field { keys, .. }| self.keys(keys));
    }

    fn keys(&mut self, keys: &[Key]) {
        for key in keys {
            if let Key::Expr(expr) = key {
                self.expr(expr);
            }
        }
    }
}
