//! Names of labels.

use std::borrow::Cow;

use super::Names;

/// The name of the label that an attribute becomes; `None`: there is no name for it.
pub fn label_name<'a>(names: Names, key: &'a [u8]) -> Option<Cow<'a, str>> {
    let key = String::from_utf8_lossy(key);
    let name = match names.escapes() {
        false => key,
        true if is_fine(&key) => key,
        true => Cow::Owned(escaped(&key)),
    };
    let has_name = name.bytes().any(|byte| byte != b'_');
    // With names in UTF-8 a key is what it is.
    (has_name || !names.escapes() && !name.is_empty()).then_some(name)
}

/// Nothing of it has to be escaped.
fn is_fine(key: &str) -> bool {
    let bytes = key.as_bytes();
    let single = |pair: &[u8]| pair != b"__";
    bytes.first().is_some_and(|first| !first.is_ascii_digit())
        && (bytes.iter()).all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && bytes.windows(2).all(single)
}

fn escaped(key: &str) -> String {
    // Labels such as `__address__` mean something to Prometheus.
    let inner = (key.strip_prefix("__"))
        .and_then(|rest| rest.strip_suffix("__"))
        .filter(|_| key.len() >= 4);
    let mut name = String::with_capacity(key.len() + 4);
    if inner.is_some() {
        name.push_str("__");
    }
    let mut was_underscore = false;
    for char in inner.unwrap_or(key).chars() {
        let is_fine = char.is_ascii_alphanumeric();
        if is_fine || !was_underscore {
            name.push(if is_fine { char } else { '_' });
        }
        was_underscore = !is_fine;
    }
    if inner.is_some() {
        name.push_str("__");
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert_str(0, "key_");
    }
    name
}
