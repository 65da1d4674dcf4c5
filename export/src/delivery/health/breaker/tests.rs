//! Scripts of offers and answers; time in seconds.
#![allow(clippy::unwrap_used)]

use super::*;

const TIMES: BreakerTimes = BreakerTimes {
    probe: Duration::from_secs(60),
    poison_after: Duration::from_secs(600),
};
const RETRY: FailureKind = FailureKind::Retry { after: None };
const DENIED: FailureKind = FailureKind::Denied { certain: true };
const UNCERTAIN: FailureKind = FailureKind::Denied { certain: false };

/// A breaker with a clock, and what is known against each batch.
struct Script {
    breaker: Breaker,
    start: Instant,
    suspicions: std::collections::HashMap<u64, Suspicion>,
}

impl Script {
    fn new() -> Self {
        Self {
            breaker: Breaker::default(),
            start: Instant::now(),
            suspicions: Default::default(),
        }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + Duration::from_secs(second)
    }

    /// The batch asks for its turn: `Some(0)` now, `Some(s)` at that second, `None` when something changes.
    fn turn(&mut self, second: u64, batch: u64) -> Option<u64> {
        let now = self.at(second);
        match self.breaker.admit(batch, now) {
            Admission::Now => Some(0),
            Admission::NotBefore(at) => Some((at - self.start).as_secs()),
            Admission::OnChange => None,
        }
    }

    fn accepted(&mut self, began: u64, second: u64, batch: u64) {
        let (began, now) = (self.at(began), self.at(second));
        self.breaker.accepted(batch, began, now);
    }

    /// A pause of 5 s follows.
    fn refused(&mut self, second: u64, batch: u64, divisible: bool, kind: FailureKind) -> Action {
        let now = self.at(second);
        let refusal = Refusal {
            batch,
            kind,
            reason: "because",
            divisible,
            pause: Duration::from_secs(5),
        };
        let suspicion = self.suspicions.entry(batch).or_default();
        self.breaker.refused(refusal, suspicion, TIMES, now)
    }
}

#[test]
fn another_ones_success_ends_no_hold_that_was_asked_for() {
    let mut script = Script::new();
    let busy = FailureKind::Retry {
        after: Some(Duration::from_secs(5)),
    };
    assert_eq!(script.refused(0, 1, true, busy), Action::Retry);
    script.accepted(0, 1, 2);
    assert_eq!(script.turn(2, 3), Some(5));
    assert_eq!(script.turn(5, 3), Some(0));
}

#[test]
fn five_failures_in_a_row_leave_one_probe_at_a_time() {
    let mut script = Script::new();
    for batch in 0..4 {
        script.refused(0, batch, true, RETRY);
    }
    assert_eq!(script.turn(1, 9), Some(0), "four are not five");
    script.refused(1, 9, true, RETRY);
    assert_eq!((script.turn(2, 0), script.turn(2, 1)), (Some(6), Some(6)));
    assert_eq!(script.turn(6, 1), None, "0 came first");
    assert_eq!((script.turn(6, 0), script.turn(6, 1)), (Some(0), None));
    script.refused(7, 0, true, RETRY);
    assert_eq!((script.turn(12, 0), script.turn(12, 1)), (None, Some(0)));
    assert_eq!(script.breaker.state(), 1);
    script.accepted(12, 13, 1);
    assert_eq!((script.turn(13, 0), script.turn(13, 2)), (Some(0), Some(0)));
    assert!(!script.breaker.is_failing(script.at(13)));
}

#[test]
fn failures_among_successes_open_nothing() {
    let mut script = Script::new();
    for second in 0..20 {
        assert_eq!(script.refused(second, 1, true, RETRY), Action::Retry);
        script.accepted(second, second, 2);
    }
    assert_eq!(script.breaker.state(), 0);
}

#[test]
fn refused_credentials_hold_until_a_probe_is_accepted() {
    let mut script = Script::new();
    script.accepted(0, 0, 1);
    assert_eq!(script.refused(1, 2, false, DENIED), Action::Retry);
    assert_eq!(script.breaker.refusal(), Some("because"));
    for probe in 1..100 {
        let second = 1 + 60 * probe;
        assert_eq!(script.turn(second - 1, 2), Some(second));
        assert_eq!(script.turn(second, 2), Some(0));
        assert_eq!(script.refused(second, 2, false, DENIED), Action::Retry);
    }
    assert_eq!(script.turn(6001, 2), Some(0));
    script.accepted(6001, 6001, 2);
    assert_eq!(script.breaker.refusal(), None);
    assert_eq!(script.turn(6001, 3), Some(0));
}

