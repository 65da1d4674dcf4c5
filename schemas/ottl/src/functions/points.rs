//! Questions about the data points of a metric: the Collector's `internal/filter/filterottl`.

use super::signature::{Args, Converter, Kind, required};
use crate::expr::Call;
use crate::telemetry::Subject;
use crate::telemetry::changes::{Changes, Known};
use crate::value::{EvalError, Result, Value};
use schemas::otlp::{KeyValue, PointView};
use schemas::wire::Fields;

/// For the context `metric` alone.
pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "HasAttrKeyOnDatapoint",
        parameters: &[required("key", Kind::LiteralText)],
        make: |mut args| Ok(asking(args.literal_text(0)?, None)),
    },
    Converter {
        name: "HasAttrOnDatapoint",
        parameters: &[
            required("key", Kind::LiteralText),
            required("expected_val", Kind::LiteralText),
        ],
        make: has_attribute,
    },
];

fn has_attribute(mut args: Args) -> Result<Call, String> {
    let (key, expected) = (args.literal_text(0)?, args.literal_text(1)?);
    Ok(asking(key, Some(expected)))
}

fn asking(key: String, expected: Option<String>) -> Call {
    Call::any(move |at| Ok(Value::Bool(ask(at, &key, expected.as_deref())?)))
}

/// Of the first data point that has the attribute, whether it has that value; as in the reference others have no say.
fn ask(at: &Subject<'_>, key: &str, expected: Option<&str>) -> Result<bool> {
    let metric = at.metric().view().filter(|metric| metric.kind.is_some());
    let metric = metric.ok_or_else(|| EvalError::new("a metric without data"))?;
    for (index, point) in metric.points().enumerate() {
        let point = point?;
        let changes = match at.changed().and_then(|changed| changed.inner(index)) {
            Some(None) => continue,
            Some(Some(changes)) => Some(&**changes),
            None => None,
        };
        if let Some(found) = attribute(&point, changes, key)? {
            return Ok(match (expected, &found) {
                (None, _) => true,
                (Some(expected), Value::Text(text)) => text == expected,
                (Some(expected), _) => expected.is_empty(),
            });
        }
    }
    Ok(false)
}

fn attribute<'a>(
    point: &PointView<'a>,
    changes: Option<&Changes>,
    key: &str,
) -> Result<Option<Value<'a>>> {
    match changes.map(|changes| changes.attribute(key)) {
        Some(Known::Gone) => return Ok(None),
        Some(Known::Set(value)) => return Ok(Some(value.clone())),
        Some(Known::AsItCame) | None => {}
    }
    for field in Fields::new(point.body) {
        let field = field?;
        if field.number == point.kind.point_attributes() {
            let pair = KeyValue::parse(field.len_value()?)?;
            if pair.key == key.as_bytes() {
                return Value::read(pair.value).map(Some);
            }
        }
    }
    Ok(None)
}
