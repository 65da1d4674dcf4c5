//! What is allowed, and in which stretches of time. Pure.

/// How much a backend gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Of payload, before compression, in a window; 0 is no limit.
    pub bytes: u64,
    /// Spans, log records and metrics in a window; 0 is no limit.
    pub items: u64,
    pub window: Window,
    pub by: By,
    pub over: Over,
    /// From this share of it on, it is logged.
    pub warn_at: f64,
}

/// Whose quota it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Each tenant has one.
    Tenant,
    /// All have one together.
    All,
}

/// What becomes of what is over it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Over {
    /// The backend doesn't get it.
    Drop,
    /// It waits on the bus until a window has room for it, and what comes after it in its partition waits too.
    Hold,
    /// This share of it goes on.
    Sample(f64),
}

/// Stretches of time of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// In milliseconds.
    pub length_ms: u64,
    /// When one begins, in milliseconds after midnight (UTC), below its length.
    pub begins_ms: u64,
}

impl Window {
    /// The number of the window of a moment, in milliseconds since 1970.
    pub fn at(self, time_ms: u64) -> u64 {
        // One more, so that what is before the first beginning has a number too.
        (time_ms + self.length_ms - self.begins_ms) / self.length_ms
    }

    /// When it begins, in milliseconds since 1970.
    pub fn start_ms(self, number: u64) -> u64 {
        (number * self.length_ms + self.begins_ms).saturating_sub(self.length_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_each_other_without_a_gap() {
        const HOUR: u64 = 3_600_000;
        for (length_ms, begins_ms) in [(24 * HOUR, 0), (24 * HOUR, 7 * HOUR), (HOUR, 60_000)] {
            let window = Window {
                length_ms,
                begins_ms,
            };
            for time_ms in [0, 1, begins_ms, 1_767_225_599_999, 1_767_225_600_000] {
                let number = window.at(time_ms);
                assert!(window.start_ms(number) <= time_ms);
                assert!(time_ms < window.start_ms(number + 1));
            }
            let start = window.start_ms(20_000);
            assert_eq!((window.at(start), window.at(start - 1)), (20_000, 19_999));
        }
    }
}
