//! Instants as texts of JSON documents.

use crate::calendar::date_of;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// Writes instants one after the other. Most of them are of one day, which is worked out once.
#[derive(Debug)]
pub struct Instants {
    day: u64,
    /// `2026-01-31T`.
    date: [u8; 11],
}

impl Default for Instants {
    fn default() -> Self {
        Self {
            day: 0,
            date: *b"1970-01-01T",
        }
    }
}

impl Instants {
    /// A string: RFC 3339 in UTC with nine digits behind the point, as in `"2026-01-31T12:01:07.123456789Z"`.
    pub fn put(&mut self, out: &mut Vec<u8>, unix_nano: u64) {
        let (seconds, nanos) = (unix_nano / SECOND, unix_nano % SECOND);
        let (day, of_day) = (seconds / DAY, seconds % DAY);
        if day != self.day {
            self.day = day;
            // 64 bits of nanoseconds end in the year 2554.
            let (year, month, date) = date_of(day as i64);
            digits(&mut self.date[..4], year as u64);
            digits(&mut self.date[5..7], month.into());
            digits(&mut self.date[8..10], date.into());
        }
        let mut time = *b"00:00:00.000000000Z\"";
        digits(&mut time[..2], of_day / 3600);
        digits(&mut time[3..5], of_day / 60 % 60);
        digits(&mut time[6..8], of_day % 60);
        digits(&mut time[9..18], nanos);
        out.push(b'"');
        out.extend_from_slice(&self.date);
        out.extend_from_slice(&time);
    }
}

/// Fills `out` with the last digits of a number.
fn digits(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let mut instants = Instants::default();
        for (unix_nano, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_705_314_600_000_000_005, "2024-01-15T10:30:00.000000005Z"),
            (1_705_363_199_999_999_999, "2024-01-15T23:59:59.999999999Z"),
            (1_705_363_200_000_000_000, "2024-01-16T00:00:00.000000000Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            let mut out = Vec::new();
            instants.put(&mut out, unix_nano);
            assert_eq!(String::from_utf8_lossy(&out), format!("\"{text}\""));
        }
    }
}
