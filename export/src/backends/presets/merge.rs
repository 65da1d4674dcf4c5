//! What a section says in place of what the preset says.

use std::collections::BTreeMap;

/// Whether a header is among them, however it is spelt.
pub fn has(headers: &BTreeMap<String, String>, name: &str) -> bool {
    headers.keys().any(|key| key.eq_ignore_ascii_case(name))
}

/// The preset's headers, and those that are written, which win.
pub fn headers(
    mut own: BTreeMap<String, String>,
    written: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    own.retain(|name, _| !has(written, name));
    own.extend(written.clone());
    own
}

/// An address with `path` behind its own path, before its query; as it is if it ends in that path.
pub fn path_behind(address: &str, path: &str) -> String {
    let (address, query) = match address.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (address, String::new()),
    };
    let trimmed = match address.trim_end_matches('/') {
        // A scheme without a host stays wrong.
        trimmed if trimmed.ends_with(':') => address,
        trimmed => trimmed,
    };
    match path.is_empty() || trimmed.ends_with(path) {
        true => format!("{trimmed}{query}"),
        false => format!("{trimmed}{path}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_appended_once() {
        let check = |address: &str, path: &str, expected: &str| {
            assert_eq!(path_behind(address, path), expected);
        };
        check("http://h", "/otlp", "http://h/otlp");
        check("http://h/", "/otlp", "http://h/otlp");
        check("http://h/otlp", "/otlp", "http://h/otlp");
        check("http://h/otlp/", "/otlp", "http://h/otlp");
        check("http://h/a?b=/otlp", "/otlp", "http://h/a/otlp?b=/otlp");
        check("h:1", "", "h:1");
        check("http://", "/otlp", "http:///otlp");
    }

    #[test]
    fn written_headers_win_however_they_are_spelt() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            pairs.iter().map(owned).collect()
        };
        let merged = headers(
            map(&[("api-key", "own"), ("kept", "own")]),
            &map(&[("API-Key", "written"), ("more", "written")]),
        );
        let expected = map(&[("API-Key", "written"), ("kept", "own"), ("more", "written")]);
        assert_eq!(merged, expected);
    }
}
