//! A real Kafka broker for tests, without Docker: plain Maven artifacts on Java 17, ready a few seconds after the first call.
//!
//! Tests that only need a broker take [`Broker::shared`], one for each test process (or whatever `KAFKA_BROKERS`
//! names); tests that hurt it take their own by [`Broker::start`]. Topics and groups must be named by test, see
//! [`unique`]. Where Java or Maven is missing the caller gets [`Skipped`], said loudly on standard error; with
//! `TAILWATER_REQUIRE_KAFKA=1` that is a panic instead, so that CI can't pass by skipping.

mod jars;
mod listener;
mod messages;
mod process;
mod rights;
mod setup;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub use jars::VERSION;
pub use listener::{Access, Identity, Listener, PASSWORD, Tls, USER, token};
pub use messages::{Message, create_topic, messages};
use process::Process;
pub use rights::{Resource, Rights};
pub use setup::{Setup, Started};

/// There is no Kafka to test against, and why.
#[derive(Clone, Debug)]
pub struct Skipped(pub String);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped, no Kafka to test against: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

/// A broker that tests can reach; one that was started here ends with this process at the latest.
pub struct Broker {
    brokers: String,
    own: Option<Own>,
}

/// What is needed to kill and restart a broker that we started.
struct Own {
    jars: PathBuf,
    folder: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Broker {
    /// The broker of this test process: `KAFKA_BROKERS` if set, else one that is started at the first call.
    pub fn shared() -> Result<&'static Broker, Skipped> {
        static SHARED: OnceLock<Result<Broker, Skipped>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| match std::env::var("KAFKA_BROKERS") {
            Ok(brokers) if !brokers.is_empty() => Ok(Broker { brokers, own: None }),
            _ => Broker::start(),
        });
        shared.as_ref().map_err(Clone::clone)
    }

    /// A broker of the caller's own, which may be killed and restarted; never the one of `KAFKA_BROKERS`.
    pub fn start() -> Result<Broker, Skipped> {
        Ok(Setup::default().start()?.broker)
    }

    fn or_skipped<T>(start: impl FnOnce() -> Result<T>) -> Result<T, Skipped> {
        start().map_err(|error| {
            let skipped = Skipped(format!("{error:#}"));
            if std::env::var("TAILWATER_REQUIRE_KAFKA").is_ok_and(|value| value == "1") {
                panic!("TAILWATER_REQUIRE_KAFKA=1 but {skipped}");
            }
            // Not `eprintln!`, which the test harness swallows.
            let _ = writeln!(std::io::stderr(), "\n*** {skipped} ***\n");
            skipped
        })
    }

    /// `host:port`, comma-separated when there are several.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Kills the broker as `kill -9` does.
    ///
    /// # Panics
    /// If the broker isn't one that was started here; so do the other three.
    pub fn kill(&self) {
        self.own().process.lock().expect("not poisoned").take();
    }

    /// Starts the broker again on the same port and the same log, and waits until it answers.
    pub fn restart(&self) {
        let own = self.own();
        self.kill();
        let mut process =
            Process::start(&own.jars, &own.folder, true).expect("the broker starts again");
        wait_ready(&mut process, &self.brokers).expect("the broker answers again");
        *own.process.lock().expect("not poisoned") = Some(process);
    }

    /// Stops the broker's process where it stands: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let process = self.own().process.lock().expect("not poisoned");
        process
            .as_ref()
            .expect("the broker runs")
            .signal(signal)
            .expect("the broker takes signals");
    }

    /// What a topic takes on the broker's disk, in bytes; `None` unless the broker was started here.
    pub fn log_bytes(&self, topic: &str) -> Option<u64> {
        let log = self.own.as_ref()?.folder.join("log");
        let mut bytes = 0;
        for partition in std::fs::read_dir(log).ok()?.flatten() {
            let name = partition.file_name();
            let Some((of, _)) = name.to_str().and_then(|name| name.rsplit_once('-')) else {
                continue;
            };
            if of != topic {
                continue;
            }
            for file in std::fs::read_dir(partition.path()).ok()?.flatten() {
                if file.path().extension().is_some_and(|kind| kind == "log") {
                    bytes += file.metadata().ok()?.len();
                }
            }
        }
        Some(bytes)
    }

    fn own(&self) -> &Own {
        self.own
            .as_ref()
            .expect("the broker was started by this process")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            self.kill();
            let _ = std::fs::remove_dir_all(&own.folder);
        }
    }
}

/// A name for a topic or group that no other test and no other run has.
pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{name}-{:x}-{:x}-{next}",
        now.as_millis(),
        std::process::id()
    )
}

