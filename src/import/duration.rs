//! Go's durations (`1h30m`, `1.5s`, `100ms`) as ours, which have no fractions.

use runtime::config::Duration;
use serde_json::Value;

/// What a text of Go's `time.ParseDuration` comes to; `None` for anything else, and for what is negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    rest = rest.strip_prefix('+').unwrap_or(rest);
    if rest == "0" {
        return Some(Duration::default());
    }
    let mut nanos = 0f64;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        nanos += number * unit_nanos(&rest[..letters])?;
        rest = &rest[letters..];
        parts += 1;
    }
    (parts > 0).then(|| Duration(std::time::Duration::from_nanos(nanos.round() as u64)))
}

fn unit_nanos(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

/// A duration in our words. What refers to the environment, and what is no duration of Go's, stays as it is.
pub(super) fn carried(value: &Value) -> Value {
    match value.as_str().and_then(parse) {
        Some(duration) => Value::from(duration.to_string()),
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_durations_lose_their_fractions_and_nothing_else() {
        let check = |theirs: &str, ours: Option<&str>| {
            let found = parse(theirs).map(|duration| duration.to_string());
            assert_eq!(found.as_deref(), ours, "{theirs}");
        };
        check("30s", Some("30s"));
        check("1.5s", Some("1s 500ms"));
        check("1h30m", Some("1h 30m"));
        check("0.25m", Some("15s"));
        check("1m0.5s", Some("1m 500ms"));
        check("+.5ms", Some("500us"));
        check("2µs", Some("2us"));
        check("0", Some("0s"));
        for none in ["", "5", "-1s", "1 m", "s", "1d", "${env:WAIT}"] {
            check(none, None);
        }
    }
}
