//! Whether a cluster is as a configuration wants it: topics, their settings and replicas, and each right by its name.
//!
//! Creates no topic and joins no group. To see whether a transactional id may be used it is used, with nothing in its transaction; the brokers
//! forget it by themselves.

mod described;
mod settings;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;

use self::described::Described;
use crate::kafka::committing::sending::EpochContext;
use crate::kafka::connecting::errors::lacks_right;
use crate::kafka::connecting::lookups::{ANSWER, Lookups};
use crate::kafka::connecting::polled::PolledProducer;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::connecting::topics;
use crate::{Asked, AskedTopic, Error, Finding, Result, TopicSpec};

/// What isn't as it should be; nothing, if all is well.
///
/// # Errors
/// The brokers can't be reached, or let nobody in.
pub fn examine(
    properties: &Properties,
    lookups: &Lookups,
    replication_factor: Option<u16>,
    asked: &Asked,
) -> Result<Vec<Finding>> {
    let (mut findings, missing, readable) = topics_there(lookups, asked)?;
    let creating = creating(properties, asked.creates, replication_factor, &missing)?;
    findings.extend(creating);
    findings.extend(settings::examine(properties, &readable)?);
    findings.extend(groups(lookups, &asked.groups)?);
    for id in &asked.transactional_ids {
        findings.extend(transactions(properties, id)?);
    }
    Ok(findings)
}

/// What is found of the topics that are there; those that aren't; and those whose settings may be read.
type There<'a> = (Vec<Finding>, Vec<&'a TopicSpec>, Vec<&'a AskedTopic>);

fn topics_there<'a>(lookups: &Lookups, asked: &'a Asked) -> Result<There<'a>> {
    let names = asked.topics.iter().map(|topic| topic.spec.name.to_string());
    let names: Vec<_> = names.collect();
    let found = described::topics(&lookups.client(), &names, ANSWER)
        .map_err(|why| unanswered("topics", &why))?;
    let (mut findings, mut missing, mut readable) = (Vec::new(), Vec::new(), Vec::new());
    for topic in &asked.topics {
        let name = &*topic.spec.name;
        let what = format!("topic `{name}`");
        match found.iter().find(|found| found.name == name) {
            Some(found) if found.refused.is_none() => {
                let rights = lacking(&topic.operations, found);
                if !rights.contains(&"DescribeConfigs") {
                    readable.push(topic);
                }
                findings.extend(rights.iter().map(|right| Finding::right(right, &what)));
                findings.extend(shape(topic, found));
            }
            Some(found) if found.refused.is_some_and(lacks_right) => {
                findings.push(Finding::right("Describe", &what));
            }
            _ => missing.push(&topic.spec),
        }
    }
    Ok((findings, missing, readable))
}

fn groups(lookups: &Lookups, names: &[String]) -> Result<Vec<Finding>> {
    let found = described::groups(&lookups.client(), names, ANSWER)
        .map_err(|why| unanswered("groups", &why))?;
    let mut findings = Vec::new();
    for group in &found {
        let what = format!("group `{}`", group.name);
        match group.refused {
            None => {
                let rights = lacking(&["Describe", "Read"], group);
                findings.extend(rights.iter().map(|right| Finding::right(right, &what)));
            }
            Some(code) if lacks_right(code) => findings.push(Finding::right("Describe", &what)),
            // There is no such group yet, of which some brokers tell nothing.
            Some(_) => {}
        }
    }
    Ok(findings)
}

fn unanswered(what: &str, why: &str) -> Error {
    Error::Unavailable(format!("asking the Kafka brokers for {what}: {why}"))
}

/// Of these operations, those that aren't allowed.
fn lacking(operations: &[&'static str], described: &Described) -> Vec<&'static str> {
    // Brokers that can't tell, tell nothing.
    if described.operations.is_empty() {
        return Vec::new();
    }
    let lacks = |operation: &&&str| !described.operations.contains(operation);
    operations.iter().filter(lacks).copied().collect()
}

/// Partitions and replicas.
fn shape(topic: &AskedTopic, found: &Described) -> Vec<Finding> {
    let (name, wanted) = (&topic.spec.name, topic.spec.partitions as usize);
    let mut findings = Vec::new();
    if found.partitions.len() != wanted {
        findings.push(Finding::error(format!(
            "topic `{name}` has {} partitions where the configuration says {wanted}; set bus.topics.partitions to the count that is there, or use another bus.topics.prefix",
            found.partitions.len()
        )));
    }
    let behind = |partition: &&described::Partition| partition.in_sync < partition.replicas;
    let behind = found.partitions.iter().filter(behind).count();
    if behind > 0 {
        findings.push(Finding::warning(format!(
            "topic `{name}`: {behind} of {} partitions have fewer replicas in sync than they should; look after the brokers",
            found.partitions.len()
        )));
    }
    findings
}

/// Topics that aren't there: whether we would be allowed to create them.
fn creating(
    properties: &Properties,
    creates: bool,
    replication_factor: Option<u16>,
    missing: &[&TopicSpec],
) -> Result<Vec<Finding>> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if !creates {
        let absent = |spec: &&TopicSpec| {
            Finding::error(format!(
                "topic `{}` is missing; create it (`tailwater topics` prints how), or set bus.kafka.create_topics: true",
                spec.name
            ))
        };
        return Ok(missing.iter().map(absent).collect());
    }
    let refused = topics::would_create(properties, replication_factor, missing)?;
    let finding = |(name, code): (String, RDKafkaErrorCode)| match lacks_right(code) {
        true => Finding::right("Create", &format!("topic `{name}`")),
        false => Finding::error(format!(
            "topic `{name}` is missing and can't be created: {code}"
        )),
    };
    Ok(refused.into_iter().map(finding).collect())
}

fn transactions(properties: &Properties, id: &str) -> Result<Option<Finding>> {
    let what = format!("transactional id `{id}`");
    let context = EpochContext::new(properties.context("check"), properties.message_bytes_max());
    let producer =
        PolledProducer::new(&properties.transactions(id), context, properties.login())
            .map_err(|e| Error::Fatal(format!("creating a transactional Kafka producer: {e}")))?;
    match producer.init_transactions(ANSWER) {
        Ok(()) => Ok(None),
        Err(KafkaError::Transaction(e)) if lacks_right(e.code()) => {
            Ok(Some(Finding::right("Write", &what)))
        }
        Err(e) => Ok(Some(Finding::error(format!("{what} can't be used: {e}")))),
    }
}
