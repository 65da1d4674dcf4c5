//! One condition, or one value: compiled once, evaluated for each span.

use crate::compile::Compiler;
use crate::expr::{Expr, Test};
use crate::problem::Problems;
use crate::syntax;
use crate::telemetry::{Context, Part, RootAnswers, Subject, TraceFacts};
use crate::value::{EvalError, Result, Value};

/// A condition, ready to be evaluated by any thread.
#[derive(Debug)]
pub struct Condition {
    text: String,
    context: Context,
    test: Test,
    /// Of the context `trace`: the parts that are evaluated on the root span.
    root_tests: Vec<Test>,
    /// Whether it may ask for the time.
    has_clock: bool,
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
        Self::compile_with(Compiler::new(context, text), text)
    }

    /// One that may ask when the record was published.
    pub(super) fn compile_with_clock(context: Context, text: &str) -> Result<Self, Problems> {
        Self::compile_with(Compiler::new(context, text).with_clock(), text)
    }

    fn compile_with(mut compiler: Compiler<'_>, text: &str) -> Result<Self, Problems> {
        let tree = syntax::condition(text)?;
        let (context, has_clock) = (compiler.context(), compiler.has_clock());
        let test = compiler.or(&tree);
        let compiled = compiler.finish(test)?;
        Ok(Self {
            text: text.to_owned(),
            context,
            test: compiled.code,
            root_tests: compiled.root_tests,
            has_clock,
            needs: Needs {
                parts: compiled.parts,
                attributes: compiled.attributes,
            },
        })
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
            // No function draws a number, and without a clock none asks one.
            test if self.needs.parts.is_empty() && !self.has_clock => {
                Some(test.holds(&Subject::default()))
            }
            _ => None,
        }
    }

    /// Whether some part of it compares a value of telemetry with itself, as `name == name` does: what it gives is the same for nearly everything.
    pub fn compares_with_itself(&self) -> bool {
        let parts = std::iter::once(&self.test).chain(&self.root_tests);
        parts.into_iter().any(Test::compares_with_itself)
    }

    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    pub fn context(&self) -> Context {
        self.context
    }

    /// Evaluates what concerns the root span, which the subject must be set to; on an empty subject: what holds of a
    /// trace without root, every path being nil. Empty for conditions of other contexts than `trace`.
    pub fn root_answers(&self, root: &Subject<'_>) -> RootAnswers {
        let mut answers = RootAnswers::default();
        for (index, test) in self.root_tests.iter().enumerate() {
            match Test::holds(test, root) {
                Ok(held) => answers.held |= u32::from(held) << index,
                Err(_) => answers.failed |= 1 << index,
            }
        }
        answers
    }

    /// How many parts concern the root span; unless 0, [`Condition::root_answers`] has to be asked.
    pub fn root_tests(&self) -> usize {
        self.root_tests.len()
    }

    /// Evaluates a condition of the context `trace`.
    pub fn eval_trace(&self, facts: TraceFacts, root: RootAnswers) -> Result<bool, EvalError> {
        let mut subject = Subject::default();
        subject.set_trace(facts, root);
        self.eval(&subject)
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
        let tree = syntax::expression(text)?;
        let mut compiler = Compiler::of_items(context, text);
        let expr = compiler.expr(&tree);
        let expr = compiler.finish(expr)?.code;
        Ok(Self { expr })
    }

    /// The value.
    ///
    /// # Errors
    /// As [`Condition::eval`].
    pub fn eval<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>, EvalError> {
        self.expr.eval(at)
    }
}
