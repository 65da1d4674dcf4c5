//! Tokens to a syntax tree: the grammar of the reference (`pkg/ottl/grammar.go`).
//!
//! The reference's grammar is an ordered choice with backtracking; so is this, but nothing is read twice except what stands in
//! parentheses where a condition may begin: `(a + 1) > 2` or `(a > 2)`. What is reported is the furthest place that
//! was reached and all that could have stood there. Lambdas, an experiment of the reference that is off by default, are
//! recognised and refused.

mod value;

use crate::problem::{Problems, Report};
use crate::syntax::ast::{And, Comparison, Or, Statement, Truth, TruthOf};
use crate::syntax::lexer::{Kind, Token, tokens, unquote};

/// How deep parentheses, arguments, lists and maps may be nested.
const DEPTH_MAX: usize = 64;

/// A condition: `attributes["a"] == "b" and not IsMatch(name, "^x")`.
pub(crate) fn condition(text: &str) -> Result<Or, Problems> {
    parse(text, Parser::or)
}

/// An editor with an optional condition: `set(attributes["a"], 1) where name == "b"`.
pub(crate) fn statement(text: &str) -> Result<Statement, Problems> {
    parse(text, Parser::statement)
}

/// A value by itself: `Concat([name, "b"], "-")`.
pub(crate) fn expression(text: &str) -> Result<crate::syntax::ast::Expr, Problems> {
    parse(text, Parser::expr)
}

fn parse<'t, T>(
    text: &'t str,
    rule: impl FnOnce(&mut Parser<'t>) -> Option<T>,
) -> Result<T, Problems> {
    let mut report = Report::new(text);
    let Some(tokens) = tokens(text, &mut report) else {
        return Err(report.into_problems());
    };
    let mut parser = Parser::new(text, &tokens, &mut report);
    if !report.is_empty() {
        return Err(report.into_problems());
    }
    let parsed = rule(&mut parser).filter(|_| parser.at_end());
    match parsed {
        Some(parsed) => Ok(parsed),
        None => {
            parser.explain(&mut report);
            Err(report.into_problems())
        }
    }
}

