//! What a cluster is asked for by `check --connect`: the wanted topics and rights, as questions.

use std::time::Duration;

use bus::{Asked, AskedTopic, BusKind};
use schemas::{Signal, Topics};

use super::rights::{Kind, Right, rights};
use crate::config::Config;
use crate::stage::Stage;

/// What these stages want.
pub fn asked(config: &Config, stages: &[Stage]) -> Asked {
    let all = rights(config, stages);
    let (creates, replicas) = match &config.bus.kind {
        BusKind::Kafka(kafka) => (
            kafka.create_topics.unwrap_or(true),
            kafka.replication_factor,
        ),
        BusKind::Embedded(_) => (false, None),
    };
    let classes = config.topics_of(stages);
    let specs = config.topic_specs(stages).into_iter();
    let retention_of = |name: &str| (classes.iter()).find_map(|it| retention(config, it, name));
    let asked = specs.map(|spec| AskedTopic {
        operations: operations(&all, &spec.name),
        retention_min: retention_of(&spec.name),
        replicas,
        spec,
    });
    Asked {
        topics: asked.collect(),
        creates,
        groups: groups(config, &all),
        transactional_ids: (all.iter())
            .filter(|right| right.kind == Kind::TransactionalId)
            .map(|right| format!("{}check", right.name))
            .collect(),
    }
}

/// What has to be allowed on a topic that is there.
fn operations(rights: &[Right], topic: &str) -> Vec<&'static str> {
    let concerns = |right: &&Right| {
        let named = match right.prefixed {
            true => topic.starts_with(&right.name),
            false => right.name == topic,
        };
        right.kind == Kind::Topic && named
    };
    let all = rights.iter().filter(concerns);
    let mut operations: Vec<_> = all
        .flat_map(|right| right.operations.iter().copied())
        .filter(|operation| *operation != "Create")
        .collect();
    operations.sort_unstable();
    operations.dedup();
    operations
}

/// Groups by their names: of export, each backend has its own.
fn groups(config: &Config, rights: &[Right]) -> Vec<String> {
    let groups = rights.iter().filter(|right| right.kind == Kind::Group);
    let names = groups.flat_map(|right| match right.prefixed {
        false => vec![right.name.clone()],
        true => (config.export.backends.iter())
            .map(|backend| format!("{}{}", right.name, backend.name))
            .collect(),
    });
    names.collect()
}

/// As docs/how-to/size.md has it, outages aside.
fn retention(config: &Config, topics: &Topics, topic: &str) -> Option<Duration> {
    let sampler = &config.raw.sampler;
    if *topics.raw(Signal::Traces) == *topic {
        return Some(sampler.decision_wait.0);
    }
    let verdicts = sampler.decision_cache_ttl.0 * 2 + Duration::from_secs(60);
    (*topics.decisions() == *topic).then_some(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_asks_for_what_it_needs() {
        let text = "bus: {kafka: {brokers: [\"a:1\"]}, topics: {prefix: tw}}\nexport: {backends: [{name: one, stdout: {}}]}";
        let config = Config::parse("a test", text).unwrap_or_else(|e| panic!("{e}"));
        let ingest = asked(&config, &[Stage::Ingest]);
        assert_eq!(
            (ingest.groups.len(), ingest.transactional_ids.len()),
            (0, 0)
        );
        let of = |asked: &Asked, topic: &str| {
            let found = asked.topics.iter().find(|one| *one.spec.name == *topic);
            found.expect("the topic").operations.join(" ")
        };
        assert_eq!(
            of(&ingest, "tw.traces.raw"),
            "Describe DescribeConfigs Write"
        );
        assert_eq!(of(&ingest, "tw.decisions"), "Describe DescribeConfigs");
        let all = asked(&config, &Stage::ALL);
        assert_eq!(
            of(&all, "tw.traces.raw"),
            "Describe DescribeConfigs Read Write"
        );
        assert_eq!(
            all.groups,
            [
                "tw-sampler",
                "tailwater-reader",
                "tw-enrich",
                "tw-export-one"
            ]
        );
        assert_eq!(
            all.transactional_ids,
            ["tw-sampler-check", "tw-enrich-check"]
        );
    }
}
