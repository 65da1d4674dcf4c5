//! What goes when: whole segments, oldest first. Pure; the writer carries it out.

use std::time::Duration;

use crate::embedded::on_disk::store::SegmentSize;

/// A topic is held in about this many segments, so retention is off by at most that part.
const SEGMENTS: u64 = 16;
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 256 << 20;

#[derive(Clone, Copy, Debug)]
pub(in crate::embedded) struct Retention {
    age_ms: u64,
    bytes: u64,
}

impl Retention {
    pub(in crate::embedded) fn new(age: Duration, bytes: u64) -> Self {
        Self {
            age_ms: age.as_millis() as u64,
            bytes,
        }
    }

    /// Whether the last segment is to be closed: it is large, or began long ago.
    pub(in crate::embedded) fn rolls(&self, last: SegmentSize, now_ms: u64) -> bool {
        let segment_bytes = (self.bytes / SEGMENTS).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
        let segment_age_ms = (self.age_ms / SEGMENTS).max(1);
        last.bytes >= segment_bytes || now_ms.saturating_sub(last.created_ms) >= segment_age_ms
    }

    /// How many of the oldest segments go. Never the last one.
    pub(in crate::embedded) fn surplus(&self, segments: &[SegmentSize], now_ms: u64) -> usize {
        let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        let mut surplus = 0;
        for pair in segments.windows(2) {
            // The newest record of a segment is the one before the next segment.
            let old = pair[1].begins_after_ms.saturating_add(self.age_ms) < now_ms;
            if !old && bytes <= self.bytes {
                break;
            }
            bytes -= pair[0].bytes;
            surplus += 1;
        }
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments as (MiB, newest timestamp before in s): so many go at 100 s, with 10 MiB and 20 s kept.
    fn check(segments: &[(u64, u64)], surplus: usize) {
        let segments: Vec<_> = segments
            .iter()
            .map(|(mib, begins_after)| SegmentSize {
                bytes: mib << 20,
                begins_after_ms: begins_after * 1000,
                created_ms: 0,
            })
            .collect();
        let retention = Retention::new(Duration::from_secs(20), 10 << 20);
        assert_eq!(
            retention.surplus(&segments, 100_000),
            surplus,
            "{segments:?}"
        );
    }

    /// By age only what is wholly too old goes, by size as much as is needed, and never the last segment.
    #[test]
    fn surplus() {
        check(&[], 0);
        check(&[(99, 0)], 0);
        check(&[(1, 0), (1, 79), (1, 81)], 1);
        check(&[(1, 0), (1, 81), (1, 82)], 0);
        check(&[(1, 0), (1, 10), (1, 20)], 2);
        check(&[(5, 0), (5, 90), (1, 95)], 1);
        check(&[(5, 0), (5, 90), (0, 95)], 0);
        check(&[(5, 0), (5, 90), (11, 95)], 2);
    }

    /// A segment is closed by size or age.
    #[test]
    fn rolls() {
        let retention = Retention::new(Duration::from_secs(160), 32 << 20);
        let segment = |bytes, created_ms| SegmentSize {
            bytes,
            begins_after_ms: 0,
            created_ms,
        };
        assert!(!retention.rolls(segment(100, 1000), 10_999));
        assert!(retention.rolls(segment(100, 1000), 11_000));
        assert!(retention.rolls(segment(2 << 20, 1000), 1000));
    }
}
