//! Kafka's MirrorMaker 2 as a process, copying topics of one broker to another under a longer name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Result;

use crate::clients::{Missing, cached, found, run, sources};
use crate::kafka::Broker;
use crate::watchdog::Watchdog;

/// The folder with its jars, fetched now or earlier.
pub fn jars() -> Result<PathBuf, Missing> {
    found("MirrorMaker", || {
        let pom = fs::read(sources("mirror-maker").join("pom.xml"))?;
        let folder = cached("mirror-maker", &pom, |folder| {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("pom.xml"), &pom)?;
            run(Command::new("mvn")
                .args(["-q", "-B", "dependency:copy-dependencies"])
                .arg("-DoutputDirectory=libs")
                .current_dir(folder))
        })?;
        Ok(folder.join("libs"))
    })
}

/// One that runs, until dropped.
pub struct MirrorMaker {
    child: Child,
    watchdog: Watchdog,
    log: PathBuf,
}

impl MirrorMaker {
    /// Copies `topic` of the broker `from`, known as `alias`, to `to` as `<alias>.<topic>`. Its files lie in `folder`.
    pub fn start(
        jars: &Path,
        folder: &Path,
        alias: &str,
        from: &Broker,
        to: &Broker,
        topic: &str,
    ) -> Self {
        let (properties, log) = (folder.join("mirror.properties"), folder.join("mirror.log"));
        fs::write(&properties, lines(alias, from, to, topic)).unwrap();
        let output = fs::File::create(&log).unwrap();
        let child = Command::new("java")
            .args(["-Xms64m", "-Xmx256m", "-XX:TieredStopAtLevel=1"])
            .args(["-XX:+UseSerialGC", "-cp"])
            .arg(jars.join("*"))
            .arg("org.apache.kafka.connect.mirror.MirrorMaker")
            .arg(&properties)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .expect("java starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        Self {
            child,
            watchdog,
            log,
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }
}

impl Drop for MirrorMaker {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(40)..];
            eprintln!("--- the end of MirrorMaker's log ---\n{}", shown.join("\n"));
        }
    }
}

/// As docs/how-to/many-clusters.md says, for one broker on either side and in a hurry.
fn lines(alias: &str, from: &Broker, to: &Broker, topic: &str) -> String {
    format!(
        "clusters = {alias}, central
{alias}.bootstrap.servers = {from}
central.bootstrap.servers = {to}
{alias}->central.enabled = true
{alias}->central.topics = {topic}
central->{alias}.enabled = false
{alias}.consumer.isolation.level = read_committed
emit.heartbeats.enabled = false
emit.checkpoints.enabled = false
sync.group.offsets.enabled = false
sync.topic.acls.enabled = false
replication.factor = 1
offset-syncs.topic.replication.factor = 1
config.storage.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
refresh.topics.interval.seconds = 1
offset.flush.interval.ms = 1000
tasks.max = 2
",
        from = from.brokers(),
        to = to.brokers(),
    )
}
