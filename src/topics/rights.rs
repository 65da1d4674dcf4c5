//! Which rights (ACLs) each stage needs: no more than that, and each is tried by `tests/tests/it/secured/`.

use bus::BusKind;
use schemas::{Signal, Topics};

use crate::config::Config;
use crate::stage::Stage;

/// What a right is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Topic,
    Group,
    TransactionalId,
}

/// Operations on what has this name, or a name that begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    pub kind: Kind,
    pub name: String,
    pub prefixed: bool,
    pub operations: Vec<&'static str>,
}

/// The group of readers outside of any group, which never joins.
const READER: &str = "tailwater-reader";

/// What these stages need together.
pub fn rights(config: &Config, stages: &[Stage]) -> Vec<Right> {
    let creates = match &config.bus.kind {
        BusKind::Kafka(kafka) => kafka.create_topics.unwrap_or(true),
        BusKind::Embedded(_) => false,
    };
    let prefix = &config.bus.prefix;
    let mut all = Rights(Vec::new());
    let looks = ["Describe", "DescribeConfigs"];
    let topics = format!("{prefix}.");
    all.add(Kind::Topic, &topics, true, &looks);
    if creates {
        all.add(Kind::Topic, &topics, true, &["Create"]);
    }
    for stage in stages {
        match stage {
            Stage::Ingest => all.ingest(config),
            Stage::Sampler => all.sampler(&Topics::new(prefix)),
            Stage::Enrich => all.enrich(&Topics::new(prefix)),
            Stage::Export => all.export(&Topics::new(prefix)),
        }
    }
    all.0
}

struct Rights(Vec<Right>);

impl Rights {
    fn ingest(&mut self, config: &Config) {
        let topics = Topics::new(&config.bus.prefix);
        for signal in Signal::ALL {
            self.topic(&topics.raw(signal), &["Write"]);
        }
        let Some(kafka) = &config.ingest.kafka else {
            return;
        };
        for topic in kafka.topics() {
            self.topic(topic, &["Describe", "Read"]);
        }
        self.topic(&topics.dead_letters(), &["Write"]);
        let group = kafka.group.clone();
        self.exactly_once(&group.unwrap_or_else(|| topics.group("ingest")));
    }

    fn sampler(&mut self, topics: &Topics) {
        self.topic(&topics.raw(Signal::Traces), &["Read"]);
        self.topic(&topics.decisions(), &["Read", "Write"]);
        self.topic(&topics.sampled(), &["Write"]);
        self.topic(&topics.sampler_state(), &["Read", "Write"]);
        self.topic(&topics.dead_letters(), &["Write"]);
        self.exactly_once(&topics.group("sampler"));
        self.add(Kind::Group, READER, false, &["Describe", "Read"]);
    }

    fn enrich(&mut self, topics: &Topics) {
        self.topic(&topics.sampled(), &["Read"]);
        for signal in [Signal::Logs, Signal::Metrics] {
            self.topic(&topics.raw(signal), &["Read"]);
        }
        for signal in Signal::ALL {
            self.topic(&topics.clean(signal), &["Write"]);
        }
        self.topic(&topics.dead_letters(), &["Write"]);
        self.exactly_once(&topics.group("enrich"));
    }

    fn export(&mut self, topics: &Topics) {
        for signal in Signal::ALL {
            self.topic(&topics.clean(signal), &["Read"]);
        }
        self.topic(&topics.dead_letters(), &["Write"]);
        let backends = topics.group("export-");
        self.add(Kind::Group, &backends, true, &["Describe", "Read"]);
    }

    fn topic(&mut self, name: &str, operations: &[&'static str]) {
        self.add(Kind::Topic, name, false, operations);
    }

    /// A group whose members commit by transactions, of which each instance has its own id.
    fn exactly_once(&mut self, group: &str) {
        self.add(Kind::Group, group, false, &["Describe", "Read"]);
        let ids = format!("{group}-");
        self.add(Kind::TransactionalId, &ids, true, &["Describe", "Write"]);
    }

    fn add(&mut self, kind: Kind, name: &str, prefixed: bool, operations: &[&'static str]) {
        let same = |right: &&mut Right| {
            right.kind == kind && right.name == name && right.prefixed == prefixed
        };
        let Some(known) = self.0.iter_mut().find(same) else {
            return self.0.push(Right {
                kind,
                name: name.to_owned(),
                prefixed,
                operations: operations.to_vec(),
            });
        };
        for operation in operations {
            if !known.operations.contains(operation) {
                known.operations.push(operation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, stages: &[Stage], expected: &[&str]) {
        let config = Config::parse("a test", text).unwrap_or_else(|e| panic!("{e}"));
        let lines = rights(&config, stages).into_iter().map(|right| {
            let star = if right.prefixed { "*" } else { "" };
            let operations = right.operations.join(" ");
            format!("{:?} {}{star}: {operations}", right.kind, right.name)
        });
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ingest_only_writes() {
        check(
            "bus: {kafka: {brokers: [\"a:1\"]}, topics: {prefix: tw}}",
            &[Stage::Ingest],
            &[
                "Topic tw.*: Describe DescribeConfigs Create",
                "Topic tw.traces.raw: Write",
                "Topic tw.logs.raw: Write",
                "Topic tw.metrics.raw: Write",
            ],
        );
        check(
            "bus: {kafka: {brokers: [\"a:1\"], create_topics: false}, topics: {prefix: tw}}\ningest: {kafka: {topics: [otlp, spans]}}",
            &[Stage::Ingest],
            &[
                "Topic tw.*: Describe DescribeConfigs",
                "Topic tw.traces.raw: Write",
                "Topic tw.logs.raw: Write",
                "Topic tw.metrics.raw: Write",
                "Topic otlp: Describe Read",
                "Topic spans: Describe Read",
                "Topic tw.dead-letters: Write",
                "Group tw-ingest: Describe Read",
                "TransactionalId tw-ingest-*: Describe Write",
            ],
        );
    }

    /// What is redacted is all that export may read.
    #[test]
    fn export_reads_clean_topics_alone() {
        check(
            "bus: {kafka: {brokers: [\"a:1\"], create_topics: false}, topics: {prefix: tw}}",
            &[Stage::Export],
            &[
                "Topic tw.*: Describe DescribeConfigs",
                "Topic tw.traces.clean: Read",
                "Topic tw.logs.clean: Read",
                "Topic tw.metrics.clean: Read",
                "Topic tw.dead-letters: Write",
                "Group tw-export-*: Describe Read",
            ],
        );
    }
}
