//! How much of a tenant's telemetry a backend gets in a stretch of time: `quota`.

use std::fmt;

use runtime::config::{ByteSize, Problems};
use schemars::JsonSchema;
use schemas::Signal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::quota::{By, Over, Rules, Window};

const HOUR_MS: u64 = 3_600_000;
const MINUTE_MS: u64 = 60_000;

/// How much of a tenant's telemetry a backend gets in an hour or a day, over all processes. What a record counts for is decided by the bus's time of it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawQuota {
    /// Of payload, before compression. 0 is no limit.
    pub bytes: ByteSize,
    /// Spans, log records and metrics. 0 is no limit.
    pub items: u64,
    pub per: RawPer,
    pub by: RawBy,
    /// When a day begins, in UTC; of an hour, the minute counts.
    #[schemars(regex(pattern = "^[0-2][0-9]:[0-5][0-9]Z$"))]
    pub reset: String,
    /// What becomes of what is over it: `drop`, `hold`, or `{sample: 10}`, of which that many percent go on.
    pub over: RawOver,
    /// A warning is logged when so many percent of it are used.
    #[schemars(range(min = 1, max = 100))]
    pub warn_at: f64,
}

impl Default for RawQuota {
    fn default() -> Self {
        Self {
            bytes: ByteSize(0),
            items: 0,
            per: RawPer::Day,
            by: RawBy::Tenant,
            reset: "00:00Z".to_owned(),
            over: RawOver::Word(RawOverWord::Drop),
            warn_at: 80.0,
        }
    }
}

/// How long it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawPer {
    Hour,
    Day,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawBy {
    /// Each tenant has one.
    Tenant,
    /// All have one together.
    All,
}

/// What becomes of what is over it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawOver {
    Word(RawOverWord),
    Sample(RawOverSample),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawOverWord {
    /// The backend doesn't get it.
    Drop,
    /// It waits on the bus until there is room, and so does what comes after it in its partition.
    Hold,
}

/// A part of it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawOverSample {
    /// Percent of the traces and log records that would go otherwise, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub sample: f64,
}

impl<'de> Deserialize<'de> for RawOver {
    /// An untagged enum would say only that no variant fits.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = RawOver;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`drop`, `hold`, or `{sample: PERCENT}`")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RawOver, E> {
                match word {
                    "drop" => Ok(RawOver::Word(RawOverWord::Drop)),
                    "hold" => Ok(RawOver::Word(RawOverWord::Hold)),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawOver, A::Error> {
                RawOverSample::deserialize(MapAccessDeserializer::new(map)).map(RawOver::Sample)
            }
        }
        from.deserialize_any(Written)
    }
}

impl RawQuota {
    /// `once`: the backend recognizes a batch that it has already.
    pub(in crate::config) fn validate(
        &self,
        (signals, once, standby): (&[Signal], bool, bool),
        at: &str,
        problems: &mut Problems,
    ) -> Rules {
        if once {
            problems.push(at, "depends on what others were sent, and this kind has to make the same batch of the same records after a crash; leave it out, and limit tenants by `tenants` or `sample`");
        }
        if standby {
            let message =
                "a standby takes the place of a backend, whose quota holds: give it to that one";
            problems.push(at, message);
        }
        self.check(signals, at, problems);
        let length_ms = match self.per {
            RawPer::Hour => HOUR_MS,
            RawPer::Day => 24 * HOUR_MS,
        };
        Rules {
            bytes: self.bytes.0,
            items: self.items,
            window: Window {
                length_ms,
                begins_ms: time_of_day_ms(&self.reset).unwrap_or(0) % length_ms,
            },
            by: match self.by {
                RawBy::Tenant => By::Tenant,
                RawBy::All => By::All,
            },
            over: match self.over {
                RawOver::Word(RawOverWord::Drop) => Over::Drop,
                RawOver::Word(RawOverWord::Hold) => Over::Hold,
                RawOver::Sample(RawOverSample { sample }) => {
                    Over::Sample(sample.clamp(0.0, 100.0) / 100.0)
                }
            },
            warn_at: self.warn_at / 100.0,
        }
    }

    /// What is wrong with the keys themselves.
    fn check(&self, signals: &[Signal], at: &str, problems: &mut Problems) {
        let mut push = |key: &str, message: String| problems.push(format!("{at}{key}"), message);
        if self.bytes.0 == 0 && self.items == 0 {
            push(
                "",
                "limits nothing: give it `bytes`, `items`, or both".into(),
            );
        }
        if !(1.0..=100.0).contains(&self.warn_at) {
            let message = format!("{} is not a percentage from 1 to 100", self.warn_at);
            push(".warn_at", message);
        }
        if time_of_day_ms(&self.reset).is_none() {
            let message = format!(
                "{:?} is not a time of day in UTC such as 00:00Z",
                self.reset
            );
            push(".reset", message);
        }
        let RawOver::Sample(RawOverSample { sample }) = self.over else {
            return;
        };
        if !(0.0..=100.0).contains(&sample) {
            let message = format!("{sample} is not a percentage from 0 to 100");
            push(".over.sample", message);
        }
        if signals.contains(&Signal::Metrics) {
            push(
                ".over.sample",
                "metrics can't be sampled: name `signals` without them, or use `drop` or `hold`"
                    .into(),
            );
        }
    }
}

/// Of `07:30Z`, in milliseconds after midnight.
fn time_of_day_ms(written: &str) -> Option<u64> {
    let (hours, minutes) = written.strip_suffix('Z')?.split_once(':')?;
    let two = |digits: &str| -> Option<u64> {
        let is_plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_plain)
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * HOUR_MS + minutes * MINUTE_MS)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::tests::{check_problem, valid};

    fn rules(quota: &str) -> Rules {
        let config = valid(&format!(
            "backends: [{{name: a, signals: [traces], stdout: {{}}, quota: {quota}}}]"
        ));
        config.backends[0].quota.unwrap()
    }

    #[test]
    fn what_is_written_holds() {
        let plain = rules("{bytes: 1KiB}");
        assert_eq!((plain.bytes, plain.items), (1024, 0));
        assert_eq!((plain.by, plain.over), (By::Tenant, Over::Drop));
        assert_eq!(plain.window.length_ms, 24 * HOUR_MS);
        let all = rules("{items: 7, per: hour, by: all, reset: '07:30Z', over: {sample: 10}}");
        assert_eq!(
            (all.items, all.by, all.over),
            (7, By::All, Over::Sample(0.1))
        );
        assert_eq!(all.window.begins_ms, 30 * MINUTE_MS);
        assert_eq!(rules("{items: 7, over: hold}").over, Over::Hold);
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let quota = "export.backends[0].quota";
        for (written, problem) in [
            ("quota: {}", format!("{quota}: limits nothing")),
            (
                "quota: {items: 1, warn_at: 0}",
                format!("{quota}.warn_at: 0 is not"),
            ),
            (
                "quota: {items: 1, reset: '24:00Z'}",
                format!("{quota}.reset: \"24:00Z\" is not"),
            ),
            (
                "signals: [traces], quota: {items: 1, over: {sample: 101}}",
                format!("{quota}.over.sample: 101 is not"),
            ),
            (
                "quota: {items: 1, over: {sample: 10}}",
                format!("{quota}.over.sample: metrics can't"),
            ),
        ] {
            check_problem(&format!("stdout: {{}}, {written}"), &problem);
        }
        check_problem(
            "clickhouse: {endpoint: 'http://h:8123'}, quota: {items: 1}",
            &format!("{quota}: depends on what others were sent"),
        );
    }
}
