//! Rates (`50MiB/s`) as users write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::units::{ByteSize, parse_size};

/// `format` in the JSON schema, by which the loader knows rates.
pub const RATE_FORMAT: &str = "rate-with-unit";
/// What [`parse_rate`] takes, for editors.
const RATE_PATTERN: &str =
    r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*([kKmMgGtTpPeE]([iI]?[bB]?)?|[bB])\s*/\s*s\s*$";

/// Bytes in a second, such as `50MiB/s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRate(pub u64);

/// The unit has to be there: `50/s` could be fifty requests.
pub fn parse_rate(text: &str) -> Result<ByteRate, String> {
    let invalid = || {
        "is not a rate; write a size and `/s`, such as 50MiB/s: how many bytes in a second"
            .to_owned()
    };
    let (size, per) = text.split_once('/').ok_or_else(invalid)?;
    let has_unit = size.trim_end().ends_with(|c: char| c.is_ascii_alphabetic());
    if per.trim() != "s" || !has_unit {
        return Err(invalid());
    }
    parse_size(size)
        .map(|size| ByteRate(size.0))
        .map_err(|_| invalid())
}

impl<'de> Deserialize<'de> for ByteRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_rate(&text).map_err(|problem| serde::de::Error::custom(format!("`{text}` {problem}")))
    }
}

impl Serialize for ByteRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for ByteRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/s", ByteSize(self.0))
    }
}

impl schemars::JsonSchema for ByteRate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteRate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": RATE_FORMAT,
            "pattern": RATE_PATTERN,
            "description": "a rate such as 50MiB/s: bytes in a second",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What is taken, and that the JSON schema takes the same.
    #[test]
    fn rates_are_sizes_in_a_second() {
        let pattern = regex::Regex::new(RATE_PATTERN).unwrap();
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_rate(text).ok().map(|rate| rate.0), expected, "{text}");
            assert_eq!(pattern.is_match(text), expected.is_some(), "{text}");
        };
        check("50MiB/s", Some(50 << 20));
        check("1.5 KiB / s", Some(1536));
        check("1MB/s", Some(1_000_000));
        check("10B/s", Some(10));
        for nonsense in [
            "",
            "50MiB",
            "50/s",
            "50MiB/",
            "50MiB/m",
            "50MiB/second",
            "/s",
            "MiB/s",
            "-1MiB/s",
            "50MiB/s/s",
            "fast",
        ] {
            check(nonsense, None);
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for rate in [0, 1, 1000, 50 << 20] {
            let text = serde_json::to_string(&ByteRate(rate)).unwrap();
            assert_eq!(
                serde_json::from_str::<ByteRate>(&text).unwrap(),
                ByteRate(rate)
            );
        }
        assert_eq!(ByteRate(50 << 20).to_string(), "50MiB/s");
    }
}