/// A token's meaning, read once.
#[derive(Clone, Debug, PartialEq)]
enum Meaning {
    Word,
    Text(String),
    Int(i64),
    Float(f64),
    Bytes(Vec<u8>),
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Meaning)>,
    /// The next token.
    next: usize,
    depth: usize,
    /// The furthest token at which something else was wanted, and what.
    furthest: usize,
    wanted: Vec<&'static str>,
    /// What is wrong beyond doubt, whatever else might have been tried.
    refused: Option<(usize, String)>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, tokens: &[Token], report: &mut Report<'_>) -> Self {
        let meaning = |token: &Token| {
            meaning(token.kind, &text[token.at.clone()])
                .map(|meaning| (token.clone(), meaning))
                .map_err(|message| (token.at.start, message))
        };
        let mut known = Vec::with_capacity(tokens.len());
        for token in tokens {
            match meaning(token) {
                Ok(token) => known.push(token),
                Err((at, message)) => report.add(at, message),
            }
        }
        Self {
            text,
            tokens: known,
            next: 0,
            depth: 0,
            furthest: 0,
            wanted: Vec::new(),
            refused: None,
        }
    }

    fn at_end(&mut self) -> bool {
        self.next == self.tokens.len() || {
            self.want("the end");
            false
        }
    }

    /// Where the next token begins.
    fn offset(&self) -> usize {
        self.offset_of(self.next)
    }

    fn offset_of(&self, token: usize) -> usize {
        self.tokens
            .get(token)
            .map_or(self.text.len(), |(token, _)| token.at.start)
    }

    fn kind(&self, ahead: usize) -> Option<Kind> {
        self.tokens
            .get(self.next + ahead)
            .map(|(token, _)| token.kind)
    }

    fn word(&self, ahead: usize) -> &'t str {
        let token = self.tokens.get(self.next + ahead);
        token.map_or("", |(token, _)| &self.text[token.at.clone()])
    }

    /// Notes that something else was wanted here; failures are reported at the furthest such place.
    fn want(&mut self, what: &'static str) {
        if self.next > self.furthest {
            self.furthest = self.next;
            self.wanted.clear();
        }
        if self.next == self.furthest && !self.wanted.contains(&what) {
            self.wanted.push(what);
        }
    }

    fn take(&mut self, kind: Kind, what: &'static str) -> Option<&'t str> {
        if self.kind(0) == Some(kind) {
            let word = self.word(0);
            self.next += 1;
            return Some(word);
        }
        self.want(what);
        None
    }

    fn punctuation(&mut self, sign: &'static str) -> Option<()> {
        if self.kind(0) == Some(Kind::Punctuation) && self.word(0) == sign {
            self.next += 1;
            return Some(());
        }
        self.want(sign);
        None
    }

    /// Runs a rule; where it fails nothing was read.
    fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.next;
        let result = rule(self);
        if result.is_none() {
            self.next = start;
        }
        result
    }

    fn refuse<T>(&mut self, at: usize, message: impl Into<String>) -> Option<T> {
        self.refused.get_or_insert((at, message.into()));
        None
    }

    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEPTH_MAX {
            let at = self.offset();
            return self.refuse(at, format!("nested more than {DEPTH_MAX} deep"));
        }
        self.depth += 1;
        let result = rule(self).filter(|_| self.refused.is_none());
        self.depth -= 1;
        result
    }

    fn explain(&self, report: &mut Report<'_>) {
        if let Some((at, message)) = &self.refused {
            return report.add(*at, message.clone());
        }
        let found = match self.tokens.get(self.furthest) {
            Some((token, _)) => format!("found `{}`", &self.text[token.at.clone()]),
            None => "the text ends".to_owned(),
        };
        let wanted = self.wanted.join(", ");
        let message = match self.wanted.len() {
            0 => found,
            1 => format!("{found} where {wanted} is expected"),
            _ => format!("{found} where one of these is expected: {wanted}"),
        };
        report.add(self.offset_of(self.furthest), message);
    }

    fn statement(&mut self) -> Option<Statement> {
        let at = self.offset();
        if self.kind(0) == Some(Kind::Uppercase) {
            let name = self.function_name();
            let message =
                format!("an editor's name begins with a lower-case letter, `{name}` doesn't");
            return self.refuse(at, message);
        }
        let editor = self.call(Kind::Lowercase, "an editor")?;
        if !editor.keys.is_empty() {
            let message = format!(
                "only paths and converters have keys, `{}` is an editor",
                editor.name
            );
            return self.refuse(at, message);
        }
        let has_condition = self.kind(0) == Some(Kind::Lowercase) && self.word(0) == "where";
        if !has_condition {
            self.want("where");
            return Some(Statement {
                editor,
                condition: None,
            });
        }
        self.next += 1;
        let condition = Some(self.or()?);
        Some(Statement { editor, condition })
    }

    fn or(&mut self) -> Option<Or> {
        let mut terms = vec![self.and()?];
        while self.take(Kind::Or, "or").is_some() {
            terms.push(self.and()?);
        }
        Some(Or(terms))
    }

    fn and(&mut self) -> Option<And> {
        let mut values = vec![self.truth()?];
        while self.take(Kind::And, "and").is_some() {
            values.push(self.truth()?);
        }
        Some(And(values))
    }

    fn truth(&mut self) -> Option<Truth> {
        let negated = self.take(Kind::Not, "not").is_some();
        let of = match self.attempt(Self::comparison_or_constant) {
            Some(of) => of,
            None => self.nested(|parser| {
                parser.punctuation("(")?;
                let group = parser.or()?;
                parser.punctuation(")")?;
                Some(TruthOf::Group(group))
            })?,
        };
        Some(Truth { negated, of })
    }

    /// A comparison; or, where no operator follows, a literal truth value or a converter that gives one.
    fn comparison_or_constant(&mut self) -> Option<TruthOf> {
        let left = self.expr()?;
        if let Some(operator) = self.take(Kind::Comparison, "a comparison (== != < <= > >=)") {
            let operator = match operator {
                "==" => Comparison::Equal,
                "!=" => Comparison::NotEqual,
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                ">" => Comparison::Greater,
                _ => Comparison::GreaterOrEqual,
            };
            let right = self.expr()?;
            return Some(TruthOf::Comparison {
                left,
                operator,
                right,
            });
        }
        constant(left)
    }
}

fn constant(value: crate::syntax::ast::Expr) -> Option<TruthOf> {
    use crate::syntax::ast::ExprKind;
    match value.kind {
        ExprKind::Bool(value) => Some(TruthOf::Constant(value)),
        // An editor's name is refused later, with the converter that was probably meant.
        ExprKind::Call(call) => Some(TruthOf::Call(call)),
        _ => None,
    }
}

fn meaning(kind: Kind, word: &str) -> Result<Meaning, String> {
    match kind {
        Kind::Text => unquote(word).map(Meaning::Text),
        Kind::Int => int(word).map(Meaning::Int),
        Kind::Float => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Meaning::Float(number)),
            _ => Err(format!("{word} is no 64-bit floating point number")),
        },
        Kind::Bytes => bytes(&word[2..]).map(Meaning::Bytes),
        _ => Ok(Meaning::Word),
    }
}

/// As in the reference a leading zero means octal.
fn int(word: &str) -> Result<i64, String> {
    let (radix, digits) = match word.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => (8, digits),
        _ => (10, word),
    };
    i64::from_str_radix(digits, radix).map_err(|_| match radix {
        8 => format!("{word} is no octal number, which a leading 0 means"),
        _ => format!("{word} is no 64-bit integer"),
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    if !hex.len().is_multiple_of(2) {
        return Err("bytes are written with an even number of hexadecimal digits".to_owned());
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16);
    let bytes: Result<_, _> = (0..hex.len()).step_by(2).map(byte).collect();
    bytes.map_err(|_| format!("0x{hex} is not hexadecimal"))
}
