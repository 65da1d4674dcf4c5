//! What an item may be like that the backend takes.

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::limits::ItemLimits;

/// What an item may be like that the backend takes. What is outside goes to the dead letters without a request. 0 is no limit; what isn't written
/// is the default of the kind, which presets have.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLimits {
    /// How long ago a span may have ended, or a log record may have been made, by the clock of this process. Metrics aren't looked at.
    pub max_age: Option<Duration>,
    /// How far ahead of this process's clock that may be.
    pub max_future: Option<Duration>,
    /// The size of a span, a log record or a metric, encoded.
    pub item_bytes: Option<ByteSize>,
    /// The length of an attribute's text, of a span, a log record, or its resource.
    pub attribute_bytes: Option<ByteSize>,
    /// Cut longer attributes at the end of a character, instead of setting their items aside.
    pub clip: Option<bool>,
}

impl RawLimits {
    /// `once`: the backend recognizes a batch that it has already.
    pub(in crate::config) fn validate(&self, once: bool, at: &str, problems: &mut Problems) {
        for (key, limit) in [("max_age", self.max_age), ("max_future", self.max_future)] {
            if once && limit.is_some_and(|limit| !limit.0.is_zero()) {
                let message = "depends on when it is asked, and this kind has to make the same batch of the same records after a crash; use `filter`, or leave it out";
                problems.push(format!("{at}.{key}"), message);
            }
        }
    }

    /// With what the kind of backend has for the keys that aren't written.
    pub(in crate::config) fn over(&self, usual: ItemLimits) -> ItemLimits {
        let time = |written: Option<Duration>, usual| match written {
            None => usual,
            Some(limit) => Some(limit.0).filter(|limit| !limit.is_zero()),
        };
        let size = |written: Option<ByteSize>, usual| match written {
            None => usual,
            Some(limit) => Some(limit.0 as usize).filter(|limit| *limit > 0),
        };
        ItemLimits {
            max_age: time(self.max_age, usual.max_age),
            max_future: time(self.max_future, usual.max_future),
            item_bytes: size(self.item_bytes, usual.item_bytes),
            attribute_bytes: size(self.attribute_bytes, usual.attribute_bytes),
            clip: self.clip.unwrap_or(usual.clip),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemas::Signal;

    use crate::config::tests::{check_problem, valid};
    use crate::records::limits::ItemLimits;

    #[test]
    fn what_is_written_wins_key_by_key_and_zero_is_no_limit() {
        let limits = |backend: &str| {
            let config = valid(&format!("backends: [{{name: a, {backend}}}]"));
            config.backends[0].sift.limits
        };
        let hour = std::time::Duration::from_secs(3600);
        assert_eq!(limits("stdout: {}"), [ItemLimits::NONE; 3]);
        let own = ItemLimits {
            max_age: Some(hour),
            item_bytes: Some(1024),
            ..ItemLimits::NONE
        };
        assert_eq!(
            limits("stdout: {}, limits: {max_age: 1h, item_bytes: 1KiB}"),
            [own; 3]
        );
        let dynatrace = "dynatrace: {environment: e, token: t}";
        let traces = limits(dynatrace)[Signal::Traces as usize];
        assert_eq!(traces.max_age, Some(hour));
        assert_eq!(limits(dynatrace)[Signal::Logs as usize], ItemLimits::NONE);
        let traces =
            limits(&format!("{dynatrace}, limits: {{max_age: 0s}}"))[Signal::Traces as usize];
        assert_eq!((traces.max_age, traces.max_future), (None, Some(hour / 6)));
    }

    #[test]
    fn ages_are_not_for_those_who_recognize_batches() {
        check_problem(
            "limits: {max_age: 1h}, clickhouse: {endpoint: 'http://h:8123'}",
            "export.backends[0].limits.max_age: depends on when it is asked",
        );
    }
}
