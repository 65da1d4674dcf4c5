//! Times and durations as Jaeger's formats have them: protobuf's `Timestamp` and `Duration`, and their texts as Go reads them.
//!
//! What is out of range is malformed, within the limits of Go's `types.TimestampFromProto` and `types.DurationFromProto`. Nanoseconds since
//! the epoch are counted modulo 2^64, as the Collector counts them.

use super::malformed::{Malformed, shown};

/// The years 1 to 9999.
const SECONDS: std::ops::Range<i64> = -62_135_596_800..253_402_300_800;
/// Ten thousand years.
const DURATION_SECONDS_MAX: i64 = 315_576_000_000;
const NANOS: i64 = 1_000_000_000;

/// Seconds and nanoseconds since the epoch as nanoseconds.
pub fn unix_nanos(seconds: i64, nanos: i32) -> Result<u64, Malformed> {
    if !SECONDS.contains(&seconds) || !(0..NANOS).contains(&i64::from(nanos)) {
        return Err(Malformed::new(format_args!(
            "{seconds} s and {nanos} ns are no time of the years 1 to 9999"
        )));
    }
    Ok(seconds.wrapping_mul(NANOS).wrapping_add(i64::from(nanos)) as u64)
}

/// A duration in nanoseconds.
pub fn duration_nanos(seconds: i64, nanos: i32) -> Result<i64, Malformed> {
    let nanos = i64::from(nanos);
    let wrong = seconds.unsigned_abs() > DURATION_SECONDS_MAX as u64
        || nanos.abs() >= NANOS
        || seconds.signum() * nanos.signum() < 0;
    let total = seconds
        .checked_mul(NANOS)
        .and_then(|whole| whole.checked_add(nanos));
    match total {
        Some(total) if !wrong => Ok(total),
        _ => Err(Malformed::new(format_args!(
            "{seconds} s and {nanos} ns are no duration of less than 292 years"
        ))),
    }
}

/// `2026-11-30T02:15:00.123456789Z` as seconds and nanoseconds.
pub fn read_timestamp(text: &str) -> Result<(i64, i32), Malformed> {
    rfc3339(text).ok_or_else(|| {
        Malformed::new(format_args!(
            "`{}` is no time such as 2026-11-30T02:15:00.5Z",
            shown(text)
        ))
    })
}

fn rfc3339(text: &str) -> Option<(i64, i32)> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (time, nanos) = match time.split_once('.') {
        Some((time, fraction)) => (time, fraction_nanos(fraction)?),
        None => (time, 0),
    };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let offset = match zone.split_at(1) {
        ("Z", "") => 0,
        ("Z", _) => return None,
        (sign, zone) => {
            let [hours, minutes] = numbers(zone, ':', [2, 2])?;
            if hours > 24 || minutes > 60 {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if sign == "-" { -offset } else { offset }
        }
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [
        31,
        28 + i64::from(leap),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let in_month = *days.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_epoch(year, month, day);
    Some((
        days * 86_400 + hour * 3600 + minute * 60 + second - offset,
        nanos,
    ))
}

/// Numbers of these many digits each.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut read = [0; N];
    for (number, digits) in read.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(read)
}

/// Digits beyond the ninth are cut off.
fn fraction_nanos(digits: &str) -> Option<i32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}")[..9].parse().ok()
}

/// Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// `1.5s`, `1h2m`, `100ms` as seconds and nanoseconds of the same sign.
/// Source: <https://pkg.go.dev/time#ParseDuration>.
pub fn read_duration(text: &str) -> Result<(i64, i32), Malformed> {
    let nanos = go_duration(text).ok_or_else(|| {
        Malformed::new(format_args!(
            "`{}` is no duration such as 1.5s or 100ms",
            shown(text)
        ))
    })?;
    Ok((nanos / NANOS, (nanos % NANOS) as i32))
}

