//! Where a new owner starts: the committed offset L, and the metadata committed with it.

use std::fmt::Write;

use crate::options::{BusProperties, Options};

/// P and the clocks, as a short string: `1;p=…;cl=…;jl=…;cp=…;g=…;d=…;l=…`, numbers in decimal, `g` and `l` in hexadecimal; `d` and `l` are left out when
/// they are 0.
/// Fields may come in any order; unknown ones are ignored, so that a field can be added without a new version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// P.
    pub decide: u64,
    /// The log's clock at L.
    pub clock_emit_ms: u64,
    /// The jump in time that was held back at L; 0: none.
    pub jump_emit_ms: u64,
    /// The partition's clock at P, ticks included.
    pub clock_decide_ms: u64,
    /// The configuration the verdicts up to P were given with.
    pub generation: u64,
    /// See [`Start::decisions_from`].
    pub decisions_from: u64,
    /// See [`BusProperties::decision_log`].
    pub decision_log: u64,
}

/// Where a partition starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// L: every record below it is done with.
    pub emit: u64,
    /// P: verdicts for everything below it are in the decision log; the decide cursor rebuilds up to here.
    pub decide: u64,
    /// The log's clock at L.
    pub clock_emit_ms: u64,
    /// A jump in time that was held back at L, see [`Options::future_limit_ms`]; 0: none.
    pub jump_emit_ms: u64,
    /// The partition's clock at P, ticks included.
    pub clock_decide_ms: u64,
    /// The offset in the decision log from which on its verdicts are about this raw log. Those below are about one that was here before
    /// under the same name: their offsets mean nothing here.
    pub decisions_from: u64,
}

/// Clocks of brokers may differ by this much.
const SCAN_MARGIN_MS: u64 = 60_000;

impl Start {
    /// The bus time from which the decision log has to be read before the first record: every verdict that may still be
    /// needed has an entry at or after it. 0: all of it.
    ///
    /// A span at or above L belongs to a verdict of a time at most 1.5 ttl before the clock at L, and an entry is never on the
    /// bus before its own time by the raw topic's clock. Where producers stamp raw records (`CreateTime`) and live in the future, the caller has to subtract how far.
    /// What the statistics depend on reaches back from the clock at P, where the next verdict is given.
    pub fn scan_from_ms(&self, options: &Options) -> u64 {
        let verdicts_ms = self
            .clock_emit_ms
            .min(self.clock_decide_ms)
            .saturating_sub(options.decision_cache_ttl_ms.saturating_mul(2));
        let statistics_ms = self
            .clock_decide_ms
            .saturating_sub(options.statistics_reach_ms);
        verdicts_ms
            .min(statistics_ms)
            .saturating_sub(SCAN_MARGIN_MS)
    }
}

const VERSION: u32 = 1;

/// Why metadata could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    #[error(
        "position metadata {0:?} is not of the form \"1;p=…;cl=…;jl=…;cp=…;g=…\": were this group's offsets committed by another program? \
         Choose another group, or reset its offsets"
    )]
    Malformed(String),
    #[error(
        "position metadata of version {0}; this build reads up to version {VERSION}: run the newer build, or reset the group's offsets"
    )]
    Version(u32),
}

impl Position {
    pub fn to_metadata(&self) -> String {
        let mut text = String::with_capacity(96);
        let _ = write!(
            text,
            "{VERSION};p={};cl={};jl={};cp={};g={:x}",
            self.decide,
            self.clock_emit_ms,
            self.jump_emit_ms,
            self.clock_decide_ms,
            self.generation
        );
        if self.decisions_from > 0 {
            let _ = write!(text, ";d={}", self.decisions_from);
        }
        if self.decision_log > 0 {
            let _ = write!(text, ";l={:x}", self.decision_log);
        }
        text
    }

