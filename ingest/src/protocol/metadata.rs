//! Request headers as attributes (`ingest.metadata`): which of them a request has, and what they say.
//!
//! Resources get them as they get the [`Stamp`](crate::records::Stamp) that is configured.

use http::{HeaderMap, HeaderValue};

use crate::config::FromHeader;

/// Of one value; longer ones are cut.
const VALUE_BYTES_MAX: usize = 1024;
/// Between the values of a header that came more than once, as the Collector joins them.
const JOINED_BY: &str = ";";

/// Attributes and values, of the headers that are there.
pub fn attributes(headers: &HeaderMap, wanted: &[FromHeader]) -> Vec<(String, String)> {
    let present = wanted.iter().filter_map(|wanted| {
        let value = joined(headers.get_all(&wanted.header).iter())?;
        Some((wanted.attribute.to_string(), value))
    });
    present.collect()
}

/// `None`: there is no value, or one that is no text.
fn joined<'h>(values: impl Iterator<Item = &'h HeaderValue>) -> Option<String> {
    let mut all = String::new();
    for value in values {
        if !all.is_empty() {
            all.push_str(JOINED_BY);
        }
        all.push_str(std::str::from_utf8(value.as_bytes()).ok()?);
    }
    all.truncate(all.floor_char_boundary(VALUE_BYTES_MAX));
    Some(all).filter(|all| !all.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &[u8])], expected: &[(&str, &str)]) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let wanted =
            [("x-team", "team.name"), ("x-zone", "zone")].map(|(header, key)| FromHeader {
                header: header.parse().unwrap(),
                attribute: key.into(),
            });
        let expected: Vec<_> = (expected.iter())
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(attributes(&map, &wanted), expected);
    }

    #[test]
    fn headers_that_are_there_become_attributes() {
        check(&[], &[]);
        check(&[("x-other", b"a")], &[]);
        check(&[("x-team", b"core")], &[("team.name", "core")]);
        check(
            &[("x-team", b"a"), ("x-zone", b"z"), ("x-team", b"b")],
            &[("team.name", "a;b"), ("zone", "z")],
        );
        check(&[("x-team", b"")], &[]);
        check(&[("x-team", "grün".as_bytes())], &[("team.name", "grün")]);
        check(&[("x-team", b"\xff")], &[]);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = format!("a{}", "ü".repeat(2000));
        let cut = format!("a{}", "ü".repeat(511));
        check(&[("x-team", long.as_bytes())], &[("team.name", &cut)]);
    }
}
