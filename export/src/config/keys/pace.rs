//! How fast a backend is sent what it gets: `concurrency`, `rate`.

use std::fmt;

use runtime::config::{ByteSize, Problems};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Limits a second; 0: none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimits {
    /// As the records are on the bus.
    pub bytes: f64,
    pub items: f64,
    pub requests: f64,
}

/// The number of requests in flight, for each signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RawConcurrency {
    /// So many.
    Fixed(#[schemars(range(min = 1, max = 256))] usize),
    /// As many as the backend takes without getting slower, within bounds.
    Between(RawBetween),
    /// The same, from 1 to 32.
    Word(#[schemars(with = "String", regex(pattern = "^(auto|[0-9]{1,3})$"))] RawAuto),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawBetween {
    #[schemars(range(min = 1, max = 256))]
    pub min: usize,
    #[schemars(range(min = 1, max = 256))]
    pub max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawAuto {
    Auto,
}

impl Default for RawConcurrency {
    fn default() -> Self {
        Self::Fixed(4)
    }
}

/// By hand, since a number may come out of a variable, as text.
impl<'de> Deserialize<'de> for RawConcurrency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConcurrencyVisitor)
    }
}

struct ConcurrencyVisitor;

impl<'de> Visitor<'de> for ConcurrencyVisitor {
    type Value = RawConcurrency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of requests, `auto`, or `{min: 1, max: 32}`")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(RawConcurrency::Fixed(number as usize))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        // What is below 0 is out of bounds like 0.
        Ok(RawConcurrency::Fixed(usize::try_from(number).unwrap_or(0)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match (text, text.parse()) {
            ("auto", _) => Ok(RawConcurrency::Word(RawAuto::Auto)),
            (_, Ok(number)) => Ok(RawConcurrency::Fixed(number)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        RawBetween::deserialize(MapAccessDeserializer::new(map)).map(RawConcurrency::Between)
    }
}

/// Bounds of the number of requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    pub min: usize,
    pub max: usize,
}

impl Concurrency {
    pub fn at_most(self, max: usize) -> Self {
        Self {
            min: self.min.min(max),
            max: self.max.min(max),
        }
    }
}

impl RawConcurrency {
    pub(in crate::config) fn validate(self, at: &str, problems: &mut Problems) -> Concurrency {
        let (min, max) = match self {
            Self::Fixed(fixed) => (fixed, fixed),
            Self::Between(RawBetween { min, max }) => (min, max),
            Self::Word(RawAuto::Auto) => (1, 32),
        };
        let mut bounds = [min, max].into_iter();
        if let Some(wrong) = bounds.find(|bound| !(1..=256).contains(bound)) {
            problems.push(at, format!("{wrong} is not between 1 and 256"));
        }
        if min > max {
            problems.push(at, format!("`min` {min} is above `max` {max}"));
        }
        Concurrency { min, max }
    }
}

/// What a backend is sent at most in a second, by each process. 0: no limit. What is above it waits on the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRate {
    /// Bytes, before compression.
    pub bytes: ByteSize,
    /// Spans, log records and metrics.
    pub items: u64,
    pub requests: f64,
}

impl RawRate {
    pub(in crate::config) fn validate(self, at: &str, problems: &mut Problems) -> RateLimits {
        if !(0.0..=1e9).contains(&self.requests) {
            let message = format!("{} is not a number of requests in a second", self.requests);
            problems.push(format!("{at}.requests"), message);
        }
        RateLimits {
            bytes: self.bytes.0 as f64,
            items: self.items as f64,
            requests: self.requests.clamp(0.0, 1e9),
        }
    }
}
