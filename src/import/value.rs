//! Looking into the configuration of another program, whatever it may hold: what isn't there, or is of another kind, is nothing.

use serde_json::Value;

/// A value by its path.
pub(super) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Mappings as pairs; of anything else nothing.
pub(super) fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Changes each text in a value; keys stay.
pub(super) fn change_texts(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(items) => {
            for item in items {
                change_texts(item, change);
            }
        }
        Value::Object(map) => {
            for (_, value) in map.iter_mut() {
                change_texts(value, change);
            }
        }
        _ => {}
    }
}
