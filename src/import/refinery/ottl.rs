//! A test as an OTTL condition on a value that is there.
//!
//! The condition never holds on nil. One that fails, such as `Double` of a text that is no number, doesn't hold either, as in Refinery.

use serde_json::Value;

use super::operand::{TRUE_PATTERN, escaped, quoted};
use super::test::{Sign, Test};

/// What an expression is known to be, so that it need not be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Any,
    Text,
    Int,
    Float,
}

/// What Go reads as a number, approximately: what it leaves out fails, and so holds neither here nor there.
const NUMBER_PATTERN: &str = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$";

/// The condition that `of` is there and passes; `None`: no value passes.
pub(super) fn condition(test: &Test, of: &str, kind: Type) -> Option<String> {
    let text = match kind {
        Type::Text => of.to_owned(),
        _ => format!("String({of})"),
    };
    Some(match test {
        Test::Exists => format!("{of} != nil"),
        Test::NotExists => return None,
        Test::Untyped(sign, value) => return untyped(*sign, value, of),
        Test::Text(sign, value) => present(
            of,
            *sign,
            &format!("{text} {} {}", sign.ottl(), quoted(value)),
        ),
        Test::Int(sign, number) => {
            let bool_matters = |bool: i64| sign.holds(bool, *number);
            let int = match kind {
                Type::Int => of.to_owned(),
                _ => format!("Int({of})"),
            };
            let asked = present(&int, *sign, &format!("{int} {} {number}", sign.ottl()));
            no_bool(of, kind, bool_matters(0) || bool_matters(1), asked)
        }
        Test::Float(sign, number) => {
            let bool_matters = |bool: f64| sign.holds(bool, *number);
            let float = float(of, kind);
            let asked = present(of, *sign, &format!("{float} {} {number:?}", sign.ottl()));
            no_bool(of, kind, bool_matters(0.0) || bool_matters(1.0), asked)
        }
        Test::Bool(true) => format!("IsMatch({of}, {})", quoted(TRUE_PATTERN)),
        Test::Bool(false) => format!(
            "{of} != nil and not IsMatch({of}, {})",
            quoted(TRUE_PATTERN)
        ),
        Test::InTexts(listed, wanted) => return in_texts(listed, *wanted, of, &text),
        Test::InInts(listed, wanted) => {
            let bool_matters = listed.contains(&0) || listed.contains(&1);
            let list: Vec<_> = listed.iter().map(i64::to_string).collect();
            let int = match kind {
                Type::Int => of.to_owned(),
                _ => format!("Int({of})"),
            };
            in_numbers(&list, *wanted, of, &int, bool_matters && kind == Type::Any)
        }
        Test::InFloats(listed, wanted) => in_floats(listed, *wanted, of, kind),
        Test::StartsWith(start) => matches(of, &format!("^{}", escaped(start))),
        Test::Contains(part, true) => matches(of, &escaped(part)),
        Test::Contains(part, false) => {
            format!("{of} != nil and not {}", matches(of, &escaped(part)))
        }
        Test::Matches(pattern, _) => matches(of, pattern),
    })
}

/// `!=` holds on nil in OTTL.
fn present(of: &str, sign: Sign, asked: &str) -> String {
    match sign {
        Sign::NotEqual => format!("{of} != nil and {asked}"),
        _ => asked.to_owned(),
    }
}

fn matches(of: &str, pattern: &str) -> String {
    format!("IsMatch({of}, {})", quoted(pattern))
}

/// OTTL takes true and false for 1 and 0, Refinery takes them for no numbers.
fn no_bool(of: &str, kind: Type, matters: bool, asked: String) -> String {
    match matters && kind == Type::Any {
        true => format!("not IsBool({of}) and {asked}"),
        false => asked,
    }
}

fn float(of: &str, kind: Type) -> String {
    match kind {
        Type::Int | Type::Float => of.to_owned(),
        Type::Any | Type::Text => format!("Double({of})"),
    }
}

/// Values of different types are unequal in OTTL, and neither equal nor unequal in Refinery.
fn untyped(sign: Sign, value: &Value, of: &str) -> Option<String> {
    let literal = match value {
        Value::Null if sign.holds(1, 0) => return Some(format!("{of} != nil")),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
        Value::String(text) => quoted(text),
        other => other.to_string(),
    };
    let asked = format!("{of} {} {literal}", sign.ottl());
    Some(match (sign, value) {
        (Sign::NotEqual, Value::String(_)) => format!("IsString({of}) and {asked}"),
        (Sign::NotEqual, Value::Bool(_)) => format!("IsBool({of}) and {asked}"),
        (Sign::NotEqual, _) => format!("(IsInt({of}) or IsDouble({of})) and {asked}"),
        _ => asked,
    })
}

fn in_texts(listed: &[String], wanted: bool, of: &str, text: &str) -> Option<String> {
    Some(match (listed, wanted) {
        ([], true) => return None,
        ([], false) => format!("{of} != nil"),
        ([one], true) => format!("{text} == {}", quoted(one)),
        ([one], false) => format!("{of} != nil and {text} != {}", quoted(one)),
        (several, _) => {
            let several: Vec<_> = several.iter().map(|one| escaped(one)).collect();
            let found = matches(of, &format!("^({})$", several.join("|")));
            match wanted {
                true => found,
                false => format!("{of} != nil and not {found}"),
            }
        }
    })
}

fn in_numbers(list: &[String], wanted: bool, of: &str, number: &str, bool_matters: bool) -> String {
    let found = format!("ContainsValue([{}], {number})", list.join(", "));
    match (wanted, bool_matters) {
        (true, false) => found,
        (true, true) => format!("not IsBool({of}) and {found}"),
        (false, false) => format!("{of} != nil and not {found}"),
        (false, true) => format!("{of} != nil and (IsBool({of}) or not {found})"),
    }
}

/// What is no number is in no list of numbers.
fn in_floats(listed: &[f64], wanted: bool, of: &str, kind: Type) -> String {
    let bool_matters = listed.contains(&0.0) || listed.contains(&1.0);
    let list: Vec<_> = listed.iter().map(|number| format!("{number:?}")).collect();
    let number = float(of, kind);
    if wanted || matches!(kind, Type::Int | Type::Float) {
        return in_numbers(
            &list,
            wanted,
            of,
            &number,
            bool_matters && kind == Type::Any,
        );
    }
    let found = format!("ContainsValue([{}], {number})", list.join(", "));
    let text = format!("IsString({of}) and not {}", matches(of, NUMBER_PATTERN));
    format!("{of} != nil and (IsBool({of}) or ({text}) or not {found})")
}