/// `more` are lines of its configuration, of which the last of a key counts, `format` arguments of the tool that formats its log.
fn start_on(
    jars: &std::path::Path,
    port: u16,
    controller: u16,
    more: &str,
    format: &[String],
) -> Result<Broker> {
    let folder = tempfile::Builder::new()
        .prefix("tailwater-kafka-")
        .tempdir()?
        .keep();
    let log = folder.join("log");
    let properties = folder.join("server.properties");
    std::fs::write(
        &properties,
        server_properties(port, controller, &log.display().to_string()) + more,
    )?;
    let format = process::java(jars)
        .args([
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "4L6g3nShT-eMCtK--X86sw",
            "-c",
        ])
        .arg(&properties)
        .args(format)
        .output()
        .context("running java (Kafka 4 needs Java 17)")?;
    if !format.status.success() {
        bail!(
            "formatting the broker's log: {}",
            String::from_utf8_lossy(&format.stderr)
        );
    }
    let brokers = format!("127.0.0.1:{port}");
    let mut process = Process::start(jars, &folder, true)?;
    wait_ready(&mut process, &brokers).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&folder);
    })?;
    Ok(Broker {
        brokers,
        own: Some(Own {
            jars: jars.to_owned(),
            folder,
            process: Mutex::new(Some(process)),
        }),
    })
}

fn wait_ready(process: &mut Process, brokers: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(90);
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "100")
        .set("log_level", "0");
    let client: BaseConsumer = config.create()?;
    loop {
        // Blocks for its timeout while nothing answers, so this is no busy loop.
        match client.fetch_metadata(None, Duration::from_millis(200)) {
            Ok(metadata) if !metadata.brokers().is_empty() => return Ok(()),
            _ if Instant::now() > deadline => bail!("no answer from {brokers} for 90 s"),
            _ => {}
        }
        if let Some(status) = process.ended() {
            bail!("the broker ended by itself: {status}");
        }
    }
}

/// One node that is broker and controller. Everything that a production cluster does slowly is made quick: empty
/// groups don't wait for members, timed-out transactions and expired segments are looked for every second.
fn server_properties(port: u16, controller: u16, log: &str) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={log}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.retention.check.interval.ms=1000
log.initial.task.delay.ms=1000
"
    )
}

/// Deletes the records of a partition below `before`, as retention does.
pub fn delete_records(brokers: &str, topic: &str, partition: i32, before: i64) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, Offset::Offset(before))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let deleted = runtime.block_on(admin.delete_records(&offsets, &AdminOptions::new()))?;
    for elem in deleted.elements() {
        elem.error()?;
    }
    Ok(())
}

/// Makes the brokers delete a raw topic's records when they are this old; `None`: never.
pub fn set_retention(brokers: &str, topic: &str, age: Option<Duration>) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    let retention = age.map_or("-1".to_owned(), |age| age.as_millis().to_string());
    // Only whole segments are deleted.
    let segment = age.map_or("604800000".to_owned(), |age| {
        (age.as_millis() / 2).to_string()
    });
    // This replaces all settings of the topic: what we create it with has to be among them.
    let config = AlterConfig::new(ResourceSpecifier::Topic(topic))
        .set("message.timestamp.type", "LogAppendTime")
        .set("retention.ms", &retention)
        .set("segment.ms", &segment);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for altered in runtime.block_on(admin.alter_configs([&config], &AdminOptions::new()))? {
        altered.map_err(|(_, code)| anyhow::anyhow!("setting the retention of {topic}: {code}"))?;
    }
    Ok(())
}

/// Deletes topics, and waits until they are gone.
pub fn delete_topics(brokers: &str, topics: &[impl AsRef<str>]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    let names: Vec<_> = topics.iter().map(AsRef::as_ref).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for deleted in runtime.block_on(admin.delete_topics(&names, &AdminOptions::new()))? {
        deleted.map_err(|(topic, code)| anyhow::anyhow!("deleting {topic}: {code}"))?;
    }
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    crate::wait_until("topics to be gone", Duration::from_secs(30), || {
        client
            .fetch_metadata(None, Duration::from_secs(5))
            .is_ok_and(|metadata| {
                (metadata.topics().iter()).all(|topic| !names.contains(&topic.name()))
            })
    });
    Ok(())
}

/// Deletes a group, which must have no members, with its positions.
pub fn forget_group(brokers: &str, group: &str) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for deleted in runtime.block_on(admin.delete_groups(&[group], &AdminOptions::new()))? {
        deleted.map_err(|(group, code)| anyhow::anyhow!("deleting group {group}: {code}"))?;
    }
    Ok(())
}