fn go_duration(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Some(0);
    }
    let (mut rest, mut total) = (unsigned, 0_u64);
    while !rest.is_empty() {
        let part = go_part(&mut rest)?;
        total = total.checked_add(part).filter(|&total| total <= 1 << 63)?;
    }
    if unsigned.is_empty() {
        return None;
    }
    match text.starts_with('-') {
        true => Some((total as i64).wrapping_neg()),
        false => i64::try_from(total).ok(),
    }
}

/// One number with its unit, in nanoseconds.
fn go_part(rest: &mut &str) -> Option<u64> {
    let whole = digits(rest);
    let fraction = match rest.strip_prefix('.') {
        Some(behind) => {
            *rest = behind;
            digits(rest)
        }
        None => "",
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (unit, behind) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = behind;
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: u64 = match whole {
        "" => 0,
        whole => whole.parse().ok().filter(|&whole| whole <= 1 << 63)?,
    };
    let nanos = whole.checked_mul(unit).filter(|&nanos| nanos <= 1 << 63)?;
    // As many digits as are exact, which is more than any unit has nanoseconds.
    let fraction = &fraction[..fraction.len().min(18)];
    let scale = 10_f64.powi(fraction.len() as i32);
    let fraction: u64 = match fraction {
        "" => 0,
        fraction => fraction.parse().ok()?,
    };
    Some(nanos + (fraction as f64 * (unit as f64 / scale)) as u64)
}

fn digits<'t>(rest: &mut &'t str) -> &'t str {
    let end = rest.find(|c: char| !c.is_ascii_digit());
    let (digits, behind) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = behind;
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_text() {
        let check = |text: &str, expected: Option<(i64, i32)>| {
            assert_eq!(read_timestamp(text).ok(), expected, "{text}");
        };
        check("1970-01-01T00:00:00Z", Some((0, 0)));
        check("2001-09-09T01:46:40.5Z", Some((1_000_000_000, 500_000_000)));
        check("2001-09-09T03:46:40+02:00", Some((1_000_000_000, 0)));
        check(
            "2000-02-29T00:00:00.123456789999Z",
            Some((951_782_400, 123_456_789)),
        );
        check("1969-12-31T23:59:59-00:00", Some((-1, 0)));
        check("0001-01-01T00:00:00Z", Some((SECONDS.start, 0)));
        check("9999-12-31T23:59:59Z", Some((SECONDS.end - 1, 0)));
        for text in [
            "",
            "T",
            "2001-02-29T00:00:00Z",
            "2001-01-01T24:00:00Z",
            "2001-01-01T00:00:60Z",
            "2001-01-01T00:00:00",
            "2001-01-01T00:00:00.Z",
            "2001-01-01 00:00:00Z",
            "2001-1-1T00:00:00Z",
            "2001-01-01T00:00:00+0200",
            "2001-01-01T00:00:00Z02:00",
            "2001-13-01T00:00:00Z",
            "2001-00-01T00:00:00Z",
        ] {
            check(text, None);
        }
        assert!(unix_nanos(SECONDS.end, 0).is_err() && unix_nanos(0, -1).is_err());
        assert_eq!(unix_nanos(1, 5), Ok(1_000_000_005));
    }

    #[test]
    fn durations_as_text() {
        let check = |text: &str, expected: Option<(i64, i32)>| {
            assert_eq!(read_duration(text).ok(), expected, "{text}");
        };
        check("0", Some((0, 0)));
        check("1.5s", Some((1, 500_000_000)));
        check("-1.5s", Some((-1, -500_000_000)));
        check("1h2m3.000000004s", Some((3723, 4)));
        check("100ms", Some((0, 100_000_000)));
        check(".5us", Some((0, 500)));
        check("1µs", Some((0, 1_000)));
        check("9223372036.854775807s", Some((9_223_372_036, 854_775_807)));
        for text in [
            "",
            "s",
            "1",
            "-",
            "1.5",
            "1x",
            "9223372037s",
            "1 s",
            "99999999999999999999s",
        ] {
            check(text, None);
        }
        assert!(duration_nanos(1, -1).is_err() && duration_nanos(9_223_372_037, 0).is_err());
        assert_eq!(duration_nanos(-1, -1), Ok(-1_000_000_001));
    }
}
