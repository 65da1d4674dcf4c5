//! The syntax tree to something that can be evaluated: names are looked up, literals checked, constants folded.
//!
//! Goes on after a problem, so that all of them are reported at once: every method gives `None` when it has reported one.

mod arguments;
mod infer;
mod place;

use crate::expr::{Expr, Test};
use crate::problem::{Problems, Report, did_you_mean};
use crate::syntax::ast;
use crate::telemetry::{Context, Part, ROOT_TESTS_MAX, Subject};
use crate::value::compare::compare;
use crate::value::{DEPTH_MAX, Value};

pub(crate) struct Compiler<'t> {
    context: Context,
    /// Whether the time at which a record was published is known when the text is evaluated.
    has_clock: bool,
    report: Report<'t>,
    /// The messages that were referred to, in the text and in the part that is being compiled.
    parts: Vec<Part>,
    attributes: Vec<(Part, String)>,
    root_tests: Vec<Test>,
}

/// What a text came to, and what was seen on the way.
pub(crate) struct Compiled<T> {
    pub(crate) code: T,
    pub(crate) parts: Vec<Part>,
    pub(crate) attributes: Vec<(Part, String)>,
    pub(crate) root_tests: Vec<Test>,
}

impl<'t> Compiler<'t> {
    pub(crate) fn new(context: Context, text: &'t str) -> Self {
        Self {
            context,
            has_clock: false,
            report: Report::new(text),
            parts: Vec::new(),
            attributes: Vec::new(),
            root_tests: Vec::new(),
        }
    }

    /// For what isn't a condition, which a whole trace doesn't have.
    pub(crate) fn of_items(context: Context, text: &'t str) -> Self {
        let mut compiler = Self::new(context, text);
        if context == Context::Trace {
            compiler
                .report
                .add(0, "the context `trace` has conditions only");
        }
        compiler
    }

    /// For texts that are evaluated on records whose time is known.
    pub(crate) fn with_clock(self) -> Self {
        Self {
            has_clock: true,
            ..self
        }
    }

    pub(crate) fn context(&self) -> Context {
        self.context
    }

    pub(crate) fn has_clock(&self) -> bool {
        self.has_clock
    }

    /// What was compiled, unless there was a problem.
    pub(crate) fn finish<T>(self, code: Option<T>) -> Result<Compiled<T>, Problems> {
        match code {
            Some(code) if self.report.is_empty() => Ok(Compiled {
                code,
                parts: self.parts,
                attributes: self.attributes,
                root_tests: self.root_tests,
            }),
            _ => Err(self.report.into_problems()),
        }
    }

    pub(crate) fn or(&mut self, or: &ast::Or) -> Option<Test> {
        let terms: Vec<_> = or.0.iter().map(|and| self.and(and)).collect();
        Some(Test::any(terms.into_iter().collect::<Option<_>>()?))
    }

    fn and(&mut self, and: &ast::And) -> Option<Test> {
        let values: Vec<_> = and.0.iter().map(|truth| self.truth(truth)).collect();
        Some(Test::all(values.into_iter().collect::<Option<_>>()?))
    }

    fn truth(&mut self, truth: &ast::Truth) -> Option<Test> {
        let test = match &truth.of {
            ast::TruthOf::Constant(value) => Test::Constant(*value),
            ast::TruthOf::Group(or) => self.or(or)?,
            ast::TruthOf::Call(call) => self.leaf(call.at, |compiler| {
                Some(Test::Call(compiler.converter(call)?))
            })?,
            ast::TruthOf::Comparison {
                left,
                operator,
                right,
            } => self.leaf(left.at, |compiler| {
                let left = compiler.expr(left);
                let right = compiler.expr(right);
                compiler.comparison(left?, *operator, right?)
            })?,
        };
        Some(if truth.negated { test.not() } else { test })
    }

    fn comparison(&mut self, left: Expr, operator: ast::Comparison, right: Expr) -> Option<Test> {
        if let (Some(left), Some(right)) = (left.literal(), right.literal()) {
            // Comparing literals can't fail: they are not nested deeper than the parser allows.
            return compare(left, operator, right).ok().map(Test::Constant);
        }
        Some(Test::Compare(operator, Box::new((left, right))))
    }

