//! The one form of a request that both sides sign, however it was written.

use crate::form::{encoded, encoded_bytes};

/// A path as it is on the wire. Services other than S3 take it without dots and empty parts, and encoded once more.
pub fn path(path: &str, service: &str) -> String {
    if service == "s3" {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let parts: Vec<_> = parts.into_iter().map(encoded).collect();
    let is_folder = path.ends_with('/') && !parts.is_empty();
    format!("/{}{}", parts.join("/"), if is_folder { "/" } else { "" })
}

/// A query, sorted, with everything encoded alike.
pub fn query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let recoded = |text: &str| encoded_bytes(&decoded(text));
    let mut pairs: Vec<_> = pairs
        .map(|(key, value)| (recoded(key), recoded(value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    out
}

/// Headers by name in lower case, and the list of their names. Values of one name stand in a list; runs of blanks are one.
pub fn headers(headers: &[(&str, &str)]) -> (String, String) {
    let one = |(name, value): &(&str, &str)| {
        let words: Vec<_> = value.split_ascii_whitespace().collect();
        (name.to_ascii_lowercase(), words.join(" "))
    };
    let mut sorted: Vec<_> = headers.iter().map(one).collect();
    // Stable: values keep their order.
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in sorted {
        match merged.last_mut() {
            Some((last, values)) if *last == name => *values = format!("{values},{value}"),
            _ => merged.push((name, value)),
        }
    }
    let lines = merged
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"));
    let names: Vec<_> = merged.iter().map(|(name, _)| name.as_str()).collect();
    (lines.collect(), names.join(";"))
}
