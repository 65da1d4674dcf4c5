//! Creates missing topics and checks the ones that are there.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode;

use crate::kafka::connecting::errors::{error, lacks_right, needs_somebody};
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::logged_in::LoggedIn;
use crate::kafka::connecting::lookups::{ANSWER, Lookups};
use crate::kafka::connecting::properties::Properties;
use crate::{Error, Result, Timestamps, TopicSpec};

/// Creates what is missing, checks what is there, and notes how large its messages may be.
pub(in crate::kafka) fn ensure(
    lookups: &Lookups,
    properties: &Properties,
    create_missing: bool,
    replication_factor: Option<u16>,
    topics: &[TopicSpec],
) -> Result<()> {
    create_missing_ones(
        lookups,
        properties,
        create_missing,
        replication_factor,
        topics,
    )?;
    limit_messages(properties, topics)
}

fn create_missing_ones(
    lookups: &Lookups,
    properties: &Properties,
    create_missing: bool,
    replication_factor: Option<u16>,
    topics: &[TopicSpec],
) -> Result<()> {
    let missing = check(lookups, topics)?;
    if missing.is_empty() {
        return Ok(());
    }
    if !create_missing {
        let names: Vec<_> = missing
            .iter()
            .map(|topic| format!("`{}` ({} partitions)", topic.name, topic.partitions))
            .collect();
        return Err(Error::Fatal(format!(
            "topics are missing: {}; create them, or set `bus.kafka.create_topics: true`",
            names.join(", ")
        )));
    }
    create(properties, replication_factor, &missing)?;
    // Brokers learn of a new topic one after the other.
    let deadline = Instant::now() + ANSWER;
    loop {
        match check(lookups, topics)?.first() {
            None => return Ok(()),
            Some(topic) if Instant::now() > deadline => {
                return Err(Error::Unavailable(format!(
                    "topic `{}` was created but does not appear",
                    topic.name
                )));
            }
            Some(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The topics that are missing.
///
/// # Errors
/// One error for all topics whose partition count is another one.
fn check<'a>(lookups: &Lookups, topics: &'a [TopicSpec]) -> Result<Vec<&'a TopicSpec>> {
    let mut missing = Vec::new();
    let mut mismatches = BTreeMap::new();
    for topic in topics {
        match lookups.partition_count(&topic.name)? {
            None => missing.push(topic),
            Some(found) if found != topic.partitions => {
                mismatches.insert(topic.name.clone(), (found, topic.partitions));
            }
            Some(_) => {}
        }
    }
    if mismatches.is_empty() {
        return Ok(missing);
    }
    let lines: Vec<_> = mismatches
        .iter()
        .map(|(name, (found, wanted))| {
            format!("topic `{name}` has {found} partitions where the configuration says {wanted}")
        })
        .collect();
    Err(Error::Fatal(format!(
        "{}; all spans of a trace must meet in one partition, so counts can't differ or change later: set \
         `bus.topics.partitions` to the count that is there, or use another `bus.topics.prefix`, or delete the topics",
        lines.join("; ")
    )))
}

/// Takes the smallest `max.message.bytes` of the topics as ours. Who may not read their configuration has the client's own limit.
fn limit_messages(properties: &Properties, topics: &[TopicSpec]) -> Result<()> {
    let attempted = "asking the Kafka brokers for the topics' max.message.bytes";
    let admin = admin(properties, attempted)?;
    let names: Vec<_> = topics
        .iter()
        .map(|topic| ResourceSpecifier::Topic(&topic.name))
        .collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let described =
        block_on(admin.describe_configs(&names, &options)).map_err(|e| error(attempted, &e))?;
    for topic in described {
        match topic {
            Ok(topic) => {
                let value = topic
                    .get(MESSAGE_BYTES_MAX)
                    .and_then(|entry| entry.value.as_ref()?.parse().ok());
                properties.limit_messages(value.unwrap_or(usize::MAX));
            }
            Err(code) => {
                tracing::warn!(%code, "{attempted} failed; larger records than they take are refused one by one");
            }
        }
    }
    tracing::debug!(bytes = properties.message_bytes_max(), "largest message");
    Ok(())
}

/// Who may not read a topic's configuration has to take its records as stamped by their producers.
pub(in crate::kafka) fn timestamps(properties: &Properties, topic: &str) -> Result<Timestamps> {
    let otherwise = "records are taken as stamped by their producers, whose clocks may be wrong";
    let kind = setting(properties, topic, MESSAGE_TIMESTAMPS, otherwise)?;
    Ok(match kind.as_deref() {
        Some(LOG_APPEND) => Timestamps::LogAppend,
        _ => Timestamps::Create,
    })
}

pub(in crate::kafka) fn retention(
    properties: &Properties,
    topic: &str,
) -> Result<Option<Duration>> {
    let otherwise = "how near a stage is to what retention deletes isn't shown";
    let text = setting(properties, topic, RETENTION_MS, otherwise)?;
    // -1 stands for no bound.
    let ms = text.and_then(|text| text.parse().ok());
    Ok(ms.map(Duration::from_millis))
}

/// One setting of a topic; `None`, with a warning that says what follows, where it may not be read.
fn setting(
    properties: &Properties,
    topic: &str,
    name: &str,
    otherwise: &str,
) -> Result<Option<String>> {
    let attempted = format!("asking the Kafka brokers for {name} of topic `{topic}`");
    let admin = admin(properties, &attempted)?;
    let names = [ResourceSpecifier::Topic(topic)];
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let described =
        block_on(admin.describe_configs(&names, &options)).map_err(|e| error(&attempted, &e))?;
    for topic in described {
        match topic {
            Ok(topic) => return Ok(topic.get(name).and_then(|entry| entry.value.clone())),
            Err(code) => tracing::warn!(%code, "{attempted} failed; {otherwise}"),
        }
    }
    Ok(None)
}

/// The settings of topics that may be read; those of others aren't told.
pub(in crate::kafka) fn settings(
    properties: &Properties,
    topics: &[&str],
) -> Result<Vec<(String, HashMap<String, String>)>> {
    let attempted = "asking the Kafka brokers for the settings of topics";
    if topics.is_empty() {
        return Ok(Vec::new());
    }
    let admin = admin(properties, attempted)?;
    let names: Vec<_> = (topics.iter().copied())
        .map(ResourceSpecifier::Topic)
        .collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let described =
        block_on(admin.describe_configs(&names, &options)).map_err(|e| error(attempted, &e))?;
    let read = described.into_iter().flatten().filter_map(|topic| {
        let OwnedResourceSpecifier::Topic(name) = topic.specifier else {
            return None;
        };
        let pairs = topic.entries.into_iter();
        let pairs = pairs.filter_map(|entry| Some((entry.name, entry.value?)));
        Some((name, pairs.collect()))
    });
    Ok(read.collect())
}

/// Why topics couldn't be created, each by its name; nothing is.
pub(in crate::kafka) fn would_create(
    properties: &Properties,
    replication_factor: Option<u16>,
    topics: &[&TopicSpec],
) -> Result<Vec<(String, RDKafkaErrorCode)>> {
    let attempted = "asking whether topics may be created";
    let admin = admin(properties, attempted)?;
    let retentions = retentions(topics);
    let new = new_topics(replication_factor, topics, &retentions);
    let options = AdminOptions::new()
        .request_timeout(Some(ANSWER))
        .operation_timeout(Some(ANSWER))
        .validate_only(true);
    let results =
        block_on(admin.create_topics(&new, &options)).map_err(|e| error(attempted, &e))?;
    Ok(results
        .into_iter()
        .filter_map(|result| result.err())
        .collect())
}

const MESSAGE_TIMESTAMPS: &str = "message.timestamp.type";
const RETENTION_MS: &str = "retention.ms";
const LOG_APPEND: &str = "LogAppendTime";
const MESSAGE_BYTES_MAX: &str = "max.message.bytes";

fn admin(properties: &Properties, attempted: &str) -> Result<LoggedIn<AdminClient<Context>>> {
    LoggedIn::admin(&properties.lookup(), properties.context("admin"))
        .map_err(|e| error(attempted, &e))
}

fn create(
    properties: &Properties,
    replication_factor: Option<u16>,
    topics: &[&TopicSpec],
) -> Result<()> {
    let attempted = "creating topics";
    let admin = admin(properties, attempted)?;
    let retentions = retentions(topics);
    let new = new_topics(replication_factor, topics, &retentions);
    let options = AdminOptions::new()
        .request_timeout(Some(ANSWER))
        .operation_timeout(Some(ANSWER));
    let results =
        block_on(admin.create_topics(&new, &options)).map_err(|e| error(attempted, &e))?;
    let failed: Vec<_> = results
        .into_iter()
        .filter_map(|result| result.err())
        // Another process was faster.
        .filter(|(_, code)| *code != RDKafkaErrorCode::TopicAlreadyExists)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = failed
        .iter()
        .map(|(name, code)| format!("`{name}`: {code}"))
        .collect();
    let too_many =
        (failed.iter()).any(|(_, code)| *code == RDKafkaErrorCode::InvalidReplicationFactor);
    let advice = match replication_factor {
        Some(factor) if too_many => format!(
            "; there are fewer brokers than replicas: lower bus.kafka.replication_factor ({factor}) to the number of brokers, or leave it out for their default"
        ),
        _ => String::new(),
    };
    let message = format!("creating topics: {}{advice}", lines.join("; "));
    let any = |is: fn(RDKafkaErrorCode) -> bool| failed.iter().any(|(_, code)| is(*code));
    Err(match (any(lacks_right), any(needs_somebody)) {
        (true, _) => Error::Denied(message),
        (_, true) => Error::Fatal(message),
        _ => Error::Unavailable(message),
    })
}

/// In milliseconds, as text.
fn retentions(topics: &[&TopicSpec]) -> Vec<Option<String>> {
    let retention = |topic: &&TopicSpec| topic.retention.map(|it| it.as_millis().to_string());
    topics.iter().map(retention).collect()
}

fn new_topics<'a>(
    replication_factor: Option<u16>,
    topics: &[&'a TopicSpec],
    retentions: &'a [Option<String>],
) -> Vec<NewTopic<'a>> {
    let new = topics.iter().zip(retentions).map(|(topic, retention)| {
        let replication = TopicReplication::Fixed(replication_factor.map_or(-1, i32::from));
        let timestamps = match topic.timestamps {
            Timestamps::LogAppend => LOG_APPEND,
            Timestamps::Create => "CreateTime",
        };
        let new = NewTopic::new(&topic.name, topic.partitions as i32, replication)
            .set(MESSAGE_TIMESTAMPS, timestamps);
        let new = match retention {
            Some(retention) => new.set(RETENTION_MS, retention),
            None => new,
        };
        match topic.compacted {
            true => new.set("cleanup.policy", "compact"),
            false => new,
        }
    });
    new.collect()
}

/// Admin calls of rdkafka are futures that its own thread completes; this waits for one, without a runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
