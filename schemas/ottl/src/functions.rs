//! The functions of the language, by topic. A function is a row of a table: name, parameters, and how to make a call of it.
//!
//! Making happens once, when a text is compiled: literals are checked, patterns compiled. The call is what runs for each
//! span.

mod argument;
mod calendar;
mod check;
mod convert;
mod csv;
mod duration;
mod encode;
mod format;
mod grok;
mod hash;
mod ids;
mod list;
mod murmur3;
mod net;
mod number;
mod parse;
mod pattern;
mod severity;
mod strptime;
mod text;
mod url;

pub(super) use argument::{Args, Bound};
pub(super) use pattern::Pattern;

use super::collection::List;
use super::expr::Expr;
use super::subject::Subject;
use super::value::{Result, Value};

/// A converter, or an editor's name and parameters.
#[derive(Debug)]
pub(super) struct Converter {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) make: fn(Args) -> Result<Call, String>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) optional: bool,
}

pub(super) const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        optional: false,
    }
}

pub(super) const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        optional: true,
    }
}

/// What an argument must be. Literals are checked when the text is compiled, everything else when it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
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
    /// The name of another converter.
    Function,
    /// A list in brackets, each element of it of that kind.
    ListOf(&'static Kind),
    /// A path that can be set.
    Place,
    MapPlace,
    ListPlace,
}

/// A converter with its arguments.
pub(super) enum Call {
    /// One value in, one out, which may borrow from it.
    One(Box<Expr>, for<'a> fn(Value<'a>) -> Result<Value<'a>>),
    Any(Box<Evaluate>),
}

type Evaluate = dyn Fn(&Subject<'_>) -> Result<Value<'static>> + Send + Sync;

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

impl Call {
    pub(super) fn one(argument: Expr, apply: for<'a> fn(Value<'a>) -> Result<Value<'a>>) -> Self {
        Self::One(Box::new(argument), apply)
    }

    pub(super) fn any(
        evaluate: impl Fn(&Subject<'_>) -> Result<Value<'static>> + Send + Sync + 'static,
    ) -> Self {
        Self::Any(Box::new(evaluate))
    }

    pub(super) fn eval<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>> {
        match self {
            Self::One(argument, apply) => apply(argument.eval(at)?),
            Self::Any(evaluate) => evaluate(at),
        }
    }
}

const TOPICS: &[&[Converter]] = &[
    calendar::CONVERTERS,
    check::CONVERTERS,
    convert::CONVERTERS,
    csv::CONVERTERS,
    duration::CONVERTERS,
    encode::CONVERTERS,
    format::CONVERTERS,
    grok::CONVERTERS,
    hash::CONVERTERS,
    ids::CONVERTERS,
    list::CONVERTERS,
    net::CONVERTERS,
    number::CONVERTERS,
    parse::CONVERTERS,
    severity::CONVERTERS,
    strptime::CONVERTERS,
    text::CONVERTERS,
    url::CONVERTERS,
];

/// Functions of the reference that are not here, and why.
pub(super) const MISSING: &[(&str, &str)] = &[
    ("Now", CLOCK),
    ("UUID", CHANCE),
    ("UUIDv7", CHANCE),
    ("UserAgent", "it needs a database of browsers"),
    ("ParseXML", XML),
    ("ParseSimplifiedXML", XML),
    ("GetXML", XML),
    ("InsertXML", XML),
    ("RemoveXML", XML),
    ("ConvertAttributesToElementsXML", XML),
    ("ConvertTextToElementsXML", XML),
];

const CLOCK: &str = "the same telemetry must give the same result whenever it is read again";
const CHANCE: &str = "the same telemetry must give the same result each time";
const XML: &str = "XML is not supported";

pub(super) fn converters() -> impl Iterator<Item = &'static Converter> + Clone {
    TOPICS.iter().flat_map(|topic| topic.iter())
}

fn list(values: Vec<Value<'static>>) -> Value<'static> {
    Value::List(List::Owned(values))
}
