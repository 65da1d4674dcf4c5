//! Whether a date exists: many national numbers begin with their holder's birth date.

/// Whether there is such a day in the Gregorian calendar.
pub(super) fn exists(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// The number of two digits.
pub(super) fn two(values: &[u8], at: usize) -> u32 {
    values
        .iter()
        .skip(at)
        .take(2)
        .fold(0, |number, value| number * 10 + u32::from(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for (year, month, day) in [(2024, 2, 29), (2000, 2, 29), (1999, 12, 31), (1900, 4, 30)] {
            assert!(exists(year, month, day));
        }
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (1999, 13, 1),
            (1999, 0, 1),
            (1999, 4, 31),
            (1999, 1, 0),
        ] {
            assert!(!exists(year, month, day));
        }
    }
}
