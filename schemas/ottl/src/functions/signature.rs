//! The signature of a function, and its arguments as it gets them, in the order of its parameters.

use crate::expr::{Call, Expr, Place};
use crate::value::{Result, Value, convert};

/// A converter, or an editor's name and parameters.
#[derive(Debug)]
pub(crate) struct Converter {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) make: fn(Args) -> Result<Call, String>,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

pub(crate) const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        optional: false,
    }
}

pub(crate) const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        optional: true,
    }
}

/// What an argument must be. Literals are checked when the text is compiled, everything else when it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Any,
    Text,
    TextLike,
    Int,
    IntLike,
    Float,
    FloatLike,
    Bool,
    BoolLike,
    BytesLike,
    Map,
    List,
    Time,
    Duration,
    /// A literal, known when the text is compiled.
    LiteralText,
    LiteralInt,
    LiteralBool,
    LiteralFloat,
    /// The name of another converter.
    Function,
    /// A list in brackets, each element of it of that kind.
    ListOf(&'static Kind),
    /// A path that can be set.
    Place,
    MapPlace,
    ListPlace,
}

/// An argument that fits its parameter.
#[derive(Debug)]
pub(crate) enum Bound {
    Expr(Expr),
    List(Vec<Expr>),
    Text(String),
    Texts(Vec<String>),
    Int(i64),
    Bool(bool),
    Float(f64),
    Function(&'static Converter),
    Place(Place),
}

/// The arguments of one call; `None` where an optional one is missing. Each is taken once.
#[derive(Debug)]
pub(crate) struct Args(pub(crate) Vec<Option<Bound>>);

/// Takes an argument of one variant. The table of parameters says which it is, so another one is a mistake in the table.
macro_rules! take {
    ($name:ident, $optional:ident, $variant:ident, $type:ty) => {
        #[allow(
            dead_code,
            reason = "not every kind has both an optional and a required parameter"
        )]
        pub(crate) fn $optional(&mut self, at: usize) -> Option<$type> {
            match self.0.get_mut(at).and_then(Option::take) {
                Some(Bound::$variant(value)) => Some(value),
                _ => None,
            }
        }

        #[allow(
            dead_code,
            reason = "not every kind has both an optional and a required parameter"
        )]
        pub(crate) fn $name(&mut self, at: usize) -> Result<$type, String> {
            let missing = || format!("argument {} is missing", at + 1);
            self.$optional(at).ok_or_else(missing)
        }
    };
}

impl Args {
    take!(expr, optional_expr, Expr, Expr);
    take!(exprs, optional_exprs, List, Vec<Expr>);
    take!(literal_text, optional_literal_text, Text, String);
    take!(literal_texts, optional_literal_texts, Texts, Vec<String>);
    take!(literal_int, optional_literal_int, Int, i64);
    take!(literal_float, optional_literal_float, Float, f64);
    take!(literal_bool, optional_literal_bool, Bool, bool);
    take!(function, optional_function, Function, &'static Converter);
    take!(place, optional_place, Place, Place);
}

impl Kind {
    /// Whether a literal fits, and if not, why.
    pub(crate) fn check(self, value: Value<'_>) -> Result<()> {
        match self {
            Self::Text => convert::text(value).map(drop),
            Self::TextLike => convert::text_like(value).map(drop),
            Self::Int => convert::int(value).map(drop),
            Self::IntLike => convert::int_like(value).map(drop),
            Self::Float => convert::float(value).map(drop),
            Self::FloatLike => convert::float_like(value).map(drop),
            Self::Bool => convert::bool(value).map(drop),
            Self::BoolLike => convert::bool_like(value).map(drop),
            Self::BytesLike => convert::bytes_like(value).map(drop),
            Self::Map => convert::map(value).map(drop),
            Self::List => convert::list(value).map(drop),
            Self::Time => convert::time(value).map(drop),
            Self::Duration => convert::duration(value).map(drop),
            _ => Ok(()),
        }
    }
}