    /// # Errors
    /// Not our format, or of a newer version.
    pub fn parse(metadata: &str) -> Result<Self, PositionError> {
        let malformed = || PositionError::Malformed(metadata.chars().take(128).collect());
        let mut fields = metadata.split(';');
        let version: u32 = fields
            .next()
            .and_then(|version| version.parse().ok())
            .ok_or_else(malformed)?;
        if version > VERSION {
            return Err(PositionError::Version(version));
        }
        let (mut decide, mut clock_emit, mut clock_decide) = (None, None, None);
        let mut position = Self::default();
        for field in fields {
            let (name, value) = field.split_once('=').ok_or_else(malformed)?;
            let number = || value.parse::<u64>().map_err(|_| malformed());
            let hexadecimal = || u64::from_str_radix(value, 16).map_err(|_| malformed());
            match name {
                "p" => decide = Some(number()?),
                "cl" => clock_emit = Some(number()?),
                "jl" => position.jump_emit_ms = number()?,
                "cp" => clock_decide = Some(number()?),
                "g" => position.generation = hexadecimal()?,
                "d" => position.decisions_from = number()?,
                "l" => position.decision_log = hexadecimal()?,
                _ => {}
            }
        }
        position.decide = decide.ok_or_else(malformed)?;
        position.clock_emit_ms = clock_emit.ok_or_else(malformed)?;
        position.clock_decide_ms = clock_decide.ok_or_else(malformed)?;
        Ok(position)
    }

    /// Whether its verdicts are in another decision log than the one that is there now, as far as that is known.
    pub fn is_of_another_decision_log(&self, bus: &BusProperties) -> bool {
        let known = self.decision_log != 0 && bus.decision_log != 0;
        known && self.decision_log != bus.decision_log
    }

    /// Where a partition starts whose committed offset is `emit`.
    pub fn start(&self, emit: u64) -> Start {
        Start {
            emit,
            decide: self.decide.max(emit),
            clock_emit_ms: self.clock_emit_ms,
            jump_emit_ms: self.jump_emit_ms,
            clock_decide_ms: self.clock_decide_ms,
            decisions_from: self.decisions_from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let position = Position {
            decide: 42,
            clock_emit_ms: 1_700_000_000_000,
            jump_emit_ms: 7,
            clock_decide_ms: u64::MAX,
            generation: 0xfeed,
            decisions_from: 0,
            decision_log: 0,
        };
        let metadata = position.to_metadata();
        assert_eq!(
            metadata,
            "1;p=42;cl=1700000000000;jl=7;cp=18446744073709551615;g=feed"
        );
        assert_eq!(Position::parse(&metadata), Ok(position));
        assert_eq!(Position::parse(&format!("{metadata};new=x")), Ok(position));
        let position = Position {
            decisions_from: 9,
            decision_log: 0xfeed_0000_0000_beef,
            ..position
        };
        assert!(position.to_metadata().ends_with(";d=9;l=feed00000000beef"));
        assert_eq!(Position::parse(&position.to_metadata()), Ok(position));
    }

    #[test]
    fn a_newer_version_and_foreign_metadata_are_refused() {
        assert_eq!(Position::parse("2;p=1"), Err(PositionError::Version(2)));
        for foreign in [
            "",
            "hello",
            "1",
            "1;p=1",
            "1;p=1;cl=x;cp=1",
            "1;p",
            "1;p=-1;cl=0;cp=0",
        ] {
            assert_eq!(
                Position::parse(foreign),
                Err(PositionError::Malformed(foreign.into())),
                "{foreign:?}"
            );
        }
    }

    /// Verdicts from the clock at L, statistics from that at P.
    #[test]
    fn the_decision_log_is_read_as_far_back_as_something_depends_on_it() {
        let start = Start {
            clock_emit_ms: 10_000_000,
            clock_decide_ms: 10_030_000,
            ..Start::default()
        };
        let mut options = crate::RawConfig::default()
            .validate("", &mut runtime::config::Problems::new())
            .options;
        options.decision_cache_ttl_ms = 100_000;
        options.statistics_reach_ms = 0;
        assert_eq!(start.scan_from_ms(&options), 9_800_000 - SCAN_MARGIN_MS);
        options.statistics_reach_ms = 3_000_000;
        assert_eq!(start.scan_from_ms(&options), 7_030_000 - SCAN_MARGIN_MS);
    }

    #[test]
    fn decide_is_never_below_emit() {
        let position = Position::default();
        assert_eq!(position.start(7).decide, 7);
    }
}
