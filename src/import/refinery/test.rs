//! What a condition of Refinery asks of a value, and how OTTL asks it.
//!
//! Refinery compares as texts, as numbers or as what the value is, and a field that is missing is the text `<nil>`: so
//! `not-in`, `does-not-contain` and `!=` of texts hold on it. Source: `config/sampler_config.go` and `sample/rules.go` of Refinery 3.

use regex::Regex;
use serde_json::Value;

use super::super::value::items;
use super::operand;

/// A comparison by its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Sign {
    fn read(operator: &str) -> Option<Self> {
        Some(match operator {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    pub(super) fn ottl(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    pub(super) fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// An operator with its value, as Refinery understands the two together.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Exists,
    NotExists,
    /// Without a data type: values of different types never compare.
    Untyped(Sign, Value),
    Text(Sign, String),
    Int(Sign, i64),
    Float(Sign, f64),
    /// Whether the value, read as true or false, must be this.
    Bool(bool),
    InTexts(Vec<String>, bool),
    InInts(Vec<i64>, bool),
    InFloats(Vec<f64>, bool),
    StartsWith(String),
    /// With `false`: does not contain.
    Contains(String, bool),
    Matches(String, Regex),
}

/// A value that is known when the rules are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Missing,
    True,
    Text(&'static str),
}

impl Known {
    /// As Go's `%v` writes it.
    fn text(self) -> &'static str {
        match self {
            Self::Missing => "<nil>",
            Self::True => "true",
            Self::Text(text) => text,
        }
    }
}

impl Test {
    /// The test, or why Refinery says of no value that it passes.
    pub(super) fn read(
        operator: &str,
        value: &Value,
        datatype: Option<&str>,
        remarks: &mut Vec<String>,
    ) -> Result<Self, String> {
        if let Some(sign) = Sign::read(operator) {
            return Self::compare(sign, value, datatype, remarks);
        }
        let text = || operand::text(value);
        let ignored = match operator {
            "exists" | "not-exists" if !value.is_null() => Some("Value"),
            "exists" | "not-exists" | "starts-with" | "contains" | "does-not-contain"
            | "matches"
                if datatype.is_some() =>
            {
                Some("Datatype")
            }
            _ => None,
        };
        if let Some(key) = ignored {
            remarks.push(format!(
                "`{key}` was left out, {operator} doesn't look at it"
            ));
        }
        match operator {
            "exists" => Ok(Self::Exists),
            "not-exists" => Ok(Self::NotExists),
            "starts-with" => Ok(Self::StartsWith(text())),
            "contains" => Ok(Self::Contains(text(), true)),
            "does-not-contain" => Ok(Self::Contains(text(), false)),
            "matches" => match Regex::new(&text()) {
                Ok(pattern) => Ok(Self::Matches(text(), pattern)),
                Err(_) => Err(format!("{:?} is not a regular expression", text())),
            },
            "in" => Self::within(value, datatype, true),
            "not-in" => Self::within(value, datatype, false),
            other => Err(format!("Refinery has no operator {other:?}")),
        }
    }

    /// What Refinery can't read as the data type it compares without one.
    fn compare(
        sign: Sign,
        value: &Value,
        datatype: Option<&str>,
        remarks: &mut Vec<String>,
    ) -> Result<Self, String> {
        let typed = match (datatype, sign) {
            (Some("string"), _) => Some(Self::Text(sign, operand::text(value))),
            (Some("int"), _) => operand::int(value).map(|number| Self::Int(sign, number)),
            (Some("float"), _) => operand::float(value).map(|number| Self::Float(sign, number)),
            (Some("bool"), Sign::Equal) => Some(Self::Bool(operand::truth(value))),
            (Some("bool"), Sign::NotEqual) => Some(Self::Bool(!operand::truth(value))),
            _ => None,
        };
        if let (None, Some(datatype)) = (&typed, datatype.filter(|datatype| !datatype.is_empty())) {
            remarks.push(format!(
                "Datatype {datatype} doesn't go with {} {}: compared without it, as Refinery does",
                sign.ottl(),
                operand::text(value)
            ));
        }
        match (typed, value) {
            (Some(test), _) => Ok(test),
            (None, Value::Array(_) | Value::Object(_)) => {
                Err("its value is a list, which compares with nothing".to_owned())
            }
            (None, value) => Ok(Self::Untyped(sign, value.clone())),
        }
    }

    fn within(value: &Value, datatype: Option<&str>, wanted: bool) -> Result<Self, String> {
        let listed = match value {
            Value::Array(_) => items(Some(value)),
            Value::String(_) | Value::Number(_) => std::slice::from_ref(value),
            _ => return Err("its value is neither a list nor a single one".to_owned()),
        };
        match datatype.unwrap_or("") {
            "" | "string" => Ok(Self::InTexts(
                listed.iter().map(operand::text).collect(),
                wanted,
            )),
            "int" => Ok(Self::InInts(
                listed.iter().filter_map(operand::int).collect(),
                wanted,
            )),
            "float" => {
                let numbers = listed.iter().filter_map(operand::float).collect();
                Ok(Self::InFloats(numbers, wanted))
            }
            other => Err(format!("in and not-in don't know the datatype {other:?}")),
        }
    }

    /// Whether it holds on what is known.
    pub(super) fn holds(&self, known: Known) -> bool {
        let there = known != Known::Missing;
        let text = known.text();
        match self {
            Self::Exists => there,
            Self::NotExists => !there,
            Self::Untyped(sign, value) => match (known, value) {
                (Known::True, Value::Bool(other)) => sign.holds(true, *other),
                (Known::Text(text), Value::String(other)) => sign.holds(text, other.as_str()),
                (_, Value::Null) => there && sign.holds(1, 0),
                _ => false,
            },
            Self::Text(sign, other) => sign.holds(text, other.as_str()),
            Self::Int(..) | Self::Float(..) => false,
            Self::Bool(wanted) => there && operand::true_text(text) == *wanted,
            Self::InTexts(listed, wanted) => listed.iter().any(|one| one == text) == *wanted,
            Self::InInts(_, wanted) | Self::InFloats(_, wanted) => !wanted,
            Self::StartsWith(start) => text.starts_with(start),
            Self::Contains(part, wanted) => text.contains(part) == *wanted,
            Self::Matches(_, pattern) => pattern.is_match(text),
        }
    }
}
