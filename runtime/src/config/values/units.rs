//! Durations (`30s`, `250ms`) and sizes (`512MiB`) as users write them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `format` in the JSON schema, by which the loader knows our units.
pub const DURATION_FORMAT: &str = "duration-with-unit";
pub const SIZE_FORMAT: &str = "size-with-unit";

/// What [`parse_duration`] takes, for editors.
const DURATION_PATTERN: &str = r"^\s*(0|([0-9][0-9\s]*(\.[0-9\s]*[0-9][0-9\s]*)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M|years|year|yrs|yr|y)\s*)+)$";
/// What [`parse_size`] takes, for editors.
const SIZE_PATTERN: &str =
    r"^\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*([kKmMgGtTpPeE]([iI]?[bB]?)?|[bB])?\s*$";
/// Nothing here waits for longer; keeps sums of times far from overflowing.
const DURATION_MAX: std::time::Duration = std::time::Duration::from_secs(100 * 365 * 24 * 3600);

/// A duration such as `30s`, `1m 30s`, `250ms`, `0s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub std::time::Duration);

impl Duration {
    pub const fn from_secs(secs: u64) -> Self {
        Self(std::time::Duration::from_secs(secs))
    }
    pub const fn from_millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }
}

pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = "is not a duration; write a number with a unit, such as 30s, 250ms or 1h 30m";
    match humantime::parse_duration(text) {
        Ok(duration) if duration > DURATION_MAX => Err("is longer than a hundred years".to_owned()),
        Ok(duration) => Ok(Duration(duration)),
        Err(_) => Err(invalid.to_owned()),
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text)
            .map_err(|problem| serde::de::Error::custom(format!("`{text}` {problem}")))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for Duration {
    /// In hours, minutes, seconds and what is below: `24h`, `1m 30s`, `250ms`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        let parts = [
            (seconds / 3600, "h"),
            (seconds / 60 % 60, "m"),
            (seconds % 60, "s"),
            (u64::from(nanos / 1_000_000), "ms"),
            (u64::from(nanos / 1_000 % 1_000), "us"),
            (u64::from(nanos % 1_000), "ns"),
        ];
        let mut written = parts.iter().filter(|(count, _)| *count > 0);
        let Some((count, unit)) = written.next() else {
            return f.write_str("0s");
        };
        write!(f, "{count}{unit}")?;
        written.try_for_each(|(count, unit)| write!(f, " {count}{unit}"))
    }
}

impl schemars::JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": DURATION_FORMAT,
            "pattern": DURATION_PATTERN,
            "description": "a duration such as 30s, 1m 30s or 250ms",
        })
    }
}

/// A number of bytes such as `512MiB`, `10GiB`, `1000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

pub fn parse_size(text: &str) -> Result<ByteSize, String> {
    let invalid = "is not a size; write a number with a unit, such as 512MiB or 10GiB";
    match text.trim().parse::<bytesize::ByteSize>() {
        Ok(size) => Ok(ByteSize(size.as_u64())),
        Err(_) => Err(invalid.to_owned()),
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => parse_size(&text)
                .map_err(|problem| serde::de::Error::custom(format!("`{text}` {problem}"))),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::fmt::Display for ByteSize {
    /// With the largest unit that says it exactly, so that what is written reads back the same.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        for (bits, unit) in units {
            if self.0 >= 1 << bits && self.0.trailing_zeros() >= bits {
                return write!(f, "{}{unit}", self.0 >> bits);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl schemars::JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer"],
            "format": SIZE_FORMAT,
            "pattern": SIZE_PATTERN,
            "minimum": 0,
            "description": "a size such as 512MiB or 10GiB, or a number of bytes",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        fn check(text: &str, expected_ms: Option<u64>) {
            let got = parse_duration(text).ok().map(|d| d.0.as_millis() as u64);
            assert_eq!(got, expected_ms, "{text}");
        }
        check("30s", Some(30_000));
        check("250ms", Some(250));
        check("1m 30s", Some(90_000));
        check("1m30s", Some(90_000));
        check("10m", Some(600_000));
        check("24h", Some(86_400_000));
        check("0s", Some(0));
        check("0", Some(0));
        for nonsense in ["", "30", "-5s", "5 parsecs", "s", "1.5.s", "ten", "200y"] {
            check(nonsense, None);
        }
    }

    #[test]
    fn sizes_have_units() {
        fn check(text: &str, expected: Option<u64>) {
            assert_eq!(parse_size(text).ok().map(|size| size.0), expected, "{text}");
        }
        check("512MiB", Some(512 << 20));
        check("512 MiB", Some(512 << 20));
        check("10GiB", Some(10 << 30));
        check("1MB", Some(1_000_000));
        check("1000", Some(1000));
        check("1.5KiB", Some(1536));
        for nonsense in ["", "lots", "-1MiB", "5 MiBs", "MiB"] {
            check(nonsense, None);
        }
    }

    /// What the JSON schema takes is what is taken.
    #[test]
    fn patterns_agree_with_what_is_read() {
        let pattern = |text| regex::Regex::new(text).unwrap();
        let (duration, size) = (pattern(DURATION_PATTERN), pattern(SIZE_PATTERN));
        for text in [
            "30s",
            "250ms",
            "1h 30m",
            "1m30s",
            "0",
            "0s",
            "1.5s",
            " 5 min",
            "2 days",
            "1M",
            "10us",
            "3weeks",
            "",
            "30",
            "-5s",
            "5 parsecs",
            "s",
            "1.5.s",
            "ten",
            "1,5s",
            "5S",
            "1h 30",
            "1.s",
        ] {
            let taken = parse_duration(text).is_ok();
            assert_eq!(duration.is_match(text), taken, "{text:?}");
        }
        for text in [
            "512MiB", "512 MiB", "10GiB", "1MB", "1000", "1.5KiB", "7b", "1k", "3 gib", "2Ti",
            "1.B", ".5GB", "", "lots", "-1MiB", "5 MiBs", "MiB", "1 2MB", "1i", "1..5KB",
        ] {
            let taken = parse_size(text).is_ok();
            assert_eq!(size.is_match(text), taken, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for size in [0, 1, 1000, 1 << 10, 512 << 20, 10 << 30, (1 << 30) + 1] {
            let text = serde_json::to_string(&ByteSize(size)).unwrap();
            assert_eq!(
                serde_json::from_str::<ByteSize>(&text).unwrap(),
                ByteSize(size)
            );
        }
        for millis in [0, 1, 250, 30_000, 90_001, 86_400_000, 1_000_000_000_000] {
            let text = serde_json::to_string(&Duration::from_millis(millis)).unwrap();
            let read: Duration = serde_json::from_str(&text).unwrap();
            assert_eq!(read, Duration::from_millis(millis));
        }
        assert_eq!(Duration::from_secs(24 * 3600).to_string(), "24h");
        assert_eq!(Duration::from_millis(90_250).to_string(), "1m 30s 250ms");
    }
}