/// A revoked key is a revoked key, whatever was accepted just before, or was on its way then.
#[test]
fn a_refusal_of_everything_sets_nothing_aside() {
    let mut script = Script::new();
    script.accepted(0, 9, 1);
    assert_eq!(script.refused(10, 2, true, UNCERTAIN), Action::Split);
    assert_eq!(script.refused(10, 2, false, UNCERTAIN), Action::Retry);
    assert_eq!(script.breaker.state(), 0, "it may be about this one");
    script.accepted(10, 11, 3);
    assert_eq!(script.refused(11, 4, false, UNCERTAIN), Action::Retry);
    assert_eq!(script.refused(12, 5, false, UNCERTAIN), Action::Retry);
    assert_eq!(script.breaker.refusal(), Some("because"), "two in a row");
    for second in 20..2000 {
        let batch = 4 + second % 2;
        assert_eq!(
            script.refused(second, batch, false, UNCERTAIN),
            Action::Retry
        );
    }
}

#[test]
fn without_anything_accepted_before_a_403_is_about_us() {
    let mut script = Script::new();
    assert_eq!(script.refused(0, 1, true, UNCERTAIN), Action::Retry);
    assert_eq!(script.turn(1, 2), Some(5));
}

#[test]
fn what_is_refused_alone_while_others_are_accepted_is_bad() {
    let mut script = Script::new();
    script.accepted(0, 0, 1);
    assert_eq!(script.refused(1, 2, false, UNCERTAIN), Action::Retry);
    script.accepted(2, 3, 1);
    assert_eq!(script.breaker.state(), 0);
    assert_eq!(script.refused(6, 2, false, UNCERTAIN), Action::DeadLetter);
}

#[test]
fn a_500_is_the_batchs_fault_after_long_enough_with_others_accepted() {
    let mut script = Script::new();
    for second in (0..600).step_by(10) {
        assert_eq!(
            script.refused(second, 1, true, FailureKind::Fault),
            Action::Retry
        );
        script.accepted(second + 1, second + 2, 2);
    }
    assert_eq!(
        script.refused(611, 1, true, FailureKind::Fault),
        Action::Split
    );
    let inherited = script.suspicions[&1].inherited();
    script.suspicions.insert(1, inherited);
    assert_eq!(
        script.refused(612, 1, false, FailureKind::Fault),
        Action::Retry
    );
    script.accepted(611, 613, 2);
    assert_eq!(
        script.refused(614, 1, false, FailureKind::Fault),
        Action::Retry,
        "what was accepted began before"
    );
    script.accepted(615, 616, 2);
    assert_eq!(
        script.refused(617, 1, false, FailureKind::Fault),
        Action::DeadLetter
    );
}

#[test]
fn a_backend_that_fails_on_everything_sets_nothing_aside() {
    let mut script = Script::new();
    script.accepted(0, 0, 1);
    for second in 1..5000 {
        let ruling = script.refused(second, second % 4, false, FailureKind::Fault);
        assert_eq!(ruling, Action::Retry, "{second}");
    }
}

#[test]
fn too_large_is_about_the_batch_at_once() {
    let mut script = Script::new();
    assert_eq!(
        script.refused(0, 1, true, FailureKind::Split),
        Action::Split
    );
    assert_eq!(
        script.refused(0, 1, false, FailureKind::Split),
        Action::DeadLetter
    );
    script.refused(1, 2, true, DENIED);
    assert_eq!(
        script.refused(61, 1, true, FailureKind::Split),
        Action::Split
    );
    assert_eq!(
        script.breaker.state(),
        2,
        "an answer to a probe accepts nothing"
    );
    assert_eq!(script.turn(61, 3), Some(0), "but it is worth another one");
}

#[test]
fn who_leaves_keeps_nobody_waiting() {
    let mut script = Script::new();
    script.refused(0, 1, true, DENIED);
    assert_eq!((script.turn(1, 1), script.turn(1, 2)), (Some(60), Some(60)));
    script.breaker.leave(1);
    assert_eq!(script.turn(60, 2), Some(0));
}
