//! Arguments as a function gets them, in the order of its parameters.

use std::borrow::Cow;

use super::super::collection::{List, Map};
use super::super::convert;
use super::super::expr::Expr;
use super::super::path::Place;
use super::super::subject::Subject;
use super::super::time::Time;
use super::super::value::{Result, Value};
use super::{Converter, Kind};

/// An argument that fits its parameter.
#[derive(Debug)]
pub(in super::super) enum Bound {
    Expr(Expr),
    List(Vec<Expr>),
    Text(String),
    Texts(Vec<String>),
    Int(i64),
    Bool(bool),
    Function(&'static Converter),
    Place(Place),
}

/// The arguments of one call; `None` where an optional one is missing. Each is taken once.
#[derive(Debug)]
pub(in super::super) struct Args(pub(in super::super) Vec<Option<Bound>>);

/// Takes an argument of one variant. The table of parameters says which it is, so another one is a mistake in the table.
macro_rules! take {
    ($name:ident, $optional:ident, $variant:ident, $type:ty) => {
        #[allow(
            dead_code,
            reason = "not every kind has both an optional and a required parameter"
        )]
        pub(in super::super) fn $optional(&mut self, at: usize) -> Option<$type> {
            match self.0.get_mut(at).and_then(Option::take) {
                Some(Bound::$variant(value)) => Some(value),
                _ => None,
            }
        }

        #[allow(
            dead_code,
            reason = "not every kind has both an optional and a required parameter"
        )]
        pub(in super::super) fn $name(&mut self, at: usize) -> Result<$type, String> {
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
    take!(literal_bool, optional_literal_bool, Bool, bool);
    take!(function, optional_function, Function, &'static Converter);
    take!(place, optional_place, Place, Place);
}

impl Kind {
    /// Whether a literal fits, and if not, why.
    pub(in super::super) fn check(self, value: Value<'_>) -> Result<()> {
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

/// Arguments as values: [`convert`] on what an expression evaluates to.
macro_rules! evaluate {
    ($name:ident, $type:ty) => {
        pub(in super::super) fn $name<'a>(&'a self, at: &Subject<'a>) -> Result<$type> {
            convert::$name(self.eval(at)?)
        }
    };
}

impl Expr {
    evaluate!(text, Cow<'a, str>);
    evaluate!(text_like, Option<Cow<'a, str>>);
    evaluate!(int, i64);
    evaluate!(float_like, Option<f64>);
    evaluate!(bytes_like, Option<Cow<'a, [u8]>>);
    evaluate!(map, Map<'a>);
    evaluate!(list, List<'a>);
    evaluate!(time, Time);
    evaluate!(duration, i64);
}
