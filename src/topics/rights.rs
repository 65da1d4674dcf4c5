//! Which rights (ACLs) each stage needs: no more than that, and each is tried by `tests/tests/it/secured/`.

use bus::BusKind;
use export::Backend;
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
    for class in config.topics_of(stages) {
        let topics = format!("{}.", class.prefix());
        all.add(Kind::Topic, &topics, true, &looks);
        if creates {
            all.add(Kind::Topic, &topics, true, &["Create"]);
        }
    }
    if config.uses_k8s(stages) {
        all.k8s(config, stages, creates);
    }
    for stage in stages {
        match stage {
            Stage::Ingest => all.ingest(config),
            Stage::Sampler => all.sampler(&Topics::new(prefix)),
            Stage::Enrich => all.enrich(&Topics::new(prefix), config.quarantines(&[Stage::Enrich])),
            Stage::Export => all.export(&Topics::new(prefix), &config.export),
            Stage::Watch => {}
        }
    }
    all.0
}

struct Rights(Vec<Right>);

impl Rights {
    fn ingest(&mut self, config: &Config) {
        let classes = config.residency.taken();
        for topics in classes {
            for signal in Signal::ALL {
                self.topic(&topics.raw(signal), &["Write"]);
            }
        }
        let Some(kafka) = &config.ingest.kafka else {
            return;
        };
        for topic in kafka.topics() {
            self.topic(topic, &["Describe", "Read"]);
        }
        for topics in classes {
            self.topic(&topics.dead_letters(), &["Write"]);
        }
        let group = kafka.group.clone();
        let derived = || config.residency.group("ingest");
        self.exactly_once(&group.unwrap_or_else(derived));
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

    fn enrich(&mut self, topics: &Topics, quarantines: bool) {
        self.topic(&topics.sampled(), &["Read"]);
        for signal in [Signal::Logs, Signal::Metrics] {
            self.topic(&topics.raw(signal), &["Read"]);
        }
        for signal in Signal::ALL {
            self.topic(&topics.clean(signal), &["Write"]);
        }
        self.topic(&topics.dead_letters(), &["Write"]);
        if quarantines {
            self.topic(&topics.quarantine(), &["Write"]);
        }
        self.exactly_once(&topics.group("enrich"));
    }

    /// The topic of Kubernetes's objects, which the watcher writes, and reads at its start.
    fn k8s(&mut self, config: &Config, stages: &[Stage], creates: bool) {
        let topic = config.plain_topics().k8s();
        self.topic(&topic, &["Describe", "DescribeConfigs", "Read"]);
        if creates {
            self.topic(&topic, &["Create"]);
        }
        if stages.contains(&Stage::Watch) {
            self.topic(&topic, &["Write"]);
        }
        self.add(Kind::Group, READER, false, &["Describe", "Read"]);
    }

    fn export(&mut self, topics: &Topics, config: &export::Config) {
        for signal in Signal::ALL {
            self.topic(&topics.clean(signal), &["Read"]);
        }
        self.topic(&topics.dead_letters(), &["Write"]);
        let backends = topics.group("export-");
        self.add(Kind::Group, &backends, true, &["Describe", "Read"]);
        if config.backends.iter().any(Backend::is_transactional) {
            // Of each backend and instance. What their topics are called depends on tenants.
            self.add(
                Kind::TransactionalId,
                &backends,
                true,
                &["Describe", "Write"],
            );
        }
        if config.has_quota() {
            self.topic(&topics.export_state(), &["Read", "Write"]);
            self.add(Kind::Group, READER, false, &["Describe", "Read"]);
        }
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

    /// Ingest writes to every class that it takes; the stages behind it have rights on one class alone.
    #[test]
    fn classes_have_rights_of_their_own() {
        let text = "bus: {kafka: {brokers: [\"a:1\"]}, topics: {prefix: tw, classes: {eu: , us: {prefix: a}}, class: eu}}\ningest: {retention_classes: [default, us]}";
        check(
            text,
            &[Stage::Ingest],
            &[
                "Topic tw.*: Describe DescribeConfigs Create",
                "Topic a.*: Describe DescribeConfigs Create",
                "Topic tw.traces.raw: Write",
                "Topic tw.logs.raw: Write",
                "Topic tw.metrics.raw: Write",
                "Topic a.traces.raw: Write",
                "Topic a.logs.raw: Write",
                "Topic a.metrics.raw: Write",
            ],
        );
        check(
            text,
            &[Stage::Export],
            &[
                "Topic tw-eu.*: Describe DescribeConfigs Create",
                "Topic tw-eu.traces.clean: Read",
                "Topic tw-eu.logs.clean: Read",
                "Topic tw-eu.metrics.clean: Read",
                "Topic tw-eu.dead-letters: Write",
                "Group tw-eu-export-*: Describe Read",
            ],
        );
    }

    /// Enrich writes what it keeps aside, and reads it no more than anybody else does.
    #[test]
    fn a_quota_is_exchanged() {
        let text = "bus: {kafka: {brokers: [\"a:1\"], create_topics: false}, topics: {prefix: tw}}\nexport: {backends: [{name: a, stdout: {}, quota: {items: 1}}]}";
        check(
            text,
            &[Stage::Export],
            &[
                "Topic tw.*: Describe DescribeConfigs",
                "Topic tw.traces.clean: Read",
                "Topic tw.logs.clean: Read",
                "Topic tw.metrics.clean: Read",
                "Topic tw.dead-letters: Write",
                "Group tw-export-*: Describe Read",
                "Topic tw.export.state: Read Write",
                "Group tailwater-reader: Describe Read",
            ],
        );
    }

    #[test]
    fn nobody_reads_the_quarantine() {
        let text = "bus: {kafka: {brokers: [\"a:1\"], create_topics: false}, topics: {prefix: tw}}\nenrich: {pii: {packs: [pci], detectors: {pan: {action: quarantine}}}}";
        check(
            text,
            &[Stage::Enrich],
            &[
                "Topic tw.*: Describe DescribeConfigs",
                "Topic tw.traces.sampled: Read",
                "Topic tw.logs.raw: Read",
                "Topic tw.metrics.raw: Read",
                "Topic tw.traces.clean: Write",
                "Topic tw.logs.clean: Write",
                "Topic tw.metrics.clean: Write",
                "Topic tw.dead-letters: Write",
                "Topic tw.quarantine: Write",
                "Group tw-enrich: Describe Read",
                "TransactionalId tw-enrich-*: Describe Write",
            ],
        );
        let config = Config::parse("a test", text).unwrap_or_else(|e| panic!("{e}"));
        for (stages, there) in [
            (&Stage::ALL[..], true),
            (&[Stage::Enrich], true),
            (&[Stage::Export], false),
        ] {
            let specs = config.topic_specs(stages);
            let listed = specs.iter().any(|spec| &*spec.name == "tw.quarantine");
            assert_eq!(listed, there, "{stages:?}");
        }
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
