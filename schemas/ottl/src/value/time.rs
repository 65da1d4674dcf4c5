//! Instants with an offset from UTC, in the proleptic Gregorian calendar. Parsing and formatting are converters' business.

use schemas::calendar::date_of;

/// An instant, and the offset in which its hours and days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Since 1970, rounded down.
    pub seconds: i64,
    pub nanos: u32,
    pub offset_seconds: i32,
}

const NANOS: i128 = 1_000_000_000;

impl Time {
    pub fn from_unix_nanos(nanos: i128) -> Self {
        Self {
            seconds: nanos
                .div_euclid(NANOS)
                .clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            nanos: nanos.rem_euclid(NANOS) as u32,
            offset_seconds: 0,
        }
    }

    pub fn unix_nanos(&self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// What decides order and equality: the offset doesn't.
    pub(crate) fn instant(&self) -> (i64, u32) {
        (self.seconds, self.nanos)
    }

    pub(crate) fn plus(&self, nanos: i128) -> Self {
        Self {
            offset_seconds: self.offset_seconds,
            ..Self::from_unix_nanos(self.unix_nanos() + nanos)
        }
    }

    /// Nanoseconds from `earlier` to this; as far as a duration reaches.
    pub(crate) fn since(&self, earlier: &Self) -> i64 {
        let nanos = self.unix_nanos() - earlier.unix_nanos();
        nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }
}

/// Date and time of day, as a calendar and a clock at the time's offset show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

const DAY: i64 = 86_400;

impl Time {
    pub(crate) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.offset_seconds.into());
        let (year, month, day) = date_of(local.div_euclid(DAY));
        let of_day = local.rem_euclid(DAY) as u32;
        Civil {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// 0 is Sunday.
    pub(crate) fn weekday(&self) -> u32 {
        let local = self.seconds.saturating_add(self.offset_seconds.into());
        (local.div_euclid(DAY) + 4).rem_euclid(7) as u32
    }

    /// `2006-01-02T15:04:05.999999999Z07:00`, without zeros at the end of the fraction.
    pub(crate) fn rfc3339(&self) -> String {
        let civil = self.civil();
        let mut text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second
        );
        if self.nanos > 0 {
            let fraction = format!(".{:09}", self.nanos);
            text.push_str(fraction.trim_end_matches('0'));
        }
        match self.offset_seconds {
            0 => text.push('Z'),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
            }
        }
        text
    }
}

impl Civil {
    /// The instant that this is at an offset from UTC. Parts beyond their range run over, as in Go: month 14 is a year later.
    pub(crate) fn at(&self, nanos: u32, offset_seconds: i32) -> Time {
        let months = self.year * 12 + i64::from(self.month) - 1;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u32 + 1);
        let days = days_from_civil(year, month, 1) + i64::from(self.day) - 1;
        let of_day =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Time {
            seconds: days * DAY + of_day - i64::from(offset_seconds),
            nanos,
            offset_seconds,
        }
    }
}

/// Days since 1970-01-01. Source: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_of_year = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_of_year + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
