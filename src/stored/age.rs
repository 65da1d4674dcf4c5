//! Ages on the command line.

use std::time::{Duration, SystemTime};

/// `90s`, `15m`, `2h`, `7d`.
///
/// # Errors
/// It is none; the message says how they look.
pub fn age(text: &str) -> Result<Duration, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u64>().ok());
    if let Some(seconds) = days.and_then(|days| days.checked_mul(24 * 3600)) {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: Result<runtime::config::Duration, _> = serde_json::from_value(text.into());
    parsed
        .map(|duration| duration.0)
        .map_err(|error| format!("{error}; e.g. 90s, 15m, 2h, 7d"))
}

/// So long ago, in milliseconds since 1970.
pub fn since_ms(age: Duration) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let then = now.unwrap_or_default().saturating_sub(age);
    then.as_millis() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ages_are_durations_or_days() {
        let check =
            |text, seconds| assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        check("90s", 90);
        check("2h", 7200);
        check("7d", 7 * 24 * 3600);
        for text in ["", "7", "d", "-1d", "soon", "99999999999999999999d"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