    /// A part of a condition that is either about the root span of a trace, and evaluated on that, or not.
    fn leaf(&mut self, at: usize, compile: impl FnOnce(&mut Self) -> Option<Test>) -> Option<Test> {
        if self.context != Context::Trace {
            return compile(self);
        }
        let before = std::mem::take(&mut self.parts);
        let test = compile(self);
        let parts = std::mem::replace(&mut self.parts, before);
        let on_root = parts.iter().any(|part| *part != Part::Trace);
        let on_trace = parts.contains(&Part::Trace);
        self.parts.extend(parts);
        if on_root && on_trace {
            let message = "`root` and `trace` in one comparison: the root span is gone when a trace is decided";
            self.report.add(at, message);
            return None;
        }
        if !on_root {
            return test;
        }
        if self.root_tests.len() == ROOT_TESTS_MAX {
            let message = format!("more than {ROOT_TESTS_MAX} comparisons on the root span");
            self.report.add(at, message);
            return None;
        }
        self.root_tests.push(test?);
        Some(Test::Root(self.root_tests.len() - 1))
    }

    pub(crate) fn expr(&mut self, expr: &ast::Expr) -> Option<Expr> {
        use ast::ExprKind;
        let literal = |value: Value<'static>| Some(Expr::Literal(value));
        match &expr.kind {
            ExprKind::Nil => literal(Value::Nil),
            ExprKind::Bool(value) => literal(Value::Bool(*value)),
            ExprKind::Int(value) => literal(Value::Int(*value)),
            ExprKind::Float(value) => literal(Value::Float(*value)),
            ExprKind::Text(text) => literal(Value::owned(text.as_str())),
            ExprKind::Bytes(bytes) => literal(Value::Bytes(bytes.clone().into())),
            ExprKind::Enum(name) => literal(Value::Int(self.enumeration(expr.at, name)?)),
            ExprKind::Path(path) => self.place(path).map(Expr::Place),
            ExprKind::Call(call) => self.converter(call),
            ExprKind::Computed(inner) => self.expr(inner),
            ExprKind::Negated(inner) => Some(Expr::Negate(Box::new(self.expr(inner)?))),
            ExprKind::Arithmetic {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.expr(left), self.expr(right));
                Some(Expr::Arithmetic(*operator, Box::new((left?, right?))))
            }
            ExprKind::List(values) => self.list(values),
            ExprKind::Map(pairs) => self.map(pairs),
            ExprKind::FunctionName(name) => {
                let message = format!("`{name}` is a function's name, not a value");
                let help = Some(format!("a call is written `{name}(…)`"));
                self.report.add_with_help(expr.at, message, help);
                None
            }
        }
    }

    fn list(&mut self, values: &[ast::Expr]) -> Option<Expr> {
        let values: Vec<_> = values.iter().map(|value| self.expr(value)).collect();
        let values: Vec<_> = values.into_iter().collect::<Option<_>>()?;
        Some(folded(Expr::List(values)))
    }

    /// Of several values for a key the last one counts.
    fn map(&mut self, pairs: &[(String, ast::Expr)]) -> Option<Expr> {
        let mut compiled: Vec<(String, Expr)> = Vec::with_capacity(pairs.len());
        let mut sound = true;
        for (key, value) in pairs {
            let Some(value) = self.expr(value) else {
                sound = false;
                continue;
            };
            match compiled.iter_mut().find(|(known, _)| known == key) {
                Some(known) => known.1 = value,
                None => compiled.push((key.clone(), value)),
            }
        }
        sound.then(|| folded(Expr::Map(compiled)))
    }

    fn enumeration(&mut self, at: usize, name: &str) -> Option<i64> {
        let symbols = crate::paths::enums::of(self.context);
        if let Some((_, number)) = symbols.iter().find(|(symbol, _)| *symbol == name) {
            return Some(*number);
        }
        let message = format!("no enum `{name}` in the context `{}`", self.context.name());
        let help = did_you_mean(name, symbols.iter().map(|(symbol, _)| *symbol));
        self.report.add_with_help(at, message, help);
        None
    }
}

/// A list or map of literals is a literal.
fn folded(expr: Expr) -> Expr {
    let constant = match &expr {
        Expr::List(values) => values.iter().all(|value| value.literal().is_some()),
        Expr::Map(pairs) => pairs.iter().all(|(_, value)| value.literal().is_some()),
        _ => false,
    };
    if !constant {
        return expr;
    }
    let nothing = Subject::default();
    let value = expr
        .eval(&nothing)
        .and_then(|value| value.owned_within(DEPTH_MAX));
    match value {
        Ok(value) => Expr::Literal(value),
        Err(_) => expr,
    }
}
