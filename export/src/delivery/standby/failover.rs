//! Which of a backend's sinks gets the next request: its own, or a standby's. Pure: time is given.
//!
//! A request goes to one sink, and is offered to another only when the first has refused it. When the sink in use has taken nothing for `after`, or refuses
//! us altogether, the next one is used. While a standby is in use, one request every `back_after` goes to the first, to see whether it is back.

use std::time::Instant;

use crate::config::FailoverTimes;

/// How a request fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fared {
    /// The sink took it, or refused it for what is in it: it works.
    Works,
    /// It failed, and may pass.
    Fails,
    /// It takes nothing from us.
    Denies,
}

/// The sinks of one signal.
#[derive(Debug)]
pub struct Failover {
    times: FailoverTimes,
    /// The sink in use.
    current: usize,
    /// Since when it has taken nothing, and said so.
    failing_since: Option<Instant>,
    /// When the first is tried again.
    probe_at: Option<Instant>,
    /// A probe is on its way.
    is_probing: bool,
    /// When each said that it takes nothing from us: it isn't turned to for a while.
    denied_at: Vec<Option<Instant>>,
}

impl Failover {
    /// The first sink is the backend's own.
    pub fn new(sinks: usize, times: FailoverTimes) -> Self {
        Self {
            times,
            current: 0,
            failing_since: None,
            probe_at: None,
            is_probing: false,
            denied_at: vec![None; sinks],
        }
    }

    /// 0: the backend's own sink is in use.
    pub fn level(&self) -> usize {
        self.current
    }

    /// The sink that the next request goes to.
    pub fn choose(&mut self, now: Instant) -> usize {
        let is_due = self.probe_at.is_some_and(|at| at <= now) && !self.is_probing;
        if self.current > 0 && is_due {
            self.is_probing = true;
            return 0;
        }
        self.current
    }

    /// What came of a request to a sink. True: another sink is in use now.
    pub fn fared(&mut self, sink: usize, fared: Fared, now: Instant) -> bool {
        match fared {
            Fared::Works => self.denied_at[sink] = None,
            Fared::Denies => self.denied_at[sink] = Some(now),
            Fared::Fails => {}
        }
        if self.current > 0 && sink == 0 {
            self.is_probing = false;
            return match fared {
                Fared::Works => {
                    self.turn_to(0, now);
                    true
                }
                _ => {
                    self.probe_at = Some(now + self.times.back_after);
                    false
                }
            };
        }
        // An answer of a sink that is no longer in use says nothing of the one that is.
        if sink != self.current {
            return false;
        }
        match fared {
            Fared::Works => self.failing_since = None,
            Fared::Denies => return self.turn_to_next(now),
            Fared::Fails => {
                let since = *self.failing_since.get_or_insert(now);
                if now.saturating_duration_since(since) >= self.times.after {
                    return self.turn_to_next(now);
                }
            }
        }
        false
    }

    /// A request that was chosen for a sink was given up.
    pub fn given_up(&mut self, sink: usize) {
        if sink == 0 && self.current > 0 {
            self.is_probing = false;
        }
    }

    /// The next that didn't refuse us lately; where there is none, all stays as it is.
    fn turn_to_next(&mut self, now: Instant) -> bool {
        let sinks = self.denied_at.len();
        let is_worth_it = |sink: &usize| {
            let denied_at = self.denied_at[*sink];
            denied_at.is_none_or(|at| now.saturating_duration_since(at) >= self.times.back_after)
        };
        let mut others = (1..sinks).map(|step| (self.current + step) % sinks);
        let Some(next) = others.find(is_worth_it) else {
            return false;
        };
        self.turn_to(next, now);
        true
    }

    fn turn_to(&mut self, sink: usize, now: Instant) {
        self.current = sink;
        self.failing_since = None;
        self.is_probing = false;
        self.probe_at = (sink > 0).then(|| now + self.times.back_after);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TIMES: FailoverTimes = FailoverTimes {
        after: Duration::from_secs(120),
        back_after: Duration::from_secs(300),
    };

    /// One request a second for so long, and which sinks they went to; `works` says who works when.
    fn walk(seconds: u64, sinks: usize, works: impl Fn(u64, usize) -> Fared) -> Vec<usize> {
        let (mut failover, start) = (Failover::new(sinks, TIMES), Instant::now());
        let step = |second| {
            let now = start + Duration::from_secs(second);
            let sink = failover.choose(now);
            failover.fared(sink, works(second, sink), now);
            sink
        };
        (0..seconds).map(step).collect()
    }

    #[test]
    fn it_changes_after_a_while_and_comes_back() {
        let first_is_down = |second: u64, sink| match sink == 0 && (10..500).contains(&second) {
            true => Fared::Fails,
            false => Fared::Works,
        };
        let went = walk(1000, 2, first_is_down);
        assert!(
            went[..131].iter().all(|sink| *sink == 0),
            "for two minutes nothing changes"
        );
        assert_eq!((went[131], went[430], went[431]), (1, 0, 1), "one probe");
        assert_eq!(went[732..], [0; 268], "a probe that worked");
        assert_eq!(went.iter().filter(|sink| **sink == 1).count(), 598);
    }

    #[test]
    fn who_is_refused_turns_at_once_and_all_are_tried() {
        let refused = |_, sink| match sink {
            2 => Fared::Works,
            _ => Fared::Denies,
        };
        assert_eq!(walk(5, 3, refused), [0, 1, 2, 2, 2]);
        assert_eq!(walk(3, 1, |_, _| Fared::Denies), [0, 0, 0]);
    }

    #[test]
    fn late_answers_of_the_other_sink_change_nothing() {
        let (mut failover, now) = (Failover::new(2, TIMES), Instant::now());
        failover.fared(0, Fared::Fails, now);
        assert!(failover.fared(0, Fared::Fails, now + TIMES.after));
        assert_eq!(failover.level(), 1);
        // What was on its way to the first fails as well; the standby stays in use.
        let now = now + TIMES.after;
        assert!(!failover.fared(0, Fared::Fails, now));
        assert_eq!(failover.choose(now), 1);
        failover.fared(1, Fared::Fails, now);
        assert!(!failover.fared(0, Fared::Fails, now + TIMES.after));
        assert_eq!(failover.level(), 1);
        assert!(failover.fared(1, Fared::Fails, now + TIMES.after));
        assert_eq!(failover.level(), 0, "the standby is down too");
    }

    #[test]
    fn where_all_refuse_us_nobody_is_turned_to() {
        let (mut failover, now) = (Failover::new(2, TIMES), Instant::now());
        assert!(failover.fared(0, Fared::Denies, now));
        assert!(!failover.fared(1, Fared::Denies, now));
        assert_eq!(failover.level(), 1);
        let later = now + TIMES.back_after;
        assert!(
            failover.fared(1, Fared::Denies, later),
            "the first may be mended"
        );
    }
}
