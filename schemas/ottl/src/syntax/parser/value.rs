//! Values: literals, paths, calls, arithmetic, lists and maps.

use super::{Meaning, Parser};
use crate::syntax::ast::{Argument, Arithmetic, Call, Expr, ExprKind, Field, Key, Path};
use crate::syntax::lexer::Kind;

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Option<Expr> {
        self.nested(|parser| {
            parser.refuse_lambda()?;
            parser
                .attempt(Self::sum)
                .or_else(|| parser.attempt(Self::literal))
        })
    }

    fn refuse_lambda(&mut self) -> Option<()> {
        let mut ahead = 0;
        if self.word(0) == "(" {
            ahead = 1;
            while matches!(self.kind(ahead), Some(Kind::Lowercase | Kind::Underscore))
                || self.word(ahead) == ","
            {
                ahead += 1;
            }
        }
        if ahead > 0 && self.word(ahead) == ")" && self.kind(ahead + 1) == Some(Kind::Arrow) {
            let at = self.offset();
            return self.refuse(
                at,
                "lambda expressions are not supported (the Collector has them off by default)",
            );
        }
        Some(())
    }

    /// What can't be part of arithmetic.
    fn literal(&mut self) -> Option<Expr> {
        let at = self.offset();
        let (kind, word) = (self.kind(0), self.word(0));
        let literal = match kind {
            Some(Kind::Nil) => ExprKind::Nil,
            Some(Kind::Boolean) => ExprKind::Bool(word == "true"),
            Some(Kind::Uppercase) if self.kind(1) != Some(Kind::Lowercase) => {
                ExprKind::Enum(word.to_owned())
            }
            Some(Kind::Text | Kind::Bytes) => match self.meaning() {
                Meaning::Text(text) => ExprKind::Text(text),
                Meaning::Bytes(bytes) => ExprKind::Bytes(bytes),
                _ => return None,
            },
            Some(Kind::Punctuation) if word == "{" => {
                let kind = self.map()?;
                return Some(Expr { at, kind });
            }
            Some(Kind::Punctuation) if word == "[" => {
                let kind = self.list()?;
                return Some(Expr { at, kind });
            }
            _ => {
                self.want("a value");
                return None;
            }
        };
        self.next += 1;
        Some(Expr { at, kind: literal })
    }

    fn meaning(&self) -> Meaning {
        self.tokens
            .get(self.next)
            .map_or(Meaning::Word, |(_, meaning)| meaning.clone())
    }

    fn map(&mut self) -> Option<ExprKind> {
        self.punctuation("{")?;
        let mut pairs = Vec::new();
        while self.kind(0) == Some(Kind::Text) {
            let Meaning::Text(key) = self.meaning() else {
                return None;
            };
            self.next += 1;
            self.punctuation(":")?;
            pairs.push((key, self.expr()?));
            let _ = self.punctuation(",");
        }
        self.punctuation("}")?;
        Some(ExprKind::Map(pairs))
    }

    /// As in the reference, commas between the first values may be missing.
    fn list(&mut self) -> Option<ExprKind> {
        self.punctuation("[")?;
        let mut values = Vec::new();
        while let Some(value) = self.attempt(Self::expr) {
            values.push(value);
        }
        while self.punctuation(",").is_some() {
            values.push(self.expr()?);
        }
        self.punctuation("]")?;
        Some(ExprKind::List(values))
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        while let Some(right) = self.attempt(|parser| {
            let sign = parser.take(Kind::Sum, "arithmetic")?;
            Some((sign, parser.product()?))
        }) {
            let operator = match right.0 {
                "+" => Arithmetic::Add,
                _ => Arithmetic::Subtract,
            };
            left = arithmetic(left, operator, right.1);
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.factor()?;
        while let Some(right) = self.attempt(|parser| {
            let sign = parser.take(Kind::Product, "arithmetic")?;
            Some((sign, parser.factor()?))
        }) {
            let operator = match right.0 {
                "*" => Arithmetic::Multiply,
                _ => Arithmetic::Divide,
            };
            left = arithmetic(left, operator, right.1);
        }
        Some(left)
    }

    /// An operand with an optional sign. Only one without sign and parentheses is a literal or a path by itself.
    fn factor(&mut self) -> Option<Expr> {
        let at = self.offset();
        let sign = (self.kind(0) == Some(Kind::Sum)).then(|| self.word(0));
        self.next += usize::from(sign.is_some());
        let grouped = self.word(0) == "(" && self.kind(0) == Some(Kind::Punctuation);
        let operand = if grouped {
            self.nested(|parser| {
                parser.punctuation("(")?;
                let inner = parser.sum()?;
                parser.punctuation(")")?;
                Some(inner)
            })?
        } else {
            self.operand()?
        };
        let kind = match (sign, grouped, operand.kind) {
            (None, false, kind) => kind,
            (Some("-"), false, ExprKind::Int(number)) => computed(at, ExprKind::Int(-number)),
            (Some("-"), false, ExprKind::Float(number)) => computed(at, ExprKind::Float(-number)),
            (Some("-"), _, kind) => ExprKind::Negated(Box::new(Expr {
                at: operand.at,
                kind,
            })),
            (_, _, kind) => computed(operand.at, kind),
        };
        Some(Expr { at, kind })
    }

    fn operand(&mut self) -> Option<Expr> {
        let at = self.offset();
        let kind = match self.kind(0) {
            Some(Kind::Lowercase) if self.is_call() => {
                ExprKind::Call(self.call(Kind::Lowercase, "a converter")?)
            }
            Some(Kind::Lowercase) => ExprKind::Path(self.path()?),
            Some(Kind::Uppercase) => ExprKind::Call(self.call(Kind::Uppercase, "a converter")?),
            Some(Kind::Int | Kind::Float) => {
                let number = match self.meaning() {
                    Meaning::Int(number) => ExprKind::Int(number),
                    Meaning::Float(number) => ExprKind::Float(number),
                    _ => return None,
                };
                self.next += 1;
                number
            }
            _ => {
                self.want("a value");
                return None;
            }
        };
        Some(Expr { at, kind })
    }

    /// Whether a name is followed by arguments.
    fn is_call(&self) -> bool {
        let mut ahead = 0;
        while matches!(self.kind(ahead), Some(Kind::Uppercase | Kind::Lowercase)) {
            ahead += 1;
        }
        self.word(ahead) == "("
    }

    fn path(&mut self) -> Option<Path> {
        let at = self.offset();
        let mut fields = vec![self.field()?];
        while self.word(0) == "." && self.kind(1) == Some(Kind::Lowercase) {
            self.next += 1;
            fields.push(self.field()?);
        }
        Some(Path { at, fields })
    }

    fn field(&mut self) -> Option<Field> {
        let at = self.offset();
        let name = self.take(Kind::Lowercase, "a path")?.to_owned();
        let keys = self.keys();
        Some(Field { at, name, keys })
    }

    fn keys(&mut self) -> Vec<Key> {
        let mut keys = Vec::new();
        while self.word(0) == "[" {
            match self.attempt(Self::key) {
                Some(key) => keys.push(key),
                None => break,
            }
        }
        keys
    }

    fn key(&mut self) -> Option<Key> {
        self.nested(|parser| {
            parser.punctuation("[")?;
            let key = match parser.meaning() {
                Meaning::Text(text) => Key::Text(text),
                Meaning::Int(index) => Key::Int(index),
                _ => Key::Expr(parser.sum()?),
            };
            if !matches!(key, Key::Expr(_)) {
                parser.next += 1;
            }
            parser.punctuation("]")?;
            Some(key)
        })
    }

    /// The name of a function, which is several tokens where cases meet.
    pub(super) fn function_name(&mut self) -> String {
        let mut name = String::new();
        while matches!(self.kind(0), Some(Kind::Uppercase | Kind::Lowercase)) {
            name.push_str(self.word(0));
            self.next += 1;
        }
        name
    }

    /// A function with its arguments; the name's first token says whether it is an editor or a converter.
    pub(super) fn call(&mut self, first: Kind, what: &'static str) -> Option<Call> {
        let at = self.offset();
        if self.kind(0) != Some(first) {
            self.want(what);
            return None;
        }
        let name = self.function_name();
        let arguments = self.nested(Self::arguments)?;
        let keys = self.keys();
        Some(Call {
            at,
            name,
            arguments,
            keys,
        })
    }

    fn arguments(&mut self) -> Option<Vec<Argument>> {
        self.punctuation("(")?;
        let mut arguments = Vec::new();
        if self.punctuation(")").is_some() {
            return Some(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.punctuation(")").is_some() {
                return Some(arguments);
            }
            self.punctuation(",")?;
        }
    }

    fn argument(&mut self) -> Option<Argument> {
        let at = self.offset();
        let name = self.attempt(|parser| {
            let first = parser.kind(0) == Some(Kind::Lowercase);
            let name = parser.function_name();
            parser.take(Kind::Equal, "=")?;
            first.then_some(name)
        });
        if let Some(value) = self.attempt(Self::expr) {
            return Some(Argument { at, name, value });
        }
        if self.refused.is_some() || self.kind(0) != Some(Kind::Uppercase) {
            return None;
        }
        let value_at = self.offset();
        let value = Expr {
            at: value_at,
            kind: ExprKind::FunctionName(self.function_name()),
        };
        Some(Argument { at, name, value })
    }
}

fn computed(at: usize, kind: ExprKind) -> ExprKind {
    ExprKind::Computed(Box::new(Expr { at, kind }))
}

fn arithmetic(left: Expr, operator: Arithmetic, right: Expr) -> Expr {
    Expr {
        at: left.at,
        kind: ExprKind::Arithmetic {
            left: Box::new(left),
            operator,
            right: Box::new(right),
        },
    }
}
