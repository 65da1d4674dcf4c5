//! How late it is on a partition: by its records, by the silence since the last one, and by what a former owner wrote down.

use crate::decide::clock::{LogClock, Silence};
use crate::position::Start;

/// The clock that deadlines fire by. It never goes back.
#[derive(Debug)]
pub(crate) struct PartitionClock {
    log: LogClock,
    /// By ticks, and before a restart by the clock at P.
    tick_ms: u64,
    /// Since the last record, or since the clock at P was handed over.
    silence: Silence,
    /// The monotonic clock when the records were read that are observed now.
    read_ms: u64,
}

/// What a record's timestamp says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// What the silence after the record begins with, should its timestamp be true.
    pub(crate) silence: Silence,
    /// `false`: the timestamp is a jump that the next record has to confirm.
    pub(crate) settled: bool,
}

impl PartitionClock {
    pub(crate) fn new(start: &Start) -> Self {
        Self {
            log: LogClock::new(start.clock_emit_ms, start.jump_emit_ms),
            tick_ms: 0,
            silence: Silence::new(start.clock_decide_ms),
            read_ms: 0,
        }
    }

    /// Deadlines up to here have fired.
    pub(crate) fn now_ms(&self) -> u64 {
        self.log.now_ms().max(self.tick_ms)
    }

    /// The log's own clock, which a replay sees alike.
    #[inline]
    pub(crate) fn log_ms(&self) -> u64 {
        self.log.now_ms()
    }

    /// It is so late at least.
    pub(crate) fn tick(&mut self, time_ms: u64) {
        self.tick_ms = self.tick_ms.max(time_ms);
    }

    /// The records that are observed next were read by then, on the process's monotonic clock.
    pub(crate) fn read_at(&mut self, monotonic_ms: u64) {
        self.read_ms = monotonic_ms;
        self.silence.begin(monotonic_ms);
    }

    /// How late it is at least while no record comes, at a moment of the process's monotonic clock.
    pub(crate) fn idle_at(&self, monotonic_ms: u64) -> u64 {
        self.silence.at(monotonic_ms)
    }

    /// What a timestamp says of a jump that is held back: see [`LogClock::resolve`].
    pub(crate) fn resolve(&mut self, timestamp_ms: u64, limit_ms: u64) {
        self.log.resolve(timestamp_ms, limit_ms);
    }

    /// The next record's timestamp, after [`PartitionClock::resolve`].
    pub(crate) fn arrive(&mut self, timestamp_ms: u64, limit_ms: u64) -> Arrival {
        Arrival {
            silence: Silence::since(timestamp_ms, self.read_ms),
            settled: self.log.advance(timestamp_ms, limit_ms),
        }
    }

    /// What the passing of time says of a jump that is held back; `None`: nothing yet.
    pub(crate) fn settle_jump(
        &mut self,
        time_ms: u64,
        limit_ms: u64,
        has_waited_enough: bool,
    ) -> Option<Jump> {
        if self.log.confirms(time_ms, limit_ms) {
            self.log.resolve(time_ms, limit_ms);
            Some(Jump::Believed)
        } else if !has_waited_enough {
            None
        } else if self.log.now_ms() == 0 {
            // Nothing else is known of the time, as on a new topic.
            self.log.believe();
            Some(Jump::Believed)
        } else {
            // A record from the future, and silence since: its traces must not wait for that future.
            self.log.resolve(time_ms, limit_ms);
            Some(Jump::Refuted)
        }
    }

    /// A record's time is settled: silence is counted from there. Producers' clocks differ, and the last one may be hours behind; brokers' clocks
    /// differ little, and what they say counts, also after another broker has taken over. `replayed`: the clock at P is known, which is later.
    pub(crate) fn count_silence(&mut self, silence: Silence, limit_ms: u64, replayed: bool) {
        let silence = silence.not_before(self.log.now_ms().saturating_sub(limit_ms));
        self.silence = if replayed {
            self.silence.or_later(silence, self.read_ms)
        } else {
            silence
        };
    }
}

/// What became of a jump that was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jump {
    Believed,
    Refuted,
}
