//! What one bucket answers.

use proptest::prelude::*;

use super::*;

const SLOTS: usize = 512;
const LIMIT: Limit = Limit {
    per_second: 10.0,
    burst: 20.0,
    refill: Refill::Steady,
    owner: Limit::EVERYBODY,
};
const BY_SECOND: Limit = Limit {
    per_second: 10.0,
    burst: 10.0,
    refill: Refill::EachSecond,
    owner: Limit::EVERYBODY,
};

/// Asks for tokens at times.
#[track_caller]
fn check(limit: Limit, share: f64, asks: &[(u64, u64, bool)]) {
    let mut bucket = Bucket::new(limit, share, SLOTS);
    for &(at_ms, tokens, granted) in asks {
        assert_eq!(
            bucket.spend(tokens, at_ms),
            Some(granted),
            "{tokens} tokens at {at_ms} ms"
        );
    }
}

#[test]
fn it_begins_full_and_fills_in_stream_time() {
    let asks = [
        (1000, 20, true),
        (1000, 1, false),
        (1099, 1, false),
        (1100, 1, true),
        (3000, 19, true),
        (3000, 1, false),
    ];
    check(LIMIT, 1.0, &asks);
}

#[test]
fn seconds_are_filled_at_once() {
    let asks = [
        (1000, 7, true),
        (1999, 4, false),
        (1999, 3, true),
        (2000, 10, true),
        (2500, 1, false),
        (9000, 10, true),
    ];
    check(BY_SECOND, 1.0, &asks);
}

#[test]
fn what_is_larger_than_the_bucket_passes_once_and_is_paid_back() {
    let asks = [
        (1000, 1, true),
        (1000, 50, true),
        (4000, 1, false),
        (4200, 1, true),
        (4200, 50, false),
        (4300, 50, true),
    ];
    check(LIMIT, 1.0, &asks);
    // A part of 2.5 a second.
    check(
        LIMIT,
        0.25,
        &[(1000, 20, true), (6900, 1, false), (7500, 1, true)],
    );
    check(
        BY_SECOND,
        1.0,
        &[
            (1000, 25, true),
            (2999, 1, false),
            (3000, 5, true),
            (3000, 1, false),
        ],
    );
}

#[test]
fn the_past_is_asked_with_the_tokens_of_the_past() {
    let asks = [
        (1000, 20, true),
        // All of it comes back until here, and 8 s overflow.
        (11_000, 5, true),
        // Nothing was there then;
        (1000, 1, false),
        (1900, 8, false),
        // but here, and it overflowed later.
        (4000, 20, true),
        (4000, 1, false),
        (3000, 1, true),
        (11_000, 15, true),
        (11_000, 1, false),
        (10_500, 15, false),
    ];
    check(LIMIT, 1.0, &asks);
}

#[test]
fn before_the_first_request_it_was_full() {
    check(
        LIMIT,
        1.0,
        &[
            (50_000, 20, true),
            (47_000, 20, true),
            (47_000, 1, false),
            (49_900, 10, false),
            (30_000, 20, true),
        ],
    );
}

#[test]
fn of_times_long_ago_nothing_is_known() {
    let mut bucket = Bucket::new(LIMIT, 1.0, SLOTS);
    let day_ms = 86_400_000;
    assert_eq!(bucket.spend(20, day_ms), Some(true));
    assert_eq!(bucket.spend(20, 2 * day_ms), Some(true));
    assert_eq!(bucket.spend(1, 2 * day_ms), Some(false));
    assert_eq!(bucket.spend(1, day_ms), None);
    for second in 0..1000 {
        bucket.spend(10, 2 * day_ms + second * 1000);
    }
    assert_eq!(bucket.spend(1, 2 * day_ms), None);
    assert!(bucket.slots.len() <= SLOTS);
}

#[test]
fn what_overflows_is_given_away_once() {
    let mut bucket = Bucket::new(LIMIT, 1.0, SLOTS);
    assert_eq!(bucket.spend(20, 10_000), Some(true));
    // Full again after two seconds.
    assert!((bucket.take_overflow(14_000, 1000.0) - 20.0).abs() < 0.01);
    assert!(bucket.take_overflow(14_000, 1000.0) == 0.0);
    assert!((bucket.take_overflow(20_000, 7.0) - 7.0).abs() < 0.01);
    // It doesn't make good any more for what is late.
    assert_eq!(bucket.spend(20, 12_500), Some(true));
    assert_eq!(bucket.spend(1, 14_000), Some(false));
    assert_eq!(bucket.spend(20, 17_000), Some(true));
    assert!((bucket.take_wanted() - 1.0).abs() < 0.01);
}

