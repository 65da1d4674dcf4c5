//! Whose an address or a name was at a time: it has one holder after the other, and each holds it for an interval.

use std::ops::Range;

/// How far outside of its sender's interval an item may have ended: clocks of nodes differ, and the API server hears of things later than they happen.
pub const TOLERANCE_MS: u64 = 5_000;

/// For how long a pod held something, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) place: u32,
    pub(super) begin_ms: u64,
    /// `u64::MAX`: it still does.
    pub(super) end_ms: u64,
    /// Whether it was seen to end; otherwise it ended some time before.
    pub(super) is_end_exact: bool,
}

/// The holder at a time, and how surely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) place: u32,
    /// In milliseconds; 0: the time lies within its interval.
    pub(super) distance_ms: u64,
    /// For all times in it the answer is the same.
    pub(super) valid: Range<u64>,
}

/// Makes the intervals of one thing's holders disjoint, in the order in which they began. Where two overlap, the earlier holder's end decides if it was
/// seen. Otherwise the later holder's begin does: nobody is given what another one still has.
pub(super) fn disjoint(holders: &mut Vec<Held>) {
    holders.sort_by_key(|held| (held.begin_ms, held.end_ms, held.place));
    for later in 1..holders.len() {
        let (before, after) = holders.split_at_mut(later);
        let (Some(earlier), Some(held)) = (before.last_mut(), after.first_mut()) else {
            continue;
        };
        if held.begin_ms >= earlier.end_ms {
            continue;
        }
        if earlier.is_end_exact && earlier.end_ms < held.end_ms {
            held.begin_ms = earlier.end_ms;
        } else {
            earlier.end_ms = held.begin_ms;
        }
    }
    holders.retain(|held| held.begin_ms < held.end_ms);
}

/// The holder at a time, of disjoint intervals; without a time, whoever has it now or had it last.
pub(super) fn holder(holders: &[Held], at_ms: Option<u64>) -> Option<Holder> {
    let Some(at_ms) = at_ms else {
        let last = holders.iter().max_by_key(|held| held.end_ms)?;
        return Some(Holder {
            place: last.place,
            distance_ms: 0,
            valid: 0..u64::MAX,
        });
    };
    let mut nearest: Option<Holder> = None;
    for held in holders {
        let distance_ms = if at_ms < held.begin_ms {
            held.begin_ms - at_ms
        } else if at_ms < held.end_ms {
            return Some(Holder {
                place: held.place,
                distance_ms: 0,
                valid: held.begin_ms..held.end_ms,
            });
        } else {
            (at_ms - held.end_ms).saturating_add(1)
        };
        let is_nearer = |known: &Holder| distance_ms < known.distance_ms;
        if distance_ms <= TOLERANCE_MS && nearest.as_ref().is_none_or(is_nearer) {
            nearest = Some(Holder {
                place: held.place,
                distance_ms,
                valid: at_ms..at_ms.saturating_add(1),
            });
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals `(begin, end, is exact)` at places 0, 1, …; who holds it at those times.
    #[track_caller]
    fn check(holders: &[(u64, u64, bool)], expected: &[(u64, Option<u32>)]) {
        let held = holders.iter().enumerate();
        let mut held: Vec<_> = held
            .map(|(place, &(begin_ms, end_ms, is_end_exact))| Held {
                place: place as u32,
                begin_ms,
                end_ms,
                is_end_exact,
            })
            .collect();
        disjoint(&mut held);
        for (at_ms, place) in expected {
            let found = holder(&held, Some(*at_ms)).map(|holder| holder.place);
            assert_eq!(found, *place, "at {at_ms} of {held:?}");
        }
    }

    const NOW: u64 = u64::MAX;

    #[test]
    fn the_time_decides() {
        check(
            &[(10_000, 20_000, true), (30_000, NOW, true)],
            &[
                (4_999, None),
                (5_000, Some(0)),
                (19_999, Some(0)),
                (25_000, Some(1)),
                (40_000, Some(1)),
            ],
        );
        check(
            &[(10_000, 20_000, true)],
            &[(24_999, Some(0)), (25_000, None)],
        );
    }

    /// A pod may begin, by Kubernetes, before the address that it will have is free.
    #[test]
    fn an_end_that_was_seen_counts_more_than_a_begin() {
        check(
            &[(10_000, 20_000, true), (15_000, NOW, true)],
            &[(19_999, Some(0)), (20_000, Some(1))],
        );
        check(
            &[(10_000, 20_000, false), (15_000, NOW, true)],
            &[(14_999, Some(0)), (15_000, Some(1))],
        );
    }

    /// Times are what senders claim them to be.
    #[test]
    fn the_last_of_all_times_is_a_time() {
        let end = [(10_000, 20_000, true)];
        check(&end, &[(u64::MAX, None)]);
        check(&[(10_000, NOW, true)], &[(u64::MAX, Some(0))]);
    }

    /// Its deletion hasn't been heard of yet.
    #[test]
    fn a_newer_holder_ends_an_older_one() {
        check(
            &[(10_000, NOW, true), (15_000, NOW, true)],
            &[(14_999, Some(0)), (15_000, Some(1))],
        );
    }
}
