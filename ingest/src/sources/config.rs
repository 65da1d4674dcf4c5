//! `ingest.kafka`: which topics are read, and what they hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use runtime::config::Problems;
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use super::format::Format;
use crate::records::{Filter, Stamp};

/// Topics that somebody else writes, such as a Collector's Kafka exporter, Jaeger's or Zipkin's clients, or MirrorMaker. One kind of topic
/// stands here directly, several in `sources`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawKafka {
    /// The topics to read.
    pub topics: Vec<String>,
    /// What they hold.
    pub signal: RawSignal,
    /// How it is written.
    pub format: Format,
    /// Instead of `topics`: several kinds of topic.
    pub sources: Vec<RawSource>,
    /// The consumer group to read them with. Absent: `<prefix>-ingest`.
    pub group: Option<String>,
}

/// Topics of one kind.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawSource {
    /// The topics to read.
    pub topics: Vec<String>,
    /// What they hold.
    pub signal: RawSignal,
    /// How it is written. Jaeger and Zipkin have only traces.
    pub format: Format,
}

/// What a topic holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawSignal {
    #[default]
    Traces,
    Logs,
    Metrics,
}

impl From<RawSignal> for Signal {
    fn from(signal: RawSignal) -> Self {
        match signal {
            RawSignal::Traces => Self::Traces,
            RawSignal::Logs => Self::Logs,
            RawSignal::Metrics => Self::Metrics,
        }
    }
}

/// Topics to partition anew.
#[derive(Clone, Debug)]
pub struct Kafka {
    /// No topic stands in two of them.
    pub sources: Vec<Source>,
    pub group: Option<String>,
    /// Of one record on the raw topics.
    pub record_bytes_max: usize,
    /// What resources get that lack it.
    pub stamp: Stamp,
    /// What isn't copied.
    pub filter: Arc<Filter>,
}

/// Topics of one kind.
#[derive(Clone, Debug)]
pub struct Source {
    pub topics: Vec<String>,
    pub signal: Signal,
    pub format: Format,
}

impl Kafka {
    pub fn with_filter(self, filter: Arc<Filter>) -> Self {
        Self { filter, ..self }
    }

    /// All topics that are read.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        let topics = self.sources.iter().flat_map(|source| &source.topics);
        topics.map(String::as_str)
    }
}

impl RawKafka {
    /// Checks every value; `path` is where this section stands, usually `ingest.kafka`.
    pub fn validate(
        &self,
        path: &str,
        record_bytes_max: usize,
        stamp: Stamp,
        problems: &mut Problems,
    ) -> Kafka {
        if self.group.as_deref() == Some("") {
            problems.push(format!("{path}.group"), "must name a consumer group");
        }
        let says_something = !self.topics.is_empty()
            || self.signal != RawSignal::default()
            || self.format != Format::default();
        if !self.sources.is_empty() && says_something {
            problems.push(
                format!("{path}.sources"),
                "stands beside topics, signal or format of its own; move those into a source of the list",
            );
        }
        let placed = self.placed(path);
        let mut seen = BTreeSet::new();
        for (at, source) in &placed {
            source.check(at, &mut seen, problems);
        }
        Kafka {
            sources: placed
                .into_iter()
                .map(|(_, source)| source.used())
                .collect(),
            group: self.group.clone(),
            record_bytes_max,
            stamp,
            filter: Arc::default(),
        }
    }

    /// Each topic with its place.
    pub fn placed_topics(&self, path: &str) -> Vec<(String, String)> {
        let sources = self.placed(path).into_iter();
        sources
            .flat_map(|(at, source)| {
                let topics = source.topics.into_iter().enumerate();
                topics.map(move |(index, topic)| (format!("{at}.topics[{index}]"), topic))
            })
            .collect()
    }

    /// The sources with their places.
    fn placed(&self, path: &str) -> Vec<(String, RawSource)> {
        if self.sources.is_empty() {
            let alone = RawSource {
                topics: self.topics.clone(),
                signal: self.signal,
                format: self.format,
            };
            return vec![(path.to_owned(), alone)];
        }
        let places = self.sources.iter().enumerate();
        places
            .map(|(index, source)| (format!("{path}.sources[{index}]"), source.clone()))
            .collect()
    }
}

impl RawSource {
    fn check(&self, path: &str, seen: &mut BTreeSet<String>, problems: &mut Problems) {
        if self.topics.is_empty() {
            problems.push(format!("{path}.topics"), "must name at least one topic");
        }
        for (index, topic) in self.topics.iter().enumerate() {
            let at = format!("{path}.topics[{index}]");
            if topic.is_empty() {
                problems.push(at, "must name a topic");
            } else if topic.starts_with('^') {
                problems.push(
                    at,
                    format!(
                        "`{topic}` is a pattern, and topics are read by their names; list them"
                    ),
                );
            } else if !seen.insert(topic.clone()) {
                problems.push(
                    at,
                    format!("`{topic}` is read already; a topic has one signal and one format"),
                );
            }
        }
        let signal = Signal::from(self.signal);
        if !self.format.has(signal) {
            problems.push(
                format!("{path}.format"),
                format!(
                    "{} has no {}; choose otlp_proto or otlp_json, or the signal traces",
                    self.format.name(),
                    signal.name()
                ),
            );
        }
    }

    fn used(self) -> Source {
        Source {
            topics: self.topics,
            signal: self.signal.into(),
            format: self.format,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[&str]) -> Kafka {
        let raw: RawKafka = serde_json::from_str(json).unwrap();
        let mut problems = Problems::new();
        let kafka = raw.validate("ingest.kafka", 1 << 18, Stamp::default(), &mut problems);
        let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
        assert_eq!(paths, expected, "{json}");
        kafka
    }

    #[test]
    fn one_kind_of_topic_or_several() {
        let kafka = check(r#"{"topics": ["a", "b"], "format": "zipkin_json"}"#, &[]);
        assert_eq!(kafka.topics().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(kafka.sources[0].format, Format::ZipkinJson);
        let kafka = check(
            r#"{"sources": [{"topics": ["a"]}, {"topics": ["l"], "signal": "logs", "format": "otlp_json"}]}"#,
            &[],
        );
        assert_eq!(kafka.sources[1].signal, Signal::Logs);
        assert_eq!(kafka.sources.len(), 2);
    }

    #[test]
    fn problems_are_named_by_path() {
        check("{}", &["ingest.kafka.topics"]);
        check(
            r#"{"topics": ["", "^a.*", "b", "b"], "group": ""}"#,
            &[
                "ingest.kafka.group",
                "ingest.kafka.topics[0]",
                "ingest.kafka.topics[1]",
                "ingest.kafka.topics[3]",
            ],
        );
        check(
            r#"{"topics": ["a"], "sources": [{"topics": ["b"], "signal": "metrics", "format": "jaeger_proto"}, {"topics": ["b"]}]}"#,
            &[
                "ingest.kafka.sources",
                "ingest.kafka.sources[0].format",
                "ingest.kafka.sources[1].topics[0]",
            ],
        );
    }
}