#[test]
fn a_gift_comes_within_a_second_and_as_far_as_there_is_room() {
    let mut bucket = Bucket::new(LIMIT, 0.5, SLOTS);
    assert_eq!(bucket.spend(10, 10_000), Some(true));
    bucket.give(5.0);
    assert_eq!(bucket.spend(1, 10_000), Some(false));
    // 2.5 by itself, 2.5 of the gift.
    assert_eq!(bucket.spend(6, 10_500), Some(false));
    assert_eq!(bucket.spend(5, 10_500), Some(true));
    assert_eq!(bucket.spend(6, 11_000), Some(false));
    assert_eq!(bucket.spend(5, 11_000), Some(true));
    assert_eq!(bucket.spend(3, 11_500), Some(false));
    bucket.give(100.0);
    assert_eq!(bucket.spend(10, 20_000), Some(true));
    assert_eq!(bucket.spend(6, 21_000), Some(false));
    assert_eq!(bucket.spend(5, 21_000), Some(true));
}

#[test]
fn a_larger_share_comes_empty_but_for_the_first() {
    let mut bucket = Bucket::new(LIMIT, 0.0, SLOTS);
    bucket.set_share(0.5);
    assert_eq!(bucket.spend(10, 1000), Some(true));
    bucket.set_share(1.0);
    assert_eq!(bucket.spend(1, 1000), Some(false));
    assert_eq!(bucket.spend(10, 2000), Some(true));
    bucket.set_share(0.0);
    bucket.set_share(0.5);
    assert_eq!(bucket.spend(10, 2000), Some(true));
}

proptest! {
    /// In any order: in no stretch of time more than the burst and what comes in it, and one request that is larger than the burst.
    #[test]
    fn no_stretch_of_time_has_more_than_its_part(
        asks in prop::collection::vec((0_u64..20_000, 1_u64..40), 1..200),
        by_second: bool,
    ) {
        let limit = if by_second { BY_SECOND } else { LIMIT };
        let mut bucket = Bucket::new(limit, 1.0, SLOTS);
        let mut granted: Vec<_> = asks.into_iter()
            .filter(|&(at_ms, tokens)| bucket.spend(tokens, at_ms) == Some(true))
            .collect();
        granted.sort_unstable();
        for (first, &(from_ms, _)) in granted.iter().enumerate() {
            let (mut sum, mut large) = (0, 0);
            for &(to_ms, tokens) in &granted[first..] {
                sum += tokens;
                large = large.max(tokens);
                let filled = match limit.refill {
                    Refill::Steady => (to_ms - from_ms) as f64 / 1000.0,
                    Refill::EachSecond => (to_ms / 1000 - from_ms / 1000) as f64,
                };
                let over = if large as f64 > limit.burst { large as f64 } else { 0.0 };
                let most = limit.burst + filled * limit.per_second + over;
                prop_assert!(sum as f64 <= most + 1e-3, "{} of {} from {} to {}", sum, most, from_ms, to_ms);
            }
        }
    }

    /// In the order of time, and nothing larger than the burst: a plain bucket's answers.
    #[test]
    fn in_order_it_is_a_plain_bucket(asks in prop::collection::vec((0_u64..3_000, 1_u64..=20), 1..100)) {
        let mut bucket = Bucket::new(LIMIT, 1.0, SLOTS);
        let (mut at_ms, mut tokens) = (0, 20_000);
        for (later_ms, wanted) in asks {
            at_ms += later_ms;
            // Thousandths, ten a millisecond.
            tokens = (tokens + later_ms * 10).min(20_000);
            let granted = tokens >= wanted * 1000;
            tokens -= if granted { wanted * 1000 } else { 0 };
            prop_assert_eq!(bucket.spend(wanted, at_ms), Some(granted), "{} at {}", wanted, at_ms);
        }
    }
}
