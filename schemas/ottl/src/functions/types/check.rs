//! Questions about a value: its type, whether it matches, begins, ends, contains.

use crate::expr::Call;
use crate::functions::pattern::Pattern;
use crate::functions::signature::{Args, Converter, Kind, required};
use crate::syntax::ast::Comparison;
use crate::value::Value;
use crate::value::compare::compare;

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "IsMatch",
        parameters: &[
            required("target", Kind::TextLike),
            required("pattern", Kind::Text),
        ],
        make: is_match,
    },
    is("IsString", Kind::Text, |args| {
        one(args, |value| matches!(value, Value::Text(_)))
    }),
    is("IsInt", Kind::Int, |args| {
        one(args, |value| matches!(value, Value::Int(_)))
    }),
    is("IsDouble", Kind::Float, |args| {
        one(args, |value| matches!(value, Value::Float(_)))
    }),
    is("IsBool", Kind::Bool, |args| {
        one(args, |value| matches!(value, Value::Bool(_)))
    }),
    is("IsMap", Kind::Map, |args| {
        one(args, |value| matches!(value, Value::Map(_)))
    }),
    is("IsList", Kind::Any, |args| {
        one(args, |value| match value {
            Value::List(_) => true,
            Value::Opaque(opaque) => opaque.length().is_some(),
            _ => false,
        })
    }),
    Converter {
        name: "HasPrefix",
        parameters: &[
            required("target", Kind::Text),
            required("prefix", Kind::Text),
        ],
        make: |args| two_texts(args, |target, prefix| target.starts_with(prefix)),
    },
    Converter {
        name: "HasSuffix",
        parameters: &[
            required("target", Kind::Text),
            required("suffix", Kind::Text),
        ],
        make: |args| two_texts(args, |target, suffix| target.ends_with(suffix)),
    },
    Converter {
        name: "ContainsValue",
        parameters: &[required("target", Kind::List), required("item", Kind::Any)],
        make: contains_value,
    },
    Converter {
        name: "IsRootSpan",
        parameters: &[],
        make: |_| Ok(Call::any(|at| Ok(Value::Bool(crate::paths::is_root(at)?)))),
    },
];

const fn is(name: &'static str, kind: Kind, make: fn(Args) -> Result<Call, String>) -> Converter {
    const TARGETS: &[&[crate::functions::signature::Parameter]] = &[
        &[required("target", Kind::Text)],
        &[required("target", Kind::Int)],
        &[required("target", Kind::Float)],
        &[required("target", Kind::Bool)],
        &[required("target", Kind::Map)],
        &[required("target", Kind::Any)],
    ];
    let parameters = match kind {
        Kind::Text => TARGETS[0],
        Kind::Int => TARGETS[1],
        Kind::Float => TARGETS[2],
        Kind::Bool => TARGETS[3],
        Kind::Map => TARGETS[4],
        _ => TARGETS[5],
    };
    Converter {
        name,
        parameters,
        make,
    }
}

fn one(mut args: Args, holds: fn(&Value<'_>) -> bool) -> Result<Call, String> {
    let target = args.expr(0)?;
    Ok(Call::any(move |at| {
        Ok(Value::Bool(holds(&target.eval(at)?)))
    }))
}

fn two_texts(mut args: Args, holds: fn(&str, &str) -> bool) -> Result<Call, String> {
    let (target, other) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let target = target.text(at)?;
        Ok(Value::Bool(holds(&target, &other.text(at)?)))
    }))
}

fn is_match(mut args: Args) -> Result<Call, String> {
    let target = args.expr(0)?;
    let pattern = Pattern::new("IsMatch", args.expr(1)?)?;
    Ok(Call::any(move |at| {
        let pattern = pattern.get(at)?;
        let target = target.text_like(at)?;
        Ok(Value::Bool(
            target.is_some_and(|target| pattern.is_match(&target)),
        ))
    }))
}

fn contains_value(mut args: Args) -> Result<Call, String> {
    let (target, item) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let values = target.list(at)?.into_values()?;
        let item = item.eval(at)?;
        for value in &values {
            if compare(value, Comparison::Equal, &item)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }))
}
